//! What names and expressions may stand for.

use smallvec::SmallVec;

use crate::names::Sym;
use crate::tree::NodeId;

/// A set of values that are kept apart from the value that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(pub(crate) u32);

/// One thing that a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// A value of the context.
    Node(NodeId),
    /// Some of the elements of a value of the context, in their order: their indexes are not its indexes.
    Part(NodeId),
    /// A list that a tag or filter made, of such elements.
    List(ValueId),
    /// What `{% regroup %}` makes: a list of groups of `element` by `key`.
    Groups { element: ValueId, key: ValueId },
    /// One such group.
    Group { element: ValueId, key: ValueId },
    /// The `block` variable of a block.
    Block { chain: usize, name: Sym },
    /// A literal that a name was bound to.
    Text(Sym),
}

/// Everything that a name or expression may stand for; nothing at all is a value of no interest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    pub(crate) things: SmallVec<[Thing; 1]>,
    /// It may also be that the name is not bound here, so that an outer binding shows.
    pub(crate) unbound: bool,
    /// It may be something else, so that what is read of it is read perhaps.
    pub(crate) maybe: bool,
    /// Where local names that lead here are in the trie of locals.
    pub(crate) locals: Vec<u32>,
}

impl Value {
    /// Returns the value of a name that is not bound.
    pub(crate) fn nothing_bound() -> Self {
        Self { unbound: true, ..Self::default() }
    }

    pub(crate) fn of(thing: Thing) -> Self {
        Self { things: SmallVec::from_elem(thing, 1), ..Self::default() }
    }

    pub(crate) fn add(&mut self, thing: Thing) {
        if !self.things.contains(&thing) {
            self.things.push(thing);
        }
    }

    /// Adds what else this may be, without a doubt about either.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for thing in &other.things {
            self.add(*thing);
        }
        self.maybe |= other.maybe;
    }

    /// Returns whether both may be the same, whatever their local names.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.unbound == other.unbound && self.maybe == other.maybe && same_things(&self.things, &other.things)
    }

    /// Makes this either value.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.maybe |= other.maybe || self.unbound != other.unbound || !same_things(&self.things, &other.things);
        for thing in &other.things {
            self.add(*thing);
        }
        for local in &other.locals {
            if !self.locals.contains(local) {
                self.locals.push(*local);
            }
        }
        self.unbound |= other.unbound;
    }
}

fn same_things(one: &[Thing], other: &[Thing]) -> bool {
    one.len() == other.len() && one.iter().all(|thing| other.contains(thing))
}
