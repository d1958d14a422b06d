//! The verdict: can all these answers be true of one event?
//!
//! Every accepted change tells its version, so the answers put themselves in order. Walking them in
//! that order gives the seats available at each version, without asking the server; then each
//! refusal is held against the version that it says it rests on.

use std::collections::BTreeMap;

use super::answers::{Answer, Answers};
use super::client::Summary;

/// What was true before the run and after it, by the server's own summary.
pub(super) struct Books {
    before: Summary,
    after: Summary,
}

/// What the books say.
pub(super) struct Verdict {
    /// What was checked, and how many faults were found in each.
    pub(super) checks: Vec<Check>,
}

/// One thing that must hold.
pub(super) struct Check {
    pub(super) law: &'static str,
    pub(super) faults: Vec<String>,
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.faults.is_empty())
    }
}

/// What changed at one version.
struct Change {
    version: u64,
    seats: i64,
    reservations: i64,
}

impl Books {
    pub(super) fn new(before: Summary, after: Summary) -> Self {
        Self { before, after }
    }

    pub(super) fn judge(&self, answers: &Answers) -> Verdict {
        let mut changes = answers.iter().filter_map(change).collect::<Vec<_>>();
        changes.sort_by_key(|change| change.version);
        let available = self.available_by_version(&changes);
        Verdict {
            checks: vec![
                Check { law: "every request got an answer it deserves", faults: strange(answers) },
                Check {
                    law: "versions are distinct and without a gap",
                    faults: self.version_faults(&changes),
                },
                Check {
                    law: "never more seats taken than there are, or given back than taken",
                    faults: self.oversold(&available),
                },
                Check {
                    law: "nobody was refused while there were seats enough",
                    faults: refused_wrongly(answers, &available),
                },
                Check {
                    law: "the summary is what the answers add up to",
                    faults: self.summary_faults(&changes),
                },
            ],
        }
    }

    fn available_by_version(&self, changes: &[Change]) -> BTreeMap<u64, i64> {
        let mut available = i64::from(self.before.available_seats);
        let mut by_version = BTreeMap::from([(self.before.version, available)]);
        for change in changes {
            available -= change.seats;
            by_version.insert(change.version, available);
        }
        by_version
    }

    fn version_faults(&self, changes: &[Change]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut last = self.before.version;
        for change in changes {
            if change.version != last + 1 {
                faults.push(format!("version {} follows version {last}", change.version));
            }
            last = change.version;
        }
        if last != self.after.version {
            faults
                .push(format!("the last answer is of {last}, the event at {}", self.after.version));
        }
        faults
    }

    fn oversold(&self, available: &BTreeMap<u64, i64>) -> Vec<String> {
        let possible = 0..=i64::from(self.before.total_seats);
        let impossible = available.iter().filter(|(_, seats)| !possible.contains(seats));
        impossible.map(|(version, seats)| format!("{seats} available at {version}")).collect()
    }

    fn summary_faults(&self, changes: &[Change]) -> Vec<String> {
        let seats: i64 = changes.iter().map(|change| change.seats).sum();
        let reservations: i64 = changes.iter().map(|change| change.reservations).sum();
        let taken = i64::from(self.before.available_seats) - i64::from(self.after.available_seats);
        let made = self.after.reservation_count.cast_signed()
            - self.before.reservation_count.cast_signed();
        let mut faults = Vec::new();
        if seats != taken {
            faults.push(format!("{seats} seats by the answers, {taken} by the summary"));
        }
        if reservations != made {
            faults
                .push(format!("{reservations} reservations by the answers, {made} by the summary"));
        }
        faults
    }
}

fn change(answer: &Answer) -> Option<Change> {
    match *answer {
        Answer::Reserved { seats, version, .. } => {
            Some(Change { version, seats: seats.into(), reservations: 1 })
        }
        Answer::Cancelled { seats, version, .. } => Some(Change {
            version: version.unwrap_or(0),
            seats: -i64::from(seats),
            reservations: -1,
        }),
        _ => None,
    }
}

