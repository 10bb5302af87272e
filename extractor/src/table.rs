//! A hash table of numbers whose things are kept elsewhere; to empty it costs nothing.

/// A table, a power of two long and at most half full.
pub(crate) struct Table {
    slots: Vec<Slot>,
    taken: usize,
    /// What was put in before this round, and is not kept, is no longer there.
    round: u32,
    kept: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    number: u32,
    round: u32,
}

/// A table that is longer is not kept.
const MOST_SLOTS: usize = 2048;
const FEWEST_SLOTS: usize = 128;
/// The round of what is kept.
const ALWAYS: u32 = u32::MAX;
const FREE: Slot = Slot { hash: 0, number: 0, round: 0 };

impl Default for Table {
    fn default() -> Self {
        Self { slots: vec![FREE; FEWEST_SLOTS], taken: 0, round: 1, kept: 0 }
    }
}

impl Table {
    /// Returns the number of that hash which `is` accepts; puts `next` there if there is none.
    pub(crate) fn find_or_put(&mut self, hash: u32, next: u32, is: impl Fn(u32) -> bool) -> u32 {
        let last = self.slots.len() - 1;
        let mut at = hash as usize & last;
        loop {
            let slot = self.slots[at];
            if self.is_free(slot) {
                break;
            }
            if slot.hash == hash && is(slot.number) {
                return slot.number;
            }
            at = (at + 1) & last;
        }
        self.slots[at] = Slot { hash, number: next, round: self.round };
        self.taken += 1;
        if self.taken * 2 > self.slots.len() {
            self.resize(self.slots.len() * 4);
        }
        next
    }

    /// Keeps what is in it when it is cleared.
    pub(crate) fn keep(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.round == self.round) {
            slot.round = ALWAYS;
        }
        self.kept = self.taken;
    }

    /// Empties the table, but for what it keeps.
    pub(crate) fn clear(&mut self) {
        self.taken = self.kept;
        self.round += 1;
        if self.round == ALWAYS {
            self.round = 1;
            self.slots.iter_mut().filter(|slot| slot.round != ALWAYS).for_each(|slot| *slot = FREE);
        }
        if self.slots.len() > MOST_SLOTS {
            self.resize(FEWEST_SLOTS);
        }
    }

    fn is_free(&self, slot: Slot) -> bool {
        slot.round != self.round && slot.round != ALWAYS
    }

    /// Makes the table so long.
    ///
    /// What is kept goes in first: it must be found when all that is in its way is gone.
    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![FREE; slots]);
        for round in [ALWAYS, self.round] {
            for slot in old.iter().filter(|slot| slot.round == round) {
                let mut at = slot.hash as usize & (slots - 1);
                while !self.is_free(self.slots[at]) {
                    at = (at + 1) & (slots - 1);
                }
                self.slots[at] = *slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_outlives_the_rest() {
        let mut table = Table::default();
        // Hashes of few values, so that there are always others in the way.
        let put = |table: &mut Table, number: u32| table.find_or_put(number % 7, number, |other| other == number);
        let _ = [1, 8, 15].map(|number| put(&mut table, number));
        table.keep();
        for round in 0..5 {
            for number in 0..round * 500 {
                assert_eq!(put(&mut table, number), number);
            }
            assert_eq!([1, 8, 15].map(|number| table.find_or_put(number % 7, 0, |other| other == number)), [1, 8, 15]);
            table.clear();
            assert_eq!(table.find_or_put(2, 77, |other| other == 2), 77);
        }
    }
}
