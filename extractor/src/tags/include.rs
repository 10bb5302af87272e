//! `{% include %}`.

use crate::diag::Error;
use crate::split::Bit;
use crate::unit::{Op, Parser, TagToken, relative};

pub(super) fn include<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let Some(template) = bits.get(1) else {
        return Err(tag.error("'include' tag takes at least one argument: the name of the template to be included."));
    };
    let mut binds = None;
    let mut only = false;
    let mut at = 2;
    while let Some(option) = bits.get(at) {
        at += 1;
        if (*option == "with" && binds.is_some()) || (*option == "only" && only) {
            return Err(tag.error(format!("The '{}' option was specified more than once.", option.text)));
        }
        if *option == "with" {
            let (found, used) = parser.keywords(bits.get(at..).unwrap_or(&[]), false)?;
            if found.is_empty() {
                return Err(tag.error("\"with\" in 'include' tag needs at least one keyword argument."));
            }
            binds = Some(found);
            at += used;
        } else if *option == "only" {
            only = true;
        } else {
            return Err(tag.error(format!("Unknown argument for 'include' tag: '{}'.", option.text)));
        }
    }
    let quoted = template.text.starts_with(['"', '\'']);
    let expr = match relative(parser.template, template, true)? {
        Some(name) if quoted => parser.compile(&Bit::new(&format!("\"{name}\""), template.at))?,
        Some(name) => parser.compile(&Bit::new(&name, template.at))?,
        None => parser.compile(template)?,
    };
    let literal = parser.unit.expr(expr).and_then(crate::expr::Expr::literal);
    let name = literal.map(|name| parser.names.text(name).to_owned());
    parser.emit(Op::Include { template: expr, name, binds: binds.unwrap_or_default(), only, span: tag.span });
    Ok(())
}
