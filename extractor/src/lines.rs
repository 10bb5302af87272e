//! The way from a byte offset to a line and a column.

use memchr::{memchr, memrchr};

use crate::diag::Span;

/// Finds line and column (in characters, from 1) of byte offsets in one source.
///
/// It counts ahead only once every `STRIDE` bytes, and from there when it is asked.
#[derive(Debug)]
pub struct Lines {
    before: Vec<Counts>,
    /// Whether bytes are characters.
    ascii: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    newlines: usize,
    chars: usize,
    /// Where the line starts.
    start: usize,
}

/// Few enough for a byte to count them.
const STRIDE: usize = 128;
/// How many characters on either side of a place are shown of a long line.
const AROUND: usize = 200;

impl Lines {
    /// Returns the index of `source`.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let ascii = source.is_ascii();
        let mut counts = Counts::default();
        let mut before = Vec::with_capacity(source.len() / STRIDE + 1);
        for (row, chunk) in source.as_bytes().chunks(STRIDE).enumerate() {
            before.push(counts);
            counts.newlines += count(chunk, is_newline);
            counts.start = memrchr(b'\n', chunk).map_or(counts.start, |newline| row * STRIDE + newline + 1);
            if !ascii {
                counts.chars += count(chunk, starts_char);
            }
        }
        Self { before, ascii }
    }

    /// Returns the line of `at`, from 1.
    #[must_use]
    pub fn line(&self, source: &str, at: usize) -> usize {
        self.position(source, Span { start: at, len: 0 }).0
    }

    /// Returns line, column and length in characters of `span`.
    #[must_use]
    pub fn position(&self, source: &str, span: Span) -> (usize, usize, usize) {
        let span = Span { start: span.start.min(source.len()), ..span };
        let (counts, rest) = self.near(source, span.start);
        let line = counts.newlines + count(rest, is_newline) + 1;
        let start = memrchr(b'\n', rest).map_or(counts.start, |newline| span.start - rest.len() + newline + 1);
        let column = self.chars_between(source, start, span.start) + 1;
        (line, column, self.chars_between(source, span.start, span.start.saturating_add(span.len)))
    }

    /// Returns the text of the line of `at`, without its end.
    #[must_use]
    pub fn text(source: &str, at: usize) -> &str {
        let at = at.min(source.len());
        let start = memrchr(b'\n', &source.as_bytes()[..at]).map_or(0, |newline| newline + 1);
        let end = memchr(b'\n', &source.as_bytes()[at..]).map_or(source.len(), |newline| at + newline);
        source.get(start..end).unwrap_or("")
    }

    /// Returns what stands around `span` in its line, and how many characters of that line come before it.
    #[must_use]
    pub fn excerpt<'s>(&self, source: &'s str, span: Span) -> (usize, &'s str) {
        let text = Self::text(source, span.start);
        if text.len() <= 2 * AROUND {
            return (0, text);
        }
        let (_, column, _) = self.position(source, span);
        let skipped = (column - 1).saturating_sub(AROUND);
        let shown = text.char_indices().map(|(at, _)| at).skip(skipped);
        let mut ends = shown.step_by(2 * AROUND);
        let (start, end) = (ends.next().unwrap_or(text.len()), ends.next().unwrap_or(text.len()));
        (skipped, text.get(start..end).unwrap_or(""))
    }

    fn chars_between(&self, source: &str, from: usize, to: usize) -> usize {
        match source.as_bytes().get(from..to.min(source.len())) {
            Some(all) if self.ascii => all.len(),
            Some(short) if short.len() <= STRIDE => count(short, starts_char),
            _ => self.chars_before(source, to).saturating_sub(self.chars_before(source, from)),
        }
    }

    fn chars_before(&self, source: &str, at: usize) -> usize {
        let (counts, rest) = self.near(source, at);
        counts.chars + count(rest, starts_char)
    }

    /// Returns what was counted before `at`, and the bytes from there.
    fn near<'s>(&self, source: &'s str, at: usize) -> (Counts, &'s [u8]) {
        let at = at.min(source.len());
        let row = (at / STRIDE).min(self.before.len().saturating_sub(1));
        (self.before.get(row).copied().unwrap_or_default(), &source.as_bytes()[row * STRIDE..at])
    }
}

fn is_newline(byte: u8) -> bool {
    byte == b'\n'
}

fn starts_char(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// Returns how many of at most `STRIDE` bytes there are; the sum of bytes is what compilers make fast.
fn count(bytes: &[u8], what: impl Fn(u8) -> bool) -> usize {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(what(*byte)))).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn columns_are_characters(source in "([a-z]{1,40}|é{0,400}|\u{1f600}|\n){0,30}", rows in prop::array::uniform2(0..2000_usize)) {
            let offsets: Vec<usize> = source.char_indices().map(|(at, _)| at).chain([source.len()]).collect();
            let mut rows = rows.map(|row| row.min(offsets.len() - 1));
            rows.sort_unstable();
            let [start, end] = rows.map(|row| offsets[row]);
            let before = &source[..start];
            let line = before.rsplit('\n').next().map_or("", |line| line);
            let expected = (before.matches('\n').count() + 1, line.chars().count() + 1, source[start..end].chars().count());
            prop_assert_eq!(Lines::new(&source).position(&source, Span { start, len: end - start }), expected);
            prop_assert_eq!(Lines::text(&source, start), source.split('\n').nth(expected.0 - 1).map_or("", |line| line));
        }
    }
}
