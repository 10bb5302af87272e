//! Names as small numbers.

use rustc_hash::{FxBuildHasher, FxHashMap};
use xxhash_rust::xxh3::xxh3_64;

/// A name of one extraction; equal names have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(pub(crate) u32);

/// The names that an extraction has met, in one piece of text.
pub(crate) struct Names {
    text: String,
    ends: Vec<usize>,
    /// By hash; a name whose hash is taken by another goes to the next number.
    known: FxHashMap<u64, Sym>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            text: String::with_capacity(512),
            ends: Vec::with_capacity(64),
            known: FxHashMap::with_capacity_and_hasher(56, FxBuildHasher),
        }
    }
}

impl Names {
    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        let mut hash = xxh3_64(name.as_bytes());
        while let Some(sym) = self.known.get(&hash) {
            if self.text(*sym) == name {
                return *sym;
            }
            hash = hash.wrapping_add(1);
        }
        let sym = Sym(u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
        self.text.push_str(name);
        self.ends.push(self.text.len());
        self.known.insert(hash, sym);
        sym
    }

    /// Returns the text of a name.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        let row = sym.0 as usize;
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(row).and_then(|end| self.text.get(start..*end)).unwrap_or("")
    }
}
