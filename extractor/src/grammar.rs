//! The grammar of variables with filters: Django's `FilterExpression` and `Variable`, as written.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::diag::{EXPRESSION, Error, Span};
use crate::filters::Filter;
use crate::split::closing_quote;
use crate::unicode::{Kinds, digit, is_space, skip};

/// A variable as Django's `Variable` sees it; text is as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Atom<'s> {
    /// An empty expression.
    Empty,
    /// A quoted string without its quotes, and whether it stood in `_(...)`.
    Constant(Cow<'s, str>, bool),
    /// A number, as written.
    Number(&'s str),
    /// A lookup, as written.
    Lookup(&'s str),
}

/// A filter call as written.
#[derive(Clone, Debug)]
pub struct RawCall<'s> {
    /// The filter's name.
    pub name: &'s str,
    /// Its argument.
    pub argument: Option<Atom<'s>>,
    pub(crate) argument_at: usize,
    pub(crate) filter: Filter,
}

/// What an expression says before its names are resolved.
#[derive(Clone, Debug)]
pub struct RawExpr<'s> {
    /// The variable.
    pub head: Atom<'s>,
    /// The filters in order.
    pub calls: Calls<'s>,
}

type Calls<'s> = SmallVec<[RawCall<'s>; 2]>;

/// How the parser of expressions asks for filters.
pub(crate) trait Filters {
    /// Returns the filter of that name, or Django's error.
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error>;
    /// Returns whether numbers have a pattern of their own, as before Django 6.
    fn old_numbers(&self) -> bool;
}

/// Returns the parts of `text`, which stands at `at`, or the error that Django raises for it.
pub(crate) fn parse_raw<'s>(text: &'s str, at: usize, filters: &impl Filters) -> Result<RawExpr<'s>, Error> {
    let scanner = Scanner { text, base: at, old: filters.old_numbers() };
    if text.is_empty() {
        return Ok(RawExpr { head: Atom::Empty, calls: Calls::new() });
    }
    if let Some(end) = scanner.constant(0) {
        return Ok(RawExpr { head: constant(&text[..end]), calls: parse_calls(text, at, end, filters)? });
    }
    if let Some(end) = scanner.variable(0) {
        let head = variable(&text[..end], at, scanner.old)?;
        return Ok(RawExpr { head, calls: parse_calls(text, at, end, filters)? });
    }
    if scanner.filter(0).is_some() {
        let message = format!("Could not find variable at start of {text}.");
        return Err(Error::new(EXPRESSION, Span::new(at, text.len()), message));
    }
    Err(scanner.remainder(0))
}

/// Returns the filters of `text`, the variable of which ends at `upto`.
pub(crate) fn parse_calls<'s>(text: &'s str, at: usize, mut upto: usize, filters: &impl Filters) -> Result<Calls<'s>, Error> {
    let mut scanner = Scanner { text, base: at, old: filters.old_numbers() };
    let mut calls = Calls::new();
    while upto < text.len() {
        let Some((name, after_name)) = scanner.filter(upto) else { break };
        let (argument, end) = scanner.argument(after_name)?;
        let span = Span::new(at.wrapping_add(after_name - name.len()), name.len());
        let filter = filters.find(name, span)?;
        if let Some((least, most)) = filter.arity {
            let given = 1 + u8::from(argument.is_some());
            if given < least || given > most {
                let message = format!("{name} requires {least} arguments, {given} provided");
                return Err(Error::new(EXPRESSION, span, message));
            }
        }
        calls.push(RawCall { name, argument, argument_at: after_name + 1, filter });
        upto = end;
    }
    if upto < text.len() {
        return Err(scanner.remainder(upto));
    }
    Ok(calls)
}

fn constant(text: &str) -> Atom<'_> {
    let (quoted, translated) = match text.strip_prefix("_(") {
        Some(rest) => (rest.strip_suffix(')').unwrap_or(rest), true),
        None => (text, false),
    };
    let quote = &quoted[..1];
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains('\\') {
        return Atom::Constant(Cow::Borrowed(inner), translated);
    }
    let unescaped = inner.replace(&format!("\\{quote}"), quote).replace("\\\\", "\\");
    Atom::Constant(Cow::Owned(unescaped), translated)
}

/// Returns what Django's `Variable` makes of `text`, which is not a constant.
fn variable(text: &str, at: usize, old: bool) -> Result<Atom<'_>, Error> {
    if is_number(text) {
        return Ok(Atom::Number(text));
    }
    let refuse = |message: String| Err(Error::new(EXPRESSION, Span::new(at, text.len()), message));
    let (mut before, mut private, mut signed) = (b'.', false, false);
    for byte in text.bytes() {
        private |= byte == b'_' && before == b'.';
        signed |= matches!(byte, b'+' | b'-');
        before = byte;
    }
    if private {
        return refuse(format!("Variables and attributes may not begin with underscores: '{text}'"));
    }
    // The old grammar lets signs in only as part of a number such as "-1e", which then is a name.
    if !old && signed {
        for sign in ['+', '-'] {
            if text.contains(sign) {
                return refuse(format!("Invalid character ('{sign}') in variable name: '{text}'"));
            }
        }
    }
    Ok(Atom::Lookup(text))
}

