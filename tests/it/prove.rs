//! `ticketboss prove`, with the real program: what it says of a good run, that it takes its server with
//! it, and that it convicts a database that forgets.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::evidence::Home;
use crate::program::{complained, run, said, ticketboss, wait_for_line};

/// The names in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.collect::<Vec<_>>();
    names.sort();
    names
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, "--", process]).status().unwrap().success());
}

/// The report in `proof`, in the form for programs and as a page.
fn report(home: &Path) -> (Value, String) {
    let read = |name: &str| fs::read_to_string(home.join("proof").join(name)).unwrap();
    (serde_json::from_str(&read("report.json")).unwrap(), read("report.html"))
}

/// How often a law was broken that has these words.
fn faults(facts: &Value, words: &str) -> u64 {
    let laws = facts["laws"].as_array().unwrap();
    let mut laws = laws.iter().filter(|law| law["law"].as_str().unwrap().contains(words));
    laws.next().unwrap()["faultCount"].as_u64().unwrap()
}

/// Nothing of the page is from elsewhere, nothing was left out of it, and no text became markup.
fn check_page(page: &str) {
    for stranger in ["http://", "https://", "src=", "href=", "url(", "@import", "<script", "{{"] {
        assert!(!page.contains(stranger), "{stranger} is in the page");
    }
    assert_eq!(page.matches("<svg class=\"narrow\"").count(), 3);
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(!page.contains("NaN") && !page.contains("inf"), "a number is none");
}

