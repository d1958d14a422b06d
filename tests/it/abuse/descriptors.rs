//! The program when it runs out of file descriptors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{connect, expect_service};
use crate::program::{Serving, program, wait_for_line};
use crate::support::new_directory;
use crate::wire::{Connection, PATIENCE, bare, json};

/// A program whose log can be read.
struct Logged {
    server: Serving,
    log: PathBuf,
    _directory: TempDir,
}

impl Logged {
    /// Starts one under what `preparation`, in the words of the shell, has set.
    fn start(preparation: &str) -> Self {
        let directory = new_directory();
        let script = format!("{preparation}; exec \"$0\" serve --listen 127.0.0.1:0 2> log.txt");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, program()]).current_dir(directory.path()).env_clear();
        let log = directory.path().join("log.txt");
        Self { server: Serving::spawn(&mut shell), log, _directory: directory }
    }

    /// The open descriptors of the program, and the file of each.
    fn descriptors(&self) -> BTreeMap<usize, PathBuf> {
        let open = self.proc().join("fd");
        let numbers = std::fs::read_dir(&open).unwrap().map(|entry| entry.unwrap().file_name());
        let numbers = numbers.map(|name| name.to_str().unwrap().parse().unwrap());
        // A descriptor that was closed in the meantime has no link.
        let linked = |number: usize| {
            std::fs::read_link(open.join(number.to_string())).ok().map(|link| (number, link))
        };
        numbers.filter_map(linked).collect()
    }

    /// Waits until the witness file of the first sale is complete. Creating it needs additional descriptors;
    /// appending to it later needs none.
    fn wait_for_witness(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let descriptors = self.descriptors();
            let witness = |path: &Path| path.ends_with("witness") || path.ends_with("witness.new");
            let mut of_witness = descriptors.iter().filter(|(_, path)| witness(path));
            if let Some((number, _)) = of_witness.next()
                && of_witness.next().is_none()
                && self.appends_to(*number)
            {
                return;
            }
            assert!(Instant::now() < deadline, "no witness among {descriptors:?}");
            std::thread::yield_now();
        }
    }

    /// Whether a descriptor is open for appending.
    fn appends_to(&self, number: usize) -> bool {
        let info = self.proc().join("fdinfo").join(number.to_string());
        let info = std::fs::read_to_string(info).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("0");
        let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
        OFlags::from_bits_retain(flags).contains(OFlags::APPEND)
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.server.pid().to_string())
    }

    /// Limits the program to the descriptors that it has.
    fn take_all_descriptors(&self) {
        let taken = self.descriptors();
        // The limit is one of numbers, and a new descriptor gets the lowest free one.
        let next = (0..=taken.len()).find(|number| !taken.contains_key(number)).unwrap();
        self.limit_descriptors(next);
    }

    /// Sets how many descriptors the program may have from now on; it keeps those it has.
    fn limit_descriptors(&self, most: usize) {
        let pid = Pid::from_raw(i32::try_from(self.server.pid()).unwrap());
        let limit = Rlimit { current: Some(most as u64), maximum: Some(10_000) };
        prlimit(pid, Resource::Nofile, limit).unwrap();
    }
}

#[tokio::test]
async fn a_program_with_few_descriptors_serves_fewer_at_once_and_everybody_in_the_end() {
    let program = Logged::start("ulimit -n 64");
    let address = program.server.address;
    wait_for_line(&program.log, "at most 32 connections are served at once");
    let mut regular = Connection::open(address).await;
    let sale = json("POST /reservations/", r#"{"partnerId":"p","seats":1}"#);
    assert_eq!(regular.ask(&sale).await.status, 201);
    let mut silent = Vec::<TcpStream>::new();
    for _ in 0..200 {
        silent.push(connect(address).await);
        // A sale takes a write and a sync, which must not want for a descriptor.
        assert_eq!(regular.ask(&bare("GET /reservations/", &[])).await.status, 200);
    }
    assert_eq!(regular.ask(&sale).await.status, 201);
    wait_for_line(&program.log, "all 32 connections are in use");
    drop(silent);
    expect_service(address).await;
    assert_eq!(program.server.stop().0, Some(0));
}

#[tokio::test]
async fn a_program_without_any_descriptor_left_serves_whom_it_has_and_accepts_again() {
    let program = Logged::start("true");
    let address = program.server.address;
    let mut regular = Connection::open(address).await;
    let sale = json("POST /reservations/", r#"{"partnerId":"p","seats":1}"#);
    assert_eq!(regular.ask(&sale).await.status, 201);
    program.wait_for_witness();
    program.take_all_descriptors();
    let mut newcomer = Connection::open(address).await;
    newcomer.send(&sale).await;
    wait_for_line(&program.log, "a connection could not be accepted");
    for _ in 0..20 {
        assert_eq!(regular.ask(&sale).await.status, 201);
    }
    program.limit_descriptors(1000);
    assert_eq!(newcomer.receive("POST").await.unwrap().status, 201);
    expect_service(address).await;
    assert_eq!(program.server.stop().0, Some(0));
}
