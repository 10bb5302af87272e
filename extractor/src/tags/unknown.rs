//! Tags of which nothing is known: whatever they can see, they may read; their body may run.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;
use crate::unicode::is_word;
use crate::unit::{BodyId, ExprId, Op};

/// Words that tags use as syntax.
const KEYWORDS: [&str; 10] = ["as", "with", "in", "by", "only", "and", "or", "not", "from", "for"];

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let_go(parser, tag);
    match parser.closer_of(tag.row) {
        Some(closer) => parser.open(tag, Box::new(UnknownBlock { closer })),
        None => Ok(()),
    }
}

/// Lets go of everything that the tag names, and of the context.
pub(super) fn let_go(parser: &mut Parser<'_>, tag: &TagToken<'_>) {
    if !parser.unit.unknown.iter().any(|known| known == tag.command) {
        parser.unit.unknown.push(tag.command.to_owned());
    }
    let label = parser.names.intern(tag.command);
    for bit in tag.bits().unwrap_or_default().iter().skip(1).filter(|bit| !KEYWORDS.contains(&&*bit.text)) {
        for expr in read_as(parser, bit) {
            parser.emit(Op::Escape { expr, tag: label });
        }
    }
    parser.emit(Op::Context { tag: label, reads: None, span: tag.span });
}

/// Returns the expressions that a tag might see in a bit: the value of `key=value`, the whole bit, or the pieces of what is neither.
fn read_as(parser: &mut Parser<'_>, bit: &Bit<'_>) -> Vec<ExprId> {
    let (name, value) = bit.keyword();
    if let Some(expr) = parser.compile(&value).ok().or_else(|| name.and_then(|_| parser.compile(bit).ok())) {
        return vec![expr];
    }
    let pieces = bit.text.split(|c: char| !is_word(c) && !".|:+-'\"".contains(c));
    pieces.filter_map(|piece| parser.compile_text(piece, bit.at).ok()).collect()
}

struct UnknownBlock {
    closer: usize,
}

impl Section for UnknownBlock {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&[])
    }

    fn ends(&self, _: &str, row: usize) -> bool {
        row == self.closer
    }

    fn absorbs(&self, command: &str, _: usize) -> bool {
        ["else", "elif", "elseif", "empty", "plural"].contains(&command)
    }

    fn closer(&self) -> Option<usize> {
        Some(self.closer)
    }

    fn turn(self: Box<Self>, _: &mut Parser<'_>, _: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        Ok(Turn::Close(Some(Op::Maybe(body))))
    }
}