#[test]
fn a_short_run_is_proved() {
    let home = Home::create();
    let output = run(home.path(), &["prove", "--seconds", "3", "--report", "proof"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", complained(&output));
    assert!(text.lines().last().unwrap().starts_with("PROVED: killed "), "{text}");
    assert_eq!(text.matches("good       0 faults  ").count(), 19, "{text}");
    assert!(text.contains("report    proof/report.html\n"), "{text}");
    // What was only for the run is gone.
    assert_eq!(names(&home.path().join("proof")), ["report.html", "report.json"]);
    let (facts, page) = report(home.path());
    let number = |path: &str| facts.pointer(path).and_then(Value::as_u64).unwrap();
    assert_eq!(facts["standing"], "proved");
    assert!(number("/acknowledged") > 0 && number("/operations") >= number("/acknowledged"));
    assert!(number("/kills/total") > 0 && number("/kills/inStartUp") > 0);
    assert!(number("/restarts/slowestUs") >= number("/restarts/medianUs"));
    let unknown = number("/unknown/happened") + number("/unknown/didNotHappen");
    let outcomes = facts["outcomes"].as_array().unwrap();
    let count = |name| outcomes.iter().find(|told| told["outcome"] == name);
    assert_eq!(count("unknown").map_or(0, |told| told["count"].as_u64().unwrap()), unknown);
    let all = outcomes.iter().map(|told| told["count"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(all, number("/operations"));
    for law in facts["laws"].as_array().unwrap() {
        assert_eq!(law["faultCount"], 0, "{law}");
    }
    for (event, line) in ["proof-1", "proof-2", "proof-3"].iter().zip(lines(&facts)) {
        assert!(line.is_sorted(), "{event} fell: {line:?}");
        assert!(line.len() > 1, "{event} has {line:?}");
        assert!(page.contains(&format!("<th scope=\"row\">{event}</th>")));
    }
    assert!(page.contains("<strong>PROVED</strong>"));
    assert!(page.contains(&format!("--seed {}</pre>", number("/seed"))));
    check_page(&page);
}

/// The versions of each event over time.
fn lines(facts: &Value) -> impl Iterator<Item = Vec<u64>> {
    facts["timeline"]["versions"].as_array().unwrap().iter().map(|line| {
        let points = line["points"].as_array().unwrap().iter();
        points.map(|point| point["version"].as_u64().unwrap()).collect()
    })
}

#[test]
fn kills_are_as_many_as_were_asked_for() {
    let home = Home::create();
    let arguments = ["prove", "--seconds", "2", "--kills", "5", "--events", "1", "--seed", "9"];
    let output = run(home.path(), &[&arguments[..], &["--report", "proof"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", said(&output), complained(&output));
    let (facts, _) = report(home.path());
    assert_eq!(facts["kills"]["total"], 5);
    assert_eq!(facts["seed"], 9);
    let again =
        "ticketboss prove --seconds 2 --kills 5 --clients 16 --events 1 --capacity 500 --seed 9";
    assert_eq!(facts["command"], again);
    // A report is not written over.
    let output = run(home.path(), &[&arguments[..], &["--report", "proof"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(complained(&output), "ticketboss: proof has a report.html already\n");
}

/// A run that would take long, in a group of processes of its own, as a terminal has them.
struct Running(Option<Child>);

impl Running {
    fn begin(home: &Path) -> Self {
        let arguments = ["prove", "--seconds", "600", "--data-dir", "kept", "--report", "proof"];
        let mut prove = ticketboss(home, &arguments);
        let prove = prove.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Self(Some(prove.unwrap()))
    }

    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    fn wait(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that fails leaves no process, not even one that stands still.
        if let Some(mut prove) = self.0.take() {
            signal("-KILL", &format!("-{}", prove.id()));
            prove.wait().unwrap();
        }
    }
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    // As `kill -INT` does, and as a terminal does, which interrupts the server, too.
    for whom in ["", "-"] {
        let home = Home::create();
        let prove = Running::begin(home.path());
        // The server has written its process id: it has the database.
        let server = wait_for_line(&home.path().join("kept/lock"), "");
        signal("-INT", &format!("{whom}{}", prove.id()));
        let output = prove.wait();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(complained(&output), "ticketboss: interrupted\n");
        assert!(!Path::new(&format!("/proc/{server}")).exists(), "the server is still there");
        assert_eq!(names(home.path()), ["kept"]);
        let verified = run(home.path(), &["verify", "--data-dir", "kept"]);
        assert!(!complained(&verified).contains("is in use"), "{}", complained(&verified));
    }
}

/// A database is put back to what it was a while ago, whole in itself, while the run is frozen.
#[cfg(target_os = "linux")]
mod forgetting {
    use std::time::{Duration, Instant};

    use tempfile::TempDir;
    use ticketboss_store::local::sled::{SledOptions, inspect};

    use super::*;
    use crate::wire::PATIENCE;

    /// How many changes there are at least before anything is forgotten: more than the creations.
    const CHANGES_MIN: u64 = 50;
    /// How many changes are forgotten at least. They are far more than are under way at a time, so some
    /// of them were acknowledged.
    const FORGOTTEN_MIN: u64 = 500;
    /// How long the run goes on before it is looked at again.
    const LOOK_PAUSE: Duration = Duration::from_millis(100);

    /// The state and the parent of a process, while there is one.
    fn state(process: u32) -> Option<(char, u32)> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name before it may have spaces.
        let mut words = stat.rsplit_once(") ")?.1.split(' ');
        Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
    }

    fn stop(process: u32) {
        signal("-STOP", &process.to_string());
        let deadline = Instant::now() + PATIENCE;
        while !matches!(state(process), None | Some(('T' | 'Z', _))) {
            assert!(Instant::now() < deadline, "{process} does not stop");
            std::thread::yield_now();
        }
    }

    /// A run that stands still, and its server.
    struct Frozen {
        prove: u32,
        server: u32,
    }

    impl Frozen {
        /// Stops a run at a moment when its server has the database.
        fn take(prove: u32, kept: &Path) -> Self {
            let deadline = Instant::now() + PATIENCE;
            loop {
                stop(prove);
                let server = fs::read_to_string(kept.join("lock")).unwrap_or_default();
                if let Ok(server) = server.trim().parse::<u32>()
                    && matches!(state(server), Some((state, parent)) if state != 'Z' && parent == prove)
                {
                    stop(server);
                    if matches!(state(server), Some(('T', _))) {
                        return Self { prove, server };
                    }
                }
                signal("-CONT", &prove.to_string());
                assert!(Instant::now() < deadline, "there is never a server");
                std::thread::sleep(LOOK_PAUSE);
            }
        }

        fn go_on(self) {
            signal("-CONT", &self.server.to_string());
            signal("-CONT", &self.prove.to_string());
        }

        fn go_on_without_server(self) {
            signal("-KILL", &self.server.to_string());
            signal("-CONT", &self.prove.to_string());
        }
    }

    /// The files of a database at some moment, and how many changes they have.
    struct Image {
        files: TempDir,
        changes: u64,
    }

    impl Image {
        fn take(kept: &Path) -> Self {
            let files = tempfile::tempdir().unwrap();
            for name in names(kept).iter().filter(|name| kept.join(name).is_file()) {
                fs::copy(kept.join(name), files.path().join(name)).unwrap();
            }
            // One that is only now made has no changes yet.
            let changes = inspect(&SledOptions::standard(files.path())).map_or(0, |opened| {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let events = runtime.block_on(opened.store.events()).unwrap();
                events.iter().map(|event| event.loaded.as_ref().unwrap().record.version.get()).sum()
            });
            Self { files, changes }
        }

        fn put_back(&self, kept: &Path) {
            fs::remove_dir_all(kept).unwrap();
            fs::create_dir(kept).unwrap();
            for name in names(self.files.path()) {
                fs::copy(self.files.path().join(&name), kept.join(&name)).unwrap();
            }
        }
    }

    /// Freezes a run as soon as its database has so many changes.
    fn freeze(prove: u32, kept: &Path, changes_min: u64) -> (Frozen, Image) {
        loop {
            let frozen = Frozen::take(prove, kept);
            let image = Image::take(kept);
            if image.changes >= changes_min {
                return (frozen, image);
            }
            frozen.go_on();
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    fn convicted(home: &Path) -> Output {
        let kept = home.join("kept");
        let prove = Running::begin(home);
        wait_for_line(&kept.join("lock"), "");
        let (frozen, older) = freeze(prove.id(), &kept, CHANGES_MIN);
        frozen.go_on();
        let (frozen, _) = freeze(prove.id(), &kept, older.changes + FORGOTTEN_MIN);
        older.put_back(&kept);
        frozen.go_on_without_server();
        prove.wait()
    }

    #[test]
    fn a_database_that_forgets_is_convicted() {
        let home = Home::create();
        let output = convicted(home.path());
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}{}", complained(&output));
        assert!(text.lines().last().unwrap().starts_with("BROKEN: "), "{text}");
        let (facts, page) = report(home.path());
        assert_eq!(facts["standing"], "broken");
        // Either the run missed its server, at work or while it started, or it was about to kill it
        // itself, and the next start is behind.
        let ended = faults(&facts, "the server ends only when it is killed");
        let unready = faults(&facts, "after every kill the server starts again");
        let behind = faults(&facts, "after every start each event is at least");
        assert!(ended + unready == 1 || behind == 3, "{text}");
        assert!(faults(&facts, "what was acknowledged is in the ledger") > 0, "{text}");
        // What is left of it is whole in itself: only the clients know better.
        assert_eq!(faults(&facts, "the store verifies"), 0, "{text}");
        assert!(page.contains("<strong>BROKEN</strong>"));
        check_page(&page);
        // The evidence is kept, and convicts once more.
        assert_eq!(facts["evidence"]["history"], "proof/history.jsonl");
        let arguments = ["--data-dir", "kept", "--history", "proof/history.jsonl"];
        let verified = run(home.path(), &[&["verify", "--whole-history"], &arguments[..]].concat());
        assert_eq!(verified.status.code(), Some(1), "{}", said(&verified));
        assert!(said(&verified).contains("what was acknowledged is in the ledger as it was told"));
    }
}
