//! Where templates come from, and why there is no tree.

use crate::diag::Error;

/// Finds the sources that a template names.
pub trait Resolver {
    /// What goes wrong when it fails for reasons of its own.
    type Error;

    /// Returns the display name and source of template `name`, or `None` if there is none.
    ///
    /// Files whose numbers are in `skip` do not count: a template may extend one of its own name from a later loader.
    ///
    /// # Errors
    /// Whatever the resolver says; the extraction ends with it.
    fn resolve(&mut self, name: &str, skip: &[usize]) -> Result<Option<(String, String)>, Self::Error>;

    /// Returns which templates a name that is no literal may stand for.
    ///
    /// # Errors
    /// Whatever the resolver says; the extraction ends with it.
    fn choose(&mut self, _: &Question) -> Result<Answer, Self::Error> {
        Ok(Answer::Unknown(String::new()))
    }
}

/// The name of a template as an expression: `{% include widget.kind|add:".html" %}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// `include` or `extends`.
    pub kind: &'static str,
    /// The number of the file that asks.
    pub file: usize,
    /// What the variable may be: any of these.
    pub head: Vec<Source>,
    /// The names of its filters, all of them Django's own, and what their arguments may be.
    pub calls: Vec<(String, Option<Vec<Source>>)>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A literal.
    Text(String),
    /// A name of the context and the steps below it; `None` stands for each element.
    Path(Vec<Option<String>>),
}

/// The templates that a name may stand for.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Nobody knows, for this reason.
    Unknown(String),
    /// One of these values; of each, the first candidate that there is.
    Any(Vec<Vec<Target>>),
}

/// A template that a value stands for.
#[derive(Clone, Debug)]
pub enum Target {
    /// The template of this name.
    Name(String),
    /// A template that the resolver has at hand.
    Given {
        /// The number of its file: a new one, or that of the same template given before.
        number: usize,
        /// Its display name.
        name: String,
        /// The name against which `./x` is relative.
        template: Option<String>,
        /// Its text.
        source: String,
    },
}

/// A resolver that finds nothing.
pub struct Alone;

impl Resolver for Alone {
    type Error = std::convert::Infallible;

    fn resolve(&mut self, _: &str, _: &[usize]) -> Result<Option<(String, String)>, Self::Error> {
        Ok(None)
    }
}

/// Why there is no tree.
#[derive(Debug)]
pub enum Failure<E> {
    /// The template is malformed or beyond our limits.
    Template(Box<Refusal>),
    /// The resolver failed.
    Resolver(E),
}

/// An error and the place where a reader finds it.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong.
    pub error: Error,
    /// The template's name.
    pub file: Option<String>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters.
    pub length: usize,
    /// The text of the line.
    pub source_line: String,
}