/// Returns whether Django takes `text` for a number.
fn is_number(text: &str) -> bool {
    // Most are names, which end here.
    if !text.starts_with(|first| digit(first).is_some() || matches!(first, '+' | '-' | '.')) {
        return false;
    }
    if text.contains(['.', 'e', 'E']) { is_float(text) && !text.ends_with('.') } else { is_int(text) }
}

/// Returns whether Python's `int()` accepts `text`.
pub(crate) fn is_int(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    is_digits(digits) && digits.chars().filter(|c| *c != '_').count() <= 4300
}

/// Returns whether Python's `float()` accepts `text`.
pub(crate) fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_or_none = |part: &str| part.is_empty() || is_digits(part);
    exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        && digits_or_none(whole)
        && digits_or_none(fraction)
        && !(whole.is_empty() && fraction.is_empty())
}

/// Returns whether `text` is digits with single underscores between them.
fn is_digits(text: &str) -> bool {
    let mut after_digit = false;
    for c in text.chars() {
        match (digit(c).is_some(), c == '_' && after_digit) {
            (true, _) => after_digit = true,
            (_, true) => after_digit = false,
            _ => return false,
        }
    }
    after_digit
}

struct Scanner<'s> {
    text: &'s str,
    base: usize,
    old: bool,
}

impl<'s> Scanner<'s> {
    /// Returns the end of a string literal, in `_(...)` or not.
    fn constant(&self, at: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(at..)?;
        let open = if rest.starts_with(b"_(") { 2 } else { 0 };
        let quote = *rest.get(open).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let close = closing_quote(self.text.as_bytes(), quote, at + open + 1)? + 1;
        match open {
            0 => Some(close),
            _ => (self.text.as_bytes().get(close) == Some(&b')')).then_some(close + 1),
        }
    }

    /// Returns the end of a name or number.
    fn variable(&self, at: usize) -> Option<usize> {
        const NAME: Kinds = Kinds::WORD.and(Kinds::DOT);
        let end = skip(self.text, at, if self.old { NAME } else { NAME.and(Kinds::SIGN) });
        if end > at {
            return Some(end);
        }
        if !self.old {
            return None;
        }
        let rest = self.text.get(at..)?;
        let digits = rest.strip_prefix(['+', '-'])?;
        digits.chars().next().filter(|c| digit(*c).is_some())?;
        let len = digits.find(|c| digit(c).is_none() && c != '.' && c != 'e').unwrap_or(digits.len());
        Some(at + 1 + len)
    }

    /// Returns the name in `|name`, with spaces around the bar, and where it ends.
    fn filter(&self, at: usize) -> Option<(&'s str, usize)> {
        let bar = skip(self.text, at, Kinds::SPACE);
        if self.text.as_bytes().get(bar) != Some(&b'|') {
            return None;
        }
        let start = skip(self.text, bar + 1, Kinds::SPACE);
        let end = skip(self.text, start, Kinds::WORD);
        (end > start).then(|| (&self.text[start..end], end))
    }

    /// Returns the argument after a filter's name and where it ends.
    fn argument(&mut self, at: usize) -> Result<(Option<Atom<'s>>, usize), Error> {
        if self.text.as_bytes().get(at) != Some(&b':') {
            return Ok((None, at));
        }
        if let Some(end) = self.constant(at + 1) {
            return Ok((Some(constant(&self.text[at + 1..end])), end));
        }
        match self.variable(at + 1) {
            Some(end) => Ok((Some(variable(&self.text[at + 1..end], self.base.wrapping_add(at + 1), self.old)?), end)),
            None => Ok((None, at)),
        }
    }

    /// Returns the error for what cannot be read: different words if a filter follows further on.
    fn remainder(&self, upto: usize) -> Error {
        let text = self.text;
        let mut after_space = text[upto..].starts_with(is_space);
        let next = text[upto..].char_indices().skip(1).find(|(skip, c)| {
            let starts = *c == '|' || (is_space(*c) && !after_space);
            after_space = is_space(*c);
            starts && self.filter(upto + skip).is_some()
        });
        let next = next.map(|(skip, _)| upto + skip);
        let message = match next {
            Some(start) => {
                format!("Could not parse some characters: {}|{}|{}", &text[..upto], &text[upto..start], &text[start..])
            }
            None => format!("Could not parse the remainder: '{}' from '{text}'", &text[upto..]),
        };
        Error::new(EXPRESSION, Span::new(self.base.wrapping_add(upto), text.len() - upto), message)
    }
}
