//! Tags that give names to values: `{% with %}`, `{% firstof %}`, `{% regroup %}`.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Op, Read, Want};

struct With {
    binds: Vec<(Sym, ExprId)>,
}

pub(super) fn with<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let bits = bits.get(1..).unwrap_or(&[]);
    let (binds, used) = parser.keywords(bits, true)?;
    if binds.is_empty() {
        return Err(tag.error("'with' expected at least one variable assignment"));
    }
    if let Some(bit) = bits.get(used) {
        return Err(tag.error(format!("'with' received an invalid token: '{}'", bit.text)));
    }
    parser.open(tag, Box::new(With { binds }))
}

impl Section for With {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&["endwith"])
    }

    fn turn(self: Box<Self>, _: &mut Parser<'_>, _: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        Ok(Turn::Close(Some(Op::With { binds: self.binds, body })))
    }
}

/// The first true value is printed; those after it are not read.
pub(super) fn firstof<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let (values, name) = match bits.get(1..).unwrap_or(&[]) {
        [] => return Err(tag.error("'firstof' statement requires at least one argument")),
        [values @ .., word, name] if *word == "as" => (values, Some(name)),
        values => (values, None),
    };
    for (row, value) in values.iter().enumerate() {
        let expr = parser.compile(value)?;
        let want = Want::Use(Uses::BOOL.and(Uses::OUT));
        parser.emit(Op::Read(Read { expr, want, maybe: row > 0, lenient: false }));
    }
    if let Some(name) = name {
        parser.assign(&name.text);
    }
    Ok(())
}

/// Groups elements by `name.key`, which is an expression of its own.
pub(super) fn regroup<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, target, by, key, word, name] = bits.as_slice() else {
        return Err(tag.error("'regroup' tag takes five arguments"));
    };
    let target = parser.compile(target)?;
    if *by != "by" {
        return Err(tag.error("second argument to 'regroup' tag must be 'by'"));
    }
    if *word != "as" {
        return Err(tag.error("next-to-last argument to 'regroup' tag must be 'as'"));
    }
    let text = format!("{}.{}", name.text, key.text);
    let at = key.at;
    let key = parser.compile_text(&text, at.saturating_sub(name.text.len() + 1))?;
    parser.unit.exprs.start_at(key, at);
    let name = parser.names.intern(&name.text);
    parser.emit(Op::Regroup { target, key, name });
    Ok(())
}
