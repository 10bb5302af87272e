//! Tags of which nothing is known: whatever they can see, they may read; their body may run.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::unit::{BodyId, Op};

/// Words that tags use as syntax.
const KEYWORDS: [&str; 10] = ["as", "with", "in", "by", "only", "and", "or", "not", "from", "for"];

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    if !parser.unit.unknown.iter().any(|known| known == tag.command) {
        parser.unit.unknown.push(tag.command.to_owned());
    }
    let label = parser.names.intern(tag.command);
    for bit in tag.bits().unwrap_or_default().iter().skip(1).filter(|bit| !KEYWORDS.contains(&&*bit.text)) {
        let (name, value) = bit.keyword();
        let parsed = parser.compile(&value);
        if let Some(expr) = parsed.ok().or_else(|| name.and_then(|_| parser.compile(bit).ok())) {
            parser.emit(Op::Escape { expr, tag: label });
        }
    }
    parser.emit(Op::Context { tag: label, reads: None, span: tag.span });
    match parser.closer_of(tag.row) {
        Some(closer) => parser.open(tag, Box::new(UnknownBlock { closer })),
        None => Ok(()),
    }
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
