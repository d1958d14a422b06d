//! Each answer by itself: is it true of the version that it names?

use super::stored::{At, State, Stored};
use crate::domain::{Change, Fact, ReservationId};
use crate::judge::history::{Asked, Operation, Outcome};
use crate::judge::laws;
use crate::judge::verdict::Verdict;

/// What an operation contributes to the order of things, if its answer is true by itself.
///
/// An answer that is not is convicted already, and is not used against others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It made this version, and was told so.
    Changed(u64),
    /// It made this version, and nobody was told.
    ChangedUntold(u64),
    /// It was shown the event at this version.
    Shown(u64),
    /// It was told that there is no such reservation, at a version that is not told.
    NotFound(ReservationId),
    /// It says nothing about any version.
    Nothing,
}

/// Judges the answer to `operation`, of which `done` is in the ledger.
pub(super) fn judge(
    stored: &Stored<'_>,
    operation: &Operation,
    done: Option<&Change>,
    verdict: &mut Verdict,
) -> Standing {
    match judged(stored, operation, done) {
        Ok(standing) => standing,
        Err((law, fault)) => {
            let Operation { client, request, .. } = operation;
            verdict.convict(law, || format!("client {client}, request {request}: {fault}"));
            Standing::Nothing
        }
    }
}

type Judged = Result<Standing, (&'static str, String)>;

fn judged(stored: &Stored<'_>, operation: &Operation, done: Option<&Change>) -> Judged {
    if stored.id().is_some_and(|id| *id != operation.event) {
        return Err((laws::HISTORY, format!("it is about {}", operation.event)));
    }
    if operation.ended_us < operation.began_us {
        return Err((laws::HISTORY, "it ended before it began".to_owned()));
    }
    let nothing_done = || match done {
        None => Ok(()),
        Some(change) => {
            let (version, told) = (change.version, &operation.outcome);
            Err((laws::ONCE, format!("it made version {version}, told was {told:?}")))
        }
    };
    match (&operation.asked, &operation.outcome) {
        (_, Outcome::Unknown { .. }) => unknown(stored, operation, done),
        (Asked::Reserve { .. }, Outcome::Reserved { version, .. })
        | (Asked::Cancel { .. }, Outcome::Cancelled { version }) => {
            acknowledged(stored, operation, *version, done)
        }
        (Asked::Read, Outcome::Read { version, available, reservations }) => {
            nothing_done()?;
            read(stored, *version, State { available: *available, reservations: *reservations })
        }
        (Asked::Reserve { seats, .. }, Outcome::NotEnoughSeats { available, version }) => {
            nothing_done()?;
            not_enough_seats(stored, *seats, *available, *version)
        }
        (Asked::Reserve { seats, .. }, Outcome::SeatsPerRequest) => {
            nothing_done()?;
            seats_per_request(stored, *seats)
        }
        (Asked::Cancel { reservation }, Outcome::ReservationNotFound) => {
            nothing_done()?;
            let id = ReservationId::from_bits(reservation.as_u128());
            Ok(id.map_or(Standing::Nothing, Standing::NotFound))
        }
        (_, Outcome::NotDone { .. }) => nothing_done().map(|()| Standing::Nothing),
        (_, Outcome::Unexpected { what }) => Err((laws::FITTING, what.clone())),
        (asked, outcome) => Err((laws::FITTING, format!("{asked:?} was answered {outcome:?}"))),
    }
}

fn unknown(stored: &Stored<'_>, operation: &Operation, done: Option<&Change>) -> Judged {
    let Some(change) = done else {
        return Ok(Standing::Nothing);
    };
    match difference(stored, operation, change) {
        Some(difference) => {
            Err((laws::ASKED, format!("at version {}: {difference}", change.version)))
        }
        None => Ok(Standing::ChangedUntold(change.version.get())),
    }
}

fn acknowledged(
    stored: &Stored<'_>,
    operation: &Operation,
    version: u64,
    done: Option<&Change>,
) -> Judged {
    let wrong = |fault| Err((laws::ACKNOWLEDGED, format!("acknowledged at {version}, {fault}")));
    let is_own = |change: &&Change| change.request.0 == operation.request.as_u128();
    let Some(change) = stored.changes_at(version).iter().find(is_own) else {
        return match done {
            Some(change) => wrong(format!("but it is version {}", change.version)),
            None => wrong("but it is not in the ledger".to_owned()),
        };
    };
    if let Some(difference) = difference(stored, operation, change) {
        return wrong(difference);
    }
    if let Outcome::Reserved { reservation, seats: told, .. } = &operation.outcome
        && let Fact::Reserved { seats, nonce, .. } = &change.fact
    {
        let id = ReservationId { event: stored.number, version: change.version, nonce: *nonce };
        if seats.get() != *told {
            return wrong(format!("{told} seats, but they are {seats}"));
        }
        if id.to_bits() != reservation.as_u128() {
            return wrong(format!("as {reservation}, but it is {:032x}", id.to_bits()));
        }
    }
    Ok(Standing::Changed(version))
}

/// How a change differs from what was asked for.
fn difference(stored: &Stored<'_>, operation: &Operation, change: &Change) -> Option<String> {
    let is_same = match (&operation.asked, &change.fact) {
        (Asked::Reserve { partner, seats }, Fact::Reserved { partner: by, seats: taken, .. }) => {
            partner == by && *seats == taken.get()
        }
        (Asked::Cancel { reservation }, Fact::Cancelled { reservation: made_by }) => {
            ReservationId::from_bits(reservation.as_u128())
                .is_some_and(|id| id.version == *made_by && stored.has_made(id))
        }
        _ => false,
    };
    (!is_same).then(|| format!("asked was {:?}, done is {:?}", operation.asked, change.fact))
}

fn read(stored: &Stored<'_>, version: u64, told: State) -> Judged {
    match stored.at(version) {
        At::Missing => Err((laws::READ, format!("there never was a version {version}"))),
        At::BeyondReplay => Ok(Standing::Nothing),
        At::State(state) if state == told => Ok(Standing::Shown(version)),
        At::State(state) => {
            Err((laws::READ, format!("told {told:?} at version {version}, it was {state:?}")))
        }
    }
}

fn seats_per_request(stored: &Stored<'_>, asked: u32) -> Judged {
    match stored.seats_per_request_max() {
        Some(most) if (1..=most).contains(&asked) => {
            Err((laws::REFUSED, format!("one request may take {asked} seats of at most {most}")))
        }
        _ => Ok(Standing::Nothing),
    }
}

fn not_enough_seats(stored: &Stored<'_>, asked: u32, available: u32, version: u64) -> Judged {
    let wrong = |fault| Err((laws::REFUSED, fault));
    if let Some(most) = stored.seats_per_request_max()
        && !(1..=most).contains(&asked)
    {
        return wrong(format!("{asked} seats are refused for another reason, whatever there is"));
    }
    match stored.at(version) {
        At::Missing => wrong(format!("there never was a version {version}")),
        At::BeyondReplay => Ok(Standing::Nothing),
        At::State(state) if state.available != available => {
            let were = state.available;
            wrong(format!("{available} seats told at version {version}, there were {were}"))
        }
        At::State(_) if asked <= available => {
            wrong(format!("{asked} seats refused at version {version} with {available} available"))
        }
        At::State(_) => Ok(Standing::Shown(version)),
    }
}
