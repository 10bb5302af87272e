//! What Python calls a space, a word character and a digit, where Rust differs.

use std::sync::atomic::{AtomicUsize, Ordering};

mod tables;

use tables::{LATER_WORD, LATER_ZEROS, VERSIONS, WORD, ZEROS};

/// The row of the version of Unicode that this process has: its Python decides, once.
static VERSION: AtomicUsize = AtomicUsize::new(VERSIONS.len() - 1);

/// Takes letters and digits for such as Python does with this version of Unicode, `14.0.0` or later.
#[cfg(feature = "python")]
pub(crate) fn use_version(version: &str) {
    VERSION.store(row_of(version), Ordering::Relaxed);
}

/// Returns the last version that is known and not later than `version`.
#[cfg(any(feature = "python", test))]
fn row_of(version: &str) -> usize {
    let mut parts = version.split('.').map(|part| part.parse::<u8>().unwrap_or(u8::MAX));
    let wanted = (parts.next().unwrap_or(u8::MAX), parts.next().unwrap_or(0));
    VERSIONS.partition_point(|known| *known <= wanted).saturating_sub(1)
}

/// Returns whether Python's `str.isspace` (and `\s`) accepts `c`.
pub(crate) fn is_space(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, '\t'..='\r' | '\x1c'..='\x20');
    }
    matches!(
        c,
        '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// Returns whether Python's `\w` accepts `c`: `str.isalnum` or the underscore, so no combining marks.
pub(crate) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && is_wide_word(u32::from(c), VERSION.load(Ordering::Relaxed)))
}

/// Returns whether a version of Unicode has a letter or number of this code.
fn is_wide_word(code: u32, version: usize) -> bool {
    let row = WORD.partition_point(|(first, _)| *first <= code);
    if row.checked_sub(1).and_then(|row| WORD.get(row)).is_some_and(|(_, last)| code <= *last) {
        return true;
    }
    let row = LATER_WORD.partition_point(|(first, ..)| *first <= code);
    let later = row.checked_sub(1).and_then(|row| LATER_WORD.get(row));
    later.is_some_and(|(_, last, since)| code <= *last && usize::from(*since) <= version)
}

/// Returns the value of a decimal digit of any script, as `int()` reads it.
pub(crate) fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    wide_digit(u32::from(c), VERSION.load(Ordering::Relaxed))
}

/// Returns the value of the digit of this code in a version of Unicode.
fn wide_digit(code: u32, version: usize) -> Option<u32> {
    let value = |zero: u32| code.checked_sub(zero).filter(|value| *value < 10);
    let row = ZEROS.partition_point(|zero| *zero <= code);
    let first = row.checked_sub(1).and_then(|row| ZEROS.get(row)).and_then(|zero| value(*zero));
    let later = || LATER_ZEROS.iter().filter(|(_, since)| usize::from(*since) <= version).find_map(|(zero, _)| value(*zero));
    first.or_else(later)
}

/// A set of kinds of characters.
#[derive(Clone, Copy)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// What `is_space` accepts.
    pub(crate) const SPACE: Self = Self(1);
    /// What `is_word` accepts.
    pub(crate) const WORD: Self = Self(2);
    /// `.`
    pub(crate) const DOT: Self = Self(4);
    /// `+` and `-`
    pub(crate) const SIGN: Self = Self(8);
    /// `"` and `'`
    pub(crate) const QUOTE: Self = Self(16);
    const WIDE: Self = Self(32);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the kind of the character that starts with `byte`; `WIDE` if that does not say.
    const fn of_byte(byte: u8) -> Self {
        match byte {
            b'\t'..=b'\r' | 0x1c..=0x20 => Self::SPACE,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => Self::WORD,
            b'.' => Self::DOT,
            b'+' | b'-' => Self::SIGN,
            b'"' | b'\'' => Self::QUOTE,
            0x80.. => Self::WIDE,
            _ => Self(0),
        }
    }

    fn of_char(c: char) -> Self {
        match c {
            _ if is_space(c) => Self::SPACE,
            _ if is_word(c) => Self::WORD,
            _ => Self(0),
        }
    }
}

