//! File systems of their own for the tests that break one: made, mounted, and always unmounted.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) use crate::skip::skip;

/// No helper program takes longer, unless something hangs.
const PROGRAM_SECONDS_MAX: &str = "60";

/// Runs a helper program to its end, in bounded time, and gives back what it printed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    try_run(program, arguments).unwrap_or_else(|why| panic!("{why}"))
}

fn try_run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("timeout")
        .args(["--signal=KILL", PROGRAM_SECONDS_MAX, program])
        .args(arguments)
        .output()
        .map_err(|error| format!("{program} does not start: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        let why = said(&output.stderr);
        Err(format!("{program} {arguments:?}: {}: {why}", output.status))
    }
}

/// What is missing of root and `programs`, or `None` where all is there.
pub(crate) fn missing(programs: &[&str]) -> Option<String> {
    for program in ["timeout", "id", "mount", "umount"].iter().chain(programs) {
        // `command -v` is the portable way to look a program up, and it is a builtin of the shell.
        let looked_up =
            Command::new("sh").args(["-c", "command -v \"$1\"", "sh", program]).output();
        if !looked_up.is_ok_and(|output| output.status.success()) {
            return Some(format!("there is no {program} on the PATH"));
        }
    }
    (run("id", &["-u"]) != "0").then(|| "it takes root to mount a file system".to_owned())
}

/// A mounted file system, unmounted when dropped.
#[derive(Debug)]
struct Mounted {
    mount_point: PathBuf,
}

impl Mounted {
    fn new(arguments: &[&str], mount_point: &Path) -> Self {
        std::fs::create_dir_all(mount_point).expect("a mount point can be made");
        run("mount", &[arguments, &[text(mount_point)]].concat());
        Self { mount_point: mount_point.to_owned() }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mount_point = text(&self.mount_point);
        // Where a failed test still has a file open, the mount goes with that file. A drop may run
        // in a panic, so it only reports.
        let unmounted =
            try_run("umount", &[mount_point]).or_else(|_| try_run("umount", &["-l", mount_point]));
        if let Err(why) = unmounted {
            eprintln!("{why}");
        }
    }
}

/// An ext4 file system in a file, on a loop device, whose power can be cut.
#[derive(Debug)]
pub(crate) struct Ext4 {
    // The order of the fields is the order of taking down.
    mounted: Option<Mounted>,
    device: LoopDevice,
    mount_point: PathBuf,
    _image_directory: TempDir,
}

impl Ext4 {
    /// Makes one of at most `bytes`, as a sparse file, and mounts it.
    pub(crate) fn create(bytes: u64) -> Self {
        let image_directory = TempDir::new().expect("there is a place for temporary files");
        let image = image_directory.path().join("image");
        std::fs::File::create(&image)
            .and_then(|file| file.set_len(bytes))
            .expect("the image can be made");
        run("mkfs.ext4", &["-q", "-F", text(&image)]);
        let device = LoopDevice::attach(&image);
        let mut made = Self {
            mounted: None,
            device,
            mount_point: image_directory.path().join("mount"),
            _image_directory: image_directory,
        };
        made.mount();
        made
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mount_point
    }

    /// Mounts it, which replays its journal if the power was cut.
    pub(crate) fn mount(&mut self) {
        let mounted = Mounted::new(&["-t", "ext4", &self.device.0], &self.mount_point);
        self.mounted = Some(mounted);
    }

    /// Takes it down. What the kernel still holds in memory is written first, unless the power was
    /// cut: then it is gone.
    pub(crate) fn unmount(&mut self) {
        let mounted = self.mounted.take().expect("it is mounted");
        // By hand and not by the drop, because here a failure must be seen.
        run("umount", &[text(&mounted.mount_point)]);
        std::mem::forget(mounted);
    }
}

#[derive(Debug)]
struct LoopDevice(String);

impl LoopDevice {
    fn attach(image: &Path) -> Self {
        Self(run("losetup", &["--find", "--show", text(image)]))
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        if let Err(why) = try_run("losetup", &["--detach", &self.0]) {
            eprintln!("{why}");
        }
    }
}

/// A file system in memory, of a size that can be changed while it is used.
#[derive(Debug)]
pub(crate) struct Tmpfs {
    mounted: Mounted,
    _directory: TempDir,
}

impl Tmpfs {
    /// Makes one of `size`, as `mount` takes it.
    pub(crate) fn create(size: &str) -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let options = format!("size={size}");
        let arguments = ["-t", "tmpfs", "-o", &options, "tmpfs"];
        Self {
            mounted: Mounted::new(&arguments, &directory.path().join("mount")),
            _directory: directory,
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mounted.mount_point
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        run("mount", &["-o", &options, text(self.path())]);
    }
}

/// A path as an argument of a program.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("paths of temporary files are UTF-8")
}
