//! Names as small numbers.

/// A name of one extraction; equal names have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(pub(crate) u32);

/// The names that an extraction has met, in one piece of text.
pub(crate) struct Names {
    text: String,
    ends: Vec<usize>,
    /// A hash table, a power of two long and at most half full.
    table: Vec<Slot>,
    joined: String,
    /// How many names, and how much text, were there when it was told to keep them.
    kept: (usize, usize),
}

/// A place in the table: half of the hash, and the number plus one.
#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    taken: u32,
}

/// A table that is larger takes longer to empty than to make anew.
const MOST_FREE: usize = 512;
const FREE: Slot = Slot { hash: 0, taken: 0 };

impl Default for Names {
    fn default() -> Self {
        Self {
            text: String::with_capacity(1024),
            ends: Vec::with_capacity(64),
            table: vec![FREE; 128],
            joined: String::new(),
            kept: (0, 0),
        }
    }
}

impl Names {
    /// Keeps the names that it has when it forgets.
    pub(crate) fn keep(&mut self) {
        self.kept = (self.ends.len(), self.text.len());
    }

    /// Forgets all names but those that it keeps.
    pub(crate) fn forget(&mut self) {
        let (names, bytes) = self.kept;
        self.ends.truncate(names);
        self.text.truncate(bytes);
        if self.table.len() > MOST_FREE {
            self.table = vec![FREE; 128];
        }
        self.table.fill(FREE);
        for row in (0_u32..).take(names) {
            let hash = hash(self.bytes(Sym(row)));
            self.settle(Slot { hash, taken: row + 1 });
        }
    }

    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        let hash = hash(name.as_bytes());
        let mut at = self.home(hash);
        while self.table[at].taken > 0 {
            let sym = Sym(self.table[at].taken - 1);
            if self.table[at].hash == hash && self.bytes(sym) == name.as_bytes() {
                return sym;
            }
            at = (at + 1) & (self.table.len() - 1);
        }
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let taken = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.table[at] = Slot { hash, taken };
        if self.ends.len() * 2 > self.table.len() {
            self.grow();
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

    fn grow(&mut self) {
        let larger = vec![FREE; self.table.len() * 4];
        for slot in std::mem::replace(&mut self.table, larger) {
            if slot.taken > 0 {
                self.settle(slot);
            }
        }
    }

    /// Puts a name, which is not there, into the table.
    fn settle(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while self.table[at].taken > 0 {
            at = (at + 1) & (self.table.len() - 1);
        }
        self.table[at] = slot;
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
    let last = match name.last_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte)),
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
