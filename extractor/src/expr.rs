//! A variable with filters, its names as numbers.

use crate::diag::{Error, Span};
use crate::filters::Filter;
use crate::grammar::{Atom, Filters, is_int, parse_calls, parse_raw};
use crate::names::{Names, Sym};
use crate::unicode::{Kinds, digit, skip};

/// A step of a lookup; `end` is where it ends in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) name: Sym,
    pub(crate) end: usize,
    pub(crate) index: bool,
}

/// A dotted lookup: the name and the steps below it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) start: usize,
    pub(crate) segments: Run,
}

/// What a variable is.
#[derive(Clone, Copy, Debug)]
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
    pub(crate) calls: Run,
    pub(crate) span: Span,
}

/// A run of consecutive rows of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    start: usize,
    len: usize,
}

/// The expressions of a file, their steps and calls, each in one piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exprs {
    rows: Vec<Expr>,
    segments: Vec<Segment>,
    calls: Vec<Call>,
}

/// An expression of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExprId(u32);

impl Exprs {
    /// Makes room for what so many tags usually make.
    pub(crate) fn reserve(&mut self, tags: usize) {
        let some = tags / 2 + 1;
        self.rows.reserve(some);
        self.segments.reserve(2 * some);
        self.calls.reserve(some / 2);
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.segments.clear();
        self.calls.clear();
    }

    pub(crate) fn get(&self, id: ExprId) -> Option<&Expr> {
        self.rows.get(id.0 as usize)
    }

    pub(crate) fn segments(&self, path: &Path) -> &[Segment] {
        self.segments.get(path.segments.start..path.segments.start + path.segments.len).unwrap_or(&[])
    }

    pub(crate) fn calls(&self, expr: &Expr) -> &[Call] {
        self.calls.get(expr.calls.start..expr.calls.start + expr.calls.len).unwrap_or(&[])
    }

    /// Returns the text if the expression is a plain string literal.
    pub(crate) fn literal(&self, id: ExprId) -> Option<Sym> {
        match self.get(id)? {
            Expr { head: Operand::Text { text, translated: false }, calls: Run { len: 0, .. }, .. } => Some(*text),
            _ => None,
        }
    }

    /// Returns the name if the expression is one name and nothing else.
    pub(crate) fn bare_name(&self, id: ExprId) -> Option<Sym> {
        match self.get(id)? {
            Expr { head: Operand::Path(path), calls: Run { len: 0, .. }, .. } if path.segments.len == 1 => {
                self.segments(path).first().map(|step| step.name)
            }
            _ => None,
        }
    }

    /// Returns whether a filter of the expression may miss its argument.
    pub(crate) fn misses(&self, id: ExprId, names: &Names) -> bool {
        self.get(id).is_some_and(|expr| self.calls(expr).iter().any(|call| self.is_variable(call, names)))
    }

    /// Returns whether a filter of the expression may miss its argument, or raise for what it is given.
    pub(crate) fn fails(&self, id: ExprId, names: &Names) -> bool {
        let mut calls = self.get(id).map_or(&[][..], |expr| self.calls(expr)).iter();
        calls.any(|call| !call.filter.total || self.is_variable(call, names))
    }

    fn is_variable(&self, call: &Call, names: &Names) -> bool {
        let Some(Operand::Path(path)) = &call.argument else { return false };
        !matches!(self.segments(path), [name] if ["None", "True", "False"].contains(&names.text(name.name)))
    }

    /// Returns the names below which the expression, or an argument of its filters, has a step called `step`.
    pub(crate) fn owners_of(&self, id: ExprId, step: Sym) -> impl Iterator<Item = Sym> {
        let expr = self.get(id);
        let arguments = expr.into_iter().flat_map(|expr| self.calls(expr)).filter_map(|call| call.argument.as_ref());
        expr.map(|expr| &expr.head).into_iter().chain(arguments).filter_map(move |operand| match operand {
            Operand::Path(path) => {
                let (head, rest) = self.segments(path).split_first()?;
                rest.iter().any(|segment| segment.name == step).then_some(head.name)
            }
            Operand::Nothing | Operand::Text { .. } => None,
        })
    }

    /// Returns how many steps there are so far.
    pub(crate) fn steps(&self) -> usize {
        self.segments.len()
    }

    /// Returns whether any step is called `step`, from number `from` on.
    pub(crate) fn has_step(&self, from: usize, step: Sym) -> bool {
        self.segments.iter().skip(from).any(|segment| segment.name == step)
    }

