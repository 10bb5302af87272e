//! `{% if %}` and `{% ifchanged %}`.

use smallvec::smallvec;

use super::condition::condition;
use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::tree::Uses;
use crate::unit::{Arms, BodyId, Op, Reads};

struct If {
    arms: Arms,
    /// The condition of the arm that is open; none in `else`.
    reads: Option<Reads>,
}

pub(super) fn if_<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let reads = condition(parser, tag)?;
    parser.open(tag, Box::new(If { arms: Arms::new(), reads: Some(reads) }))
}

impl Section for If {
    fn until(&self) -> Until<'_> {
        Until::Fixed(if self.reads.is_some() { &["elif", "else", "endif"] } else { &["endif"] })
    }

    fn turn(mut self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let otherwise = match self.reads.take() {
            Some(reads) => {
                self.arms.push((reads, body));
                None
            }
            None => Some(body),
        };
        if otherwise.is_none() && tag.contents.starts_with("elif") {
            self.reads = Some(condition(parser, tag)?);
            return Ok(Turn::Next(self));
        }
        if otherwise.is_none() && tag.contents == "else" {
            return Ok(Turn::Next(self));
        }
        if tag.contents != "endif" {
            let line = parser.line(tag.span.start);
            let error = tag.error(format!("Malformed template tag at line {line}: \"{}\"", tag.contents));
            return Err(error.with_help("write {% elif condition %}, or {% else %} and {% endif %} with nothing after the word"));
        }
        Ok(Turn::Close(Some(Op::If { arms: self.arms, otherwise })))
    }
}

struct IfChanged {
    bare: bool,
    first: Option<BodyId>,
}

/// Compares its arguments with those of the round before, or else what its body renders.
pub(super) fn ifchanged<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    for bit in bits.iter().skip(1) {
        parser.argument(bit, Uses::CMP)?;
    }
    parser.open(tag, Box::new(IfChanged { bare: bits.len() == 1, first: None }))
}

impl Section for IfChanged {
    fn until(&self) -> Until<'_> {
        Until::Fixed(if self.first.is_none() { &["else", "endifchanged"] } else { &["endifchanged"] })
    }

    fn turn(mut self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        match self.first {
            None if tag.contents == "else" => {
                self.first = Some(body);
                Ok(Turn::Next(self))
            }
            // The body always renders, once more if that gave nothing, and `else` may follow it.
            first if self.bare => {
                let always = first.unwrap_or(body);
                let mut ops = vec![Op::Run(always), Op::Maybe(always)];
                ops.extend(first.map(|_| Op::Maybe(body)));
                let body = parser.body(ops);
                Ok(Turn::Close(Some(Op::Run(body))))
            }
            None => Ok(Turn::Close(Some(Op::Maybe(body)))),
            Some(first) => Ok(Turn::Close(Some(Op::If { arms: smallvec![(Reads::new(), first)], otherwise: Some(body) }))),
        }
    }
}
