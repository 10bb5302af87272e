//! The way from a byte offset to a line and a column.

use memchr::{memchr, memchr_iter, memrchr};

use crate::diag::Span;

/// Finds line and column (in characters, from 1) of byte offsets in one source.
#[derive(Debug)]
pub struct Lines {
    /// Where each line starts.
    starts: Vec<usize>,
    /// How many characters there are before each stretch of `STRIDE` bytes; nothing if bytes are characters.
    chars: Vec<usize>,
}

/// Few enough for a byte to count them.
const STRIDE: usize = 128;
/// How many characters on either side of a place are shown of a long line.
const AROUND: usize = 200;

impl Lines {
    /// Returns the index of `source`.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let mut starts = Vec::with_capacity(source.len() / 32 + 1);
        starts.push(0);
        starts.extend(memchr_iter(b'\n', source.as_bytes()).map(|newline| newline + 1));
        let mut chars = Vec::new();
        if !source.is_ascii() {
            let mut before = 0;
            chars.extend(source.as_bytes().chunks(STRIDE).map(|chunk| {
                before += count(chunk);
                before - count(chunk)
            }));
        }
        Self { starts, chars }
    }

    /// Returns the line of `at`, from 1.
    #[must_use]
    pub fn line(&self, source: &str, at: usize) -> usize {
        self.position(source, Span { start: at, len: 0 }).0
    }

    /// Returns line, column and length in characters of `span`.
    #[must_use]
    pub fn position(&self, source: &str, span: Span) -> (usize, usize, usize) {
        let (start, end) = (span.start.min(source.len()), span.start.saturating_add(span.len).min(source.len()));
        let line = self.starts.partition_point(|line| *line <= start);
        let line_start = self.starts.get(line - 1).copied().unwrap_or(0);
        let is_plain = |bytes: &[u8]| bytes.len() <= STRIDE && bytes.is_ascii();
        if self.chars.is_empty() || source.as_bytes().get(line_start..end).is_some_and(is_plain) {
            return (line, start - line_start + 1, end - start);
        }
        (line, self.chars_between(source, line_start, start) + 1, self.chars_between(source, start, end))
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
        match source.as_bytes().get(from..to) {
            Some(short) if short.len() <= STRIDE => count(short),
            _ => self.chars_before(source, to).saturating_sub(self.chars_before(source, from)),
        }
    }

    fn chars_before(&self, source: &str, at: usize) -> usize {
        let row = (at / STRIDE).min(self.chars.len().saturating_sub(1));
        let rest = source.as_bytes().get(row * STRIDE..at).unwrap_or(&[]);
        self.chars.get(row).copied().unwrap_or(0) + count(rest)
    }
}

/// Returns how many characters start in at most `STRIDE` bytes; the sum of bytes is what compilers make fast.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(byte & 0xc0 != 0x80))).into()
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
