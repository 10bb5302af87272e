//! The tags of Django: one row each, one file for each tight family.

use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::unit::{BodyId, Op};

mod branch;
mod condition;
mod i18n;
mod include;
mod inherit;
mod load;
mod loops;
pub(crate) mod made;
mod output;
mod partial;
mod plain;
mod template_name;
pub(crate) mod unknown;
mod values;

/// A tag of Django and how it is parsed.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) open: Open,
}

type Open = for<'a> fn(&mut Parser<'a>, &TagToken<'a>) -> Result<(), Error>;

/// Returns Django's tag `name`, if there is a rule for it.
pub(crate) fn native(name: &str) -> Option<&'static Tag> {
    TABLE.binary_search_by(|tag| tag.name.cmp(name)).ok().and_then(|row| TABLE.get(row))
}

/// A tag that is open: it waits for the token which ends its body, or starts the next one.
pub(crate) trait Section {
    /// Returns the commands that it waits for.
    fn until(&self) -> Until<'_>;

    /// Returns whether a token ends the body.
    fn ends(&self, command: &str, _row: usize) -> bool {
        self.until().has(command)
    }

    /// Returns whether a token belongs to the tag without ending the body.
    fn absorbs(&self, _command: &str, _row: usize) -> bool {
        false
    }

    /// Returns the row of the closing token where that was found beforehand.
    fn closer(&self) -> Option<usize> {
        None
    }

    /// Takes the body that just ended.
    fn turn(self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error>;
}

/// What follows the body of a tag.
pub(crate) enum Turn {
    /// Another body.
    Next(Box<dyn Section>),
    /// Nothing: this is what the whole tag does.
    Close(Option<Op>),
}

/// The commands that a tag waits for.
#[derive(Clone, Copy)]
pub(crate) enum Until<'s> {
    Fixed(&'static [&'static str]),
    One(&'s str),
}

impl Until<'_> {
    fn has(self, command: &str) -> bool {
        match self {
            Until::Fixed(words) => words.contains(&command),
            Until::One(word) => word == command,
        }
    }

    pub(crate) fn list(self) -> Vec<String> {
        match self {
            Until::Fixed(words) => words.iter().map(ToString::to_string).collect(),
            Until::One(word) => vec![word.to_owned()],
        }
    }
}

/// Stands in for a section while that handles its token.
pub(crate) struct Closed;

impl Section for Closed {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&[])
    }

    fn turn(self: Box<Self>, _: &mut Parser<'_>, _: &TagToken<'_>, _: BodyId) -> Result<Turn, Error> {
        Ok(Turn::Close(None))
    }
}

const fn tag(name: &'static str, open: Open) -> Tag {
    Tag { name, open }
}

/// Sorted by name.
static TABLE: &[Tag] = &[
    tag("autoescape", plain::autoescape),
    tag("block", inherit::block),
    tag("blocktrans", i18n::blocktranslate),
    tag("blocktranslate", i18n::blocktranslate),
    tag("cache", plain::cache),
    tag("comment", load::comment),
    tag("csp_nonce_attr", output::csp_nonce_attr),
    tag("csrf_token", output::csrf_token),
    tag("cycle", loops::cycle),
    tag("debug", output::debug),
    tag("extends", inherit::extends),
    tag("filter", plain::filter),
    tag("firstof", values::firstof),
    tag("for", loops::for_),
    tag("get_available_languages", i18n::get_as),
    tag("get_current_language", i18n::get_as),
    tag("get_current_language_bidi", i18n::get_as),
    tag("get_current_timezone", i18n::get_as),
    tag("get_language_info", i18n::get_language_info),
    tag("get_language_info_list", i18n::get_language_info_list),
    tag("get_media_prefix", output::prefix),
    tag("get_static_prefix", output::prefix),
    tag("if", branch::if_),
    tag("ifchanged", branch::ifchanged),
    tag("include", include::include),
    tag("language", plain::language),
    tag("load", load::load),
    tag("localize", plain::on_off),
    tag("localtime", plain::on_off),
    tag("lorem", output::lorem),
    tag("now", output::now),
    tag("partial", partial::partial),
    tag("partialdef", partial::partialdef),
    tag("querystring", output::querystring),
    tag("regroup", values::regroup),
    tag("resetcycle", loops::resetcycle),
    tag("spaceless", plain::spaceless),
    tag("static", output::static_),
    tag("templatetag", output::templatetag),
    tag("timezone", plain::timezone),
    tag("trans", i18n::translate),
    tag("translate", i18n::translate),
    tag("url", output::url),
    tag("verbatim", plain::verbatim),
    tag("widthratio", output::widthratio),
    tag("with", values::with),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    }
}
