//! Clients at work on a server that is killed at random moments, and what is seen meanwhile: how long
//! starts take, and that each event has come back at least at the version that a client was told.
//!
//! It must not know: what a ledger looks like, or how all this is told.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::record::{End, Fault, Life, RETURNS, RunRecord, STARTS, STAYS, count};
use super::settings::RunSettings;
use crate::client::{Client, Subject, Target};
use crate::load::{Gathered, LoadPlan, Raging, Storm, WhenGone};
use crate::own_server::{OwnServer, Premises};
use ticketboss_runtime::clock::monotonic_us;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::signals::Signals;
use ticketboss_runtime::terminal::Failure;
use ticketboss_runtime::text::grouped;

/// A start that takes longer has failed.
const START_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a start is taken to last before one was seen, in microseconds.
const START_GUESS_US: u64 = 50_000;
/// The least and the most time that the server is let work before it is killed, in microseconds, where
/// it is killed as often as it fits.
const WORK_US: (u64, u64) = (5_000, 700_000);
/// How long the clients are at work after the last kill, at least.
const LAST_WORK_US: u64 = 300_000;
/// One of so many kills comes while the server starts.
const START_UP_ONE_IN: u64 = 4;
/// The most requests of a run, which all have to fit into memory.
const REQUESTS_MAX: u64 = 4_000_000;
/// How often the progress is shown, and the server looked after.
const LOOK_INTERVAL_US: u64 = 100_000;
const CANCEL_PERCENT: u64 = 40;
const HOLD_PERCENT: u64 = 30;
const KEY_PERCENT: u64 = 30;
const TERMS_PERCENT: u64 = 2;
const READ_PERCENT: u64 = 10;
const SEATS_MAX: u32 = 4;

/// The clients, the server, and what was seen of them so far.
#[derive(Debug)]
pub(super) struct Rig<'a> {
    settings: &'a RunSettings,
    premises: Premises,
    random: Entropy,
    subjects: Vec<Subject>,
    whereabouts: watch::Sender<Option<Target>>,
    raging: Option<Raging>,
    running: Option<OwnServer>,
    began_us: u64,
    /// For each event, the greatest version that a start has shown.
    shown: Vec<u64>,
    /// The last is that of the server that runs, if one does.
    lives: Vec<Life>,
    faults: Vec<Fault>,
    bar: ProgressBar,
}

impl<'a> Rig<'a> {
    /// Lets the clients loose; there is no server yet. It takes a runtime.
    pub(super) fn new(settings: &'a RunSettings, premises: Premises) -> Self {
        let events = settings.events.iter();
        let subjects = events
            .map(|(event, seats)| Subject::of(event.clone()).with_seats(*seats))
            .collect::<Vec<_>>();
        let (whereabouts, server) = watch::channel(None);
        let plan = LoadPlan {
            clients: settings.arguments.clients,
            subjects: subjects.clone(),
            seed: settings.seed,
            cancel_percent: CANCEL_PERCENT,
            hold_percent: HOLD_PERCENT,
            key_percent: KEY_PERCENT,
            terms_percent: TERMS_PERCENT,
            read_percent: READ_PERCENT,
            seats_max: SEATS_MAX,
            when_gone: WhenGone::Wait,
        };
        Self {
            settings,
            premises,
            // Any other than those that the clients draw from.
            random: Entropy::seeded(settings.seed.wrapping_sub(1)),
            shown: vec![0; subjects.len()],
            subjects,
            whereabouts,
            raging: Some(Storm::new(plan).begin(&server, REQUESTS_MAX)),
            running: None,
            began_us: monotonic_us(),
            lives: Vec::new(),
            faults: Vec::new(),
            bar: progress_bar(settings.arguments.seconds),
        }
    }

    /// Kills and starts as the settings say, or until something is wrong; nothing comes of it where a
    /// signal ends it. No server is left either way.
    pub(super) async fn run(mut self, mut signals: Signals) -> Result<Option<RunRecord>, Failure> {
        let gathered = tokio::select! {
            // First, for a terminal interrupts the server, too, and that is no fault of it.
            biased;
            _ = signals.next() => None,
            ended = self.go_on() => Some(ended),
        };
        self.bar.finish_and_clear();
        if let Some(server) = &mut self.running {
            server.kill().await?;
            self.end_life(End::Bad);
        }
        let Some(gathered) = gathered else { return Ok(None) };
        let Gathered { operations, .. } = gathered?;
        let took_us = self.now_us();
        let Self { began_us, lives, faults, .. } = self;
        Ok(Some(RunRecord { began_us, took_us, operations, lives, faults }))
    }

