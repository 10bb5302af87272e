//! Room that one extraction leaves to the next on its thread, so that most need not ask for memory.

use std::cell::Cell;
use std::rc::Rc;

use crate::eval::Machine;
use crate::json::Json;
use crate::link::{Run, Seen};
use crate::unit::Unit;

/// Tables and buffers with nothing in them but what every extraction starts with.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) machine: Option<Box<Machine>>,
    pub(crate) seen: Seen,
    pub(crate) runs: Vec<Run>,
    /// Programs of nothing.
    pub(crate) units: Vec<Rc<Unit>>,
}

/// What grew larger is not kept.
const MOST_BYTES: usize = 256 * 1024;
/// As many files as most templates have.
const MOST_UNITS: usize = 4;

thread_local! {
    static LEFT: Cell<Option<Room>> = const { Cell::new(None) };
    static WRITTEN: Cell<Option<Json>> = const { Cell::new(None) };
}

impl Room {
    /// Returns what the last extraction of this thread left.
    pub(crate) fn take() -> Self {
        LEFT.take().unwrap_or_default()
    }

    /// Leaves it to the next one, unless what was written shows that it is large.
    pub(crate) fn leave(self, written: &Json) {
        if written.len() <= MOST_BYTES {
            LEFT.set(Some(self));
        }
    }

    /// Takes back what a link worked with.
    pub(crate) fn put(&mut self, mut machine: Box<Machine>, units: impl Iterator<Item = Rc<Unit>>) {
        machine.clear();
        self.machine = Some(machine);
        let spare = MOST_UNITS.saturating_sub(self.units.len());
        self.units.extend(units.take(spare).filter_map(|mut unit| {
            Rc::get_mut(&mut unit)?.clear();
            Some(unit)
        }));
    }
}

/// Returns the buffer of the last document of this thread.
pub(crate) fn paper() -> Json {
    WRITTEN.take().unwrap_or_default()
}

/// Leaves the buffer of a document, which has been read, to the next one.
pub(crate) fn recycle(json: Json) {
    if json.len() <= MOST_BYTES {
        WRITTEN.set(Some(json));
    }
}
