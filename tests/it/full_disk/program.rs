//! The whole program on a disk that fills up, again and again, by its own sales and by others.
//!
//! While the disk is nearly full nothing is sold and everything can be read; a server that is killed
//! then starts again and can be read; as soon as there is room it sells, without a restart. Where
//! somebody else takes the last byte, the server ends and says why, and the start after that is a clean
//! one as soon as there is room. No sale that was acknowledged is lost in any of it.
//!
//! `TICKETBOSS_FULL_DISK_CYCLES` is how often a disk is filled.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use ticketboss_core::domain::ReservationId;
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};
use uuid::Uuid;

use crate::faults::client::{self, Told};
use crate::faults::process::{End, Process};
use crate::file_systems::{Ext4, Tmpfs, missing, skip, text};
use crate::program::{complained, said, ticketboss};
use crate::support::setting;
use crate::wire::{Connection, ask, bare, json};

const CYCLES: u32 = 5;
const CYCLES_VARIABLE: &str = "TICKETBOSS_FULL_DISK_CYCLES";
/// How many sell at the same time.
const CLIENTS: usize = 32;
/// More sales than any of the disks has bytes for: the end of a store that never says stop.
const SALES_MAX: usize = 200_000;
/// How many sales are tried on a disk without a byte, until the store has failed.
const LAST_SALES_MAX: u32 = 20_000;
const SEATS_EACH: u32 = 2;
const CAPACITY: u64 = 1_000_000_000;
/// What the server leaves free.
const FREE_MIB_MIN: &str = "8";
/// How much room each cycle makes.
const ROOM_MIB: u64 = 4;
const MIB: usize = 1024 * 1024;
const FULL: &str = "503 storage_full: Storage is full";

/// A file system that is small.
enum Disk {
    /// Grows when there is to be room.
    Tmpfs(Tmpfs, u64),
    /// Carries ballast, a part of which is thrown away when there is to be room.
    Ext4(Ext4),
}

impl Disk {
    fn tmpfs(mib: u64) -> Self {
        Self::Tmpfs(Tmpfs::create(&format!("{mib}m")), mib)
    }

    fn ext4(mib: u64, ballast_mib: u64) -> Self {
        let disk = Self::Ext4(Ext4::create(mib * MIB as u64));
        let mut ballast = File::create(disk.ballast()).unwrap();
        for _ in 0..ballast_mib {
            ballast.write_all(&vec![1; MIB]).unwrap();
        }
        disk
    }

    fn path(&self) -> &Path {
        match self {
            Self::Tmpfs(disk, _) => disk.path(),
            Self::Ext4(disk) => disk.path(),
        }
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    fn make_room(&mut self) {
        let ballast = self.ballast();
        match self {
            Self::Tmpfs(disk, mib) => {
                *mib += ROOM_MIB;
                disk.resize(&format!("{mib}m"));
            }
            Self::Ext4(_) => {
                let ballast = File::options().write(true).open(ballast).unwrap();
                let length = ballast.metadata().unwrap().len();
                ballast.set_len(length - ROOM_MIB * MIB as u64).unwrap();
            }
        }
    }

    /// Takes every byte that there is; gives the file that has them.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        for bytes in [MIB, 4096, 1] {
            let part = vec![1; bytes];
            let full = loop {
                if let Err(error) = filler.write_all(&part) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull);
        }
        path
    }
}

/// A place to sell at: a disk for the data, and what was sold.
struct Shop {
    disk: Disk,
    home: TempDir,
    free_mib_min: &'static str,
    sold: Vec<ReservationId>,
}

impl Shop {
    fn new(disk: Disk, free_mib_min: &'static str) -> Self {
        let home = TempDir::new().unwrap();
        let event = format!(r#"{{"eventId":"e","name":"An event","totalSeats":{CAPACITY}}}"#);
        fs::write(home.path().join("event.json"), event).unwrap();
        Self { disk, home, free_mib_min, sold: Vec::new() }
    }

    fn start(&self) -> Process {
        let data = self.disk.data();
        let mut command = ticketboss(self.home.path(), &["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--seed-event", "event.json", "--access-log", "off", "--log", "warn"]);
        command.args(["--data-dir", text(&data), "--disk-free-mib-min", self.free_mib_min]);
        Process::start(&mut command, &self.home.path().join("server"))
    }

    fn open(&self) -> (Process, SocketAddr) {
        let mut server = self.start();
        let address = server.ready().unwrap_or_else(|end| panic!("{end:?}: {}", server.log()));
        (server, address)
    }

    /// Sells from many sides at once until each of them was told that the disk is full.
    async fn sell_until_full(&mut self, address: SocketAddr) -> usize {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(async move {
                let mut connection = Connection::open(address).await;
                let mut sold = Vec::new();
                for _ in 0..SALES_MAX / CLIENTS {
                    let answer = connection.ask(&reservation()).await;
                    if answer.status != 201 {
                        assert_eq!(answer.problem(), FULL);
                        assert_eq!(answer.header("retry-after"), "1");
                        return sold;
                    }
                    sold.push(id_in(&answer.json()));
                }
                panic!("the disk is full at some point");
            });
        }
        let sold = clients.join_all().await.concat();
        self.sold.extend(&sold);
        sold.len()
    }

