//! Splits the contents of a tag into bits, as `Token.split_contents` and `token_kwargs` do.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::diag::{Error, SYNTAX, Span};
use crate::unicode::{Kinds, find, skip};

/// One argument of a tag and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bit<'s> {
    pub(crate) text: Cow<'s, str>,
    pub(crate) at: usize,
}

/// The arguments of a tag; few have more than six.
pub(crate) type Bits<'s> = SmallVec<[Bit<'s>; 6]>;

impl<'s> Bit<'s> {
    pub(crate) fn new(text: &'s str, at: usize) -> Self {
        Self { text: Cow::Borrowed(text), at }
    }

    pub(crate) fn span(&self) -> Span {
        Span::new(self.at, self.text.len())
    }

    /// Returns whether it is a string in quotes, with none of them and no backslash in it.
    pub(crate) fn is_plain_string(&self) -> bool {
        match self.text.as_bytes() {
            [quote @ (b'"' | b'\''), inner @ .., last] if quote == last => {
                !inner.iter().any(|byte| byte == quote || *byte == b'\\')
            }
            _ => false,
        }
    }

    /// Returns `key` and value of `key=value`; no key where the bit does not start with a word and `=`.
    pub(crate) fn keyword(&self) -> (Option<&str>, Bit<'_>) {
        let text: &str = &self.text;
        let end = skip(text, 0, Kinds::WORD);
        if end > 0 && text.as_bytes().get(end) == Some(&b'=') && text.len() > end + 1 && !text[end + 1..].starts_with('\n') {
            return (Some(&text[..end]), Bit::new(&text[end + 1..], self.at + end + 1));
        }
        (None, Bit::new(text, self.at))
    }
}

impl PartialEq<str> for Bit<'_> {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl PartialEq<&str> for Bit<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

/// Returns the bits of a tag's contents; `_("...")` stays in one piece.
pub(crate) fn split_contents(contents: &str, at: usize) -> Result<Bits<'_>, Error> {
    let mut words = smart_split(contents);
    let mut bits = Bits::new();
    while let Some((start, word)) = words.next() {
        let mut bit = Bit::new(word, at + start);
        if let [b'_', b'(', b'"' | b'\'', ..] = word.as_bytes() {
            let closer = if word.as_bytes()[2] == b'"' { "\")" } else { "')" };
            while !bit.text.ends_with(closer) {
                let Some((_, next)) = words.next() else {
                    let message = format!("Unclosed translated string: {}", bit.text);
                    return Err(Error::new(SYNTAX, bit.span(), message));
                };
                let joined = bit.text.to_mut();
                joined.push(' ');
                joined.push_str(next);
            }
        }
        bits.push(bit);
    }
    Ok(bits)
}

/// Returns the words of `text`; quoted pieces keep their spaces.
fn smart_split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut quotes = Quotes::new(text);
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(text, at, Kinds::SPACE);
        at = word_end(text, start, &mut quotes);
        (start < at).then(|| (start, &text[start..at]))
    })
}

/// Returns the end of the word at `at`, to which spaces in quotes belong.
///
/// A quote that never closes is a character like others, but after a quoted piece it starts the next word.
fn word_end(text: &str, at: usize, quotes: &mut Quotes<'_>) -> usize {
    let mut upto = at;
    loop {
        let piece = upto;
        upto = find(text, upto, Kinds::SPACE.and(Kinds::QUOTE));
        let quote = match text.as_bytes().get(upto) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return upto,
        };
        match quotes.close(quote, upto + 1) {
            Some(close) => upto = close + 1,
            None if piece > at => return upto,
            None => return find(text, upto, Kinds::SPACE),
        }
    }
}

/// Finds closing quotes; after a first failure it knows all answers, so that hostile input stays linear.
struct Quotes<'s> {
    bytes: &'s [u8],
    tables: [Option<Vec<u32>>; 2],
}

impl<'s> Quotes<'s> {
    fn new(text: &'s str) -> Self {
        Self { bytes: text.as_bytes(), tables: [None, None] }
    }

    fn close(&mut self, quote: u8, from: usize) -> Option<usize> {
        let row = usize::from(quote == b'\'');
        if let Some(table) = &self.tables[row] {
            return table.get(from).filter(|at| **at != u32::MAX).map(|at| *at as usize);
        }
        let found = closing_quote(self.bytes, quote, from);
        if found.is_none() {
            self.tables[row] = Some(self.table(quote));
        }
        found
    }

    fn table(&self, quote: u8) -> Vec<u32> {
        let mut table = vec![u32::MAX; self.bytes.len() + 2];
        for (at, byte) in self.bytes.iter().enumerate().rev() {
            table[at] = match byte {
                b'\\' if self.bytes.get(at + 1) == Some(&b'\n') => u32::MAX,
                b'\\' => table[at + 2],
                byte if *byte == quote => u32::try_from(at).unwrap_or(u32::MAX),
                _ => table[at + 1],
            };
        }
        table
    }
}

/// Returns where the string that starts at `from` (after its quote) closes; a backslash escapes any character but a newline.
pub(crate) fn closing_quote(bytes: &[u8], quote: u8, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'\\' if bytes.get(at + 1)? == &b'\n' => return None,
            b'\\' => at += 2,
            byte if *byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        smart_split(text).map(|(_, word)| word).collect()
    }

    #[test]
    fn splits_as_smart_split() {
        assert_eq!(words(r#"This is "a person\'s" test."#), ["This", "is", r#""a person\'s""#, "test."]);
        assert_eq!(words(r#""a"b"c d"#), [r#""a"b"#, "\"c", "d"]);
        assert_eq!(words(r#"x="a b"|y:'c d' z"#), [r#"x="a b"|y:'c d'"#, "z"]);
        assert_eq!(words("\"open it"), ["\"open", "it"]);
    }

    #[test]
    fn escaped_quotes_are_linear() {
        assert_eq!(words(&"\\\" ".repeat(100_000)).len(), 100_000);
    }
}
