//! A disk that can fail in every way that a disk fails, at moments that follow from a seed.
//!
//! What is written is seen at once, as through the system's page cache, and is safe only after a sync.
//! When the power goes, what was written since the last sync survives up to a random point: sled's
//! database is a log, of which a crash keeps a beginning.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::committer::Medium;
use crate::ledger::Commit;
use crate::local::memory::Kept;
use crate::port::{Damage, Listed, Loaded, StoreError, Swap, Token, read_record};
use crate::recovery::{self, LedgerKeys, Leftovers, Witnessed, hold_against};
use ticketboss_core::domain::{EventId, EventNumber, Version};
use ticketboss_runtime::tasks::Scheduler;
use ticketboss_runtime::tasks::sync::yield_now;

/// How often, of ten thousand times, each fault happens where it can.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// The power goes: before or after a page, before or after a swap, before or after a sync.
    pub power_cuts: u64,
    /// A swap is lost though the record is the expected one, as when another writer undid himself.
    pub lost_swaps: u64,
    /// A write fails.
    pub failed_writes: u64,
    /// A sync fails. What it should have made safe stays to be seen, and is never safe.
    pub failed_syncs: u64,
    /// The disk is nearly full for a while.
    pub full: u64,
    /// A step of the store takes up to fifty times as long as usual.
    pub delays: u64,
}

/// How long the steps of a store take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A random time by the scheduler.
    Timed,
    /// None, but at each of them everybody else may go on.
    Yielding,
}

/// What has happened to a disk so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Happened {
    /// How often the power went by itself, in the middle of a round.
    pub power_cuts: u64,
    /// Swaps that were lost, for whatever reason.
    pub lost_swaps: u64,
    /// Writes and syncs that failed.
    pub failures: u64,
    /// Rounds that were refused because the disk was full.
    pub full: u64,
    /// Mutations that a crash took back.
    pub undone: u64,
    /// Pages that were removed as leftovers.
    pub orphans: u64,
}

/// How long a full disk stays so.
const FULL_US_MAX: u64 = 20_000;
/// How long a step of the store takes.
const STEP_US_MAX: u64 = 200;
/// How many times as long it takes where it is delayed.
const DELAY_FACTOR: u64 = 50;

/// The disk. Clones share it; it outlives the processes that use it.
#[derive(Debug, Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    scheduler: Scheduler,
    faults: Faults,
    pace: Pace,
    happened: Happened,
    /// What is seen.
    written: Kept,
    /// What is safe.
    durable: Kept,
    /// What leads from `durable` to `written`, in order.
    unsynced: Vec<Mutation>,
    witnessed: Witnessed,
    power: Power,
    full_until_us: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    /// Nothing can be read or written until it comes back.
    Off,
}

#[derive(Debug)]
enum Mutation {
    Page((EventNumber, Version), Arc<[u8]>),
    NoPage((EventNumber, Version)),
    Record(EventId, Arc<[u8]>),
    NumbersClaimed(u32),
}

impl Mutation {
    fn apply(&self, kept: &mut Kept) {
        match self {
            Self::Page(place, bytes) => drop(kept.pages.insert(*place, bytes.clone())),
            Self::NoPage(place) => drop(kept.pages.remove(place)),
            Self::Record(event, bytes) => drop(kept.records.insert(event.clone(), bytes.clone())),
            Self::NumbersClaimed(count) => kept.numbers_claimed = *count,
        }
    }
}