    /// Nothing can be changed, all can be read, and whoever asks whether to send work is told.
    async fn check_full(&self, address: SocketAddr) {
        let first = Uuid::from_u128(self.sold[0].to_bits());
        for request in [
            reservation(),
            bare(&format!("DELETE /reservations/{first}"), &[]),
            bare("GET /readyz", &[]),
        ] {
            assert_eq!(ask(address, &request).await.problem(), FULL, "{request}");
        }
        assert_eq!(ask(address, &bare("GET /healthz", &[])).await.status, 200);
        self.check_summary(address).await;
    }

    async fn check_summary(&self, address: SocketAddr) {
        let summary = ask(address, &bare("GET /reservations/", &[])).await.json();
        let count = self.sold.len() as u64;
        assert_eq!(summary["reservationCount"], count);
        assert_eq!(summary["availableSeats"], CAPACITY - count * u64::from(SEATS_EACH));
    }

    /// `verify` finds everything good, or has no room for its copy; it leaves no copy.
    fn verify(&self) -> Verified {
        let data = self.disk.data();
        let verified = ticketboss(self.home.path(), &["verify", "--data-dir", text(&data)]);
        let output = { verified }.output().unwrap();
        let complaint = complained(&output);
        assert!(!data.join("inspected").exists());
        match output.status.code() {
            Some(0) => Verified::Good,
            Some(1) if complaint.contains("No space left on device") => {
                assert_eq!(complaint.lines().count(), 1, "{complaint}");
                Verified::NoRoom
            }
            code => panic!("{code:?}: {}{complaint}", said(&output)),
        }
    }

