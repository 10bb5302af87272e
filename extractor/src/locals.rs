//! The names that a template makes itself, and what is read below them.

use rustc_hash::FxHashMap;

use crate::names::{Names, Sym};

/// What is read below each name that a template makes, as written from that name.
#[derive(Default)]
pub(crate) struct Locals {
    nodes: Vec<(Option<u32>, Sym, bool)>,
    known: FxHashMap<(Option<u32>, Sym), u32>,
}

impl Locals {
    pub(crate) fn root(&mut self, name: Sym) -> u32 {
        self.node(None, name)
    }

    pub(crate) fn child(&mut self, parent: u32, name: Sym) -> u32 {
        self.node(Some(parent), name)
    }

    fn node(&mut self, parent: Option<u32>, name: Sym) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let id = *self.known.entry((parent, name)).or_insert(next);
        if id == next {
            self.nodes.push((parent, name, false));
        }
        id
    }

    pub(crate) fn read(&mut self, ids: &[u32]) {
        for id in ids {
            if let Some(node) = self.nodes.get_mut(*id as usize) {
                node.2 = true;
            }
        }
    }

    /// Returns the names, sorted, with the dotted paths that are read below each, sorted.
    pub(crate) fn paths(&self, names: &Names) -> Vec<(String, Vec<String>)> {
        let mut all: FxHashMap<Sym, Vec<String>> = FxHashMap::default();
        for (parent, name, read) in &self.nodes {
            let mut steps = vec![names.text(*name)];
            let (mut at, mut root) = (*parent, *name);
            while let Some((above, name, _)) = at.and_then(|at| self.nodes.get(at as usize)) {
                steps.push(names.text(*name));
                (at, root) = (*above, *name);
            }
            steps.pop();
            steps.reverse();
            let paths = all.entry(root).or_default();
            if *read && !steps.is_empty() {
                paths.push(steps.join("."));
            }
        }
        let mut rows: Vec<(String, Vec<String>)> = all
            .into_iter()
            .map(|(name, mut paths)| {
                paths.sort();
                (names.text(name).to_owned(), paths)
            })
            .collect();
        rows.sort();
        rows
    }
}