impl SimulatedDisk {
    /// An empty disk, whose faults follow from the seed of `scheduler`.
    pub fn new(scheduler: Scheduler, faults: Faults, pace: Pace) -> Self {
        Self(Arc::new(Mutex::new(State {
            scheduler,
            faults,
            pace,
            happened: Happened::default(),
            written: Kept::default(),
            durable: Kept::default(),
            unsynced: Vec::new(),
            witnessed: Witnessed::new(),
            power: Power::On,
            full_until_us: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the power is gone.
    pub fn is_off(&self) -> bool {
        self.state().power == Power::Off
    }

    /// What has happened so far.
    pub fn happened(&self) -> Happened {
        self.state().happened
    }

    /// From now on nothing fails any more.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults = Faults::default();
        state.full_until_us = 0;
    }

    /// Ends what is being done, as a kill of the process or a power cut does, and comes back with
    /// what was safe and a random part, from the beginning, of what was not.
    pub fn crash(&self) {
        let mut state = self.state();
        let count = state.unsynced.len() as u64;
        let kept = usize::try_from(state.scheduler.draw() % (count + 1)).unwrap_or(0);
        let State { unsynced, durable, happened, .. } = &mut *state;
        happened.undone += count - kept as u64;
        for mutation in unsynced.drain(..).take(kept) {
            mutation.apply(durable);
        }
        state.written = state.durable.clone();
        state.power = Power::On;
    }

    /// Finds what a crash has left and removes it, as opening does.
    pub(super) fn remove_leftovers(&self) -> Result<Leftovers, StoreError> {
        let mut state = self.state();
        let records = state.written.records.iter();
        let records = records.map(|(event, bytes)| Ok((event.clone(), read_record(event, bytes))));
        let found = recovery::find(records, &state.written, &state.witnessed)?;
        for orphan in &found.orphans {
            state.write(Mutation::NoPage((orphan.number, orphan.first_version)))?;
            state.happened.orphans += 1;
        }
        Ok(found)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Kept) -> T) -> Result<T, StoreError> {
        let state = self.state();
        match state.power {
            Power::On => Ok(read(&state.written)),
            Power::Off => Err(gone()),
        }
    }

    /// Waits as long as a step of the store takes.
    pub(super) async fn step(&self) {
        let pace = self.state().pace;
        match pace {
            Pace::Yielding => yield_now().await,
            Pace::Timed => {
                let (scheduler, step_us) = {
                    let state = self.state();
                    let usual_us = state.scheduler.draw() % STEP_US_MAX;
                    let is_delayed = state.happens(state.faults.delays);
                    let step_us = if is_delayed { usual_us * DELAY_FACTOR } else { usual_us };
                    (state.scheduler.clone(), step_us)
                };
                scheduler.sleep(step_us).await;
            }
        }
    }
}

fn gone() -> StoreError {
    StoreError::Failed("the power is gone".into())
}

impl State {
    /// Whether something happens that happens so often of ten thousand times.
    fn happens(&self, often: u64) -> bool {
        often > 0 && self.scheduler.draw() % 10_000 < often
    }

    /// A point at which the power may go.
    fn point(&mut self) -> Result<(), StoreError> {
        if self.power == Power::On && self.happens(self.faults.power_cuts) {
            self.power = Power::Off;
            self.happened.power_cuts += 1;
        }
        match self.power {
            Power::On => Ok(()),
            Power::Off => Err(gone()),
        }
    }

    fn write(&mut self, mutation: Mutation) -> Result<(), StoreError> {
        self.point()?;
        if self.happens(self.faults.failed_writes) {
            self.happened.failures += 1;
            return Err(StoreError::Failed("a write failed".into()));
        }
        mutation.apply(&mut self.written);
        self.unsynced.push(mutation);
        self.point()
    }
}

impl Medium for SimulatedDisk {
    fn check_room(&mut self) -> Result<(), StoreError> {
        let mut state = self.state();
        let now_us = state.scheduler.now_us();
        if state.happens(state.faults.full) {
            state.full_until_us = now_us + state.scheduler.draw() % FULL_US_MAX;
        }
        if now_us < state.full_until_us {
            state.happened.full += 1;
            return Err(StoreError::DiskFull { free_bytes: 0, free_bytes_min: 1 });
        }
        Ok(())
    }

    fn swap(
        &mut self,
        event: &EventId,
        token: &Token,
        commit: &Commit,
    ) -> Result<Swap, StoreError> {
        let mut state = self.state();
        state.point()?;
        if !state.written.has(event, token) || state.happens(state.faults.lost_swaps) {
            state.happened.lost_swaps += 1;
            return Ok(Swap::Lost);
        }
        for (first_version, bytes) in &commit.pages {
            let place = (commit.record.number, *first_version);
            state.write(Mutation::Page(place, bytes.as_slice().into()))?;
        }
        let record = commit.record.encode();
        let next = Token::of(&record);
        state.write(Mutation::Record(event.clone(), record.into()))?;
        Ok(Swap::Won(next))
    }

    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError> {
        let mut state = self.state();
        let number = state.written.numbers_claimed + 1;
        state.write(Mutation::NumbersClaimed(number))?;
        Ok(EventNumber(number))
    }

    fn load(&mut self, event: &EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        self.read(|kept| kept.load(event))
    }

    fn events(&mut self) -> Result<Vec<Listed>, StoreError> {
        let mut listed = self.read(Kept::events)?;
        hold_against(&self.state().witnessed, &mut listed);
        Ok(listed)
    }

    fn make_durable(&mut self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.point()?;
        if state.happens(state.faults.failed_syncs) {
            state.happened.failures += 1;
            // The system has given up on these pages and calls them clean.
            state.unsynced.clear();
            return Err(StoreError::Failed("a sync failed".into()));
        }
        let State { unsynced, durable, .. } = &mut *state;
        for mutation in unsynced.drain(..) {
            mutation.apply(durable);
        }
        state.point()
    }

    fn is_durable(&mut self, won: &[(EventId, Version)]) {
        self.state().witnessed.extend(won.iter().cloned());
    }
}

impl LedgerKeys for Kept {
    fn page_after(
        &self,
        number: EventNumber,
        version: Version,
    ) -> Result<Option<(EventNumber, Version)>, StoreError> {
        let after = (std::ops::Bound::Excluded((number, version)), std::ops::Bound::Unbounded);
        Ok(self.pages.range(after).next().map(|(place, _)| *place))
    }
}
