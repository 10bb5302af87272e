//! `{% extends %}` and `{% block %}`.

use super::template_name::compile_name;
use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::unit::{BodyId, Extends, Op};

pub(super) fn extends<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, parent] = bits.as_slice() else { return Err(tag.error("'extends' takes one argument")) };
    let (expr, name) = compile_name(parser, parent, false)?;
    if parser.has_nontext() {
        let place = parser.template.map_or_else(|| "the template".to_owned(), |name| format!("'{name}'"));
        let error = tag.error(format!("{{% {} %}} must be the first tag in {place}.", tag.contents));
        return Err(error.with_help("move it up: only text and comments may come before it"));
    }
    if parser.unit.extends.is_some() {
        let error = tag.error("'extends' cannot appear more than once in the same template");
        return Err(error.with_help("keep one of them"));
    }
    parser.unit.extends = Some(Extends { expr, name, span: tag.span });
    Ok(())
}

struct Block {
    name: Sym,
}

pub(super) fn block<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let words = tag.words();
    let [_, name] = words.as_slice() else { return Err(tag.error("'block' tag takes only one argument")) };
    let sym = parser.names.intern(&name.text);
    if !parser.block_names.insert(sym) {
        let error = tag.error(format!("'block' tag with name '{}' appears more than once", name.text));
        return Err(error.with_help("give one of them another name"));
    }
    parser.open(tag, Box::new(Block { name: sym }))
}

impl Section for Block {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&["endblock"])
    }

    fn turn(self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let name = parser.names.text(self.name);
        let ends = |rest: &str| rest.is_empty() || rest.strip_prefix(' ') == Some(name);
        if !tag.contents.strip_prefix("endblock").is_some_and(ends) {
            let full = format!("endblock {name}");
            let until = ["'endblock'".to_owned(), format!("'{full}'")];
            return Err(parser.invalid_with(tag, "endblock", &until).with_help(format!("end it with {{% {full} %}}")));
        }
        parser.unit.blocks.push((self.name, body));
        Ok(Turn::Close(Some(Op::Block { name: self.name, body })))
    }
}
