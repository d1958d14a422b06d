//! What the port promises, as one suite that runs against every backend.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Waker};

use ticketboss_core::domain::{Event, EventId, EventNumber, SeatCounts, Timestamp, Version};
use ticketboss_store::codec::Digest;
use ticketboss_store::ledger::{Commit, replay};
use ticketboss_store::{Loaded, PageStream, Record, Store, Swap, Token};

use crate::support::{created, event_id, partner, reserve, terms, version};

/// Makes each rule a test of each backend.
macro_rules! contract {
    ($($rule:ident)*) => {
        mod memory {
            use ticketboss_store::Store;
            use ticketboss_store::local::memory::MemoryStore;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let store = Store::Memory(MemoryStore::default());
                    assert!(module_path!().ends_with(super::module_of(&store)));
                    super::$rule(store).await;
                }
            )*
        }

        mod sled {
            use crate::support::{new_directory, open_store};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let directory = new_directory();
                    let store = open_store(&directory);
                    assert!(module_path!().ends_with(super::module_of(&store)));
                    super::$rule(store).await;
                }
            )*
        }

        mod simulated {
            use ticketboss_runtime::tasks::{Scheduler, Tasks};
            use ticketboss_store::simulated::{Faults, Pace, SimulatedDisk, open};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let scheduler = Scheduler::new(1);
                    let disk = SimulatedDisk::new(scheduler, Faults::default(), Pace::Yielding);
                    let (store, _) = open(disk, &Tasks::Tokio).unwrap();
                    assert!(module_path!().ends_with(super::module_of(&store)));
                    super::$rule(store).await;
                }
            )*
        }
    };
}

contract! {
    an_unknown_event_is_none
    an_event_is_created_once
    a_stale_token_loses_and_changes_nothing
    the_token_of_a_win_is_good_for_the_next_commit
    pages_come_in_order_and_both_ends_are_included
    more_pages_than_are_read_ahead_all_come
    a_reader_that_goes_away_harms_nobody
    pages_of_another_number_stay_out
    events_are_listed_in_the_order_of_their_ids
    claimed_numbers_are_distinct
    events_that_commit_at_the_same_time_all_win
    one_token_wins_once
    a_store_that_works_has_room_and_has_not_failed
}

/// The module above that tests a backend. A new backend does not compile here until it has one.
fn module_of(store: &Store) -> &'static str {
    match store {
        Store::Memory(_) => "::memory",
        Store::Sled(_) => "::sled",
        Store::Simulated(_) => "::simulated",
    }
}

/// A record of `number` at `version`, of no particular event.
fn record(number: u32, of: u64) -> Record {
    Record {
        number: EventNumber(number),
        version: version(of),
        seats: SeatCounts { capacity: 10, available: 10, held: 0, confirmed: 0, blocked: 0 },
        live_reservations: 0,
        newest_page: Digest::NONE,
    }
}

/// A commit of the pages at `versions`, each with `text` in it: a backend never looks into a page.
fn commit_of(record: Record, versions: impl IntoIterator<Item = u64>, text: &str) -> Commit {
    let page = |first| (version(first), format!("{text} {first}").into_bytes());
    Commit { pages: versions.into_iter().map(page).collect(), record }
}

async fn win(store: &Store, event: &EventId, token: &Token, commit: Commit) -> Token {
    match store.commit(event, token, commit).await.unwrap() {
        Swap::Won(token) => token,
        Swap::Lost => panic!("{event} has lost"),
    }
}

async fn lose(store: &Store, event: &EventId, token: &Token, commit: Commit) {
    let swap = store.commit(event, token, commit).await.unwrap();
    assert_eq!(swap, Swap::Lost);
}

async fn load(store: &Store, event: &EventId) -> Loaded {
    store.load(event).await.unwrap().unwrap().unwrap()
}

async fn collect(mut pages: PageStream) -> Vec<(u64, String)> {
    let mut collected = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        let text = String::from_utf8(page.bytes.to_vec()).unwrap();
        collected.push((page.first_version.get(), text));
    }
    collected
}

/// The first versions of the pages of number 1 in a range, both ends included.
async fn versions(store: &Store, from: u64, to: u64) -> Vec<u64> {
    let pages = store.pages(EventNumber(1), version(from), version(to));
    let pages = collect(pages).await;
    pages.into_iter().map(|(version, _)| version).collect()
}

async fn everything(store: &Store, number: u32) -> Vec<(u64, String)> {
    collect(store.pages(EventNumber(number), Version::ZERO, Version::MAX)).await
}

fn told(pages: &[(u64, &str)]) -> Vec<(u64, String)> {
    let owned = |(version, text): &(u64, &str)| (*version, (*text).to_owned());
    pages.iter().map(owned).collect()
}

