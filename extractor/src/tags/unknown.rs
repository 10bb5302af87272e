//! Tags of which nothing is known: whatever they can see, they may read; their bodies may run, in any order and more than once.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;
use crate::unicode::is_word;
use crate::unit::{BodyId, ExprId, Op};

/// Tags with which a tag may start another body.
const BRANCHES: [&str; 5] = ["else", "elif", "elseif", "empty", "plural"];
/// Words that tags use as syntax.
const KEYWORDS: [&str; 10] = ["as", "with", "in", "by", "only", "and", "or", "not", "from", "for"];

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let_go(parser, tag);
    match parser.closer_of(tag.row) {
        Some(closer) => {
            let label = parser.names.intern(tag.command);
            parser.open(tag, Box::new(UnknownBlock { closer, label, bodies: Vec::new() }))
        }
        None => Ok(()),
    }
}

/// Lets go of everything that the tag names, and of the context.
pub(super) fn let_go(parser: &mut Parser<'_>, tag: &TagToken<'_>) {
    let label = parser.names.intern(tag.command);
    if !parser.unit.unknown.contains(&label) {
        parser.unit.unknown.push(label);
    }
    escape(parser, tag, label);
    parser.emit(Op::Context { tag: label, reads: None, writes: true, span: tag.span });
}

/// Lets go of everything that a tag names, for the tag `label`.
fn escape(parser: &mut Parser<'_>, tag: &TagToken<'_>, label: Sym) {
    for bit in tag.bits().unwrap_or_default().iter().skip(1).filter(|bit| !KEYWORDS.contains(&&*bit.text)) {
        for expr in read_as(parser, bit) {
            parser.emit(Op::Escape { expr, tag: label });
        }
        let inner = variables(parser, bit);
        if !inner.is_empty() {
            let body = parser.body(inner.into_iter().map(|expr| Op::Escape { expr, tag: label }));
            parser.emit(Op::Maybe(body));
        }
    }
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

/// Returns what stands in the text of an argument, as in `title="{{ lease.name }}"`.
fn variables(parser: &mut Parser<'_>, bit: &Bit<'_>) -> Vec<ExprId> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, inner)) = bit.text.get(from..).and_then(variable) {
        let padding = inner.len() - inner.trim_start().len();
        found.extend(parser.compile_text(inner.trim(), bit.at + from + start + padding));
        from += start + inner.len() + "}}".len();
    }
    found
}

/// Returns where the first variable of a text starts, and what stands between its braces.
fn variable(text: &str) -> Option<(usize, &str)> {
    let start = text.find("{{")? + "{{".len();
    let (inner, _) = text.get(start..)?.split_once("}}")?;
    Some((start, inner))
}

struct UnknownBlock {
    closer: usize,
    label: Sym,
    bodies: Vec<Op>,
}

impl Section for UnknownBlock {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&[])
    }

    fn ends(&self, command: &str, row: usize) -> bool {
        row == self.closer || BRANCHES.contains(&command)
    }

    fn closer(&self) -> Option<usize> {
        Some(self.closer)
    }

    fn turn(mut self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        self.bodies.push(Op::Maybe(body));
        if tag.row == self.closer {
            let bodies = parser.body(self.bodies);
            return Ok(Turn::Close(Some(Op::Again(bodies))));
        }
        escape(parser, tag, self.label);
        Ok(Turn::Next(self))
    }
}