    /// Reads what is stored: everything that was sold is there.
    async fn check_all_kept(&self) {
        let store = open(&SledOptions::standard(self.disk.data())).expect("the store opens").store;
        let engine = Engine::open(store, Clock::System, Entropy::seeded(1)).await.unwrap();
        assert_eq!(engine.damages(), []);
        for id in &self.sold {
            let kept = engine.reservation(*id).expect("it was acknowledged");
            assert_eq!(kept.seats.get(), SEATS_EACH);
        }
        engine.close().await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verified {
    Good,
    NoRoom,
}

/// A request for seats, as long as it can be.
fn reservation() -> String {
    let body = serde_json::json!({ "partnerId": wide_partner(), "seats": SEATS_EACH });
    json("POST /reservations/", &body.to_string())
}

/// The longest id in the widest letters, which fills a disk soonest.
fn wide_partner() -> String {
    "🎟".repeat(128)
}

fn id_in(body: &serde_json::Value) -> ReservationId {
    let id = Uuid::parse_str(body["reservationId"].as_str().unwrap()).unwrap();
    ReservationId::from_bits(id.as_u128()).unwrap()
}

fn cycles() -> u32 {
    setting(CYCLES_VARIABLE).map_or(CYCLES, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root"]
async fn the_program_sells_again_as_soon_as_there_is_room() {
    if let Some(reason) = missing(&[]) {
        return skip(&reason);
    }
    fill_again_and_again(Disk::tmpfs(24), cycles()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root, a loop device and mkfs.ext4"]
async fn the_program_sells_again_as_soon_as_ext4_has_room() {
    if let Some(reason) = missing(&["mkfs.ext4", "losetup"]) {
        return skip(&reason);
    }
    fill_again_and_again(Disk::ext4(64, 32), 2).await;
}

/// Fills a disk by selling until nothing is sold any more, and makes room; every other time the server
/// is killed while the disk is full.
async fn fill_again_and_again(disk: Disk, cycles: u32) {
    let mut shop = Shop::new(disk, FREE_MIB_MIN);
    let (mut server, mut address) = shop.open();
    for cycle in 0..cycles {
        let sold = shop.sell_until_full(address).await;
        assert!(sold > 0, "something was sold before the disk was full");
        shop.check_full(address).await;
        let mut verified = None;
        if cycle % 2 == 1 {
            drop(server);
            verified = Some(shop.verify());
            (server, address) = shop.open();
            shop.check_full(address).await;
        }
        shop.disk.make_room();
        assert_eq!(ask(address, &bare("GET /readyz", &[])).await.status, 200);
        for _ in 0..10 {
            let answer = ask(address, &reservation()).await;
            assert_eq!(answer.status, 201, "there is room again");
            shop.sold.push(id_in(&answer.json()));
        }
        let killed = verified.map_or(String::new(), |found| format!(", killed, verify: {found:?}"));
        println!("cycle {cycle}: {sold} sold until it was full{killed}");
    }
    shop.check_summary(address).await;
    let pid = server.pid();
    assert_eq!(server.stop(pid), End::Code(0));
    shop.disk.make_room();
    shop.check_all_kept().await;
    println!("{cycles} times full, {} sold, all of them kept", shop.sold.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root"]
async fn a_disk_without_a_byte_ends_the_program_and_loses_nothing() {
    if let Some(reason) = missing(&[]) {
        return skip(&reason);
    }
    // The database grows with each cycle, and `verify` needs room for a copy of it.
    let cycles = cycles();
    take_the_last_byte_again_and_again(Disk::tmpfs(32 + u64::from(cycles) * ROOM_MIB), cycles)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root, a loop device and mkfs.ext4"]
async fn an_ext4_without_a_byte_ends_the_program_and_loses_nothing() {
    if let Some(reason) = missing(&["mkfs.ext4", "losetup"]) {
        return skip(&reason);
    }
    take_the_last_byte_again_and_again(Disk::ext4(64, 0), 2).await;
}

/// Sells on until the store fails, because somebody else has taken the last byte that the server did
/// not keep free; tries to start and to verify on that disk; gives the bytes back.
async fn take_the_last_byte_again_and_again(disk: Disk, cycles: u32) {
    let mut shop = Shop::new(disk, "0");
    for cycle in 0..cycles {
        let (server, address) = shop.open();
        for _ in 0..10 {
            let answer = ask(address, &reservation()).await;
            assert_eq!(answer.status, 201);
            shop.sold.push(id_in(&answer.json()));
        }
        let filler = shop.disk.fill();
        let sold = sell_until_failed(address, &mut shop.sold);
        let log = server.log();
        assert_eq!(server.end(), End::Code(1), "{log}");
        let log = fs::read_to_string(shop.home.path().join("server.log")).unwrap();
        assert!(log.contains("the store failed, so this process ends: "), "{log}");
        assert!(!log.contains("panicked at"), "{log}");
        let mut again = shop.start();
        let started = match again.ready() {
            Ok(address) => {
                assert_eq!(ask(address, &bare("GET /healthz", &[])).await.status, 200);
                "can be read".to_owned()
            }
            Err(end) => {
                assert_eq!(end, End::Code(1));
                let log = again.log();
                let reasons = log.lines().filter(|line| line.starts_with("ticketboss: "));
                let [reason] = reasons.collect::<Vec<_>>()[..] else { panic!("{log}") };
                assert!(!log.contains("panicked at"), "{log}");
                reason.to_owned()
            }
        };
        drop(again);
        let verified = shop.verify();
        fs::remove_file(filler).unwrap();
        assert_eq!(shop.verify(), Verified::Good);
        shop.check_all_kept().await;
        println!(
            "cycle {cycle}: {sold} sold without a byte; the next start: {started}; verify: {verified:?}"
        );
    }
    println!("{cycles} times without a byte, {} sold, all of them kept", shop.sold.len());
}

/// Sells until the server fails; gives how many were sold all the same.
fn sell_until_failed(address: SocketAddr, sold: &mut Vec<ReservationId>) -> u32 {
    for count in 0..LAST_SALES_MAX {
        match client::reserve(address, &wide_partner(), SEATS_EACH) {
            Told::Answer(201, _, body) => sold.push(id_in(&body)),
            Told::Answer(503, _, body) if body["code"] == "unavailable" => return count,
            Told::Nothing => return count,
            other => panic!("{other:?}"),
        }
    }
    panic!("the store fails at some point");
}