async fn an_unknown_event_is_none(store: Store) {
    assert!(store.load(&event_id("alpha")).await.unwrap().is_none());
    assert!(store.events().await.unwrap().is_empty());
    assert!(everything(&store, 1).await.is_empty());
}

async fn an_event_is_created_once(store: Store) {
    let alpha = event_id("alpha");
    let first = commit_of(record(1, 1), [1], "first");
    let token = win(&store, &alpha, &Token::ABSENT, first).await;

    let second = commit_of(record(1, 9), [1, 9], "second");
    lose(&store, &alpha, &Token::ABSENT, second).await;

    let kept = load(&store, &alpha).await;
    assert_eq!(kept.record, record(1, 1));
    assert_eq!(kept.token, token);
    assert_eq!(everything(&store, 1).await, told(&[(1, "first 1")]));
}

async fn a_stale_token_loses_and_changes_nothing(store: Store) {
    let alpha = event_id("alpha");
    let stale = commit_of(record(1, 1), [1], "first");
    let stale = win(&store, &alpha, &Token::ABSENT, stale).await;
    let winner = commit_of(record(1, 2), [2], "winner");
    let token = win(&store, &alpha, &stale, winner).await;

    for versions in [vec![2], vec![1, 2, 3]] {
        let loser = commit_of(record(1, 3), versions, "loser");
        lose(&store, &alpha, &stale, loser).await;
    }
    let unknown = commit_of(record(2, 1), [1], "loser");
    lose(&store, &event_id("beta"), &token, unknown).await;

    let kept = load(&store, &alpha).await;
    assert_eq!(kept.record, record(1, 2));
    assert_eq!(kept.token, token);
    let pages = told(&[(1, "first 1"), (2, "winner 2")]);
    assert_eq!(everything(&store, 1).await, pages);
    assert!(store.load(&event_id("beta")).await.unwrap().is_none());
    assert!(everything(&store, 2).await.is_empty());
}

async fn the_token_of_a_win_is_good_for_the_next_commit(store: Store) {
    let alpha = event_id("alpha");
    let mut token = Token::ABSENT;
    for number in 1..=5 {
        let commit = commit_of(record(1, number), [number], "page");
        token = win(&store, &alpha, &token, commit).await;
        assert_eq!(load(&store, &alpha).await.token, token);
    }
    assert_eq!(load(&store, &alpha).await.record, record(1, 5));
    assert_eq!(versions(&store, 1, 5).await, [1, 2, 3, 4, 5]);
}

async fn pages_come_in_order_and_both_ends_are_included(store: Store) {
    let alpha = event_id("alpha");
    // In a key of other than big-endian order 256 would come before 3.
    let commit = commit_of(record(1, 70_000), [256, 3, 70_000, 1, 9], "page");
    win(&store, &alpha, &Token::ABSENT, commit).await;

    assert_eq!(versions(&store, 0, 99_999).await, [1, 3, 9, 256, 70_000]);
    assert_eq!(versions(&store, 3, 256).await, [3, 9, 256]);
    // The first may begin before what is asked for: the page of 3 is the one that has 4 in it.
    assert_eq!(versions(&store, 4, 255).await, [3, 9]);
    assert_eq!(versions(&store, 9, 9).await, [9]);
    assert_eq!(versions(&store, 10, 20).await, [9]);
    assert_eq!(versions(&store, 9, 3).await, Vec::<u64>::new());
    assert_eq!(versions(&store, 10, 9).await, Vec::<u64>::new());
    assert_eq!(versions(&store, 70_001, 99_999).await, [70_000]);
}

async fn more_pages_than_are_read_ahead_all_come(store: Store) {
    let commit = commit_of(record(1, 500), 1..=500, "page");
    win(&store, &event_id("alpha"), &Token::ABSENT, commit).await;
    let all = (1..=500).collect::<Vec<_>>();
    assert_eq!(versions(&store, 1, 500).await, all);
}

async fn a_reader_that_goes_away_harms_nobody(store: Store) {
    let commit = commit_of(record(1, 500), 1..=500, "page");
    win(&store, &event_id("alpha"), &Token::ABSENT, commit).await;
    let mut pages = store.pages(EventNumber(1), version(1), version(500));
    let first = pages.next().await.unwrap().unwrap();
    assert_eq!(first.first_version, version(1));
    drop(pages);
    assert_eq!(versions(&store, 499, 500).await, [499, 500]);
}

