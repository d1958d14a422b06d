//! The program when it runs out of file descriptors.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{connect, expect_service};
use crate::program::{Serving, program, wait_for_line};
use crate::support::new_directory;
use crate::wire::{Connection, bare, json};

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

    fn descriptors(&self) -> usize {
        let open = Path::new("/proc").join(self.server.pid().to_string()).join("fd");
        std::fs::read_dir(open).unwrap().count()
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
    program.limit_descriptors(program.descriptors());
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
