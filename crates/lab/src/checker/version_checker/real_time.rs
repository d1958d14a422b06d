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

use super::answers::{Fault, Look, Looked, Standing};
use super::keys::Keys;
use super::stored::{Stored, Stretch};
use crate::checker::history::Operation;
use crate::checker::laws;
use crate::checker::verdict::Verdict;

/// The greatest version told so far, and by which operation.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    version: u64,
    by: usize,
}

impl Told {
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
    mut standings: Vec<Standing>,
    keys: &Keys<'_>,
    verdict: &mut Verdict,
) {
    let order = Order::of(operations, &standings);
    let mut ends = order.ends.into_iter().peekable();
    let mut so_far = SoFar::default();
    for (began_us, index) in order.begins {
        while let Some((_, ended)) = ends.next_if(|(ended_us, _)| *ended_us < began_us) {
            so_far.learn(standings.get(ended), ended);
        }
        let (Some(operation), Some(standing)) = (operations.get(index), standings.get_mut(index))
        else {
            continue;
        };
        let fault = match *standing {
            Standing::Changed(version) | Standing::ChangedUntold(version) => {
                changed(so_far, version, operations)
            }
            Standing::Shown(version) => shown(stored, so_far, version, operation, operations),
            Standing::ToldAgain(version) => foreseen(stored, version, operation),
            Standing::Looked(at) => match looked(stored, so_far, at, operation.ended_us) {
                Ok(version) => {
                    *standing = Standing::Shown(version);
                    None
                }
                Err(fault) => {
                    *standing = Standing::Nothing;
                    Some(fault)
                }
            },
            Standing::Refused | Standing::Nothing => None,
        };
        let fault = fault.or_else(|| forgotten(keys, so_far, *standing, operation));
        if let Some((law, fault)) = fault {
            let Operation { client, request, .. } = operation;
            verdict.convict(law, || format!("client {client}, request {request}: {fault}"));
        }
    }
}

/// What was told before a request began: by anybody, and by those who changed something.
#[derive(Debug, Clone, Copy, Default)]
struct SoFar {
    told: Told,
    changed: Told,
}

impl SoFar {
    fn learn(&mut self, standing: Option<&Standing>, by: usize) {
        match standing {
            Some(Standing::Changed(version)) => {
                self.told.learn(*version, by);
                self.changed.learn(*version, by);
            }
            Some(Standing::Shown(version) | Standing::ToldAgain(version)) => {
                self.told.learn(*version, by);
            }
            _ => {}
        }
    }
}

fn changed(so_far: SoFar, version: u64, operations: &[Operation]) -> Option<Fault> {
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
) -> Option<Fault> {
    if so_far.told.version > version {
        let known = so_far.told.name(operations);
        return Some((laws::STALE, format!("it was told version {version}, after {known}")));
    }
    foreseen(stored, version, operation)
}

fn foreseen(stored: &Stored<'_>, version: u64, operation: &Operation) -> Option<Fault> {
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
    standing: Standing,
    operation: &Operation,
) -> Option<Fault> {
    let at = match standing {
        Standing::Shown(version) => version.max(so_far.told.version),
        Standing::Refused => so_far.told.version,
        _ => return None,
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
    fn of(operations: &[Operation], standings: &[Standing]) -> Self {
        let mut begins = Vec::with_capacity(operations.len());
        let mut ends = Vec::with_capacity(operations.len());
        for (index, (operation, standing)) in operations.iter().zip(standings).enumerate() {
            if *standing != Standing::Nothing {
                begins.push((operation.began_us, index));
            }
            if !matches!(
                standing,
                Standing::Nothing | Standing::Refused | Standing::ChangedUntold(_)
            ) {
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
fn looked(stored: &Stored<'_>, so_far: SoFar, at: Looked, ended_us: u64) -> Result<u64, Fault> {
    let known = so_far.told.version;
    let lowest = match at {
        Looked::Reservation(id, look) => {
            lowest(&stored.life_of(id).unwrap_or_default(), look, known)
        }
        Looked::Limits(asked) => stored.beyond_limits(asked, known),
        Looked::NoBlock(block) => stored.without_block(block, known),
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

fn untrue(at: Looked, until: &str) -> Fault {
    let (law, what) = match at {
        Looked::Reservation(id, look) => {
            let law = if look == Look::Missing { laws::NOT_FOUND } else { laws::STANDS };
            (law, format!("{:032x} was not {look:?}", id.to_bits()))
        }
        Looked::Limits(asked) => {
            (laws::REFUSED, format!("{asked} seats were not more or less than a request may take"))
        }
        Looked::NoBlock(block) => (laws::NOT_FOUND, format!("block {block} was not missing")),
    };
    (law, format!("{what} from before it began until {until}"))
}

/// The lowest version, from `known` on, at which it looked so.
fn lowest(life: &[Stretch], look: Look, known: u64) -> Option<u64> {
    let is_before = life.first().is_none_or(|first| known < first.since);
    if is_before && matches!(look, Look::Missing | Look::Never) {
        return Some(known);
    }
    let is_such = |stretch: &&Stretch| look.is_of(stretch);
    let at = |stretch: &Stretch| {
        let from = stretch.since.max(known);
        stretch.until.is_none_or(|until| from < until).then_some(from)
    };
    life.iter().filter(is_such).find_map(at)
}
