//! The power cut itself: a file system is shut down under those who work on it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::file_systems::{missing, run, text};

/// How large the file systems are whose power is cut.
pub(crate) const FILE_SYSTEM_BYTES: u64 = 1024 * 1024 * 1024;
pub(crate) const CUTS_VARIABLE: &str = "TICKETBOSS_POWER_CUTS";
pub(crate) const SEED_VARIABLE: &str = "TICKETBOSS_POWER_CUT_SEED";

/// The source of the program that does it.
const SOURCE: &str = include_str!("../rig/godown.c");

/// The program that does it; an ioctl needs unsafe code, which the tests forbid.
pub(crate) struct Godown {
    program: PathBuf,
    _directory: TempDir,
}

impl Godown {
    /// Compiles it.
    pub(crate) fn build() -> Self {
        let directory = TempDir::new().unwrap();
        let program = directory.path().join("godown");
        let source = directory.path().join("godown.c");
        std::fs::write(&source, SOURCE).unwrap();
        run("cc", &["-Wall", "-o", text(&program), text(&source)]);
        Self { program, _directory: directory }
    }

    /// Cuts the power of the file system mounted there: what was not forced to the device is gone.
    pub(crate) fn cut(&self, mount_point: &Path) {
        run(text(&self.program), &[text(mount_point)]);
    }
}

/// What is missing to cut the power of a file system, or `None` where all is there.
pub(crate) fn missing_needs() -> Option<String> {
    let control = Path::new("/dev/loop-control");
    missing(&["mkfs.ext4", "losetup", "cc"])
        .or_else(|| (!control.exists()).then(|| format!("there is no {}", control.display())))
}
