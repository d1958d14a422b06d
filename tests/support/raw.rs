//! Direct access to a sled database.

use std::fs;
use std::path::Path;

use ticketboss_core::domain::EventNumber;

/// The trees of the directory, without anything between them and us.
pub(crate) struct Raw {
    pub(crate) events: sled::Tree,
    pub(crate) ledger: sled::Tree,
}

/// Opens a database without this program, and closes it again.
pub(crate) fn damage(directory: &Path, how: impl FnOnce(&Raw)) {
    let database = sled::Config::new()
        .path(directory)
        .segment_size(2 * 1024 * 1024)
        .flush_every_ms(None)
        .open()
        .unwrap();
    how(&Raw {
        events: database.open_tree("events").unwrap(),
        ledger: database.open_tree("ledger").unwrap(),
    });
    drop(database);
    // Threads of sled may keep its lock a little longer.
    let database = fs::File::open(directory.join("db")).unwrap();
    database.lock().unwrap();
    // A process that somebody is just starting has the file open, too, and with it what is not unlocked.
    database.unlock().unwrap();
}

/// Takes every page of an event away.
pub(crate) fn remove_pages(directory: &Path, number: EventNumber) {
    damage(directory, |raw| {
        let pages = raw.ledger.scan_prefix(number.0.to_be_bytes());
        let keys = pages.keys().collect::<Result<Vec<_>, _>>().unwrap();
        assert!(!keys.is_empty());
        for key in keys {
            raw.ledger.remove(key).unwrap();
        }
    });
}
