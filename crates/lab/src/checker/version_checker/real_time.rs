//! All answers together: does any of them contradict the order in which they were given and asked
//! for?
//!
//! "Before" is strict: an answer that came in the microsecond in which another request began counts
//! as concurrent with it.
//!
//! Where every answer is true of its version, the changes in the order of their versions, each
//! followed by what was shown at it, are an order that makes all of them true. It keeps to real time
//! if no operation that ended before another began comes after it there. There are three ways to
//! break that, each a law of its own, so that a lie is convicted once:
//!
//! | ended first | began then | with | law |
//! | --- | --- | --- | --- |
//! | any | a read or refusal | a lower version | `STALE` |
//! | a read or refusal | a change | that version or a lower one | `FORESEEN`, by who was shown it |
//! | a change | a change | a lower version | `ORDER` |
//!
//! What is told again is of a version that everybody may know by then, so it is held against the third of
//! these alone; and who was refused under a key was so before the version that is of that key (`KEYS`).
//!
//! Only how a reservation stands, or that there is none, or no block, or what one request may take, is told
//! without a version. It is given the lowest one at which it is true and which is not below what was told before: if any choice of these versions
//! keeps to real time, then the lowest of each do, as a higher one can only make others look older.
//!
//! It must not know: how an answer is compared with its version.

use super::claim::{Breach, Claim, Observation, ReservationView};
use super::keys::Keys;
use super::stored::{Stored, Stretch};
use crate::checker::history::Operation;
use crate::checker::laws;
use crate::checker::verdict::Verdict;

/// The greatest version told so far, and by which operation.
#[derive(Debug, Clone, Copy, Default)]
struct Watermark {
    version: u64,
    by: usize,
}

impl Watermark {
    fn learn(&mut self, version: u64, by: usize) {
        if version > self.version {
            *self = Self { version, by };
        }
    }

    fn name(self, operations: &[Operation]) -> String {
        let request = operations.get(self.by).map(|operation| operation.request);
        format!("version {} was told to request {}", self.version, request.unwrap_or_default())
    }
}

/// Sweeps over the operations in the order in which they began.
pub(super) fn judge(
    stored: &Stored<'_>,
    operations: &[Operation],
    mut claims: Vec<Claim>,
    keys: &Keys<'_>,
    verdict: &mut Verdict,
) {
    let order = Order::of(operations, &claims);
    let mut ends = order.ends.into_iter().peekable();
    let mut so_far = SoFar::default();
    for (began_us, index) in order.begins {
        while let Some((_, ended)) = ends.next_if(|(ended_us, _)| *ended_us < began_us) {
            so_far.learn(claims.get(ended), ended);
        }
        let (Some(operation), Some(claim)) = (operations.get(index), claims.get_mut(index)) else {
            continue;
        };
        let fault = match *claim {
            Claim::Changed(version) | Claim::ChangedUnanswered(version) => {
                changed(so_far, version, operations)
            }
            Claim::Shown(version) => shown(stored, so_far, version, operation, operations),
            Claim::Replayed(version) => foreseen(stored, version, operation),
            Claim::Observed(at) => match looked(stored, so_far, at, operation.ended_us) {
                Ok(version) => {
                    *claim = Claim::Shown(version);
                    None
                }
                Err(fault) => {
                    *claim = Claim::Nothing;
                    Some(fault)
                }
            },
            Claim::Refused | Claim::Nothing => None,
        };
        let fault = fault.or_else(|| forgotten(keys, so_far, *claim, operation));
        if let Some((law, fault)) = fault {
            let Operation { client, request, .. } = operation;
            verdict.convict(law, || format!("client {client}, request {request}: {fault}"));
        }
    }
}

/// What was told before a request began: by anybody, and by those who changed something.
#[derive(Debug, Clone, Copy, Default)]
struct SoFar {
    told: Watermark,
    changed: Watermark,
}

impl SoFar {
    fn learn(&mut self, claim: Option<&Claim>, by: usize) {
        match claim {
            Some(Claim::Changed(version)) => {
                self.told.learn(*version, by);
                self.changed.learn(*version, by);
            }
            Some(Claim::Shown(version) | Claim::Replayed(version)) => {
                self.told.learn(*version, by);
            }
            None
            | Some(
                Claim::ChangedUnanswered(_) | Claim::Observed(_) | Claim::Refused | Claim::Nothing,
            ) => {}
        }
    }
}

fn changed(so_far: SoFar, version: u64, operations: &[Operation]) -> Option<Breach> {
    let before = so_far.changed;
    (before.version >= version).then(|| {
        let known = before.name(operations);
        (laws::ORDER, format!("it made version {version}, after {known}"))
    })
}

