//! Names as small numbers.

use smallvec::SmallVec;

use crate::table::Table;

/// A name of one extraction; equal names have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(pub(crate) u32);

/// A set of names: a bit for each.
#[derive(Debug, Default)]
pub(crate) struct SymSet(SmallVec<[u64; 4]>);

impl SymSet {
    /// Adds a name; returns whether it was not there.
    pub(crate) fn insert(&mut self, name: Sym) -> bool {
        let (row, bit) = (name.0 as usize / 64, 1 << (name.0 % 64));
        if self.0.len() <= row {
            self.0.resize(row + 1, 0);
        }
        let Some(bits) = self.0.get_mut(row) else { return false };
        let before = *bits;
        *bits |= bit;
        before != *bits
    }
}

/// The names that an extraction has met, in one piece of text.
#[derive(Default)]
pub(crate) struct Names {
    text: String,
    spans: Vec<(usize, usize)>,
    table: Table,
    joined: String,
    /// How many names, and how much text, were there when it was told to keep them.
    kept: (usize, usize),
}

impl Names {
    /// Keeps the names that it has when it forgets.
    pub(crate) fn keep(&mut self) {
        self.kept = (self.spans.len(), self.text.len());
        self.table.keep();
    }

    /// Forgets all names but those that it keeps.
    pub(crate) fn forget(&mut self) {
        let (names, bytes) = self.kept;
        self.spans.truncate(names);
        self.text.truncate(bytes);
        self.table.clear();
    }

    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        let Self { text, spans, table, .. } = self;
        let next = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        let sym = table.find_or_put(hash(name.as_bytes()), next, |number| {
            let (start, end) = spans.get(number as usize).copied().unwrap_or_default();
            text.as_bytes().get(start..end) == Some(name.as_bytes())
        });
        if sym == next {
            let start = text.len();
            text.push_str(name);
            spans.push((start, text.len()));
        }
        Sym(sym)
    }

    /// Returns the number of the name that these pieces make.
    pub(crate) fn intern_joined(&mut self, pieces: &[&str]) -> Sym {
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        joined.extend(pieces.iter().copied());
        let sym = self.intern(&joined);
        self.joined = joined;
        sym
    }

    /// Returns the text of a name.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        let (start, end) = self.spans.get(sym.0 as usize).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or("")
    }
}

/// Spreads what it is multiplied with over all bits.
pub(crate) const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns a hash of which all bits are good; names are short.
fn hash(name: &[u8]) -> u32 {
    let mut mixed = name.len() as u64;
    let mut rest = name;
    while let Some((eight, more)) = rest.split_first_chunk::<8>() {
        mixed = (mixed ^ u64::from_le_bytes(*eight)).wrapping_mul(ODD);
        mixed ^= mixed >> 32;
        rest = more;
    }
    // The last eight bytes, or all of what is shorter: pieces may overlap.
    let last = match (name.last_chunk::<8>(), name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(eight), ..) => u64::from_le_bytes(*eight),
        (_, Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)),
        _ => name.iter().fold(0, |last, byte| last << 8 | u64::from(*byte)),
    };
    mixed = (mixed ^ last).wrapping_mul(ODD);
    (mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_have_equal_numbers() {
        let mut names = Names::default();
        let all: Vec<String> = (0..1000).map(|row| format!("name{row}")).collect();
        let first: Vec<Sym> = all.iter().map(|name| names.intern(name)).collect();
        let again: Vec<Sym> = all.iter().map(|name| names.intern_joined(&["na", &name[2..]])).collect();
        assert_eq!(first, again);
        assert!(first.iter().zip(&all).all(|(sym, name)| names.text(*sym) == name));
        assert_ne!(names.intern(""), names.intern("name"));
    }
}
