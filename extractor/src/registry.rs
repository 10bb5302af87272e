//! The tags and filters that a template engine has, as Python read them from its libraries.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::filters::{self, Filter};
use crate::tags::{self, Tag};

mod spec;

use spec::RawFilterSpec;
pub(crate) use spec::{ArgUse, Assigns, Includes, Renders, Specified};

/// What the parser may use: Django's version, the libraries that are always loaded, and those that `{% load %}` finds.
#[derive(Debug)]
pub struct Registry {
    /// Django's major and minor version.
    pub django: (u8, u8),
    /// Whether tags may span lines.
    pub dotall: bool,
    /// A hash of everything in it.
    pub hash: String,
    pub(crate) builtins: Library,
    pub(crate) libraries: BTreeMap<String, Library>,
}

/// The tags and filters of one library.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) tags: FxHashMap<String, TagSpec>,
    pub(crate) filters: FxHashMap<String, Filter>,
    /// Whether it has a name that builtin libraries have, too.
    pub(crate) shadows: bool,
}

/// What is known of a tag.
#[derive(Clone, Debug)]
pub(crate) enum TagSpec {
    /// Django's own, with a rule of ours.
    Native(&'static Tag),
    /// Made by one of the decorators of `Library`.
    Made(Box<Made>),
    /// Described by a spec.
    Specified(Box<Specified>),
    /// Anything else: its arguments and the context escape.
    Unknown,
}

/// A tag made by `simple_tag`, `simple_block_tag` or `inclusion_tag`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(skip)]
    pub(crate) inclusion: bool,
    #[serde(default)]
    pub(crate) takes_context: bool,
    /// The names it reads from the context; `None` if that is not known.
    #[serde(default)]
    pub(crate) reads: Option<Vec<String>>,
    /// Whether it may set names in the context.
    #[serde(default = "perhaps")]
    pub(crate) writes: bool,
    #[serde(default)]
    pub(crate) end: Option<String>,
    #[serde(default)]
    pub(crate) template: Option<Linked>,
    #[serde(default)]
    pub(crate) signature: Option<Signature>,
}

fn perhaps() -> bool {
    true
}

/// The template of an inclusion tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Linked {
    Name(String),
    /// The first one of these that there is.
    Names(Vec<String>),
    /// A compiled one; no loader is asked for it.
    Object {
        object: Option<String>,
    },
}

/// What the function of a tag accepts from the template.
#[derive(Clone, Debug, Deserialize, Default)]
pub(crate) struct Signature {
    pub(crate) params: Vec<String>,
    /// How many of the last `params` have defaults.
    #[serde(default)]
    pub(crate) defaults: usize,
    #[serde(default)]
    pub(crate) varargs: bool,
    #[serde(default)]
    pub(crate) varkw: bool,
    #[serde(default)]
    pub(crate) kwonly: Vec<String>,
    /// Those of `kwonly` that have no default.
    #[serde(default)]
    pub(crate) required: Vec<String>,
}

impl Registry {
    /// Returns the registry that `json` describes.
    ///
    /// # Errors
    /// If `json` is not of the documented form.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let raw: RawRegistry = serde_json::from_slice(json)?;
        let builtins = Library::from(raw.builtins);
        let mut libraries: BTreeMap<String, Library> =
            raw.libraries.into_iter().map(|(name, library)| (name, library.into())).collect();
        for library in libraries.values_mut() {
            library.shadows = library.tags.keys().any(|name| builtins.tags.contains_key(name))
                || library.filters.keys().any(|name| builtins.filters.contains_key(name));
        }
        Ok(Self { django: raw.django, dotall: raw.dotall, hash: format!("{:032x}", xxh3_128(json)), builtins, libraries })
    }

    /// Returns the libraries, of those that can be loaded, that have a tag or filter called `name`.
    pub(crate) fn providers(&self, name: &str, filter: bool) -> Vec<&str> {
        self.libraries
            .iter()
            .filter(|(_, library)| if filter { library.filters.contains_key(name) } else { library.tags.contains_key(name) })
            .map(|(label, _)| label.as_str())
            .collect()
    }
}

#[derive(Deserialize)]
struct RawRegistry {
    django: (u8, u8),
    #[serde(default)]
    dotall: bool,
    builtins: RawLibrary,
    #[serde(default)]
    libraries: BTreeMap<String, RawLibrary>,
}

#[derive(Deserialize)]
struct RawLibrary {
    #[serde(default)]
    tags: FxHashMap<String, Option<RawTag>>,
    #[serde(default)]
    filters: FxHashMap<String, Option<RawFilter>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawTag {
    Word(String),
    Spec(RawSpec),
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RawSpec {
    Simple(Made),
    SimpleBlock(Made),
    Inclusion(Made),
    Spec(Box<Specified>),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawFilter {
    Word(String),
    Spec(RawFilterSpec),
}

impl From<RawLibrary> for Library {
    fn from(raw: RawLibrary) -> Self {
        let tags = raw.tags.into_iter().map(|(name, tag)| {
            let spec = tag_spec(&name, tag);
            (name, spec)
        });
        let filters = raw.filters.into_iter().map(|(name, filter)| {
            let known = match filter {
                Some(RawFilter::Word(word)) if word == "native" => filters::native(&name),
                Some(RawFilter::Spec(spec)) => spec.into(),
                _ => Filter::unknown(None),
            };
            (name, known)
        });
        Self { tags: tags.collect(), filters: filters.collect(), shadows: false }
    }
}

fn tag_spec(name: &str, raw: Option<RawTag>) -> TagSpec {
    match raw {
        Some(RawTag::Word(word)) if word == "native" => tags::native(name).map_or(TagSpec::Unknown, TagSpec::Native),
        Some(RawTag::Spec(RawSpec::Simple(made) | RawSpec::SimpleBlock(made))) => TagSpec::Made(Box::new(made)),
        Some(RawTag::Spec(RawSpec::Inclusion(made))) => TagSpec::Made(Box::new(Made { inclusion: true, ..made })),
        Some(RawTag::Spec(RawSpec::Spec(spec))) => TagSpec::Specified(spec),
        _ => TagSpec::Unknown,
    }
}