    async fn go_on(&mut self) -> Result<Gathered, Failure> {
        while self.is_to_be_killed() {
            let is_first = self.lives.is_empty();
            let by_chance = self.random.nonce().get().is_multiple_of(START_UP_ONE_IN);
            // The first of all comes while the database is made, unless there is to be no other.
            if (is_first || by_chance) && self.settings.arguments.kills != Some(1) {
                self.kill_in_start_up().await?;
            } else if self.start().await? && self.work(self.draw_work_us()).await? {
                self.kill_at_work().await?;
            }
        }
        // What the last kill has left is to be seen, too, and to be worked with.
        if self.faults.is_empty() && self.start().await? {
            self.work(self.left_us().max(LAST_WORK_US)).await?;
        }
        self.whereabouts.send_replace(None);
        let raging = self.raging.take().ok_or("the clients have ended before")?;
        raging.stop();
        let (_, gathered) = raging.end(|_| ()).await?;
        if self.faults.is_empty() {
            self.stop().await?;
        }
        Ok(gathered)
    }

    fn is_to_be_killed(&self) -> bool {
        let is_good = self.faults.is_empty() && self.requests() < REQUESTS_MAX;
        is_good
            && match self.settings.arguments.kills {
                Some(kills) => self.kills() < u64::from(kills),
                None => self.left_us() > 0,
            }
    }

    /// How long the server is to work before the next kill.
    fn draw_work_us(&self) -> u64 {
        let (least, most) = WORK_US;
        let left = self.left_us();
        let most = match self.settings.arguments.kills {
            Some(kills) => 2 * left / u64::from(kills).saturating_sub(self.kills()).max(1),
            None => most,
        };
        self.within(least, most).min(left).max(least)
    }

    /// Starts a process and kills it within about the time that a start takes.
    async fn kill_in_start_up(&mut self) -> Result<(), Failure> {
        let start_us = self.last_start_us().unwrap_or(START_GUESS_US);
        self.begin_life(OwnServer::spawn(&self.premises)?);
        self.tell();
        tokio::time::sleep(Duration::from_micros(self.within(0, start_us))).await;
        self.kill(End::KilledInStartUp).await
    }

    /// Starts a server, looks whether all is there, and sends the clients to it. Says whether it is fit
    /// to be worked with.
    async fn start(&mut self) -> Result<bool, Failure> {
        self.begin_life(OwnServer::spawn(&self.premises)?);
        let Some(server) = &mut self.running else { return Ok(false) };
        let ready = tokio::time::timeout(START_TIMEOUT, server.ready()).await;
        let target = match ready.unwrap_or_else(|_| Err("it takes too long".into())) {
            Ok(target) => target,
            Err(why) => {
                self.convict(STARTS, format!("start {}: {why}", self.lives.len()));
                return Ok(false);
            }
        };
        let ready_us = self.now_us();
        match self.look(&target).await {
            Ok(versions) => {
                if let Some(life) = self.lives.last_mut() {
                    (life.ready_us, life.versions) = (Some(ready_us), versions);
                }
            }
            Err(why) => self.convict(STARTS, format!("start {}: {why}", self.lives.len())),
        }
        self.tell();
        if self.faults.is_empty() {
            self.whereabouts.send_replace(Some(target));
        }
        Ok(self.faults.is_empty())
    }

    /// Reads the version of each event, and convicts those that are behind.
    async fn look(&mut self, target: &Target) -> Result<Vec<u64>, Failure> {
        let raging = self.raging.as_ref();
        let told = |place| raging.map_or(0, |raging| raging.acknowledged_version(place));
        // Looked up first: an answer of the server before may still be on its way.
        let told = (0..self.subjects.len()).map(told).collect::<Vec<_>>();
        let mut client = Client::new();
        client.connect(target).await?;
        let mut versions = Vec::new();
        let mut behind = Vec::new();
        for ((subject, shown), told) in self.subjects.iter().zip(&mut self.shown).zip(told) {
            let version = client.summary(Some(subject)).await?.version;
            if version < told.max(*shown) {
                let (event, seen) = (&subject.event, told.max(*shown));
                behind.push(format!("{event} is at version {version}, and was seen at {seen}"));
            }
            *shown = version.max(*shown);
            versions.push(version);
        }
        let start = self.lives.len();
        for what in behind {
            self.convict(RETURNS, format!("start {start}: {what}"));
        }
        Ok(versions)
    }

