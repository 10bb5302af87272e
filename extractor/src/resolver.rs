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
