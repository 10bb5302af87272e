//! JSON text.

/// Writes `"key":[...]`.
pub(crate) fn list<T>(out: &mut String, key: &str, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    string(out, key);
    out.push_str(":[");
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
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.push(char::from_digit((u32::from(c) >> shift) & 15, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
