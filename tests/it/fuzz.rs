//! Fuzzing of requests, settings, files and ids.

use self::driver::{Target, Verdict, cases, corpus, mend_nothing, run_with_little_memory};

mod answers;
#[path = "../support/fuzz.rs"]
#[expect(dead_code, reason = "other packages use the rest")]
mod driver;
mod files;
mod memory;
mod requests;
mod texts;

pub(crate) use self::driver::random;