fn shown(
    stored: &Stored<'_>,
    so_far: SoFar,
    version: u64,
    operation: &Operation,
    operations: &[Operation],
) -> Option<Breach> {
    if so_far.told.version > version {
        let known = so_far.told.name(operations);
        return Some((laws::STALE, format!("it was told version {version}, after {known}")));
    }
    foreseen(stored, version, operation)
}

fn foreseen(stored: &Stored<'_>, version: u64, operation: &Operation) -> Option<Breach> {
    let late = stored.first_asked_after(operation.ended_us)?.version.get();
    (late <= version).then(|| {
        let fault = format!("it was told version {version}, then version {late} was asked for");
        (laws::FORESEEN, fault)
    })
}

/// Who is refused something under a key under which it was done already.
fn forgotten(
    keys: &Keys<'_>,
    so_far: SoFar,
    claim: Claim,
    operation: &Operation,
) -> Option<Breach> {
    let at = match claim {
        Claim::Shown(version) => version.max(so_far.told.version),
        Claim::Refused => so_far.told.version,
        Claim::Changed(_)
        | Claim::ChangedUnanswered(_)
        | Claim::Replayed(_)
        | Claim::Observed(_)
        | Claim::Nothing => return None,
    };
    let done = keys.done_for(operation)?.change.version.get();
    (done <= at).then(|| {
        let fault = format!("it was refused at version {at}, and version {done} is of its key");
        (laws::KEYS, fault)
    })
}

/// When operations began and ended, each in order, with the index of the operation.
struct Order {
    begins: Vec<(u64, usize)>,
    ends: Vec<(u64, usize)>,
}

impl Order {
    fn of(operations: &[Operation], claims: &[Claim]) -> Self {
        let mut begins = Vec::with_capacity(operations.len());
        let mut ends = Vec::with_capacity(operations.len());
        for (index, (operation, claim)) in operations.iter().zip(claims).enumerate() {
            if *claim != Claim::Nothing {
                begins.push((operation.began_us, index));
            }
            if !matches!(claim, Claim::Nothing | Claim::Refused | Claim::ChangedUnanswered(_)) {
                ends.push((operation.ended_us, index));
            }
        }
        begins.sort_unstable();
        ends.sort_unstable();
        Self { begins, ends }
    }
}

/// The lowest version at which something stood as it was told, of those at which it may have been looked
/// at: not below what was told before, and without a change that was asked for afterwards.
fn looked(
    stored: &Stored<'_>,
    so_far: SoFar,
    at: Observation,
    ended_us: u64,
) -> Result<u64, Breach> {
    let known = so_far.told.version;
    let lowest = match at {
        Observation::Reservation(id, look) => {
            lowest(&stored.life_of(id).unwrap_or_default(), look, known)
        }
        Observation::Limits(asked) => stored.beyond_limits(asked, known),
        Observation::NoBlock(block) => stored.without_block(block, known),
    };
    let Some(lowest) = lowest else {
        return Err(untrue(at, "the end of the ledger"));
    };
    match stored.first_asked_after(ended_us).map(|late| late.version.get()) {
        // If that version is among those that were told, whoever told them is convicted.
        Some(late) if late > known && late <= lowest => Err(untrue(at, "after it ended")),
        _ => Ok(lowest),
    }
}

fn untrue(at: Observation, until: &str) -> Breach {
    let (law, what) = match at {
        Observation::Reservation(id, look) => {
            let law = if look == ReservationView::Missing { laws::NOT_FOUND } else { laws::STANDS };
            (law, format!("{:032x} was not {look:?}", id.to_bits()))
        }
        Observation::Limits(asked) => {
            (laws::REFUSED, format!("{asked} seats were not more or less than a request may take"))
        }
        Observation::NoBlock(block) => (laws::NOT_FOUND, format!("block {block} was not missing")),
    };
    (law, format!("{what} from before it began until {until}"))
}

/// The lowest version, from `known` on, at which it looked so.
fn lowest(life: &[Stretch], look: ReservationView, known: u64) -> Option<u64> {
    let is_before = life.first().is_none_or(|first| known < first.since);
    if is_before && matches!(look, ReservationView::Missing | ReservationView::Never) {
        return Some(known);
    }
    let is_such = |stretch: &&Stretch| look.is_of(stretch);
    let at = |stretch: &Stretch| {
        let from = stretch.since.max(known);
        stretch.until.is_none_or(|until| from < until).then_some(from)
    };
    life.iter().filter(is_such).find_map(at)
}
