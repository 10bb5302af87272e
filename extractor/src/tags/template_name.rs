//! The names of templates in `{% extends %}` and `{% include %}`.

use crate::diag::{Error, RELATIVE};
use crate::names::Sym;
use crate::parser::Parser;
use crate::split::Bit;
use crate::unit::ExprId;

/// Returns the expression that names a template, made absolute, and the name if it is a literal.
pub(super) fn compile_name(parser: &mut Parser<'_>, bit: &Bit<'_>, recursion: bool) -> Result<(ExprId, Option<Sym>), Error> {
    let expr = match relative(parser.template, bit, recursion)? {
        Some(name) if is_quoted(&bit.text) => parser.compile_text(&format!("\"{name}\""), bit.at)?,
        Some(name) => parser.compile_text(&name, bit.at)?,
        None => parser.compile(bit)?,
    };
    Ok((expr, parser.unit.exprs.literal(expr)))
}

/// Returns whether a name begins and ends with the same quote; else Django takes what is between for a variable.
fn is_quoted(text: &str) -> bool {
    text.starts_with(['"', '\'']) && text.chars().next() == text.chars().next_back()
}

/// Returns the file's name made absolute, by Django's rules for `./` and `../`.
fn relative(template: Option<&str>, bit: &Bit<'_>, recursion: bool) -> Result<Option<String>, Error> {
    let refuse = |message: String| Err(Error::new(RELATIVE, bit.span(), message));
    let name = bit.text.trim_matches(['\'', '"']);
    if !name.starts_with("./") && !name.starts_with("../") {
        return Ok(None);
    }
    let Some(template) = template else {
        return refuse(format!("The relative path {} cannot be evaluated due to an unknown template origin.", bit.text));
    };
    let current = template.trim_start_matches('/');
    let folder = current.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')).filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let joined = parts.join("/");
    if joined.starts_with("../") {
        return refuse(format!(
            "The relative path '{}' points outside the file hierarchy that template '{template}' is in.",
            bit.text
        ));
    }
    if !recursion && joined == current {
        return refuse(format!(
            "The relative path '{}' was translated to template name '{template}', the same template in which the tag appears.",
            bit.text
        ));
    }
    Ok(Some(joined))
}
