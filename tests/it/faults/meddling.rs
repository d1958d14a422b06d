//! What others do to the data directory, before the start or under a running server: it is said in one
//! line, nothing hangs, and nothing is sold into a file that nobody will find.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::books::CAPACITY;
use super::client::{self, Told};
use super::process::{End, Process};
use super::rig::{Rig, SERVE, VERIFY, unharmed_server};
use super::site::{copy, write_event};
use crate::file_systems::{Ext4, Tmpfs, missing, run as run_program, skip, text};
use crate::program::{complained, program, run, said, ticketboss, without_settings};
use crate::wire::PATIENCE;

/// A place with a server that has sold something.
struct Sold {
    home: TempDir,
    server: Process,
    address: std::net::SocketAddr,
}

impl Sold {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        write_event(home.path());
        let mut server =
            Process::start(&mut unharmed_server(home.path()), &home.path().join("server"));
        let address = server.ready().unwrap();
        let sold = Self { home, server, address };
        sold.sell("before").unwrap();
        sold
    }

    fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data/db")
    }

    /// Sells one seat, or gives what was told instead.
    fn sell(&self, partner: &str) -> Result<(), Told> {
        match client::reserve(self.address, partner, 1) {
            Told::Answer(201, ..) => Ok(()),
            other => Err(other),
        }
    }

    /// Nothing is sold any more, and the server ends with this reason.
    fn fails(self, reason: &str) {
        let refused = self.sell("after").expect_err("nothing can be sold");
        assert!(matches!(&refused, Told::Answer(503, ..)), "{refused:?}");
        let home = self.home;
        assert_eq!(self.server.end(), End::Code(1));
        let log = fs::read_to_string(home.path().join("server.log")).unwrap();
        let said = "the store failed, so this process ends: ";
        assert!(log.contains(&format!("{said}{reason}")), "{log}");
        assert!(!log.contains("panicked at"), "{log}");
    }
}

#[test]
fn a_data_directory_that_is_removed_ends_the_server() {
    let sold = Sold::new();
    // The server may just be writing a file there, so that it is not empty when all were removed.
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = fs::remove_dir_all(sold.data()) {
        assert!(Instant::now() < deadline, "{error}");
    }
    sold.fails("the log data/db/db is not where it was: No such file or directory (os error 2)");
}

#[test]
fn a_log_that_is_removed_moved_or_replaced_ends_the_server() {
    let gone = "the log data/db/db is not where it was: No such file or directory (os error 2)";
    let sold = Sold::new();
    fs::remove_file(sold.data().join("db")).unwrap();
    sold.fails(gone);
    let sold = Sold::new();
    fs::rename(sold.data().join("db"), sold.data().join("db.old")).unwrap();
    sold.fails(gone);
    // As when a backup is put back under a server that runs.
    let sold = Sold::new();
    fs::copy(sold.data().join("db"), sold.data().join("backup")).unwrap();
    fs::rename(sold.data().join("backup"), sold.data().join("db")).unwrap();
    sold.fails("the log data/db/db is not where it was: it was replaced");
}

#[test]
fn a_log_that_was_cut_is_not_sold_from_at_the_next_start() {
    for part in [0, 2] {
        let sold = Sold::new();
        let log = File::options().write(true).open(sold.data().join("db")).unwrap();
        let bytes = log.metadata().unwrap().len();
        log.set_len(bytes * part / 3).unwrap();
        // What was sold is in memory, too, so the server does not notice; it must not hang, either.
        let _ = sold.sell("after");
        let Sold { home, server, .. } = sold;
        let pid = server.pid();
        server.stop(pid);
        assert_eq!(run(home.path(), VERIFY).status.code(), Some(1));
        let mut next =
            Process::start(&mut unharmed_server(home.path()), &home.path().join("server"));
        match next.ready() {
            // The event is known to have had more.
            Ok(address) => {
                let refused = client::reserve(address, "next", 1);
                assert!(
                    matches!(&refused, Told::Answer(503, _, body) if body["code"] == "event_damaged"),
                    "{refused:?}"
                );
                let pid = next.pid();
                next.stop(pid);
                let log = fs::read_to_string(home.path().join("server.log")).unwrap();
                assert!(log.contains("event e is damaged at version "), "{log}");
            }
            Err(end) => {
                assert_eq!(end, End::Code(1));
                reason_in(&next.log());
            }
        }
    }
}

/// sled would take what it cannot read for the end of its log, and overwrite it.
#[test]
#[ignore = "needs root, cc and seccomp notifications"]
fn a_log_that_cannot_be_read_is_left_alone() {
    if let Some(reason) = missing(&["cc"]) {
        return skip(&reason);
    }
    let Sold { home, server, .. } = Sold::new();
    drop(server);
    let log = home.path().join("data/db/db");
    let before = fs::read(&log).unwrap();
    let rig = Rig::build();
    let command = &mut rig.command(home.path(), "read@data/db/db:1+:5", SERVE);
    let mut server = Process::start(command, &home.path().join("server"));
    assert_eq!(server.ready(), Err(End::Code(1)));
    let why = reason_in(&server.log());
    assert_eq!(why, "the data directory data/db cannot be used: Input/output error (os error 5)");
    assert!(fs::read(&log).unwrap() == before, "it was written");
    // The disk can be read again.
    assert!(run(home.path(), VERIFY).status.success());
    let mut server = Process::start(&mut unharmed_server(home.path()), &home.path().join("server"));
    let Told::Answer(200, _, summary) = client::look(server.ready().unwrap(), "/reservations/")
    else {
        panic!("{}", server.log())
    };
    assert_eq!(summary["reservationCount"], 1);
    fs::remove_file(home.path().with_extension("calls")).unwrap();
}

