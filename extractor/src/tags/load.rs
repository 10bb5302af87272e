//! `{% load %}` and `{% comment %}`.

use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;

pub(super) fn load<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let words = tag.words();
    if let [_, only @ .., from, label] = words.as_slice()
        && !only.is_empty()
        && *from == "from"
    {
        return load_library(parser, label, Some(only));
    }
    words.iter().skip(1).try_for_each(|label| load_library(parser, label, None))
}

fn load_library(parser: &mut Parser<'_>, label: &Bit<'_>, only: Option<&[Bit<'_>]>) -> Result<(), Error> {
    let library = parser.loaded.library(label)?;
    let name = parser.names.intern(&label.text);
    if !parser.unit.libraries.contains(&name) {
        parser.unit.libraries.push(name);
    }
    if let Some(only) = only {
        return parser.loaded.add_only(library, only);
    }
    parser.loaded.add(library, None);
    Ok(())
}

pub(super) fn comment<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    parser.skip_past(tag, "endcomment")
}
