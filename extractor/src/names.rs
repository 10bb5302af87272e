//! Names as small numbers.

use std::rc::Rc;

use rustc_hash::FxHashMap;

/// A name of one extraction; equal names have equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Sym(pub(crate) u32);

/// The names that an extraction has met.
#[derive(Default)]
pub(crate) struct Names {
    known: FxHashMap<Rc<str>, Sym>,
    list: Vec<Rc<str>>,
}

impl Names {
    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Sym {
        if let Some(sym) = self.known.get(name) {
            return *sym;
        }
        let sym = Sym(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let text: Rc<str> = Rc::from(name);
        self.list.push(Rc::clone(&text));
        self.known.insert(text, sym);
        sym
    }

    /// Returns the text of a name.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        self.list.get(sym.0 as usize).map_or("", |text| text)
    }
}
