//! JSON text.

/// Writes `[...]`.
pub(crate) fn list<T>(out: &mut String, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    out.push('[');
    for (row, item) in items.enumerate() {
        if row > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// Writes a JSON string.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        escape(out, rest.as_bytes()[at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn escape(out: &mut String, byte: u8) {
    match byte {
        b'\n' => out.push_str("\\n"),
        b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
        _ => {
            out.push_str("\\u00");
            out.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
        }
    }
}

/// Writes a number.
pub(crate) fn number(out: &mut String, number: usize) {
    // Most are lines and columns: `write!` would take longer than all the rest of the document.
    if number >= 10 {
        self::number(out, number / 10);
    }
    out.push(DIGITS[number % 10]);
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_are_json() {
        let mut out = String::new();
        for value in [0, 9, 10, 1_048_576, usize::MAX] {
            out.clear();
            number(&mut out, value);
            assert_eq!(out, value.to_string());
        }
        for text in ["", "plain", "\"\\\n\t\u{1}\u{1f} é\u{2028}", "a\"b", "\\"] {
            out.clear();
            string(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).ok().as_deref(), Some(text));
        }
    }
}
