//! Reading an event as of a version, also of one within a page.

use ticketboss_core::domain::{
    Change, Event, EventNumber, Intent, Nonce, ReservationId, Seats, Timestamp, Version,
};
use ticketboss_store::ledger::{Commit, ReplayError, as_of};
use ticketboss_store::local::memory::MemoryStore;
use ticketboss_store::{Fault, Store, Swap, Token};

use crate::support::{
    cancel, command as command_of, created, event_id, partner, portrait, reserve, terms,
};

const NUMBER: EventNumber = EventNumber(1);
/// The number of changes of each commit. Each commit is one page.
const COMMITS: [usize; 3] = [7, 1, 12];

/// The event at each of its versions, and the changes.
fn life() -> (Vec<Event>, Vec<Change>) {
    let (mut event, creation) = created(NUMBER, terms("a", 100), 0);
    let (mut then, mut changes) = (vec![event.clone()], vec![creation]);
    for nonce in 0..(COMMITS.iter().sum::<usize>() as u64 - 1) {
        let newest = changes.last().unwrap();
        let made = ReservationId {
            event: NUMBER,
            version: newest.version,
            nonce: Nonce::from_bits(nonce.wrapping_sub(1)),
        };
        let command = match nonce % 4 {
            0 | 2 => reserve(&partner("acme"), 3, nonce),
            1 => {
                command_of(Intent::CancelPart { reservation: made, seats: Seats::new(1).unwrap() })
            }
            _ => cancel(made),
        };
        let change = event.decide(&command, Timestamp(0)).unwrap().into_change().unwrap();
        event.apply(&change);
        then.push(event.clone());
        changes.push(change);
    }
    (then, changes)
}

/// A store with the changes as [`COMMITS`] has them.
async fn stored(then: &[Event], changes: &[Change]) -> Store {
    let store = Store::Memory(MemoryStore::default());
    let (mut token, mut record, mut end) = (Token::ABSENT, None, 0);
    for count in COMMITS {
        let begin = end;
        end += count;
        let commit = Commit::draft(record.as_ref(), &then[end - 1], &changes[begin..end]);
        assert_eq!(commit.pages.len(), 1);
        record = Some(commit.record);
        let Swap::Won(next) = store.commit(&event_id("a"), &token, commit).await.unwrap() else {
            panic!("the swap is lost");
        };
        token = next;
    }
    store
}

#[tokio::test]
async fn each_version_is_read_back_also_within_a_page() {
    let (then, changes) = life();
    let store = stored(&then, &changes).await;
    for expected in &then {
        let version = expected.version();
        // The stream may end with the page of the version or go on after it.
        for to in [version, Version::MAX] {
            let pages = store.pages(NUMBER, Version::FIRST, to);
            let event = as_of(&event_id("a"), NUMBER, version, pages).await.unwrap();
            assert_eq!(portrait(&event), portrait(expected), "version {version}");
        }
    }
}

#[tokio::test]
async fn a_version_that_the_ledger_does_not_have_is_missing() {
    let (then, changes) = life();
    let store = stored(&then, &changes).await;
    let beyond = then.last().unwrap().version().next();
    let pages = store.pages(NUMBER, Version::FIRST, beyond);
    match as_of(&event_id("a"), NUMBER, beyond, pages).await {
        Err(ReplayError::Damaged(damage)) => {
            assert_eq!((damage.version, damage.fault), (beyond, Fault::Missing));
        }
        other => panic!("{other:?}"),
    }
}
