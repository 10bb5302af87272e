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
pub(crate) mod specified;
mod template_name;
pub(crate) mod unknown;
mod values;

/// A tag of Django and how it is parsed.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) open: Open,
    /// How it is written, for those who wrote it otherwise.
    pub(crate) usage: &'static str,
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
    /// A word alone, or with the name of what it ends.
    Named(&'static str, &'s str),
}

impl Until<'_> {
    fn has(self, command: &str) -> bool {
        match self {
            Until::Fixed(words) => words.contains(&command),
            Until::One(word) | Until::Named(word, _) => word == command,
        }
    }

    pub(crate) fn list(self) -> Vec<String> {
        match self {
            Until::Fixed(words) => words.iter().map(ToString::to_string).collect(),
            Until::One(word) => vec![word.to_owned()],
            Until::Named(word, name) => vec![word.to_owned(), format!("{word} {name}")],
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

const fn tag(name: &'static str, open: Open, usage: &'static str) -> Tag {
    Tag { name, open, usage }
}

/// Sorted by name.
#[rustfmt::skip]
static TABLE: &[Tag] = &[
    tag("autoescape", plain::autoescape, "{% autoescape on %} or {% autoescape off %}"),
    tag("block", inherit::block, "{% block name %}"),
    tag("blocktrans", i18n::blocktranslate, "{% blocktrans with name=value count n=number %}...{% plural %}...{% endblocktrans %}"),
    tag("blocktranslate", i18n::blocktranslate, "{% blocktranslate with name=value count n=number %}...{% plural %}...{% endblocktranslate %}"),
    tag("cache", plain::cache, "{% cache seconds fragment_name %}"),
    tag("comment", load::comment, "{% comment %}"),
    tag("csp_nonce_attr", output::csp_nonce_attr, "{% csp_nonce_attr %}"),
    tag("csrf_token", output::csrf_token, "{% csrf_token %}"),
    tag("cycle", loops::cycle, "{% cycle 'odd' 'even' %} or {% cycle 'odd' 'even' as name %}"),
    tag("debug", output::debug, "{% debug %}"),
    tag("extends", inherit::extends, r#"{% extends "base.html" %}"#),
    tag("filter", plain::filter, "{% filter upper|linebreaks %}"),
    tag("firstof", values::firstof, r#"{% firstof one other "else" %}"#),
    tag("for", loops::for_, "{% for item in items %}"),
    tag("get_available_languages", i18n::get_as, "{% get_available_languages as name %}"),
    tag("get_current_language", i18n::get_as, "{% get_current_language as name %}"),
    tag("get_current_language_bidi", i18n::get_as, "{% get_current_language_bidi as name %}"),
    tag("get_current_timezone", i18n::get_as, "{% get_current_timezone as name %}"),
    tag("get_language_info", i18n::get_language_info, "{% get_language_info for code as name %}"),
    tag("get_language_info_list", i18n::get_language_info_list, "{% get_language_info_list for codes as name %}"),
    tag("get_media_prefix", output::prefix, "{% get_media_prefix %} or {% get_media_prefix as name %}"),
    tag("get_static_prefix", output::prefix, "{% get_static_prefix %} or {% get_static_prefix as name %}"),
    tag("if", branch::if_, "{% if condition %}, with and, or, not, in, is, ==, !=, <, >, <=, >="),
    tag("ifchanged", branch::ifchanged, "{% ifchanged %} or {% ifchanged value %}"),
    tag("include", include::include, r#"{% include "row.html" with name=value only %}"#),
    tag("language", plain::language, "{% language code %}"),
    tag("load", load::load, "{% load library %} or {% load name from library %}"),
    tag("localize", plain::on_off, "{% localize on %} or {% localize off %}"),
    tag("localtime", plain::on_off, "{% localtime on %} or {% localtime off %}"),
    tag("lorem", output::lorem, "{% lorem count w %}"),
    tag("now", output::now, r#"{% now "Y-m-d" %}"#),
    tag("partial", partial::partial, "{% partial name %}"),
    tag("partialdef", partial::partialdef, "{% partialdef name %} or {% partialdef name inline %}"),
    tag("querystring", output::querystring, "{% querystring page=2 %}"),
    tag("regroup", values::regroup, "{% regroup items by key as groups %}"),
    tag("resetcycle", loops::resetcycle, "{% resetcycle %} or {% resetcycle name %}, after {% cycle ... as name %}"),
    tag("spaceless", plain::spaceless, "{% spaceless %}"),
    tag("static", output::static_, r#"{% static "path" %}"#),
    tag("templatetag", output::templatetag, "{% templatetag openblock %}"),
    tag("timezone", plain::timezone, "{% timezone name %}"),
    tag("trans", i18n::translate, r#"{% trans "text" %} or {% trans "text" as name %}"#),
    tag("translate", i18n::translate, r#"{% translate "text" %} or {% translate "text" as name %}"#),
    tag("url", output::url, "{% url 'name' argument key=value %}"),
    tag("verbatim", plain::verbatim, "{% verbatim %}"),
    tag("widthratio", output::widthratio, "{% widthratio value most width %}"),
    tag("with", values::with, "{% with name=value %}"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    }
}