#[test]
fn a_data_directory_that_is_a_file_is_left_alone() {
    let home = TempDir::new().unwrap();
    write_event(home.path());
    fs::create_dir(home.path().join("data")).unwrap();
    fs::write(home.path().join("data/db"), "mine").unwrap();
    let why = refused(&mut unharmed_server(home.path()));
    assert_eq!(why, "the data directory data/db cannot be used: File exists (os error 17)");
    assert_eq!(fs::read(home.path().join("data/db")).unwrap(), b"mine");
}

#[test]
#[ignore = "needs setpriv, and root only where it is root that runs it"]
fn a_data_directory_without_permission_is_said() {
    let Sold { home, server, .. } = Sold::new();
    drop(server);
    let directory = home.path().join("data/db");
    for mode in [0o000, 0o500] {
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        for arguments in [SERVE, VERIFY] {
            let mut command = without_settings("setpriv", home.path());
            command.args(["--bounding-set=-all", "--inh-caps=-all", program()]).args(arguments);
            let why = refused(&mut command);
            assert!(why.contains(": Permission denied (os error 13)"), "{why}");
        }
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    }
    assert!(run(home.path(), VERIFY).status.success());
}

#[test]
#[ignore = "needs root"]
fn a_data_directory_that_is_read_only_is_said() {
    if let Some(reason) = missing(&[]) {
        return skip(&reason);
    }
    let Sold { home, server, .. } = Sold::new();
    drop(server);
    let disk = Tmpfs::create("32m");
    let data = disk.path().join("db");
    copy(&home.path().join("data/db"), &data);
    mount(&["-o", "remount,ro", text(disk.path())]);
    for arguments in [SERVE, VERIFY] {
        let mut command = ticketboss(home.path(), arguments);
        let why = refused(command.args(["--data-dir", text(&data)]));
        let expected = "cannot be used: Read-only file system (os error 30)";
        assert_eq!(why, format!("the data directory {} {expected}", data.display()));
    }
    mount(&["-o", "remount,rw", text(disk.path())]);
    assert!(run(home.path(), &["verify", "--data-dir", text(&data)]).status.success());
}

/// As when ext4 has found something wrong with itself.
#[test]
#[ignore = "needs root, a loop device and mkfs.ext4"]
fn a_disk_that_becomes_read_only_ends_the_server_and_loses_nothing() {
    if let Some(reason) = missing(&["mkfs.ext4", "losetup"]) {
        return skip(&reason);
    }
    let mut disk = Ext4::create(256 * 1024 * 1024);
    mount(&["-o", "remount,errors=remount-ro", text(disk.path())]);
    let home = TempDir::new().unwrap();
    write_event(home.path());
    let data = disk.path().join("db");
    let on_disk = || {
        let mut command = unharmed_server(home.path());
        command.args(["--data-dir", text(&data)]);
        command
    };
    let mut server = Process::start(&mut on_disk(), &home.path().join("server"));
    let address = server.ready().unwrap();
    assert!(matches!(client::reserve(address, "before", 2), Told::Answer(201, ..)));
    trigger_error(disk.path());
    let told = client::reserve(address, "after", 1);
    assert!(matches!(&told, Told::Answer(503, ..)), "{told:?}");
    assert_eq!(server.end(), End::Code(1));
    let log = fs::read_to_string(home.path().join("server.log")).unwrap();
    assert!(log.contains("the store failed, so this process ends: "), "{log}");
    assert!(!log.contains("panicked at"), "{log}");
    assert!(refused(&mut on_disk()).contains("Read-only file system"));
    disk.unmount();
    disk.mount();
    let mut server = Process::start(&mut on_disk(), &home.path().join("server"));
    let address = server.ready().unwrap();
    let Told::Answer(200, _, summary) = client::look(address, "/reservations/") else { panic!() };
    let taken = u64::from(CAPACITY) - summary["availableSeats"].as_u64().unwrap();
    // What was not acknowledged may have happened or not; what was, has.
    assert!([2, 3].contains(&taken), "{summary}");
}

/// Makes ext4 believe that it has found an error.
fn trigger_error(mount_point: &Path) {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let of_this = |line: &&str| line.split(' ').nth(1) == mount_point.to_str();
    let device = mounts.lines().find(of_this).unwrap().split(' ').next().unwrap();
    let device = device.rsplit('/').next().unwrap();
    fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "on purpose").unwrap();
}

fn mount(arguments: &[&str]) {
    run_program("mount", arguments);
}

/// Runs a command that must not do anything: it says one line, which this gives, and exits with 1.
fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = complained(&output);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert_eq!(said(&output), "");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    reason_in(&complaint)
}

/// The one reason in a log why a command could not do its job.
fn reason_in(log: &str) -> String {
    assert!(!log.contains("panicked at"), "{log}");
    let reasons = log.lines().filter_map(|line| line.strip_prefix("ticketboss: "));
    let [reason] = reasons.collect::<Vec<_>>()[..] else { panic!("{log}") };
    reason.to_owned()
}
