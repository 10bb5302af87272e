//! The libraries that are loaded where the parser is.

use rustc_hash::FxHashMap;

use crate::diag::{Error, FILTER, LIBRARY, NOT_IN_LIBRARY, Span};
use crate::filters::Filter;
use crate::grammar::Filters;
use crate::registry::{Library, Registry, TagSpec};
use crate::split::Bit;

/// The builtin libraries and what `{% load %}` added; the last one that has a name wins.
pub(crate) struct Loaded<'a> {
    pub(crate) registry: &'a Registry,
    tags: FxHashMap<&'a str, &'a TagSpec>,
    filters: FxHashMap<&'a str, &'a Filter>,
}

impl<'a> Loaded<'a> {
    /// Returns the builtin libraries.
    pub(crate) fn builtins(registry: &'a Registry) -> Self {
        Self { registry, tags: FxHashMap::default(), filters: FxHashMap::default() }
    }

    /// Returns what is known of a tag, if it is loaded.
    pub(super) fn tag(&self, name: &str) -> Option<&'a TagSpec> {
        self.tags.get(name).copied().or_else(|| self.registry.builtins.tags.get(name))
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
        self.tags.extend(library.tags.iter().map(|(name, tag)| (name.as_str(), tag)));
        self.filters.extend(library.filters.iter().map(|(name, filter)| (name.as_str(), filter)));
    }

    /// Loads some tags and filters of the library called `label`.
    pub(crate) fn add_only(&mut self, library: &'a Library, label: &Bit<'_>, only: &[Bit<'_>]) -> Result<(), Error> {
        for bit in only {
            let tag = library.tags.get_key_value(&*bit.text);
            let filter = library.filters.get_key_value(&*bit.text);
            if tag.is_none() && filter.is_none() {
                let message = format!("'{}' is not a valid tag or filter in tag library '{}'", bit.text, label.text);
                return Err(Error::new(NOT_IN_LIBRARY, bit.span(), message));
            }
            self.tags.extend(tag.map(|(name, tag)| (name.as_str(), tag)));
            self.filters.extend(filter.map(|(name, filter)| (name.as_str(), filter)));
        }
        Ok(())
    }

    /// Returns the names of all tags that are loaded.
    pub(super) fn tag_names(&self) -> impl Iterator<Item = &'a str> {
        self.registry.builtins.tags.keys().map(String::as_str).chain(self.tags.keys().copied())
    }

    /// Returns the names of all filters that are loaded.
    pub(super) fn filter_names(&self) -> impl Iterator<Item = &'a str> {
        self.registry.builtins.filters.keys().map(String::as_str).chain(self.filters.keys().copied())
    }
}

impl Filters for Loaded<'_> {
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error> {
        let found = self.filters.get(name).copied().or_else(|| self.registry.builtins.filters.get(name));
        found.copied().ok_or_else(|| Error::new(FILTER, span, format!("Invalid filter: '{name}'")))
    }

    fn old_numbers(&self) -> bool {
        self.registry.django < (6, 0)
    }
}
