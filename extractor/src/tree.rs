//! The path tree: which values a template reads, and how.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::diag::Span;
use crate::names::{ODD, Sym};
use crate::table::Table;

mod write;

/// A set of ways in which a value itself is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses(u8);

impl Uses {
    pub(crate) const NONE: Self = Self(0);
    /// Handed to code that turns it into text or a key, such as `{% url %}`.
    pub(crate) const ARG: Self = Self(1);
    /// Tested for truth.
    pub(crate) const BOOL: Self = Self(2);
    /// Compared.
    pub(crate) const CMP: Self = Self(4);
    /// Handed to unknown code.
    pub(crate) const ESC: Self = Self(8);
    /// Iterated.
    pub(crate) const ITER: Self = Self(16);
    /// Asked for its length.
    pub(crate) const LEN: Self = Self(32);
    /// Used as a number.
    pub(crate) const NUM: Self = Self(64);
    /// Printed.
    pub(crate) const OUT: Self = Self(128);

    /// As JSON writes them.
    const WORDS: [&'static str; 8] =
        [r#""arg""#, r#""bool""#, r#""cmp""#, r#""esc""#, r#""iter""#, r#""len""#, r#""num""#, r#""out""#];

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the uses that `words` names, or `None` if it names anything else or nothing.
    pub(crate) fn parse(words: &str) -> Option<Self> {
        let mut all = Self::NONE;
        for word in words.split_ascii_whitespace() {
            let bit = Self::WORDS.iter().position(|known| known.trim_matches('"') == word)?;
            all = all.and(Self(1 << bit));
        }
        (all != Self::NONE).then_some(all)
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let word = Self::WORDS.get(rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(*word)
        })
    }
}

/// A node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

/// How a node hangs below its parent; in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Via {
    Root,
    Attr,
    Index,
    Element,
}

/// Where an expression reads a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: usize,
    pub(crate) span: Span,
}

struct Node {
    parent: Option<NodeId>,
    via: Via,
    name: Sym,
    depth: usize,
    uses: Uses,
    kept: bool,
    surely: bool,
    filters: SmallVec<[Sym; 1]>,
    places: SmallVec<[Place; PLACES]>,
}

/// The nodes that were looked at; those that were read are kept when it is written.
#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    known: Table,
    /// The labels of nodes that have more of them than one wants to look through.
    labels: FxHashSet<(NodeId, Sym)>,
    pub(crate) reads: usize,
}

const TOP: u32 = u32::MAX;
const PLACES: usize = 4;
const FEW: usize = 8;

impl Tree {
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.known.clear();
        self.labels.clear();
        self.reads = 0;
    }

    /// Returns the node of a name of the context.
    pub(crate) fn root(&mut self, name: Sym) -> NodeId {
        self.node(None, Via::Root, name)
    }

    /// Returns the node below `parent`.
    pub(crate) fn child(&mut self, parent: NodeId, via: Via, name: Sym) -> NodeId {
        self.node(Some(parent), via, name)
    }

    fn node(&mut self, parent: Option<NodeId>, via: Via, name: Sym) -> NodeId {
        let Self { nodes, known, .. } = self;
        let above = u64::from(parent.map_or(TOP, |id| id.0));
        let hash = ((above << 32 | u64::from(name.0)) ^ (via as u64) << 30).wrapping_mul(ODD) >> 32;
        let next = u32::try_from(nodes.len()).unwrap_or(TOP - 1);
        let id = known.find_or_put(hash as u32, next, |id| {
            nodes.get(id as usize).is_some_and(|node| node.name == name && node.parent == parent && node.via == via)
        });
        if id == next {
            let depth = parent.and_then(|id| nodes.get(id.0 as usize)).map_or(0, |node| node.depth) + 1;
            nodes.push(Node {
                parent,
                via,
                name,
                depth,
                uses: Uses::NONE,
                kept: false,
                surely: false,
                filters: SmallVec::new(),
                places: SmallVec::new(),
            });
        }
        NodeId(id)
    }

    /// Returns how many steps lead to a node.
    pub(crate) fn depth(&self, id: NodeId) -> usize {
        self.nodes.get(id.0 as usize).map_or(0, |node| node.depth)
    }

    /// Returns the steps that lead to a node, the name of the context first; `None` is an element.
    pub(crate) fn steps(&self, id: NodeId) -> Vec<Option<Sym>> {
        let mut steps = Vec::new();
        let mut next = Some(id);
        while let Some(node) = next.and_then(|id| self.nodes.get(id.0 as usize)) {
            steps.push((node.via != Via::Element).then_some(node.name));
            next = node.parent;
        }
        steps.reverse();
        steps
    }

    /// Returns whether `id` is `above` or below it.
    pub(crate) fn leads_to(&self, above: NodeId, id: NodeId) -> bool {
        let mut next = Some(id);
        while let Some(id) = next {
            if id == above {
                return true;
            }
            next = self.nodes.get(id.0 as usize).and_then(|node| node.parent);
        }
        false
    }

    /// Notes a use of the value itself; `maybe` where a condition decides.
    pub(crate) fn mark(&mut self, id: NodeId, uses: Uses, maybe: bool) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            if node.uses == Uses::NONE && uses != Uses::NONE {
                self.reads += 1;
            }
            node.uses = node.uses.and(uses);
        }
        let mut next = Some(id);
        while let Some(node) = next.and_then(|id| self.nodes.get_mut(id.0 as usize)) {
            if node.kept && (maybe || node.surely) {
                break;
            }
            node.kept = true;
            node.surely |= !maybe;
            next = node.parent;
        }
    }

    /// Notes a filter or tag that consumed the value.
    pub(crate) fn consume(&mut self, id: NodeId, label: Sym) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize)
            && !node.filters.iter().take(FEW).any(|known| *known == label)
            && (node.filters.len() < FEW || self.labels.insert((id, label)))
        {
            node.filters.push(label);
        }
    }

    /// Notes where an expression reads the node.
    pub(crate) fn place(&mut self, id: NodeId, place: Place) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize)
            && node.places.len() < PLACES
            && !node.places.contains(&place)
        {
            node.places.push(place);
        }
    }
}
