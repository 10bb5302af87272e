//! The libraries that are loaded where the parser is.

use smallvec::SmallVec;

use crate::diag::{Error, FILTER, LIBRARY, NOT_IN_LIBRARY, Span};
use crate::filters::Filter;
use crate::grammar::Filters;
use crate::registry::{Library, Registry, TagSpec};
use crate::split::Bit;

/// The builtin libraries and what `{% load %}` added; the last one that has a name wins.
pub(crate) struct Loaded<'a> {
    pub(crate) registry: &'a Registry,
    added: SmallVec<[Added<'a>; 4]>,
    /// Whether what was added has names that builtin libraries have, too.
    shadows: bool,
}

/// A library, or one of its names.
struct Added<'a> {
    label: &'a str,
    library: &'a Library,
    only: Option<&'a str>,
}

impl<'a> Loaded<'a> {
    /// Returns the builtin libraries.
    pub(crate) fn builtins(registry: &'a Registry) -> Self {
        Self { registry, added: SmallVec::new(), shadows: false }
    }

    /// Returns what is known of a tag, if it is loaded.
    pub(super) fn tag(&self, name: &str) -> Option<&'a TagSpec> {
        self.find(name, |library| library.tags.get(name))
    }

    fn filter(&self, name: &str) -> Option<&'a Filter> {
        self.find(name, |library| library.filters.get(name))
    }

    fn find<T>(&self, name: &str, of: impl Fn(&'a Library) -> Option<&'a T>) -> Option<&'a T> {
        if !self.shadows
            && let Some(found) = of(&self.registry.builtins)
        {
            return Some(found);
        }
        let added = self.added.iter().rev().filter(|added| added.only.is_none_or(|only| only == name));
        added.map(|added| added.library).chain([&self.registry.builtins]).find_map(of)
    }

    /// Returns the library that `{% load label %}` names, and its label.
    pub(crate) fn library(&self, label: &Bit<'_>) -> Result<(&'a str, &'a Library), Error> {
        if let Some((label, library)) = self.registry.libraries.get_key_value(&*label.text) {
            return Ok((label, library));
        }
        let known: Vec<&str> = self.registry.libraries.keys().map(String::as_str).collect();
        let message = format!("'{}' is not a registered tag library. Must be one of:\n{}", label.text, known.join("\n"));
        Err(Error::new(LIBRARY, label.span(), message))
    }

    /// Loads a library, or one of its names.
    pub(crate) fn add(&mut self, (label, library): (&'a str, &'a Library), only: Option<&'a str>) {
        // Once each, so that they stay few however often a template loads them.
        self.added.retain(|added| added.label != label || added.only != only);
        self.added.push(Added { label, library, only });
        self.shadows |= library.shadows;
    }

    /// Loads some tags and filters of a library.
    pub(crate) fn add_only(&mut self, library: (&'a str, &'a Library), only: &[Bit<'_>]) -> Result<(), Error> {
        for bit in only {
            let tag = library.1.tags.get_key_value(&*bit.text).map(|(name, _)| name);
            let filter = library.1.filters.get_key_value(&*bit.text).map(|(name, _)| name);
            let Some(name) = tag.or(filter) else {
                let message = format!("'{}' is not a valid tag or filter in tag library '{}'", bit.text, library.0);
                return Err(Error::new(NOT_IN_LIBRARY, bit.span(), message));
            };
            self.add(library, Some(name));
        }
        Ok(())
    }

    /// Returns the names of all tags that are loaded.
    pub(super) fn tag_names(&self) -> impl Iterator<Item = &'a str> {
        self.names(|library| library.tags.keys().map(String::as_str))
    }

    /// Returns the names of all filters that are loaded.
    pub(super) fn filter_names(&self) -> impl Iterator<Item = &'a str> {
        self.names(|library| library.filters.keys().map(String::as_str))
    }

    fn names<I: Iterator<Item = &'a str>>(&self, of: impl Fn(&'a Library) -> I) -> impl Iterator<Item = &'a str> {
        let added = self.added.iter().map(|added| (added.library, added.only));
        added
            .chain([(&self.registry.builtins, None)])
            .flat_map(move |(library, only)| of(library).filter(move |name| only.is_none_or(|only| only == *name)))
    }
}

impl Filters for Loaded<'_> {
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error> {
        self.filter(name).copied().ok_or_else(|| Error::new(FILTER, span, format!("Invalid filter: '{name}'")))
    }

    fn old_numbers(&self) -> bool {
        self.registry.django < (6, 0)
    }
}
