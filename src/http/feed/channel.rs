//! What is told to everybody who follows the same: read from the ledger once, serialised once.
//!
//! A channel lives as long as somebody follows, and its task with it. It tells what the ledger says, and
//! only wakes by the office: so there is nothing to lose between a commit and its telling.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::stretch::{Numbering, Ring, Stretch};
use crate::domain::{Change, EventId, EventNumber, Timestamp, Version};
use crate::http::changes::{Frame, frame};
use crate::office::{Office, OfficeError};

/// How long a channel waits after it has told something. What happens meanwhile is told together: each
/// telling wakes everybody who follows.
const PAUSE: Duration = Duration::from_millis(20);
/// How many changes are read at once.
const READ_CHANGES_MAX: usize = 1_024;

/// What can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// One event, by version.
    Event(EventId),
    /// All events, by time.
    All,
}

/// All channels. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels(Arc<Mutex<HashMap<Subject, Weak<Channel>>>>);

/// One subject's.
#[derive(Debug)]
pub(super) struct Channel {
    ring: watch::Sender<Ring>,
    /// Ends the task with the channel.
    _end: DropGuard,
}

impl Channel {
    /// Hears what is told from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Ring> {
        self.ring.subscribe()
    }

    /// How much whoever follows from now on has got.
    pub(super) fn position(&self) -> u64 {
        self.ring.borrow().last()
    }

    fn tell(&self, stretch: Stretch) {
        self.ring.send_modify(|ring| ring.push(stretch));
    }
}

impl Channels {
    /// The channel of a subject, which is begun at `position` if there is none yet.
    pub(super) fn of(&self, office: &Office, subject: &Subject, position: u64) -> Arc<Channel> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(subject).and_then(Weak::upgrade) {
            return channel;
        }
        channels.retain(|_, channel| channel.strong_count() > 0);
        let end = CancellationToken::new();
        let ring = watch::Sender::new(Ring::beginning_after(position));
        let channel = Arc::new(Channel { ring, _end: end.clone().drop_guard() });
        let weak = Arc::downgrade(&channel);
        channels.insert(subject.clone(), weak.clone());
        tokio::spawn(run(office.clone(), subject.clone(), weak, end, self.clone()));
        channel
    }

    /// Forgets a channel on which nothing is told any more.
    fn forget(&self, subject: &Subject, ended: &Weak<Channel>) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.get(subject).is_some_and(|channel| channel.ptr_eq(ended)) {
            channels.remove(subject);
        }
    }
}

async fn run(
    office: Office,
    subject: Subject,
    channel: Weak<Channel>,
    end: CancellationToken,
    channels: Channels,
) {
    let telling = async {
        match &subject {
            Subject::Event(id) => tell_event(&office, id, &channel).await,
            Subject::All => tell_all(&office, &channel).await,
        }
    };
    let ended = tokio::select! {
        () = end.cancelled() => Ok(()),
        ended = telling => ended,
    };
    channels.forget(&subject, &channel);
    if let Err(error) = ended
        && let Some(channel) = channel.upgrade()
    {
        log::warn!("a feed ends: {error}");
        channel.ring.send_modify(Ring::close);
    }
}

/// Tells every change of an event, for as long as there is the channel.
async fn tell_event(
    office: &Office,
    id: &EventId,
    channel: &Weak<Channel>,
) -> Result<(), OfficeError> {
    let mut following = office.follow(id)?;
    loop {
        let Some(last) = channel.upgrade().map(|channel| channel.ring.borrow().last()) else {
            return Ok(());
        };
        let last = Version::new(last).unwrap_or(Version::MAX);
        following.until(last.next()).await?;
        let stretch = stretch_of_event(office, id, last, READ_CHANGES_MAX).await?;
        if let Some(channel) = channel.upgrade() {
            channel.tell(stretch);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// So many of the changes of an event after a version, of which there is at least one.
pub(super) async fn stretch_of_event(
    office: &Office,
    id: &EventId,
    after: Version,
    limit: usize,
) -> Result<Stretch, OfficeError> {
    let changes = office.changes(id, after, limit).await?;
    let frames = frames_of(office, id, &changes)?;
    let last = changes.last().map_or(after, |change| change.version);
    Ok(Stretch::new(after.get(), last.get(), Numbering::EachFrame, &frames))
}

/// The frames of changes that were read before this is called.
pub(super) fn frames_of(
    office: &Office,
    id: &EventId,
    changes: &[Change],
) -> Result<Vec<Frame>, OfficeError> {
    // The event is asked after its changes: it knows every reservation that they are about.
    let event = office.event(id)?;
    Ok(changes.iter().map(|change| frame(&event, change)).collect())
}

/// Tells every change of every event, for as long as there is the channel.
async fn tell_all(office: &Office, channel: &Weak<Channel>) -> Result<(), OfficeError> {
    let mut following = office.follow_all();
    let Some(mut told_until) = channel.upgrade().map(|channel| channel.ring.borrow().last()) else {
        return Ok(());
    };
    let began = time_at(told_until);
    // How far each event is told, of those that have moved since this began.
    let mut reached: HashMap<EventNumber, Version> = HashMap::new();
    let mut waiting = BTreeSet::new();
    loop {
        let (settled, moved) = following.settled();
        waiting.extend(moved);
        let mut told = Told { frames: Vec::new(), until: began };
        for number in std::mem::take(&mut waiting) {
            // What is damaged is not told of, and does not keep the others from it.
            let Ok(event) = office.event_by_number(number) else { continue };
            let mut after = match reached.get(&number) {
                Some(version) => *version,
                None => office.version_before(&event, began).await?,
            };
            after = changes_until(office, event.id(), after, settled, &mut told).await?;
            reached.insert(number, after);
            if after < event.version() {
                waiting.insert(number);
            }
        }
        let Some(channel) = channel.upgrade() else { return Ok(()) };
        if !told.frames.is_empty() {
            let until = position_of(told.until);
            channel.tell(Stretch::new(told_until, until, Numbering::AllTogether, &told.frames));
            told_until = until;
        }
        drop(channel);
        if waiting.is_empty() {
            following.moved().await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Frames of several events, and the time right after the newest of them. It is that, and not the time up to
/// which everything is settled, as only that is on disk: another process, whose clock is behind, dates
/// its changes after it.
struct Told {
    frames: Vec<Frame>,
    until: Timestamp,
}

/// Adds the frames of the changes after a version that are dated before a time, and says how far they go.
async fn changes_until(
    office: &Office,
    id: &EventId,
    mut after: Version,
    until: Timestamp,
    told: &mut Told,
) -> Result<Version, OfficeError> {
    loop {
        let mut changes = office.changes(id, after, READ_CHANGES_MAX).await?;
        let read = changes.len();
        changes.truncate(changes.partition_point(|change| change.at < until));
        told.frames.extend(frames_of(office, id, &changes)?);
        if let Some(last) = changes.last() {
            after = last.version;
            told.until = told.until.max(Timestamp(last.at.0 + 1));
        }
        if changes.len() < READ_CHANGES_MAX || read > changes.len() {
            return Ok(after);
        }
    }
}

/// A time as the position of whoever has got everything before it.
pub(super) fn position_of(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or(0)
}

/// The time of a position.
pub(super) fn time_at(position: u64) -> Timestamp {
    Timestamp(i64::try_from(position).unwrap_or(i64::MAX))
}
