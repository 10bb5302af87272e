//! `{% partialdef %}` and `{% partial %}`, new in Django 6.0.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::unit::{BodyId, Op};

struct PartialDef {
    name: Sym,
    inline: bool,
}

pub(super) fn partialdef<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let (name, inline) = match bits.as_slice() {
        [_] => return Err(tag.error("'partialdef' tag requires a name")),
        [_, name] => (name, false),
        [_, name, inline] if *inline == "inline" => (name, true),
        [_, _, _] => {
            let message = "The 'inline' argument does not have any parameters; either use 'inline' or remove it completely.";
            return Err(tag.error(message));
        }
        _ => return Err(tag.error("'partialdef' tag takes at most 2 arguments")),
    };
    let name = parser.names.intern(&name.text);
    parser.open(tag, Box::new(PartialDef { name, inline }))
}

impl Section for PartialDef {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&["endpartialdef"])
    }

    fn turn(self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let name = parser.names.text(self.name).to_owned();
        let full = format!("endpartialdef {name}");
        if tag.contents != "endpartialdef" && tag.contents != full {
            let until = ["'endpartialdef'".to_owned(), format!("'{full}'")];
            return Err(parser.invalid_with(tag, "endpartialdef", &until));
        }
        if parser.unit.partials.insert(self.name, body).is_some() {
            let place = parser.template.unwrap_or("<unknown source>");
            return Err(tag.error(format!("Partial '{name}' is already defined in the '{place}' template.")));
        }
        Ok(Turn::Close(self.inline.then_some(Op::Run(body))))
    }
}

pub(super) fn partial<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, name] = bits.as_slice() else { return Err(tag.error("'partial' tag requires a single argument")) };
    let name = parser.names.intern(&name.text);
    parser.emit(Op::Partial { name, span: tag.span });
    Ok(())
}
