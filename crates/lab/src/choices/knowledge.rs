//! What all clients of a run know: the reservations and blocks that one of them has made known.
//!
//! It must not know: what is asked for next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// What becomes of an entry that is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It can be picked again.
    Kept,
    /// It is removed.
    Forgotten,
}

/// A reservation, and which of the subjects it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownReservation {
    pub(super) subject: usize,
    pub(super) reservation: Uuid,
}

/// Seats out of sale: which of the subjects they are of, and the version that took them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownBlock {
    pub(super) subject: usize,
    pub(super) block: u64,
}

/// What all clients of a run know.
#[derive(Debug)]
pub(crate) struct SharedKnowledge {
    /// For each subject, how many seats it has at first, where that is known.
    initial_seats: Vec<Option<u32>>,
    /// How many reservations are known to all clients at a time, and how many blocks.
    known_max: usize,
    reservations: Mutex<Vec<KnownReservation>>,
    blocks: Mutex<Vec<KnownBlock>>,
}

impl SharedKnowledge {
    /// The subjects, by how many seats each has at first, and nothing else. At most `known_max` reservations
    /// and as many blocks will be known at a time.
    pub(crate) fn of(
        initial_seats: impl IntoIterator<Item = Option<u32>>,
        known_max: usize,
    ) -> Self {
        Self {
            initial_seats: initial_seats.into_iter().collect(),
            known_max,
            reservations: Mutex::default(),
            blocks: Mutex::default(),
        }
    }

    pub(super) fn subject_count(&self) -> usize {
        self.initial_seats.len()
    }

    pub(super) fn initial_seats(&self, subject: usize) -> Option<u32> {
        self.initial_seats.get(subject).copied().flatten()
    }

    pub(super) fn add_reservation(&self, known: KnownReservation, choice: u64) {
        self.add(&mut lock(&self.reservations), known, choice);
    }

    /// Picks one of the reservations.
    pub(super) fn reservation(&self, choice: u64, then: Afterwards) -> Option<KnownReservation> {
        pick(&mut lock(&self.reservations), choice, then)
    }

    pub(super) fn add_block(&self, known: KnownBlock, choice: u64) {
        let mut blocks = lock(&self.blocks);
        if !blocks.contains(&known) {
            self.add(&mut blocks, known, choice);
        }
    }

    /// Picks one of the blocks.
    pub(super) fn block(&self, choice: u64, then: Afterwards) -> Option<KnownBlock> {
        pick(&mut lock(&self.blocks), choice, then)
    }

    /// Adds to a list, in place of another entry where it is full.
    fn add<T>(&self, list: &mut Vec<T>, entry: T, choice: u64) {
        if list.len() < self.known_max {
            list.push(entry);
        } else if let Some(other) = list.get_mut(place(choice, self.known_max)) {
            *other = entry;
        }
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pick<T: Copy>(list: &mut Vec<T>, choice: u64, then: Afterwards) -> Option<T> {
    let place = place(choice, list.len());
    let picked = list.get(place).copied()?;
    match then {
        Afterwards::Kept => {}
        Afterwards::Forgotten => drop(list.swap_remove(place)),
    }
    Some(picked)
}

/// A place in a list of that length.
pub(super) fn place(choice: u64, length: usize) -> usize {
    usize::try_from(choice).unwrap_or(0) % length.max(1)
}
