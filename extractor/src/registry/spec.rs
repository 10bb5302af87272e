//! Specs of hand-written tags and filters, as `djust_ast.tagspecs` writes them.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::Signature;
use crate::filters::{Filter, Rule};
use crate::tree::Uses;

/// What a tag does with its arguments, its body and the context.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Specified {
    /// How each positional argument is used.
    #[serde(default)]
    pub(crate) args: Vec<ArgUse>,
    /// How all others are; `None` if there are none.
    #[serde(default)]
    pub(crate) rest: Option<ArgUse>,
    /// How keyword arguments are, by name, `*` for any.
    #[serde(default)]
    pub(crate) kwargs: FxHashMap<String, ArgUse>,
    /// Words that are syntax.
    #[serde(default)]
    pub(crate) words: Vec<String>,
    /// Where the name after `as` can be read.
    #[serde(default)]
    pub(crate) assigns: Option<Assigns>,
    /// The names of the context that its code reads; `None` for any.
    pub(crate) reads: Option<Vec<String>>,
    /// Whether it sets names in the context that nothing else here speaks of.
    #[serde(default)]
    pub(crate) writes: bool,
    #[serde(default)]
    pub(crate) end: Option<String>,
    /// Tags that start another body.
    #[serde(default)]
    pub(crate) branches: Vec<String>,
    #[serde(default)]
    pub(crate) body: Renders,
    /// Names that the body sees.
    #[serde(default)]
    pub(crate) binds: Vec<String>,
    #[serde(default)]
    pub(crate) includes: Option<Includes>,
    /// What the function accepts, if a decorator made the tag.
    #[serde(default)]
    pub(crate) signature: Option<Signature>,
}

/// How an argument is used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArgUse {
    /// It is no expression.
    Word,
    /// The body, or the template, sees it under its keyword.
    Bind,
    Value(Uses),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Assigns {
    After,
    Body,
}

/// Whether a body renders.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Renders {
    #[default]
    Always,
    Maybe,
    /// Once for each element of the first argument.
    Each,
}

/// The templates that a tag may render: their names, or the argument that has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Includes {
    Argument(usize),
    Names(Vec<String>),
}

impl<'de> Deserialize<'de> for ArgUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "word" => Ok(Self::Word),
            "bind" => Ok(Self::Bind),
            words => Uses::parse(words).map(Self::Value).ok_or_else(|| Error::custom(format!("unknown use '{words}'"))),
        }
    }
}

/// What a filter does with its value and its argument.
#[derive(Deserialize)]
pub(super) struct RawFilterSpec {
    args: (u8, u8),
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    argument: Option<String>,
    #[serde(default)]
    result: Option<String>,
}

impl From<RawFilterSpec> for Filter {
    fn from(raw: RawFilterSpec) -> Self {
        let uses = |words: Option<String>| words.and_then(|words| Uses::parse(&words)).unwrap_or(Uses::ESC);
        let rule = match raw.result.as_deref() {
            Some("input") => Rule::Perhaps,
            Some("either") => Rule::Either,
            Some("first") => Rule::First,
            Some("element") => Rule::Element,
            Some("slice") => Rule::Slice,
            _ => Rule::New,
        };
        Self { arity: Some(raw.args), rule, input: uses(raw.value), argument: uses(raw.argument), total: false }
    }
}
