//! `kill -9` at any moment: what clients were told before it is there after it, and the next start is
//! a good one, also when it is killed itself.
//!
//! The clients are those of `stress`, against the real program; whether what they were told can be
//! true of what is stored is for `verify --history` to say, after each kill.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::program::{Serving, complained, run, said, ticketboss};

/// How often the server is killed while clients are at work.
const KILLS: u32 = 40;
/// How often, after each of those, a start is killed before a good one is let go on.
const KILLED_STARTS: u32 = 1;

/// Moments to kill at, of a seed that is printed.
struct Moments(u64);

impl Moments {
    fn up_to(&mut self, milliseconds: u64) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((self.0 >> 33) % (milliseconds * 1000))
    }
}

#[test]
#[ignore = "needs half a minute"]
fn nothing_acknowledged_is_lost_by_a_kill_at_any_moment() {
    let home = tempfile::tempdir().unwrap();
    let seed = RandomState::new().hash_one("moments");
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let event = r#"{"eventId":"e","name":"An event","totalSeats":1000000}"#;
    std::fs::write(home.path().join("event.json"), event).unwrap();
    let arguments = ["--seed-event", "event.json", "--access-log", "off", "--log", "error"];
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        for _ in 0..KILLED_STARTS {
            let mut start = ticketboss(home.path(), &["serve", "--listen", "127.0.0.1:0"]);
            let mut starting =
                start.args(arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
            // The random moment is the fault itself.
            std::thread::sleep(moments.up_to(40));
            starting.kill().unwrap();
            starting.wait().unwrap();
        }
        let server = Serving::start(home.path(), &arguments);
        let url = format!("http://{}", server.address);
        let history = format!("history-{kill}.jsonl");
        let mut stress = ticketboss(home.path(), &["stress", "--url", &url, "--clients", "8"]);
        let stress = stress
            .args(["--requests", "1000000", "--history", &history, "--seed", &kill.to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5) + moments.up_to(500));
        server.kill();
        let stress = stress.wait_with_output().unwrap();
        assert_eq!(stress.status.code(), Some(1), "{}", complained(&stress));
        let history_file = home.path().join(&history);
        if !history_file.exists() {
            // Killed before the clients had asked for anything.
            continue;
        }
        let verified = run(home.path(), &["verify", "--history", &history]);
        assert!(verified.status.success(), "{}{}", said(&verified), complained(&verified));
        let told = std::fs::read_to_string(history_file).unwrap();
        acknowledged += told.lines().filter(|line| line.contains(r#""version":"#)).count();
    }
    // A later crash must not take what an earlier one left.
    for kill in 0..KILLS {
        let history = format!("history-{kill}.jsonl");
        if home.path().join(&history).exists() {
            let verified = run(home.path(), &["verify", "--history", &history]);
            assert!(verified.status.success(), "{}", said(&verified));
        }
    }
    println!(
        "{KILLS} kills, {KILLS} x {KILLED_STARTS} killed starts, {acknowledged} answers, all can be true"
    );
    assert!(acknowledged > 100, "the clients got something done");
}
