//! What the committer does to sled: write, swap, flush, sync.
//!
//! Two things about sled 0.34.7 shape it. `flush` ends in `sync_file_range`, which does not reach the
//! disk (spacejam/sled#1452), so a `sync_data` of the log file follows. `flush_async` deadlocks
//! (#1308), so a thread waits instead.

use ::sled::{Db, Tree};

use super::disk::DiskGuard;
use super::keys::{event_id, failed, page_key};
use super::log_file::LogFile;
use super::witness::Witness;
use crate::committer::Medium;
use crate::ledger::Commit;
use crate::port::{Damage, Listed, Loaded, StoreError, Swap, Token, read_record};
use crate::recovery::{Witnessed, hold_against};
use ticketboss_core::domain::{EventId, EventNumber, Version};

/// The key of the highest event number that was given out.
const NUMBERS_CLAIMED_KEY: &str = "event_numbers_claimed";

/// The files of an open database, for the one who writes to it.
#[derive(Debug)]
pub(super) struct SledMedium {
    pub(super) database: Db,
    pub(super) events: Tree,
    pub(super) ledger: Tree,
    pub(super) meta: Tree,
    pub(super) log_file: LogFile,
    pub(super) disk: DiskGuard,
    pub(super) witness: Witness,
    /// What the database had at least before it was opened.
    pub(super) witnessed: Witnessed,
}

impl Medium for SledMedium {
    fn check_room(&mut self) -> Result<(), StoreError> {
        self.log_file.check()?;
        self.disk.check()
    }

    /// The one place where an event's record changes.
    ///
    /// The record is looked at before the pages are written: pages of a swap that is lost must not
    /// land on those of the winner. Nobody else writes, so what is seen here holds until the swap.
    fn swap(
        &mut self,
        event: &EventId,
        token: &Token,
        commit: &Commit,
    ) -> Result<Swap, StoreError> {
        let current = self.events.get(event.as_str()).map_err(failed)?;
        if current.as_deref() != token.bytes() {
            return Ok(Swap::Lost);
        }
        for (first_version, bytes) in &commit.pages {
            let key = page_key(commit.record.number, *first_version);
            self.ledger.insert(key, bytes.as_slice()).map_err(failed)?;
        }
        let record = commit.record.encode();
        let next = Token::of(&record);
        let swapped = self
            .events
            .compare_and_swap(event.as_str(), token.bytes(), Some(record))
            .map_err(failed)?;
        swapped.map_err(|_| StoreError::Failed("somebody else writes to this store".into()))?;
        Ok(Swap::Won(next))
    }

    fn claim_event_number(&mut self) -> Result<EventNumber, StoreError> {
        let claimed = self.meta.get(NUMBERS_CLAIMED_KEY).map_err(failed)?;
        let claimed = claimed.and_then(|bytes| bytes.as_ref().try_into().ok());
        let number = claimed.map_or(0, u32::from_be_bytes) + 1;
        self.meta.insert(NUMBERS_CLAIMED_KEY, &number.to_be_bytes()).map_err(failed)?;
        Ok(EventNumber(number))
    }

    fn load(&mut self, event: &EventId) -> Result<Option<Result<Loaded, Damage>>, StoreError> {
        let bytes = self.events.get(event.as_str()).map_err(failed)?;
        Ok(bytes.map(|bytes| read_record(event, &bytes)))
    }

    fn events(&mut self) -> Result<Vec<Listed>, StoreError> {
        let mut listed = Vec::new();
        for entry in &self.events {
            let (key, bytes) = entry.map_err(failed)?;
            let event = event_id(&key)?;
            let loaded = read_record(&event, &bytes);
            listed.push(Listed { event, loaded });
        }
        hold_against(&self.witnessed, &mut listed);
        Ok(listed)
    }

    #[expect(clippy::disallowed_methods, reason = "the one flush; a sync follows it")]
    fn make_durable(&mut self) -> Result<(), StoreError> {
        self.database.flush().map_err(failed)?;
        self.log_file.sync().map_err(|error| {
            StoreError::Failed(format!("the disk did not take the data: {error}").into())
        })
    }

    fn is_durable(&mut self, won: &[(EventId, Version)]) {
        self.witness.saw(won);
    }
}
