//! A variable with filters, its names as numbers.

use smallvec::SmallVec;

use crate::diag::{Error, Span};
use crate::filters::Filter;
use crate::grammar::{Atom, Filters, is_int, parse_raw};
use crate::names::{Names, Sym};
use crate::unicode::digit;

/// A step of a lookup; `end` is where it ends in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) name: Sym,
    pub(crate) end: usize,
    pub(crate) index: bool,
}

/// A dotted lookup: the name and the steps below it.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) start: usize,
    pub(crate) segments: SmallVec<[Segment; 4]>,
}

/// What a variable is.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// No value of interest: nothing, a number.
    Nothing,
    /// A literal string, unquoted; `translated` for `_("...")`.
    Text { text: Sym, translated: bool },
    /// A lookup.
    Path(Path),
}

/// One `|name:argument`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) filter: Filter,
    pub(crate) argument: Option<Operand>,
    /// How the tree names it: `date:'M d'`.
    pub(crate) label: Sym,
}

/// A variable and its filters.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) head: Operand,
    pub(crate) calls: Vec<Call>,
    pub(crate) span: Span,
}

impl Expr {
    /// Returns the text if the expression is a plain string literal.
    pub(crate) fn literal(&self) -> Option<Sym> {
        match (&self.head, self.calls.is_empty()) {
            (Operand::Text { text, translated: false }, true) => Some(*text),
            _ => None,
        }
    }

    /// Returns the name if the expression is one name and nothing else.
    pub(crate) fn bare_name(&self) -> Option<Sym> {
        match &self.head {
            Operand::Path(path) if path.segments.len() == 1 && self.calls.is_empty() => {
                path.segments.first().map(|step| step.name)
            }
            _ => None,
        }
    }
}

/// Returns the expression that `text` is; names go to `names`.
pub(crate) fn parse(text: &str, at: usize, filters: &dyn Filters, names: &mut Names) -> Result<Expr, Error> {
    let (raw, known) = parse_raw(text, at, filters)?;
    let head = operand(&raw.head, at, names);
    let calls = raw.calls.iter().zip(known).map(|(call, filter)| {
        let label = match &call.argument {
            Some(Atom::Constant(text, _)) => names.intern(&[call.name, ":'", text, "'"].concat()),
            Some(Atom::Number(text)) => names.intern(&[call.name, ":", text].concat()),
            _ => names.intern(call.name),
        };
        let argument = call.argument.as_ref().map(|argument| operand(argument, at.wrapping_add(call.argument_at), names));
        Call { filter, argument, label }
    });
    let calls = calls.collect();
    Ok(Expr { head, calls, span: Span::new(at, text.len()) })
}

fn operand(atom: &Atom<'_>, at: usize, names: &mut Names) -> Operand {
    match atom {
        Atom::Empty | Atom::Number(_) => Operand::Nothing,
        Atom::Constant(text, translated) => Operand::Text { text: names.intern(text), translated: *translated },
        Atom::Lookup(text) => {
            let mut end = at;
            let segments = text.split('.').map(|part| {
                let segment = Segment { name: names.intern(part), end: end.wrapping_add(part.len()), index: is_index(part) };
                end = end.wrapping_add(part.len() + 1);
                segment
            });
            Operand::Path(Path { start: at, segments: segments.collect() })
        }
    }
}

/// Returns whether `int()` accepts a step, so that it may be a list index.
fn is_index(part: &str) -> bool {
    part.chars().next().is_some_and(|first| digit(first).is_some()) && is_int(part)
}
