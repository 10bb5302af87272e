//! `{% partialdef %}` and `{% partial %}`, new in Django 6.0.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::unit::{BodyId, Op};

struct PartialDef {
    name: String,
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
    parser.open(tag, Box::new(PartialDef { name: name.text.to_string(), inline }))
}

impl Section for PartialDef {
    fn until(&self) -> Until<'_> {
        Until::Named("endpartialdef", &self.name)
    }

    fn turn(self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let name = &self.name;
        let full = format!("endpartialdef {name}");
        if tag.contents != "endpartialdef" && tag.contents != full {
            let until = ["'endpartialdef'".to_owned(), format!("'{full}'")];
            return Err(parser.invalid_with(tag, "endpartialdef", &until).with_help(format!("end it with {{% {full} %}}")));
        }
        if parser.unit.partials.insert(parser.names.intern(name), body).is_some() {
            let place = parser.template.unwrap_or("<unknown source>");
            let error = tag.error(format!("Partial '{name}' is already defined in the '{place}' template."));
            return Err(error.with_help("give one of them another name"));
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
