//! sled panics where it has no other answer, as when its last sync fails; what it says then is for a
//! line of ours, not for the terminal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};

use ::sled::Db;

use crate::committer::panic_text;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does something that may panic, and gives what the panic said. The panic is not reported besides.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Arc<str>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_CAUGHT.get() {
                report(panic);
            }
        }));
    });
    let outer = IS_CAUGHT.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(outer);
    done.map_err(|panic| panic_text(&*panic))
}

/// The handle of the database that outlives all others, so that it is the one that closes it.
#[derive(Debug)]
pub(super) struct LastHandle(Option<Db>);

impl LastHandle {
    pub(super) fn of(database: &Db) -> Self {
        Self(Some(database.clone()))
    }
}

impl Drop for LastHandle {
    fn drop(&mut self) {
        let database = self.0.take();
        if let Err(why) = caught(|| drop(database)) {
            // What was acknowledged was synced before that.
            log::warn!("the database was not closed in order: {why}");
        }
    }
}
