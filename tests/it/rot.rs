//! A byte that rots on the disk: what it takes is noticed, and nothing is sold twice because of it.
//!
//! The other tests of damage write it through sled, whose own checksums are then good. Here the file
//! itself is changed. sled ends its log at the first thing that is not whole, so that an older state
//! comes up that is whole in itself; only what the database had at least, written down beside it, tells.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::{Serving, run, said, ticketboss, wait_for_line};
use crate::wire::{ask, bare, reserve};

const SALES: u32 = 60;
/// The number of places in which a byte is flipped.
const STEPS: usize = 40;
const VERIFIED_AT_ONCE: usize = 8;

/// A directory in which a server sold seats and stopped.
async fn sold(home: &Path) {
    let server = Serving::start(home, &["--access-log", "off"]);
    for _ in 0..SALES {
        assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    }
    assert_eq!(server.stop().0, Some(0));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_is_noticed_wherever_it_counts() {
    let home = tempfile::tempdir().unwrap();
    sold(home.path()).await;
    let length = fs::read(home.path().join("data/db/db")).unwrap().len();
    let noticed = AtomicUsize::new(0);
    let steps = AtomicUsize::new(0);
    let take_steps = || {
        while let step = steps.fetch_add(1, Ordering::Relaxed)
            && step < STEPS
        {
            let at = step * length / STEPS;
            noticed.fetch_add(usize::from(is_noticed(home.path(), step, at)), Ordering::Relaxed);
        }
    };
    // Most of the time `verify` waits for the disk.
    std::thread::scope(|scope| {
        for _ in 0..VERIFIED_AT_ONCE {
            scope.spawn(take_steps);
        }
    });
    let noticed = noticed.into_inner();
    assert!(noticed > 0, "no flipped byte was in a place that counts");
}

/// Whether a copy of the database with the byte at `at` flipped is found to be damaged; if not, everything must be
/// there.
fn is_noticed(home: &Path, step: usize, at: usize) -> bool {
    let name = format!("copy-{step}");
    let copied = home.join(&name);
    copy(&home.join("data/db"), &copied);
    let mut rotten = fs::read(copied.join("db")).unwrap();
    rotten[at] ^= 0x10;
    fs::write(copied.join("db"), &rotten).unwrap();
    let verified = run(home, &["verify", "--data-dir", &name]);
    assert_eq!(fs::read(copied.join("db")).unwrap(), rotten, "verify writes nothing");
    if verified.status.success() {
        // The byte was in a place that counts no more: then everything is there.
        let whole = format!("good     node-meetup-2025: {} changes", SALES + 1);
        assert!(said(&verified).starts_with(&whole), "{step}: {}", said(&verified));
    }
    !verified.status.success()
}

#[tokio::test]
async fn a_database_that_lost_everything_is_not_begun_anew() {
    let home = tempfile::tempdir().unwrap();
    sold(home.path()).await;
    fs::write(home.path().join("data/db/db"), "").unwrap();
    let verified = run(home.path(), &["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{}", said(&verified));
    let told = format!(
        "DAMAGED  event node-meetup-2025 is damaged at version 1: changes are lost: \
         there are 0, and there were at least {}",
        SALES + 1
    );
    assert_eq!(said(&verified).lines().next(), Some(told.as_str()));
    let server = Serving::spawn(
        ticketboss(home.path(), &["serve", "--listen", "127.0.0.1:0", "--access-log", "off"])
            .args(["--log", "off"]),
    );
    for answer in [
        reserve(server.address, "p", 1).await,
        ask(server.address, &bare("GET /reservations/", &[])).await,
    ] {
        assert_eq!(answer.problem(), "503 event_damaged: Event is damaged");
    }
}

#[tokio::test]
async fn a_witness_that_is_gone_or_torn_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    sold(home.path()).await;
    let witness = home.path().join("data/db/witness");
    let whole = fs::read_to_string(&witness).unwrap();
    assert_eq!(whole.lines().last(), Some(format!("node-meetup-2025 {}", SALES + 1).as_str()));
    for torn in ["", "node-meetup-2025 99", "\u{0}\u{0}\n", "what is this\nnode-meetup-2025 9\n"] {
        fs::write(&witness, torn).unwrap();
        assert!(run(home.path(), &["verify"]).status.success(), "{torn:?}");
    }
    fs::remove_file(&witness).unwrap();
    assert!(run(home.path(), &["verify"]).status.success());
}

/// No change follows the last sale, on whose occasion it could be written down.
#[tokio::test]
async fn the_witness_hears_of_the_last_sale_while_nobody_asks_for_anything() {
    let home = tempfile::tempdir().unwrap();
    let server = Serving::start(home.path(), &["--access-log", "off"]);
    for _ in 0..SALES {
        assert_eq!(reserve(server.address, "p", 1).await.status, 201);
    }
    let last = format!("node-meetup-2025 {}", SALES + 1);
    wait_for_line(&home.path().join("data/db/witness"), &last);
    server.kill();
}

#[test]
fn verify_leaves_a_file_alone_that_is_no_database() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("notes")).unwrap();
    fs::write(home.path().join("notes/db"), "my precious notes\n").unwrap();
    let verified = run(home.path(), &["verify", "--data-dir", "notes"]);
    assert_eq!(verified.status.code(), Some(1), "{}", said(&verified));
    assert_eq!(fs::read_to_string(home.path().join("notes/db")).unwrap(), "my precious notes\n");
    let left = fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 1, "the copy that was looked at is gone");
}
