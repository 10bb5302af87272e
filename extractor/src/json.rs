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

    /// Writes a string of the digits of a hash.
    pub(crate) fn hex(&mut self, hash: u128) {
        // Eight digits at once: each byte gets one, then letters what is between "9" and "a".
        const ONES: u64 = u64::MAX / 255;
        self.raw("\"");
        for four in hash.to_be_bytes().chunks_exact(4).filter_map(<[u8]>::first_chunk) {
            let mut digits = u64::from(u32::from_be_bytes(*four));
            digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff;
            digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff;
            digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f;
            let letters = ((digits + ONES * 6) >> 4) & ONES;
            let text = digits + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1);
            self.0.extend_from_slice(&text.to_be_bytes());
        }
        self.raw("\"");
    }

    /// Writes a string.
    pub(crate) fn string(&mut self, text: &str) {
        self.raw("\"");
        let mut rest = text.as_bytes();
        while let Some(at) = escaped(rest) {
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
                self.0.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
            }
        }
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, number: usize) {
        let mut text = [0; MOST_DIGITS];
        let start = write_number(&mut text, MOST_DIGITS, number);
        self.0.extend_from_slice(&text[start..]);
    }

    /// Writes a list of numbers, from its end: `write!` would take longer than all the rest of the document.
    pub(crate) fn numbers(&mut self, numbers: [usize; 4]) {
        let mut text = [0; 4 * (MOST_DIGITS + 1) + 1];
        let mut at = text.len();
        let mut after = b']';
        for number in numbers.into_iter().rev() {
            text[at - 1] = after;
            at = write_number(&mut text, at - 1, number);
            after = b',';
        }
        text[at - 1] = b'[';
        self.0.extend_from_slice(&text[at - 1..]);
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

/// Returns where the first byte is that no string may have as it is.
fn escaped(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    // In eight bytes at once: the high bit of each is set if it is a quote, a backslash or below the space.
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let bytes = u64::from_le_bytes(*eight);
        let (quote, backslash) = (bytes ^ (ONES * u64::from(b'"')), bytes ^ (ONES * u64::from(b'\\')));
        let found = (quote.wrapping_sub(ONES) | backslash.wrapping_sub(ONES) | bytes.wrapping_sub(ONES * 0x20)) & !bytes & HIGH;
        if found != 0 {
            break;
        }
        at += 8;
    }
    text[at..].iter().position(|byte| ESCAPED[usize::from(*byte)]).map(|found| at + found)
}

/// Writes the digits of a number so that they end at `end`; returns where they start.
fn write_number(text: &mut [u8], end: usize, mut number: usize) -> usize {
    let mut at = end;
    loop {
        at -= 1;
        text[at] = DIGITS[number % 10];
        number /= 10;
        if number == 0 {
            return at;
        }
    }
}

const DIGITS: &[u8; 10] = b"0123456789";
/// Those of the largest number.
const MOST_DIGITS: usize = 20;
const HEX: &[u8; 16] = b"0123456789abcdef";

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
            assert_eq!(written(|out| out.numbers([value, 0, 1, value])), format!("[{value},0,1,{value}]"));
        }
        for hash in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210] {
            assert_eq!(written(|out| out.hex(hash)), format!("\"{hash:032x}\""));
        }
        for text in ["", "plain", "\"\\\n\t\u{1}\u{1f} é\u{2028}", "a\"b", "\\"] {
            let json = written(|out| out.string(text));
            assert_eq!(serde_json::from_str::<String>(&json).ok().as_deref(), Some(text));
        }
    }
}
