//! `{% load %}` and `{% comment %}`.

use crate::diag::Error;
use crate::unit::{Parser, TagToken};

pub(super) fn load<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let words = tag.words();
    if let [_, only @ .., from, label] = words.as_slice()
        && !only.is_empty()
        && *from == "from"
    {
        return parser.load(label, Some(only));
    }
    words.iter().skip(1).try_for_each(|label| parser.load(label, None))
}

pub(super) fn comment<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    parser.skip_past(tag, "endcomment")
}
