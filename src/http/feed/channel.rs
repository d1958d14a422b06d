//! What is told to everybody who follows the same: read from the ledger once, serialised once.
//!
//! A channel lives as long as somebody follows, and its task with it. It tells what the ledger says, and
//! only wakes by the engine: so there is nothing to lose between a commit and its frame.
//!
//! It must not know: how a frame reaches a subscriber.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::stretch::{Numbering, Ring, Stretch};
use crate::http::wire::change::{ChangeBody, change_body};
use ticketboss_core::domain::{Change, EventId, Timestamp, Version};
use ticketboss_engine::{Added, Engine, EngineError};

/// How long a channel waits after it has published frames. Changes that are committed meanwhile are
/// published together: each publication wakes every subscriber.
const PAUSE: Duration = Duration::from_millis(20);
/// How many changes are read at once.
const READ_CHANGES_MAX: usize = 1_024;

/// What can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// One event, by version.
    Event(EventId),
    /// All events, by time.
    All,
}

/// All channels. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channels(Arc<Mutex<HashMap<Subject, Weak<Channel>>>>);

/// One subject's.
#[derive(Debug)]
pub(crate) struct Channel {
    ring: watch::Sender<Ring>,
    /// Ends the task with the channel.
    _end: DropGuard,
}

impl Channel {
    /// Hears what is told from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<Ring> {
        self.ring.subscribe()
    }

    /// How much whoever follows from now on has got.
    pub(crate) fn position(&self) -> u64 {
        self.ring.borrow().last()
    }

    fn tell(&self, stretch: Stretch) {
        self.ring.send_modify(|ring| ring.push(stretch));
    }
}

impl Channels {
    /// The channel of a subject, which is begun at `position` if there is none yet.
    pub(crate) fn of(&self, engine: &Engine, subject: &Subject, position: u64) -> Arc<Channel> {
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
        tokio::spawn(run(engine.clone(), subject.clone(), weak, end, self.clone()));
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
    engine: Engine,
    subject: Subject,
    channel: Weak<Channel>,
    end: CancellationToken,
    channels: Channels,
) {
    let publishing = async {
        match &subject {
            Subject::Event(id) => tell_event(&engine, id, &channel).await,
            Subject::All => tell_all(&engine, &channel).await,
        }
    };
    let ended = tokio::select! {
        () = end.cancelled() => Ok(()),
        ended = publishing => ended,
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
    engine: &Engine,
    id: &EventId,
    channel: &Weak<Channel>,
) -> Result<(), EngineError> {
    let mut following = engine.follow(id)?;
    loop {
        let Some(last) = channel.upgrade().map(|channel| channel.ring.borrow().last()) else {
            return Ok(());
        };
        let last = Version::new(last).unwrap_or(Version::MAX);
        following.until(last.next()).await?;
        let stretch = stretch_of_event(engine, id, last, READ_CHANGES_MAX).await?;
        if let Some(channel) = channel.upgrade() {
            channel.tell(stretch);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// So many of the changes of an event after a version, of which there is at least one.
pub(crate) async fn stretch_of_event(
    engine: &Engine,
    id: &EventId,
    after: Version,
    limit: usize,
) -> Result<Stretch, EngineError> {
    let changes = engine.changes(id, after, limit).await?;
    let frames = frames_of(engine, id, &changes)?;
    let last = changes.last().map_or(after, |change| change.version);
    Ok(Stretch::new(after.get(), last.get(), Numbering::EachFrame, &frames))
}

/// The frames of changes that were read before this is called.
pub(crate) fn frames_of(
    engine: &Engine,
    id: &EventId,
    changes: &[Change],
) -> Result<Vec<ChangeBody>, EngineError> {
    // The event is asked after its changes: it knows every reservation that they are about.
    let event = engine.event(id)?;
    Ok(changes.iter().map(|change| change_body(&event, change)).collect())
}

/// Tells every change of every event, for as long as there is the channel.
async fn tell_all(engine: &Engine, channel: &Weak<Channel>) -> Result<(), EngineError> {
    let Some(mut told_until) = channel.upgrade().map(|channel| channel.ring.borrow().last()) else {
        return Ok(());
    };
    let mut following = engine.follow_all(time_at(told_until));
    loop {
        let Added { stretches, newest } = following.read().await?;
        let mut frames = Vec::new();
        for (id, changes) in &stretches {
            frames.extend(frames_of(engine, id, changes)?);
        }
        let Some(channel) = channel.upgrade() else { return Ok(()) };
        if let Some(newest) = newest {
            let until = position_of(newest) + 1;
            channel.tell(Stretch::new(told_until, until, Numbering::AllTogether, &frames));
            told_until = until;
        }
        drop(channel);
        following.moved().await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// A time as the position of whoever has got everything before it.
pub(crate) fn position_of(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or(0)
}

/// The time of a position.
pub(crate) fn time_at(position: u64) -> Timestamp {
    Timestamp(i64::try_from(position).unwrap_or(i64::MAX))
}
