//! Opening a database, and who holds its directory.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use ticketboss_core::domain::{EventNumber, SeatCounts};
use ticketboss_store::codec::{Digest, Record};
use ticketboss_store::local::sled::{self, OpenError, SledOptions, inspect, open};
use ticketboss_store::{Commit, Token};

use crate::support::{event_id, new_directory, open_store, version};

/// How many threads start processes, and how often a store is opened meanwhile.
const STARTERS: usize = 4;
const OPENS: usize = 60;

#[tokio::test]
async fn a_reader_that_is_not_done_still_holds_the_directory() {
    let directory = new_directory();
    let options = SledOptions::standard(directory.path());
    let store = open_store(&directory);
    let pages = (1..=500).map(|of| (version(of), b"page".to_vec())).collect();
    let record = Record {
        number: EventNumber(1),
        version: version(500),
        seats: SeatCounts { capacity: 10, available: 10, held: 0, confirmed: 0, blocked: 0 },
        live_reservations: 0,
        newest_page: Digest::NONE,
    };
    let commit = Commit { pages, record };
    let absent = Token::ABSENT;
    store.commit(&event_id("alpha"), &absent, commit).await.unwrap();

    let mut reading = store.pages(EventNumber(1), version(1), version(500));
    reading.next().await.unwrap().unwrap();
    drop(store);
    assert!(matches!(open(&options), Err(OpenError::Held { .. })));

    let mut read = 1;
    while let Some(page) = reading.next().await {
        page.unwrap();
        read += 1;
    }
    assert_eq!(read, 500);
    open(&options).unwrap();
}

#[test]
fn inspecting_what_is_not_there_creates_nothing() {
    let directory = new_directory();
    let is_empty = |path: &Path| fs::read_dir(path).unwrap().next().is_none();
    let missing = directory.path().join("data");
    for path in [missing.as_path(), directory.path()] {
        let error = inspect(&SledOptions::standard(path)).unwrap_err();
        assert!(matches!(error, OpenError::Missing(_)), "{error}");
    }
    assert!(is_empty(directory.path()));
}

/// A process that is about to be another program has for a moment all the files that are open, and with
/// them the lock. `prove` starts servers while it opens what they left.
#[test]
fn a_process_that_is_just_being_started_does_not_hold_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..STARTERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            });
        }
        let opened = (0..OPENS)
            .try_for_each(|_| sled::open(&SledOptions::standard(directory.path())).map(drop));
        done.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
}