async fn pages_of_another_number_stay_out(store: Store) {
    for (number, id) in [(1, "alpha"), (2, "beta"), (256, "gamma")] {
        let commit = commit_of(record(number, 2), [1, 2], id);
        win(&store, &event_id(id), &Token::ABSENT, commit).await;
    }
    let beta = told(&[(1, "beta 1"), (2, "beta 2")]);
    assert_eq!(everything(&store, 2).await, beta);
    let gamma = told(&[(1, "gamma 1"), (2, "gamma 2")]);
    assert_eq!(everything(&store, 256).await, gamma);
}

async fn events_are_listed_in_the_order_of_their_ids(store: Store) {
    for (number, id) in [(1, "gamma"), (2, "alpha"), (3, "beta"), (4, "a_b")] {
        let commit = commit_of(record(number, 1), [1], id);
        win(&store, &event_id(id), &Token::ABSENT, commit).await;
    }
    let listed = store.events().await.unwrap();
    let told = listed
        .into_iter()
        .map(|listed| {
            let record = listed.loaded.unwrap().record;
            (listed.event.as_str().to_owned(), record.number.0)
        })
        .collect::<Vec<_>>();
    let expected = [("a_b", 4), ("alpha", 2), ("beta", 3), ("gamma", 1)];
    assert_eq!(told, expected.map(|(id, number)| (id.to_owned(), number)));
}

async fn claimed_numbers_are_distinct(store: Store) {
    let tasks = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim_event_number().await.unwrap() })
    });
    let mut claimed = BTreeSet::new();
    for task in tasks.collect::<Vec<_>>() {
        assert!(claimed.insert(task.await.unwrap()));
    }
    assert!(claimed.insert(store.claim_event_number().await.unwrap()));
}

async fn events_that_commit_at_the_same_time_all_win(store: Store) {
    let tasks = (0..64).map(|which| {
        let store = store.clone();
        tokio::spawn(async move { sell_a_few(&store, &format!("event-{which}")).await })
    });
    let mut sold = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        sold.push(task.await.unwrap());
    }
    for event in sold {
        let loaded = load(&store, event.id()).await;
        let to = loaded.record.version;
        let pages = || store.pages(event.number(), Version::FIRST, to);
        let replayed = replay(event.id(), &loaded, pages()).await.unwrap();
        assert_eq!(format!("{:?}", replayed.event), format!("{event:?}"));
        let (mut stored, mut bytes) = (pages(), 0);
        while let Some(page) = stored.next().await {
            bytes += page.unwrap().bytes.len() as u64;
        }
        assert_eq!((replayed.pages, replayed.bytes), (6, bytes));
    }
}

/// Creates an event and makes five commits of one reservation each.
async fn sell_a_few(store: &Store, id: &str) -> Event {
    let number = store.claim_event_number().await.unwrap();
    let (mut event, creation) = created(number, terms(id, 10), 0);
    let creation = Commit::draft(None, &event, &[creation]);
    let mut record = creation.record;
    let mut token = win(store, event.id(), &Token::ABSENT, creation).await;
    for nonce in 0..5 {
        let command = reserve(&partner("acme"), 1, nonce);
        let decision = event.decide(&command, Timestamp(0)).unwrap();
        let change = decision.into_change().unwrap();
        event.apply(&change);
        let commit = Commit::draft(Some(&record), &event, &[change]);
        record = commit.record;
        token = win(store, event.id(), &token, commit).await;
    }
    event
}

async fn one_token_wins_once(store: Store) {
    let alpha = event_id("alpha");
    let creation = commit_of(record(1, 1), [1], "page");
    let mut token = win(&store, &alpha, &Token::ABSENT, creation).await;
    for round in 2..30 {
        let writers = [0, 1, 2].map(|writer| {
            let (store, alpha, token) = (store.clone(), alpha.clone(), token.clone());
            let mut record = record(1, round);
            record.live_reservations = writer;
            let commit = commit_of(record, [round], &format!("writer {writer}"));
            tokio::spawn(async move { store.commit(&alpha, &token, commit).await.unwrap() })
        });
        let mut won = Vec::new();
        for (writer, task) in (0..).zip(writers) {
            if let Swap::Won(token) = task.await.unwrap() {
                won.push((writer, token));
            }
        }
        let [(winner, next)] = won.as_slice() else {
            panic!("{} writers won by one token", won.len());
        };
        assert_eq!(load(&store, &alpha).await.record.live_reservations, *winner);
        let newest = everything(&store, 1).await.pop().unwrap();
        assert_eq!(newest, (round, format!("writer {winner} {round}")));
        token = next.clone();
    }
}

async fn a_store_that_works_has_room_and_has_not_failed(store: Store) {
    store.check_room().await.unwrap();
    let commit = commit_of(record(1, 1), [1], "page");
    win(&store, &event_id("alpha"), &Token::ABSENT, commit).await;
    store.check_room().await.unwrap();
    let failed = pin!(store.failed());
    assert!(failed.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
