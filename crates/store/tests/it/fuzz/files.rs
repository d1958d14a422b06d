//! Files beside the database. Each case opens a database, so there are few cases.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use ticketboss_core::domain::{EventId, Version};
use ticketboss_store::local::sled::{SledOptions, open};
use ticketboss_store::{Fault, Listed};
use tokio::runtime::Builder;

use super::random::Alphabet;
use super::{Target, Verdict, corpus, mend_nothing};
use crate::directories::Directories;

#[test]
fn witness() {
    let directories = Directories::new();
    let target = Target {
        name: "witness",
        share: 5,
        corpus: corpus("witness"),
        alphabet: Alphabet::Text(&[
            "e ",
            "e 1\n",
            "f 7\n",
            "\n",
            "\r\n",
            " ",
            "-",
            "+1",
            "01",
            "1099511627775",
            "1099511627776",
            "18446744073709551616",
            "\0",
            "é",
            "\u{2028}",
        ]),
        mend: mend_nothing,
        read: &|bytes| directories.with(|directory| read_witness(directory, bytes)),
    };
    target.fuzz();
}

/// Opens a database without events, of which the file says that it had some.
fn read_witness(directory: &TempDir, bytes: &[u8]) -> Verdict {
    fs::write(directory.path().join("witness"), bytes).unwrap();
    let store = open(&SledOptions::standard(directory.path())).unwrap().store;
    let runtime = Builder::new_current_thread().build().unwrap();
    let listed = runtime.block_on(store.events()).unwrap();
    let lost = listed.into_iter().map(|Listed { event, loaded }| match loaded {
        Err(damage) => match damage.fault {
            Fault::Lost { stored: Version::ZERO, witnessed } => (event, witnessed),
            fault => panic!("{event}: {fault}"),
        },
        Ok(_) => panic!("{event} was never created"),
    });
    let lost = lost.collect::<BTreeMap<_, _>>();
    assert_eq!(lost, expected_witness(bytes));
    if lost.is_empty() { Verdict::RefusedLate } else { Verdict::Accepted }
}

/// What the file says, by its description: whole lines of an event id, a blank and a version.
fn expected_witness(bytes: &[u8]) -> BTreeMap<EventId, Version> {
    let mut expected = BTreeMap::new();
    let text = String::from_utf8_lossy(bytes);
    let Some((whole, _)) = text.rsplit_once('\n') else { return expected };
    for line in whole.split('\n') {
        let Some((event, version)) = line.trim_end().split_once(' ') else { continue };
        let version = version.parse().ok().and_then(Version::new);
        if let (Ok(event), Some(version)) = (EventId::new(event), version) {
            let latest = expected.entry(event).or_insert(version);
            *latest = version.max(*latest);
        }
    }
    expected
}
