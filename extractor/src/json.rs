//! JSON text.

/// JSON that is being written; what goes in are strings, so it is UTF-8.
#[derive(Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// Forgets what was written, and makes room for so much.
    pub(crate) fn start(&mut self, bytes: usize) {
        self.0.clear();
        self.0.reserve(bytes);
    }

    #[cfg(feature = "python")]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.clone()).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes text that is JSON already.
    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Writes a string of letters and digits.
    pub(crate) fn word(&mut self, word: &str) {
        self.raw("\"");
        self.raw(word);
        self.raw("\"");
    }

    /// Writes a string.
    pub(crate) fn string(&mut self, text: &str) {
        self.raw("\"");
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| ESCAPED[usize::from(*byte)]) {
            self.0.extend_from_slice(&rest[..at]);
            self.escape(rest[at]);
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        self.raw("\"");
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'\n' => self.raw("\\n"),
            b'"' | b'\\' => self.0.extend([b'\\', byte]),
            _ => {
                self.raw("\\u00");
                self.0.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
            }
        }
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, number: usize) {
        self.numbers([number]);
    }

    /// Writes numbers with commas between.
    pub(crate) fn numbers<const N: usize>(&mut self, numbers: [usize; N]) {
        // Most are lines and columns: `write!` would take longer than all the rest of the document.
        for (row, number) in numbers.into_iter().enumerate() {
            if row > 0 {
                self.0.push(b',');
            }
            let (tens, one) = (number / 10, DIGITS[number % 10]);
            match tens {
                0 => self.0.push(one),
                1..=9 => self.0.extend([DIGITS[tens], one]),
                10..=99 => self.0.extend([DIGITS[tens / 10], DIGITS[tens % 10], one]),
                _ => {
                    self.numbers([tens]);
                    self.0.push(one);
                }
            }
        }
    }

    /// Writes `[...]`.
    pub(crate) fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.raw("[");
        for (row, item) in items.into_iter().enumerate() {
            if row > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }
}

const DIGITS: &[u8; 10] = b"0123456789";

/// The bytes that no string may have as they are.
static ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = true;
        control += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Json)) -> String {
        let mut out = Json::default();
        write(&mut out);
        out.text()
    }

    #[test]
    fn numbers_and_strings_are_json() {
        for value in [0, 9, 10, 1_048_576, usize::MAX] {
            assert_eq!(written(|out| out.number(value)), value.to_string());
        }
        for text in ["", "plain", "\"\\\n\t\u{1}\u{1f} é\u{2028}", "a\"b", "\\"] {
            let json = written(|out| out.string(text));
            assert_eq!(serde_json::from_str::<String>(&json).ok().as_deref(), Some(text));
        }
    }
}
