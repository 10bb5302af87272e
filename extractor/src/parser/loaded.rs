//! The libraries that are loaded where the parser is.

use crate::diag::{EXPRESSION, Error, LIBRARY, Span};
use crate::filters::Filter;
use crate::grammar::Filters;
use crate::registry::{Library, Registry, TagSpec};
use crate::split::Bit;

/// The builtin libraries and those that `{% load %}` added; the last one that has a name wins.
pub(crate) struct Loaded<'a> {
    pub(crate) registry: &'a Registry,
    rows: Vec<Row<'a>>,
}

enum Row<'a> {
    All(&'a Library),
    Some(&'a Library, Vec<String>),
}

impl<'a> Loaded<'a> {
    /// Returns the builtin libraries.
    pub(crate) fn builtins(registry: &'a Registry) -> Self {
        Self { registry, rows: vec![Row::All(&registry.builtins)] }
    }

    /// Returns what is known of a tag, if it is loaded.
    pub(super) fn tag(&self, name: &str) -> Option<&'a TagSpec> {
        self.libraries(name).find_map(|library| library.tags.get(name))
    }

    /// Returns the libraries of which `name` is loaded, the last one first.
    fn libraries(&self, name: &str) -> impl Iterator<Item = &'a Library> {
        self.rows.iter().rev().filter_map(move |row| match row {
            Row::All(library) => Some(*library),
            Row::Some(library, only) => only.iter().any(|known| known == name).then_some(*library),
        })
    }

    /// Returns the library that `{% load label %}` names.
    pub(crate) fn library(&self, label: &Bit<'_>) -> Result<&'a Library, Error> {
        self.registry.libraries.get(&*label.text).ok_or_else(|| {
            let known: Vec<&str> = self.registry.libraries.keys().map(String::as_str).collect();
            let message = format!("'{}' is not a registered tag library. Must be one of:\n{}", label.text, known.join("\n"));
            Error::new(LIBRARY, label.span(), message)
        })
    }

    /// Loads a library.
    pub(crate) fn add(&mut self, library: &'a Library) {
        self.rows.push(Row::All(library));
    }

    /// Loads some tags and filters of the library called `label`.
    pub(crate) fn add_only(&mut self, library: &'a Library, label: &Bit<'_>, only: &[Bit<'_>]) -> Result<(), Error> {
        for bit in only {
            if !library.tags.contains_key(&*bit.text) && !library.filters.contains_key(&*bit.text) {
                let message = format!("'{}' is not a valid tag or filter in tag library '{}'", bit.text, label.text);
                return Err(Error::new(LIBRARY, bit.span(), message));
            }
        }
        self.rows.push(Row::Some(library, only.iter().map(|bit| bit.text.to_string()).collect()));
        Ok(())
    }

    /// Returns the error, with the libraries to load if any has a tag (or a filter) called `name`.
    pub(super) fn with_providers(&self, error: Error, name: &str, filter: bool) -> Error {
        match self.registry.providers(name, filter).as_slice() {
            [] => error,
            labels => error.with_help(format!("add {{% load {} %}}", labels.join(" %} or {% load "))),
        }
    }
}

impl Filters for Loaded<'_> {
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error> {
        let found = self.libraries(name).find_map(|library| library.filters.get(name));
        found.copied().ok_or_else(|| {
            let error = Error::new(EXPRESSION, span, format!("Invalid filter: '{name}'"));
            self.with_providers(error, name, true)
        })
    }

    fn old_numbers(&self) -> bool {
        self.registry.django < (6, 0)
    }
}
