//! What clients were told, and whether a stored event bears it out.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cli::Failure;
use crate::domain::{Event, ReservationId, Status};

/// What a client was told about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// 201.
    Reserved {
        /// The reservation.
        id: Uuid,
        /// How many seats it has.
        seats: u32,
        /// The version that made it.
        version: u64,
    },
    /// 204.
    Cancelled {
        /// The reservation.
        id: Uuid,
        /// How many seats it had.
        seats: u32,
        /// The version that cancelled it, where the server tells it.
        version: Option<u64>,
    },
    /// 409.
    NotEnoughSeats {
        /// How many seats were asked for.
        asked: u32,
        /// How many were available, where the server tells it.
        available: Option<u32>,
        /// The version at which that was so, where the server tells it.
        version: Option<u64>,
    },
    /// A status that the request does not deserve.
    Unexpected {
        /// The status.
        status: u16,
        /// The reservation that was to be cancelled, if one was.
        cancelled: Option<Uuid>,
        /// What was said.
        body: String,
    },
    /// No answer: the request may have been carried out or not.
    Unknown {
        /// The reservation that was to be cancelled, if one was.
        cancelled: Option<Uuid>,
        /// What happened to the connection.
        what: String,
    },
}

/// The answers of a run, in no order.
#[derive(Debug, Default)]
pub struct Answers(Vec<Answer>);

impl Answers {
    pub(super) fn extend(&mut self, more: Vec<Answer>) {
        self.0.extend(more);
    }

    /// Each answer.
    pub fn iter(&self) -> impl Iterator<Item = &Answer> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many of them say that something was done, which is then stored.
    pub fn count_acknowledged(&self) -> usize {
        let done =
            |answer: &&Answer| matches!(answer, Answer::Reserved { .. } | Answer::Cancelled { .. });
        self.0.iter().filter(done).count()
    }

    /// Writes a JSON object a line.
    pub(super) fn write(&self, file: &Path) -> Result<(), Failure> {
        let told = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
        let mut output = BufWriter::new(File::create(file).map_err(told)?);
        for answer in &self.0 {
            serde_json::to_writer(&mut output, answer)?;
            output.write_all(b"\n").map_err(told)?;
        }
        output.flush().map_err(told)?;
        Ok(())
    }

    /// The answers that are not true of `event`, as sentences.
    ///
    /// A reservation that was acknowledged must be there, with its seats, at its version, and still
    /// be confirmed unless its cancellation was acknowledged or is unknown; a cancellation that was
    /// acknowledged must be there, too.
    pub fn held_against(&self, event: &Event) -> Vec<String> {
        let given_up = self.given_up();
        let mut untrue = Vec::new();
        for answer in &self.0 {
            let (id, wrong) = match *answer {
                Answer::Reserved { id, seats, version } => {
                    let told = (id, seats, version);
                    (id, wrong_reservation(event, told, given_up.contains(&id)))
                }
                Answer::Cancelled { id, version, .. } => {
                    (id, wrong_cancellation(event, id, version))
                }
                _ => continue,
            };
            if let Some(wrong) = wrong {
                untrue.push(format!("reservation {id} {wrong}"));
            }
        }
        untrue
    }

    /// The reservations that somebody wanted to cancel, whatever came of it.
    fn given_up(&self) -> HashSet<Uuid> {
        let given_up = |answer: &Answer| match answer {
            Answer::Cancelled { id, .. } => Some(*id),
            Answer::Unexpected { cancelled, .. } | Answer::Unknown { cancelled, .. } => *cancelled,
            Answer::Reserved { .. } | Answer::NotEnoughSeats { .. } => None,
        };
        self.0.iter().filter_map(given_up).collect()
    }
}

/// What is wrong with a reservation that was acknowledged as `(id, seats, version)`.
///
/// Whether its cancellation is there, if one was acknowledged, is told by that answer.
fn wrong_reservation(
    event: &Event,
    (id, seats, version): (Uuid, u32, u64),
    given_up: bool,
) -> Option<String> {
    let Some(kept_id) = ReservationId::from_bits(id.as_u128()) else {
        return Some("has an id that is not of this program".to_owned());
    };
    let Some(kept) = event.reservation(kept_id) else {
        return Some(format!("was acknowledged at version {version} and is not there"));
    };
    if kept.seats.get() != seats || kept_id.version.get() != version {
        let (at, has) = (kept_id.version, kept.seats);
        return Some(format!("was told {seats} seats at {version}, stored are {has} at {at}"));
    }
    let is_cancelled = matches!(kept.status, Status::Cancelled { .. });
    (is_cancelled && !given_up).then(|| "is cancelled, and nobody asked".to_owned())
}

fn wrong_cancellation(event: &Event, id: Uuid, version: Option<u64>) -> Option<String> {
    let kept = ReservationId::from_bits(id.as_u128()).and_then(|id| event.reservation(id));
    match kept.map(|kept| kept.status) {
        None => Some("was cancelled, and is not there".to_owned()),
        Some(Status::Confirmed) => Some("was cancelled, and its seats are still taken".to_owned()),
        Some(Status::Cancelled { since }) if version.is_some_and(|told| told != since.get()) => {
            Some(format!("was cancelled at version {since}, told was {version:?}"))
        }
        Some(Status::Cancelled { .. }) => None,
    }
}

/// Reads what [`Answers::write`] wrote.
pub(in crate::cli) fn read(file: &Path) -> Result<Answers, Failure> {
    let told = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", file.display());
    let input = BufReader::new(File::open(file).map_err(|error| told(&error))?);
    let mut answers = Vec::new();
    for line in input.lines() {
        let line = line.map_err(|error| told(&error))?;
        answers.push(serde_json::from_str(&line).map_err(|error| told(&error))?);
    }
    Ok(Answers(answers))
}
