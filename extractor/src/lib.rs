//! Reads which values a Django template asks for.
//!
//! [`extract`] takes a source and a [`Registry`] of tags and filters, follows parents and includes through a
//! [`Resolver`], and returns a tree of paths as JSON. It knows the template language and nothing else: no HTML, no
//! models, no Python. Hostile input costs linear time or is refused; nothing recurses on input.

mod diag;
mod document;
mod eval;
mod expr;
mod filters;
mod grammar;
mod json;
mod lexer;
mod limits;
mod lines;
mod link;
mod locals;
mod names;
mod parser;
#[cfg(feature = "python")]
mod python;
mod registry;
mod resolver;
mod room;
mod scope;
mod split;
mod suggest;
mod table;
mod tags;
mod tree;
mod unicode;
mod unit;
mod value;

pub use diag::{Error, Reason, Span};
pub use grammar::{Atom, RawCall, RawExpr};
use json::Json;
pub use lexer::{Kind, Token, lex};
pub use limits::Limits;
pub use lines::Lines;
pub use registry::Registry;
pub use resolver::{Alone, Answer, Failure, Question, Refusal, Resolver, Source, Target};
use room::Room;

/// What to extract.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'s> {
    /// The template's text.
    pub source: &'s str,
    /// Its name, against which relative names are resolved.
    pub name: Option<&'s str>,
    /// Only this `{% partialdef %}` of it.
    pub partial: Option<&'s str>,
    /// Whether to list what is read below names that the template itself makes.
    pub locals: bool,
    /// How much of it.
    pub limits: Limits,
}

/// Returns the JSON document of everything that a template reads.
///
/// # Errors
/// If the template or a parent is malformed or beyond our limits, or the resolver fails.
pub fn extract<R: Resolver>(request: Request<'_>, registry: &Registry, resolver: R) -> Result<String, Failure<R::Error>> {
    let mut json = room::paper();
    extract_to(&mut json, request, registry, resolver)?;
    let text = json.text();
    room::recycle(json);
    Ok(text)
}

/// Writes the document to `json`.
fn extract_to<R: Resolver>(
    json: &mut Json,
    request: Request<'_>,
    registry: &Registry,
    resolver: R,
) -> Result<(), Failure<R::Error>> {
    let mut room = Room::take();
    let mut linker = link::Linker::new(registry, resolver, request.locals, request.limits, &mut room);
    linker.link(request.source, request.name, request.partial)?;
    document::write(&linker, registry, request.partial, json);
    linker.leave(&mut room);
    room.leave(json);
    Ok(())
}

/// Returns the parts of one variable with filters, of the builtin libraries.
///
/// # Errors
/// What Django says of a malformed one.
pub fn parse_expression<'s>(text: &'s str, registry: &Registry) -> Result<RawExpr<'s>, Error> {
    let loaded = parser::Loaded::builtins(registry);
    grammar::parse_raw(text, 0, &loaded).map_err(|error| loaded.advise(error, text))
}
