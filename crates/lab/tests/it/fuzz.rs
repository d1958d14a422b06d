//! Fuzzing of the reader of histories.

use self::driver::{Target, Verdict, corpus, mend_nothing, random, run_with_little_memory};

#[path = "../../../../tests/support/fuzz.rs"]
#[expect(dead_code, reason = "other packages use the rest")]
mod driver;
mod memory;
mod texts;
