//! Cuts a source into the tokens that Django's lexer yields, in linear time.

use memchr::{memchr, memchr2};

use crate::unicode::strip;

/// What a token is; Django's `TokenType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything between tags.
    Text,
    /// `{{ ... }}`
    Var,
    /// `{% ... %}`
    Block,
    /// `{# ... #}`
    Comment,
}

/// A piece of the source: `start..end` with its braces, and what is in them without outer space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'s> {
    /// What the token is.
    pub kind: Kind,
    /// Byte offset of the first byte, braces included.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
    /// Django's `Token.contents`.
    pub contents: &'s str,
    /// Byte offset of `contents`.
    pub at: usize,
}

/// Returns the tokens of `source`; with `dotall` a tag may span lines.
#[must_use]
pub fn lex(source: &str, dotall: bool) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(source.len() / 24 + 1);
    let mut upto = 0;
    for tag in tags(source, dotall) {
        if upto < tag.start {
            tokens.push(text(source, upto, tag.start));
        }
        upto = tag.end;
        tokens.push(tag);
    }
    if upto < source.len() {
        tokens.push(text(source, upto, source.len()));
    }
    tokens
}

/// Returns what stands between double braces and the like; inside `verbatim` that is text, too.
pub(crate) fn tags(source: &str, dotall: bool) -> Tags<'_> {
    Tags { source, openers: Openers { bytes: source.as_bytes(), dotall, barren: [0; 3] }, verbatim: None, upto: 0 }
}

/// The tags of a source that are still to come.
#[derive(Clone)]
pub(crate) struct Tags<'s> {
    source: &'s str,
    openers: Openers<'s>,
    /// The contents of the `verbatim` that is open.
    verbatim: Option<&'s str>,
    upto: usize,
}

impl<'s> Iterator for Tags<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        let (kind, start, end) = self.openers.next_tag(self.upto)?;
        self.upto = end;
        Some(self.tag(kind, start, end))
    }
}

impl<'s> Tags<'s> {
    /// Returns the token of a tag; inside `verbatim` everything but its own closer is text.
    fn tag(&mut self, kind: Kind, start: usize, end: usize) -> Token<'s> {
        let (contents, skipped) = strip(&self.source[start + 2..end - 2]);
        if let Some(opened) = self.verbatim {
            if kind != Kind::Block || contents.strip_prefix("end") != Some(opened) {
                return text(self.source, start, end);
            }
            self.verbatim = None;
        } else if kind == Kind::Block && (contents == "verbatim" || contents.starts_with("verbatim ")) {
            self.verbatim = Some(contents);
        }
        Token { kind, start, end, contents, at: start + 2 + skipped }
    }
}

fn text(source: &str, start: usize, end: usize) -> Token<'_> {
    let contents = &source[start..end];
    Token { kind: Kind::Text, start, end, contents, at: start }
}

/// The search for tags, which remembers where a line has no closer so that no byte is searched twice in vain.
#[derive(Clone)]
struct Openers<'s> {
    bytes: &'s [u8],
    dotall: bool,
    barren: [usize; 3],
}

impl Openers<'_> {
    fn next_tag(&mut self, from: usize) -> Option<(Kind, usize, usize)> {
        let mut at = from;
        loop {
            at = find(self.bytes, at, b'{')?;
            let (kind, row, first, second) = match self.bytes.get(at + 1)? {
                b'%' => (Kind::Block, 0, b'%', b'}'),
                b'{' => (Kind::Var, 1, b'}', b'}'),
                b'#' => (Kind::Comment, 2, b'#', b'}'),
                _ => {
                    at += 1;
                    continue;
                }
            };
            if at >= self.barren[row] {
                match self.closer(at + 2, first, second) {
                    Ok(end) => return Some((kind, at, end)),
                    Err(limit) => self.barren[row] = limit,
                }
            }
            at += 1;
        }
    }

    /// Returns where the closer ends that is next after `from`, or else where the line does.
    fn closer(&self, from: usize, first: u8, second: u8) -> Result<usize, usize> {
        let newline = if self.dotall { first } else { b'\n' };
        let mut at = from;
        loop {
            at = find_either(self.bytes, at, first, newline).ok_or(self.bytes.len())?;
            match self.bytes.get(at..at + 2) {
                Some([one, two]) if *one == first && *two == second => return Ok(at + 2),
                Some([one, _]) if *one == first => at += 1,
                Some([..]) => return Err(at),
                None => return Err(self.bytes.len()),
            }
        }
    }
}

const ONES: u64 = u64::MAX / 255;

/// Returns eight bytes whose high bits are set where `eight` has `byte`, up to the first of these at least.
fn matches(eight: u64, byte: u8) -> u64 {
    // Bytes that are equal become zero, and the lowest zero gets its high bit.
    let differ = eight ^ (ONES * u64::from(byte));
    differ.wrapping_sub(ONES) & !differ & (ONES << 7)
}

/// Returns where `byte` is next, at or after `from`; it is near in most cases, where a call of `memchr` costs more than the search.
fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    let mut at = from;
    for _ in 0..6 {
        let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        let found = matches(u64::from_le_bytes(*eight), byte);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr(byte, bytes.get(at..)?).map(|found| at + found)
}

/// Returns where either byte is next, at or after `from`.
fn find_either(bytes: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
    let mut at = from;
    for _ in 0..8 {
        let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        let eight = u64::from_le_bytes(*eight);
        let found = matches(eight, one) | matches(eight, other);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(one, other, bytes.get(at..)?).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unclosed_openers_are_linear() {
        let source = "{{ {% {# ".repeat(40_000);
        assert_eq!(lex(&source, false).len(), 1);
    }

    proptest! {
        #[test]
        fn tokens_tile_the_source(source in r"([a-z \n%#{}|]|\{\{|\}\}|\{%|%\}|verbatim|é){0,80}", dotall: bool) {
            let tokens = lex(&source, dotall);
            let joined: String = tokens.iter().map(|token| &source[token.start..token.end]).collect();
            prop_assert_eq!(joined, source);
        }
    }
}
