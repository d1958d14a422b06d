//! Fuzzing of everything that reads the database and the file beside it.

use self::driver::{Target, Verdict, corpus, mend_nothing, random, run_with_little_memory};

#[path = "../../../../tests/support/fuzz.rs"]
mod driver;
mod files;
mod memory;
mod stored;
