//! What to do about an error: made only for the one error that ends the parsing.

use super::{Loaded, Parser};
use crate::diag::{EXPRESSION, Error, FILTER, INVALID_TAG, LIBRARY, NOT_IN_LIBRARY, SYNTAX, Span};
use crate::grammar::Filters;
use crate::registry::{Signature, TagSpec};
use crate::suggest::closest;
use crate::unicode::words;

/// Django's libraries that come with an app, and which.
const APPS: &[(&str, &str)] = &[
    ("admin_list", "django.contrib.admin"),
    ("admin_modify", "django.contrib.admin"),
    ("admin_urls", "django.contrib.admin"),
    ("flatpages", "django.contrib.flatpages"),
    ("humanize", "django.contrib.humanize"),
    ("log", "django.contrib.admin"),
];

/// How the part of an expression that cannot be read starts, and what to write instead.
const REMAINDERS: &[(&[char], &str)] = &[
    (&['['], "write a dot before keys and indexes: name.0"),
    (&['('], "leave the parentheses out: templates call without arguments"),
    (&['=', '<', '>', '!'], "put spaces around the operator"),
    (&[':', ' '], "write filters as name|filter:argument, without spaces around the ':'"),
    (&['"', '\''], "close the quotes"),
    (&['+', '-', '*', '/', '%'], "templates do not calculate; there are filters: name|add:1"),
    (&['|'], "name a filter after the '|'"),
];

/// Words that belong to a tag around them.
const PARTS: &[(&str, &str)] = &[("elif", "if"), ("else", "if"), ("empty", "for"), ("plural", "blocktranslate")];

impl Parser<'_> {
    /// Returns the error with what to do about it.
    pub(super) fn advise(&mut self, error: Error) -> Error {
        let end = error.span.start.saturating_add(error.span.len);
        let written = self.source.get(error.span.start..end).unwrap_or("");
        if error.code == INVALID_TAG
            && error.help.is_none()
            && let Some(help) = self.tag_help(written)
        {
            return error.with_help(help);
        }
        self.loaded.advise(error, written)
    }

    /// Returns what to write instead of a tag that is not known, or not expected here.
    fn tag_help(&mut self, command: &str) -> Option<String> {
        let open = self.frames.last().map(|frame| (frame.token, frame.section.until().list()));
        let until = open.iter().flat_map(|(_, until)| until.iter().map(String::as_str));
        if let Some(meant) = closest(command, until) {
            return Some(format!("did you mean '{meant}'?"));
        }
        if let Some(help) = self.loaded.load_help(command, false) {
            return Some(help);
        }
        let owner = PARTS.iter().find(|(part, _)| *part == command).map(|(_, owner)| *owner);
        let owner = owner.or_else(|| command.strip_prefix("end").filter(|name| self.loaded.tag(name).is_some()))?;
        Some(match open.as_ref().and_then(|(token, until)| Some((token, until.last()?))) {
            Some((token, closer)) => {
                let line = self.line(token.span.start);
                format!("close {{% {} %}} of line {line} first, with {{% {closer} %}}", token.command)
            }
            None => format!("no {{% {owner} %}} is open here"),
        })
    }
}

impl Loaded<'_> {
    /// Returns the error about what is `written` with what to do about it.
    pub(crate) fn advise(&self, error: Error, written: &str) -> Error {
        if error.help.is_some() {
            return error;
        }
        let help = match error.code {
            SYNTAX => self.usage(written),
            INVALID_TAG => did_you_mean(written, self.tag_names()),
            FILTER => self.load_help(written, true).or_else(|| did_you_mean(written, self.filter_names())),
            EXPRESSION => self.expression_help(written),
            LIBRARY => did_you_mean(written, self.registry.libraries.keys().map(String::as_str)).or_else(|| app_help(written)),
            NOT_IN_LIBRARY => {
                let libraries = self.registry.libraries.values();
                let names = libraries.flat_map(|library| library.tags.keys().chain(library.filters.keys()));
                did_you_mean(written, names.map(String::as_str))
            }
            _ => None,
        };
        let code = error.code;
        error.recoded(code, help)
    }

    /// Returns the libraries to load that have a tag, or a filter, of this name.
    fn load_help(&self, name: &str, filter: bool) -> Option<String> {
        let labels = self.registry.providers(name, filter);
        (!labels.is_empty()).then(|| format!("add {{% load {} %}}", labels.join(" %} or {% load ")))
    }

    fn expression_help(&self, written: &str) -> Option<String> {
        if written.starts_with('_') || written.contains("._") {
            return Some("names with a leading underscore are private; give the value another name in the view".to_owned());
        }
        if let Some((least, most)) = self.find(written, Span::default()).ok().and_then(|filter| filter.arity) {
            let calls =
                (least..=most).map(|count| if count < 2 { format!("|{written}") } else { format!("|{written}:argument") });
            return Some(format!("write {}", calls.collect::<Vec<_>>().join(" or ")));
        }
        if written.matches(['"', '\'']).count() == 1 {
            return Some("close the quotes".to_owned());
        }
        let start = written.chars().next()?;
        REMAINDERS.iter().find(|(starts, _)| starts.contains(&start)).map(|(_, help)| (*help).to_owned())
    }

    /// Returns how the tag is used which is `written`.
    fn usage(&self, written: &str) -> Option<String> {
        let (_, command) = words(written.strip_prefix("{%")?).next()?;
        match self.tag(command)? {
            TagSpec::Native(native) => Some(format!("write {}", native.usage)),
            TagSpec::Made(made) => made.signature.as_ref().map(|signature| format!("write {{% {} %}}", call(command, signature))),
            TagSpec::Specified(_) | TagSpec::Unknown => None,
        }
    }
}

/// Returns a call of a tag with all that its function takes; what has a default is in brackets.
fn call(command: &str, signature: &Signature) -> String {
    let first_default = signature.params.len().saturating_sub(signature.defaults);
    let params = signature.params.iter().enumerate();
    let mut words = vec![command.to_owned()];
    words.extend(params.map(|(row, name)| if row < first_default { name.clone() } else { format!("[{name}]") }));
    words.extend(signature.varargs.then(|| "...".to_owned()));
    let optional = |name: &String| !signature.required.contains(name);
    words
        .extend(signature.kwonly.iter().map(|name| if optional(name) { format!("[{name}=...]") } else { format!("{name}=...") }));
    words.extend(signature.varkw.then(|| "[name=...]".to_owned()));
    words.join(" ")
}

fn did_you_mean<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    closest(word, candidates).map(|meant| format!("did you mean '{meant}'?"))
}

fn app_help(label: &str) -> Option<String> {
    let (_, app) = APPS.iter().find(|(known, _)| *known == label)?;
    Some(format!("add '{app}' to INSTALLED_APPS"))
}