    /// Notes that the first name of an expression is not written, but the rest is, from `at`.
    pub(crate) fn start_at(&mut self, id: ExprId, at: usize) {
        if let Some(Expr { head: Operand::Path(path), .. }) = self.rows.get_mut(id.0 as usize) {
            path.start = at;
        }
    }

    /// Adds the expression that `text` is; names go to `names`.
    pub(crate) fn parse(&mut self, text: &str, at: usize, filters: &impl Filters, names: &mut Names) -> Result<ExprId, Error> {
        let span = Span::new(at, text.len());
        let (head, calls) = match self.simple(text, at, names) {
            Some((head, end)) if end == text.len() => {
                return Ok(self.add(Expr { head, calls: Run { start: 0, len: 0 }, span }));
            }
            Some((head, end)) => (head, parse_calls(text, at, end, filters)?),
            None => {
                let raw = parse_raw(text, at, filters)?;
                (self.operand(&raw.head, at, names), raw.calls)
            }
        };
        let start = self.calls.len();
        for call in &calls {
            let label = match &call.argument {
                Some(Atom::Constant(text, _)) => names.intern_joined(&[call.name, ":'", text, "'"]),
                Some(Atom::Number(text)) => names.intern_joined(&[call.name, ":", text]),
                _ => names.intern(call.name),
            };
            let argument =
                call.argument.as_ref().map(|argument| self.operand(argument, at.wrapping_add(call.argument_at), names));
            self.calls.push(Call { filter: call.filter, argument, label });
        }
        let calls = Run { start, len: calls.len() };
        Ok(self.add(Expr { head, calls, span }))
    }

    fn add(&mut self, expr: Expr) -> ExprId {
        self.rows.push(expr);
        ExprId(u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX))
    }

    /// Returns what most expressions start with, without the whole grammar, and where that ends: a lookup, or a string alone.
    fn simple(&mut self, text: &str, at: usize, names: &mut Names) -> Option<(Operand, usize)> {
        match text.as_bytes() {
            [b'a'..=b'z' | b'A'..=b'Z', ..] => self.plain_path(text, at, names).map(|(path, end)| (Operand::Path(path), end)),
            [quote @ (b'"' | b'\''), inner @ .., last] if quote == last => {
                let plain = !inner.iter().any(|byte| byte == quote || *byte == b'\\');
                let mut operand = || Operand::Text { text: names.intern(&text[1..text.len() - 1]), translated: false };
                plain.then(|| (operand(), text.len()))
            }
            _ => None,
        }
    }

    /// Returns the lookup that `text` starts with if it is words with dots between, none of them private, and a bar may follow.
    fn plain_path(&mut self, text: &str, at: usize, names: &mut Names) -> Option<(Path, usize)> {
        let (first, mut start) = (self.segments.len(), 0);
        loop {
            let end = skip(text, start, Kinds::WORD);
            let part = &text[start..end];
            let next = text.as_bytes().get(end);
            if part.starts_with('_') || !matches!(next, None | Some(b'.' | b'|' | b' ')) {
                self.segments.truncate(first);
                return None;
            }
            self.segments.push(Segment { name: names.intern(part), end: at.wrapping_add(end), index: is_index(part) });
            if next != Some(&b'.') {
                let segments = Run { start: first, len: self.segments.len() - first };
                return Some((Path { start: at, segments }, end));
            }
            start = end + 1;
        }
    }

    fn operand(&mut self, atom: &Atom<'_>, at: usize, names: &mut Names) -> Operand {
        match atom {
            Atom::Empty | Atom::Number(_) => Operand::Nothing,
            Atom::Constant(text, translated) => Operand::Text { text: names.intern(text), translated: *translated },
            Atom::Lookup(text) => Operand::Path(self.path(text, at, names)),
        }
    }

    fn path(&mut self, text: &str, at: usize, names: &mut Names) -> Path {
        let (start, mut end) = (self.segments.len(), at);
        for part in text.split('.') {
            end = end.wrapping_add(part.len());
            self.segments.push(Segment { name: names.intern(part), end, index: is_index(part) });
            end = end.wrapping_add(1);
        }
        Path { start: at, segments: Run { start, len: self.segments.len() - start } }
    }
}

/// Returns whether `int()` accepts a step, so that it may be a list index.
fn is_index(part: &str) -> bool {
    // Most are names, which end here.
    part.as_bytes().first().is_some_and(|first| first.is_ascii_digit() || !first.is_ascii())
        && part.chars().next().is_some_and(|first| digit(first).is_some())
        && is_int(part)
}
