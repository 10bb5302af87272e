//! `{% include %}`.

use super::template_name::compile_name;
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::unit::Op;

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
    let (expr, name) = compile_name(parser, template, true)?;
    parser.emit(Op::Include { template: expr, name, binds: binds.unwrap_or_default(), only, span: tag.span });
    Ok(())
}
