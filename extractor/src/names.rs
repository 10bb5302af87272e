//! Names as small numbers.

use smallvec::SmallVec;

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
pub(crate) struct Names {
    text: String,
    ends: Vec<usize>,
    /// A hash table, a power of two long and at most half full.
    table: Vec<Slot>,
    joined: String,
    /// How many names, and how much text, were there when it was told to keep them.
    kept: (usize, usize),
    /// What the table has of names that are not kept and of rounds before this one is free.
    round: u32,
}

/// A place in the table: half of the hash, the number plus one, and the round in which it was taken.
#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    taken: u32,
    round: u32,
}

/// A table that is larger is not kept.
const MOST_SLOTS: usize = 2048;
/// The round of the names that are kept.
const ALWAYS: u32 = u32::MAX;
const FREE: Slot = Slot { hash: 0, taken: 0, round: 0 };

impl Default for Names {
    fn default() -> Self {
        Self {
            text: String::with_capacity(1024),
            ends: Vec::with_capacity(64),
            table: vec![FREE; 128],
            joined: String::new(),
            kept: (0, 0),
            round: 1,
        }
    }
}

impl Names {
    /// Keeps the names that it has when it forgets.
    pub(crate) fn keep(&mut self) {
        self.kept = (self.ends.len(), self.text.len());
        for slot in self.table.iter_mut().filter(|slot| slot.round == self.round) {
            slot.round = ALWAYS;
        }
    }

    /// Forgets all names but those that it keeps.
    pub(crate) fn forget(&mut self) {
        let (names, bytes) = self.kept;
        self.ends.truncate(names);
        self.text.truncate(bytes);
        self.round += 1;
        if self.table.len() > MOST_SLOTS || self.round == ALWAYS {
            self.round = 1;
            self.resize(128);
        }
    }

    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        let hash = hash(name.as_bytes());
        let mut at = self.home(hash);
        loop {
            let slot = self.table[at];
            if self.is_free(slot) {
                break;
            }
            let sym = Sym(slot.taken - 1);
            if slot.hash == hash && self.bytes(sym) == name.as_bytes() {
                return sym;
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let taken = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.table[at] = Slot { hash, taken, round: self.round };
        if self.ends.len() * 2 > self.table.len() {
            self.resize(self.table.len() * 4);
        }
        Sym(taken - 1)
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

    /// Returns where in the table a name of that hash goes first.
    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.table.len() - 1)
    }

    fn is_free(&self, slot: Slot) -> bool {
        slot.round != self.round && slot.round != ALWAYS
    }

    /// Makes a table of so many slots.
    ///
    /// Names that are kept go in first: they must be found when all others that are in their way are gone.
    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.table, vec![FREE; slots]);
        for round in [ALWAYS, self.round] {
            for slot in old.iter().filter(|slot| slot.round == round) {
                let mut at = self.home(slot.hash);
                while !self.is_free(self.table[at]) {
                    at = (at + 1) & (self.table.len() - 1);
                }
                self.table[at] = *slot;
            }
        }
    }

    /// Returns the text of a name.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        let (start, end) = self.span(sym);
        self.text.get(start..end).unwrap_or("")
    }

    fn bytes(&self, sym: Sym) -> &[u8] {
        let (start, end) = self.span(sym);
        self.text.as_bytes().get(start..end).unwrap_or(&[])
    }

    fn span(&self, sym: Sym) -> (usize, usize) {
        let row = sym.0 as usize;
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or(0) };
        (start, self.ends.get(row).copied().unwrap_or(start))
    }
}

/// Returns a hash of which all bits are good; names are short.
fn hash(name: &[u8]) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
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

    #[test]
    fn names_that_are_kept_outlive_the_others() {
        let mut names = Names::default();
        let kept: Vec<Sym> = ["", "forloop", "block"].map(|name| names.intern(name)).to_vec();
        names.keep();
        for round in 0..4 {
            let all: Vec<String> = (0..round * 200).map(|row| format!("{round} {row}")).collect();
            let first: Vec<Sym> = all.iter().map(|name| names.intern(name)).collect();
            assert_eq!(["", "forloop", "block"].map(|name| names.intern(name)).to_vec(), kept);
            assert_eq!(all.iter().map(|name| names.intern(name)).collect::<Vec<_>>(), first);
            assert!(first.iter().all(|sym| !kept.contains(sym)));
            names.forget();
        }
    }
}
