//! A run over time, drawn from what its clients were told and from what each start read back.
//!
//! The lines of versions are true to their name: each point was told wholly after the one before it, so
//! in a good run no line falls, and in a bad one it does.
//!
//! It must not know: how it is drawn.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::record::{Life, RunRecord};
use crate::checker::history::{Acknowledged, Operation, Outcome};
use ticketboss_core::domain::EventId;

/// A run is parted into at most so many parts,
const PARTS_MAX: u64 = 300;
/// each a multiple of this long, in microseconds.
const PART_UNIT_US: u64 = 50_000;

/// What happened in each part of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timeline {
    /// How long a part is.
    pub(super) part_us: u64,
    /// For each part, how many changes were acknowledged.
    pub(super) acknowledged: Vec<u64>,
    /// For each part, how many answers were something else: reads, refusals, and what was told again.
    pub(super) other_answers: Vec<u64>,
    /// For each part, how many requests ended without an answer.
    pub(super) unanswered: Vec<u64>,
    /// The version of each event.
    pub(super) versions: Vec<Line>,
}

/// The version of one event over time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    #[serde(serialize_with = "as_text")]
    pub(super) event_id: EventId,
    pub(super) total_seats: u32,
    pub(super) points: Vec<Point>,
}

/// A version, and when it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point {
    /// Microseconds since the run began.
    pub(super) at_us: u64,
    pub(super) version: u64,
    pub(super) told: Occasion,
}

/// On what occasion a version was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Occasion {
    /// A server had just started.
    AtStart,
    /// To a client.
    AtWork,
}

pub(super) fn as_text<S: Serializer>(event: &EventId, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(event.as_str())
}

impl Timeline {
    pub(super) fn of(events: &[(EventId, u32)], record: &RunRecord) -> Self {
        let part_us = record.took_us.div_ceil(PARTS_MAX).next_multiple_of(PART_UNIT_US);
        let parts = usize::try_from(record.took_us / part_us).unwrap_or(0) + 1;
        let none = || vec![0; parts];
        let mut timeline = Self {
            part_us,
            acknowledged: none(),
            other_answers: none(),
            unanswered: none(),
            versions: Vec::with_capacity(events.len()),
        };
        let mut acknowledged = Acknowledged::default();
        for operation in &record.operations {
            timeline.count(operation, &mut acknowledged, record.began_us);
        }
        for (place, (event, total_seats)) in events.iter().enumerate() {
            let operations = record.operations.iter().filter(|told| told.event == *event);
            let points = points(part_us, place, record, operations);
            let (event_id, total_seats) = (event.clone(), *total_seats);
            timeline.versions.push(Line { event_id, total_seats, points });
        }
        timeline
    }

    fn count(&mut self, operation: &Operation, acknowledged: &mut Acknowledged, began_us: u64) {
        let counts = match &operation.outcome {
            _ if acknowledged.take(operation) => &mut self.acknowledged,
            Outcome::Unknown { .. } => &mut self.unanswered,
            _ => &mut self.other_answers,
        };
        let part = operation.ended_us.saturating_sub(began_us) / self.part_us;
        if let Some(count) = usize::try_from(part).ok().and_then(|part| counts.get_mut(part)) {
            *count += 1;
        }
    }
}

/// What each start has read back of the event at `place`, and the newest version that clients were told
/// in each part by answers that began and ended in it and within one server's life.
fn points<'a>(
    part_us: u64,
    place: usize,
    record: &RunRecord,
    operations: impl Iterator<Item = &'a Operation>,
) -> Vec<Point> {
    let mut newest = BTreeMap::<(usize, u64), Point>::new();
    for operation in operations {
        let Some(version) = operation.version_reached() else { continue };
        let from_us = operation.began_us.saturating_sub(record.began_us);
        let at_us = operation.ended_us.saturating_sub(record.began_us);
        let life = record.lives.partition_point(|life| life.began_us <= at_us);
        let Some(number) = life.checked_sub(1) else { continue };
        let is_within = record.lives.get(number).is_some_and(|life| is_ready(life, from_us));
        if !is_within || from_us / part_us != at_us / part_us {
            continue;
        }
        let point = Point { at_us, version, told: Occasion::AtWork };
        let slot = newest.entry((number, at_us / part_us)).or_insert(point);
        if slot.version < version {
            *slot = point;
        }
    }
    let mut newest = newest.into_iter().peekable();
    let mut points = Vec::new();
    for (number, life) in record.lives.iter().enumerate() {
        if let (Some(at_us), Some(version)) = (life.ready_us, life.versions.get(place)) {
            points.push(Point { at_us, version: *version, told: Occasion::AtStart });
        }
        while let Some((_, point)) = newest.next_if(|((life, _), _)| *life == number) {
            points.push(point);
        }
    }
    points
}

fn is_ready(life: &Life, at_us: u64) -> bool {
    life.ready_us.is_some_and(|ready_us| ready_us <= at_us)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::checker::history::{Asked, Telling};
    use crate::prove::record::End;

    const EVENT: &str = "proof-1";

    fn told(ended_us: u64, version: u64, telling: Telling) -> Operation {
        Operation {
            client: 0,
            request: Uuid::nil(),
            key: None,
            event: EventId::new(EVENT).unwrap(),
            asked: Asked::Cancel { reservation: Uuid::nil() },
            began_us: ended_us - 10,
            ended_us,
            outcome: Outcome::Cancelled { version },
            telling,
        }
    }

    /// The line of one event that was told of so, by one server.
    fn line(operations: Vec<Operation>) -> Vec<(u64, u64)> {
        let took_us = 4 * PART_UNIT_US;
        let (began_us, ready_us, end) = (0, Some(5), End::Stopped);
        let life = Life { began_us, ready_us, ended_us: took_us, end, versions: vec![1] };
        let record =
            RunRecord { began_us: 0, took_us, operations, lives: vec![life], faults: Vec::new() };
        let timeline = Timeline::of(&[(EventId::new(EVENT).unwrap(), 9)], &record);
        timeline.versions[0].points.iter().map(|point| (point.at_us, point.version)).collect()
    }

    #[test]
    fn a_line_has_the_newest_version_of_each_part() {
        let (first, second) = (PART_UNIT_US / 2, PART_UNIT_US + PART_UNIT_US / 2);
        let told = |at_us, version| told(at_us, version, Telling::First);
        let operations = vec![told(second, 6), told(first, 4), told(first + 1, 3)];
        assert_eq!(line(operations), [(5, 1), (first, 4), (second, 6)]);
        // What began in the part before it may be older than what ended there.
        assert_eq!(line(vec![told(first, 4), told(PART_UNIT_US, 3)]), [(5, 1), (first, 4)]);
    }

    #[test]
    fn what_is_told_again_does_not_make_a_line_fall() {
        let (first, second) = (PART_UNIT_US / 2, PART_UNIT_US + PART_UNIT_US / 2);
        let operations = vec![told(first, 4, Telling::First), told(second, 2, Telling::Again)];
        assert_eq!(line(operations), [(5, 1), (first, 4)]);
        let confirmed = Operation {
            outcome: Outcome::Confirmed { version: 3 },
            ..told(second, 0, Telling::First)
        };
        assert_eq!(line(vec![told(first, 4, Telling::First), confirmed]), [(5, 1), (first, 4)]);
    }
}