static BYTES: [Kinds; 256] = {
    let mut table = [Kinds(0); 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        table[byte as usize] = Kinds::of_byte(byte);
        byte += 1;
    }
    table[u8::MAX as usize] = Kinds::WIDE;
    table
};

/// Returns the offset of the first character, at or after `at`, that is of these kinds; or where the text ends.
#[inline]
pub(crate) fn find(text: &str, mut at: usize, kinds: Kinds) -> usize {
    let stop = kinds.and(Kinds::WIDE);
    while let Some(byte) = text.as_bytes().get(at) {
        if !BYTES[usize::from(*byte)].has(stop) {
            at += 1;
        } else if byte.is_ascii() {
            return at;
        } else {
            let (is_of, len) = wide(text, at, kinds);
            if is_of {
                return at;
            }
            at += len;
        }
    }
    at
}

/// Returns the offset of the first character, at or after `at`, that is not of these kinds; or where the text ends.
#[inline]
pub(crate) fn skip(text: &str, mut at: usize, kinds: Kinds) -> usize {
    while let Some(byte) = text.as_bytes().get(at) {
        if BYTES[usize::from(*byte)].has(kinds) {
            at += 1;
        } else if byte.is_ascii() {
            return at;
        } else {
            let (is_of, len) = wide(text, at, kinds);
            if !is_of {
                return at;
            }
            at += len;
        }
    }
    at
}

/// Returns whether the character at `at`, which is no ASCII one, is of these kinds, and how many bytes it has.
#[cold]
fn wide(text: &str, at: usize, kinds: Kinds) -> (bool, usize) {
    let Some(c) = text[at..].chars().next() else { return (false, 1) };
    (Kinds::of_char(c).has(kinds), c.len_utf8())
}

/// Returns `text` without the characters that Python's `str.strip` removes, and how many bytes went in front.
pub(crate) fn strip(text: &str) -> (&str, usize) {
    // As most write it: one space on either side.
    if let [b' ', first, .., last, b' '] = text.as_bytes()
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return (&text[1..text.len() - 1], 1);
    }
    let start = skip(text, 0, Kinds::SPACE);
    let rest = &text[start..];
    match rest.as_bytes() {
        [.., last, b' '] if last.is_ascii_graphic() => (&rest[..rest.len() - 1], start),
        _ => (rest.trim_end_matches(is_space), start),
    }
}

/// Returns the first word of a text that does not start with a space.
pub(crate) fn first_word(text: &str) -> &str {
    &text[..find(text, 0, Kinds::SPACE)]
}

/// Returns the words of `text` with their byte offsets, as Python's `str.split()` does.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(text, at, Kinds::SPACE);
        at = find(text, start, Kinds::SPACE);
        (start < at).then(|| (start, &text[start..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        let rows = ["13.0.0", "14.0.0", "15.0.0", "15.1.0", "16.0.0", "17.0.0", "18.0.0", "?"].map(row_of);
        assert_eq!(rows, [0, 0, 1, 2, 3, 4, 4, 4]);
        for (code, since) in [(0xe4, 0), (0x1_1f02, 1), (0x2_ebf0, 2), (0x1_0d50, 3), (0x323b0, 4)] {
            let words: Vec<bool> = (0..VERSIONS.len()).map(|version| is_wide_word(code, version)).collect();
            assert_eq!(words, (0..VERSIONS.len()).map(|version| version >= since).collect::<Vec<_>>(), "{code:x}");
        }
        assert_eq!([wide_digit(0x0664, 0), wide_digit(0x1_0d44, 2), wide_digit(0x1_0d44, 3)], [Some(4), None, Some(4)]);
    }
}
