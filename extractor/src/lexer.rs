//! Cuts a source into the tokens that Django's lexer yields, in linear time.

use memchr::memchr;

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
pub(crate) fn tags(source: &str, dotall: bool) -> impl Iterator<Item = Token<'_>> {
    let mut openers = Openers::new(source, dotall);
    let mut verbatim: Option<String> = None;
    let mut upto = 0;
    std::iter::from_fn(move || {
        let (kind, start, end) = openers.next_tag(upto)?;
        upto = end;
        Some(tag(source, kind, start, end, &mut verbatim))
    })
}

fn text(source: &str, start: usize, end: usize) -> Token<'_> {
    let contents = &source[start..end];
    Token { kind: Kind::Text, start, end, contents, at: start }
}

/// Returns the token of a tag; inside `verbatim` everything but its own closer is text.
fn tag<'s>(source: &'s str, kind: Kind, start: usize, end: usize, verbatim: &mut Option<String>) -> Token<'s> {
    let (contents, skipped) = strip(&source[start + 2..end - 2]);
    let token = Token { kind, start, end, contents, at: start + 2 + skipped };
    if let Some(closer) = verbatim {
        if kind != Kind::Block || contents != closer {
            return text(source, start, end);
        }
        *verbatim = None;
    } else if kind == Kind::Block && (contents == "verbatim" || contents.starts_with("verbatim ")) {
        *verbatim = Some(format!("end{contents}"));
    }
    token
}

/// The search for tags, which remembers where a line has no closer so that no byte is searched twice in vain.
struct Openers<'s> {
    bytes: &'s [u8],
    dotall: bool,
    line_end: usize,
    barren: [usize; 3],
}

impl<'s> Openers<'s> {
    fn new(source: &'s str, dotall: bool) -> Self {
        Self { bytes: source.as_bytes(), dotall, line_end: 0, barren: [0; 3] }
    }

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
                let limit = self.limit(at);
                if let Some(end) = closer(&self.bytes[..limit], at + 2, first, second) {
                    return Some((kind, at, end));
                }
                self.barren[row] = limit;
            }
            at += 1;
        }
    }

    /// Returns where the line of `at` ends.
    fn limit(&mut self, at: usize) -> usize {
        if self.dotall {
            return self.bytes.len();
        }
        if at >= self.line_end {
            self.line_end = find(self.bytes, at, b'\n').unwrap_or(self.bytes.len());
        }
        self.line_end
    }
}

fn closer(bytes: &[u8], from: usize, first: u8, second: u8) -> Option<usize> {
    let mut at = from;
    loop {
        at = find(bytes, at, first)?;
        if bytes.get(at + 1) == Some(&second) {
            return Some(at + 2);
        }
        at += 1;
    }
}

/// Returns where `byte` is next, at or after `from`; it is near in most cases, where a call of `memchr` costs more than the search.
fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut at = from;
    for _ in 0..6 {
        let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        // Bytes that are equal become zero, and the lowest zero gets its high bit.
        let differ = u64::from_le_bytes(*eight) ^ (ONES * u64::from(byte));
        let zeros = differ.wrapping_sub(ONES) & !differ & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr(byte, bytes.get(at..)?).map(|found| at + found)
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