    /// Lets the clients work for so long. Says whether the server has lived through it.
    async fn work(&mut self, work_us: u64) -> Result<bool, Failure> {
        let until_us = self.now_us() + work_us;
        // The moment of the kill that follows is the fault itself; it stands for no condition.
        while let Some(left_us) = until_us.checked_sub(self.now_us()).filter(|left| *left > 0) {
            self.tell();
            let Some(server) = &mut self.running else { return Ok(false) };
            let pause = Duration::from_micros(left_us.min(LOOK_INTERVAL_US));
            if let Ok(ended) = tokio::time::timeout(pause, server.ended()).await {
                self.end_badly(ended?);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn kill_at_work(&mut self) -> Result<(), Failure> {
        // Nobody shall knock at an address that may be somebody else's by now.
        self.whereabouts.send_replace(None);
        self.kill(End::KilledAtWork).await
    }

    async fn kill(&mut self, end: End) -> Result<(), Failure> {
        let Some(server) = &mut self.running else { return Ok(()) };
        let status = server.kill().await?;
        if status.signal() == Some(rustix::process::Signal::KILL.as_raw()) {
            self.end_life(end);
        } else {
            self.end_badly(status);
        }
        self.tell();
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), Failure> {
        let Some(server) = &mut self.running else { return Ok(()) };
        match server.stop().await {
            Ok(()) => self.end_life(End::Stopped),
            Err(why) => self.convict(STAYS, why.to_string()),
        }
        Ok(())
    }

    fn begin_life(&mut self, server: OwnServer) {
        let began_us = self.now_us();
        self.running = Some(server);
        let (ready_us, ended_us, versions) = (None, began_us, Vec::new());
        self.lives.push(Life { began_us, ready_us, ended_us, end: End::Bad, versions });
    }

    fn end_life(&mut self, end: End) {
        self.running = None;
        let ended_us = self.now_us();
        if let Some(life) = self.lives.last_mut() {
            (life.ended_us, life.end) = (ended_us, end);
        }
    }

    fn end_badly(&mut self, status: ExitStatus) {
        self.end_life(End::Bad);
        let start = self.lives.len();
        self.convict(STAYS, format!("start {start}: it has ended by itself with {status}"));
    }

    fn convict(&mut self, law: &'static str, what: String) {
        self.faults.push(Fault { law, what });
    }

    fn within(&self, least: u64, most: u64) -> u64 {
        least + self.random.nonce().get() % most.saturating_sub(least).max(1)
    }

    fn now_us(&self) -> u64 {
        monotonic_us() - self.began_us
    }

    fn left_us(&self) -> u64 {
        (self.settings.arguments.seconds * 1_000_000).saturating_sub(self.now_us())
    }

    fn requests(&self) -> u64 {
        self.raging.as_ref().map_or(0, Raging::requests_done)
    }

    fn kills(&self) -> u64 {
        count(&self.lives, |end| matches!(end, End::KilledAtWork | End::KilledInStartUp))
    }

    fn last_start_us(&self) -> Option<u64> {
        self.lives.iter().rev().find_map(Life::start_us)
    }

    fn tell(&self) {
        self.bar.set_position(self.now_us() / 1_000);
        let start_us = self.last_start_us().unwrap_or(0);
        let starts = self.lives.iter().filter(|life| life.ready_us.is_some()).count();
        self.bar.set_message(format!(
            "{} requests, {} kills ({} in start-up), {starts} starts, the last in {} ms",
            grouped(self.requests()),
            self.kills(),
            count(&self.lives, |end| end == End::KilledInStartUp),
            start_us / 1_000,
        ));
    }
}

fn progress_bar(seconds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {msg}");
    let bar = ProgressBar::new(seconds * 1_000);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