fn strange(answers: &Answers) -> Vec<String> {
    let strange = |answer: &Answer| match answer {
        Answer::Unexpected { status, body, .. } => Some(format!("{status}: {body}")),
        Answer::Unknown { what, .. } => Some(format!("no answer: {what}")),
        Answer::Cancelled { id, version: None, .. } => {
            Some(format!("the version at which {id} was cancelled was not told (no ETag)"))
        }
        _ => None,
    };
    answers.iter().filter_map(strange).collect()
}

fn refused_wrongly(answers: &Answers, available: &BTreeMap<u64, i64>) -> Vec<String> {
    let wrong = |answer: &Answer| {
        let Answer::NotEnoughSeats { asked, available: told, version } = answer else {
            return None;
        };
        let (Some(told), Some(version)) = (told, version) else {
            return Some(format!("{asked} seats were refused without telling why"));
        };
        let by_answers = available.get(version).copied();
        if by_answers != Some(i64::from(*told)) {
            return Some(format!(
                "{told} seats available at {version} were told, {by_answers:?} by the answers"
            ));
        }
        (asked <= told).then(|| format!("{asked} seats refused with {told} available at {version}"))
    };
    answers.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn summary(available_seats: u32, reservation_count: u64, version: u64) -> Summary {
        let event_id = "e".to_owned();
        Summary { event_id, total_seats: 10, available_seats, reservation_count, version }
    }

    fn reserved(seats: u32, version: u64) -> Answer {
        Answer::Reserved { id: Uuid::nil(), seats, version }
    }

    fn cancelled(seats: u32, version: u64) -> Answer {
        Answer::Cancelled { id: Uuid::nil(), seats, version: Some(version) }
    }

    fn refused(asked: u32, available: u32, version: u64) -> Answer {
        Answer::NotEnoughSeats { asked, available: Some(available), version: Some(version) }
    }

    /// The laws that are found broken, by their first word.
    fn broken(after: Summary, answers: Vec<Answer>) -> Vec<&'static str> {
        let mut all = Answers::default();
        all.extend(answers);
        let verdict = Books::new(summary(10, 0, 1), after).judge(&all);
        let broken = verdict.checks.iter().filter(|check| !check.faults.is_empty());
        broken.map(|check| check.law.split(' ').next().unwrap_or("")).collect()
    }

    #[test]
    fn true_answers_are_found_true_in_any_order() {
        let answers = vec![cancelled(4, 4), refused(4, 3, 3), reserved(3, 3), reserved(4, 2)];
        assert!(broken(summary(7, 1, 4), answers).is_empty());
    }

    #[test]
    fn each_lie_is_found() {
        let twice = vec![reserved(4, 2), reserved(3, 2)];
        assert_eq!(broken(summary(3, 2, 2), twice), ["versions"]);
        let gap = vec![reserved(4, 2), reserved(3, 4)];
        assert_eq!(broken(summary(3, 2, 4), gap), ["versions"]);
        let oversold = vec![reserved(8, 2), reserved(8, 3)];
        assert!(broken(summary(0, 2, 3), oversold).contains(&"never"));
        let minted = vec![reserved(4, 2), cancelled(4, 3), cancelled(4, 4)];
        assert!(broken(summary(10, 0, 4), minted).contains(&"never"));
        let enough = vec![reserved(4, 2), refused(5, 6, 2)];
        assert_eq!(broken(summary(6, 1, 2), enough), ["nobody"]);
        let made_up = vec![reserved(4, 2), refused(5, 3, 2)];
        assert_eq!(broken(summary(6, 1, 2), made_up), ["nobody"]);
        let lost = vec![reserved(4, 2)];
        assert_eq!(broken(summary(10, 0, 2), lost), ["the"]);
        let error = Answer::Unexpected { status: 500, cancelled: None, body: String::new() };
        assert_eq!(broken(summary(10, 0, 1), vec![error]), ["every"]);
    }
}
