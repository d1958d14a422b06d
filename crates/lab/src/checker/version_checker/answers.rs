//! Each answer by itself: is it true of the version that it names?
//!
//! It must not know: the other answers.

use super::claim::{Breach, Claim, ClaimResult, Observation, ReservationView, wrong_number};
use super::keys::Done;
use super::stored::{At, State, Stored, Stretch};
use super::terms;
use crate::checker::history::{Asked, Operation, Outcome, Stand, Telling};
use crate::checker::laws;
use crate::checker::verdict::Verdict;
use ticketboss_core::domain::{
    Change, Fact, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, ReservationId, Version,
};
use uuid::Uuid;

/// Judges the answer to `operation`, of which `done` is in the ledger, and `under_key` under its key.
pub(super) fn judge(
    stored: &Stored<'_>,
    operation: &Operation,
    done: Option<&Change>,
    under_key: Option<Done<'_>>,
    verdict: &mut Verdict,
) -> Claim {
    let judged = judged(stored, operation, done, under_key).and_then(|claim| match claim {
        Claim::Changed(version) | Claim::ChangedUnanswered(version) => {
            match terms::overwritten(stored, &operation.asked, version) {
                Some(fault) => Err((laws::TERMS, fault)),
                None => Ok(claim),
            }
        }
        Claim::Shown(_)
        | Claim::Replayed(_)
        | Claim::Observed(_)
        | Claim::Refused
        | Claim::Nothing => Ok(claim),
    });
    match judged {
        Ok(claim) => claim,
        Err((law, fault)) => {
            let Operation { client, request, .. } = operation;
            verdict.convict(law, || format!("client {client}, request {request}: {fault}"));
            Claim::Nothing
        }
    }
}

fn judged(
    stored: &Stored<'_>,
    operation: &Operation,
    done: Option<&Change>,
    under_key: Option<Done<'_>>,
) -> ClaimResult {
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
    if operation.telling == Telling::Again {
        nothing_done()?;
        return told_again(stored, operation, under_key);
    }
    match (&operation.asked, &operation.outcome) {
        (_, Outcome::Unknown { .. }) => unknown(stored, operation, done),
        (asked, outcome) if let Some(version) = made(asked, outcome) => {
            acknowledged(stored, operation, version, done)
        }
        (_, Outcome::KeyReused) => {
            nothing_done()?;
            key_reused(operation, under_key)
        }
        (_, Outcome::Unexpected { what }) => Err((laws::FITTING, what.clone())),
        _ => {
            let judged = refused(stored, operation);
            if !matches!(judged, Err((laws::FITTING, _))) {
                nothing_done()?;
            }
            judged
        }
    }
}

/// The version that made what was asked for, by an answer of the kind that it deserves.
fn made(asked: &Asked, outcome: &Outcome) -> Option<u64> {
    let is_its_own = matches!(
        (asked, outcome),
        (Asked::Reserve { .. }, Outcome::Reserved { .. })
            | (Asked::Hold { .. }, Outcome::Held { .. })
            | (Asked::Confirm { .. }, Outcome::Confirmed { .. })
            | (Asked::Extend { .. }, Outcome::Extended { .. })
            | (Asked::CancelPart { .. }, Outcome::PartlyCancelled { .. })
            | (Asked::Cancel { .. }, Outcome::Cancelled { .. })
            | (Asked::Update { .. }, Outcome::Updated { .. })
            | (Asked::Block { .. }, Outcome::Blocked { .. })
            | (Asked::Unblock { .. }, Outcome::Unblocked { .. })
    );
    outcome.version_made().filter(|_| is_its_own)
}

/// An answer by which nothing was done.
fn refused(stored: &Stored<'_>, operation: &Operation) -> ClaimResult {
    let looked = |reservation: &Uuid, look| {
        let id = ReservationId::from_bits(reservation.as_u128());
        let looked = |id| Claim::Observed(Observation::Reservation(id, look));
        Ok(id.map_or(Claim::Nothing, looked))
    };
    if let Some(judged) = terms::refused(stored, &operation.asked, &operation.outcome) {
        return judged;
    }
    match (&operation.asked, &operation.outcome) {
        (Asked::Read, Outcome::Read { version, available, reservations }) => {
            read(stored, *version, State { available: *available, reservations: *reservations })
        }
        (
            Asked::Reserve { seats, .. } | Asked::Hold { seats, .. },
            Outcome::NotEnoughSeats { available, version },
        ) => {
            within_limits(stored, *seats, *version)?;
            not_enough_seats(stored, *seats, *available, *version)
        }
        (Asked::Block { seats }, Outcome::NotEnoughSeats { available, version }) => {
            not_enough_seats(stored, *seats, *available, *version)
        }
        (Asked::Reserve { seats, .. } | Asked::Hold { seats, .. }, Outcome::SeatsPerRequest) => {
            Ok(Claim::Observed(Observation::Limits(*seats)))
        }
        (
            Asked::Hold { hold_seconds, .. } | Asked::Extend { hold_seconds, .. },
            Outcome::HoldSeconds,
        ) => hold_seconds_refused(*hold_seconds),
        (Asked::Cancel { reservation }, Outcome::ReservationNotFound) => {
            looked(reservation, ReservationView::Missing)
        }
        (
            Asked::Confirm { reservation }
            | Asked::Extend { reservation, .. }
            | Asked::CancelPart { reservation, .. },
            Outcome::ReservationNotFound,
        ) => looked(reservation, ReservationView::Never),
        (Asked::Confirm { reservation }, Outcome::HoldExpired { available, version }) => {
            hold_expired(stored, *reservation, *available, *version)
        }
        (
            Asked::Confirm { reservation },
            Outcome::Stands { how: how @ (Stand::Confirmed | Stand::Cancelled) },
        )
        | (
            Asked::Extend { reservation, .. },
            Outcome::Stands { how: how @ (Stand::Confirmed | Stand::Cancelled | Stand::Expired) },
        )
        | (
            Asked::CancelPart { reservation, .. },
            Outcome::Stands { how: how @ (Stand::Held | Stand::Cancelled | Stand::Expired) },
        ) => looked(reservation, ReservationView::Stands(*how)),
        (Asked::Extend { reservation, .. }, Outcome::HoldLimit) => {
            looked(reservation, ReservationView::Stands(Stand::Held))
        }
        (Asked::CancelPart { reservation, seats }, Outcome::NotAPart { has }) if has <= seats => {
            looked(reservation, ReservationView::Confirmed(*has))
        }
        (_, Outcome::NotDone { .. }) => Ok(Claim::Nothing),
        (asked, outcome) => Err((laws::FITTING, format!("{asked:?} was answered {outcome:?}"))),
    }
}

fn unknown(stored: &Stored<'_>, operation: &Operation, done: Option<&Change>) -> ClaimResult {
    let Some(change) = done else {
        return Ok(Claim::Nothing);
    };
    match difference(stored, operation, change) {
        Some(difference) => {
            Err((laws::ASKED, format!("at version {}: {difference}", change.version)))
        }
        None => Ok(Claim::ChangedUnanswered(change.version.get())),
    }
}

fn acknowledged(
    stored: &Stored<'_>,
    operation: &Operation,
    version: u64,
    done: Option<&Change>,
) -> ClaimResult {
    let wrong = |fault| Err((laws::ACKNOWLEDGED, format!("acknowledged at {version}, {fault}")));
    let is_own = |change: &&Change| change.request.0 == operation.request.as_u128();
    let Some(change) = stored.changes_at(version).iter().find(is_own) else {
        return match done {
            None if let Some(look) = confirmed_before(stored, operation, version) => Ok(look),
            Some(change) => wrong(format!("but it is version {}", change.version)),
            None => wrong("but it is not in the ledger".to_owned()),
        };
    };
    if let Some(difference) = difference(stored, operation, change) {
        return wrong(difference);
    }
    if let Some(fault) = misreported(stored, &operation.outcome, change) {
        return wrong(fault);
    }
    Ok(Claim::Changed(version))
}

/// An answer that is said to be that of what was done under the key before.
fn told_again(
    stored: &Stored<'_>,
    operation: &Operation,
    under_key: Option<Done<'_>>,
) -> ClaimResult {
    let Some(version) = made(&operation.asked, &operation.outcome) else {
        let Operation { asked, outcome, .. } = operation;
        return Err((laws::FITTING, format!("{asked:?} was answered {outcome:?}, again")));
    };
    let wrong = |fault| Err((laws::KEYS, format!("told again was version {version}, {fault}")));
    let Some(Done { asked, change }) = under_key else {
        return wrong("but nothing was done under its key".to_owned());
    };
    if asked.body() != operation.asked.body() {
        return wrong(format!("but asked for was {asked:?} under its key, and now something else"));
    }
    if change.version.get() != version {
        return wrong(format!("but it is version {}", change.version));
    }
    match misreported(stored, &operation.outcome, change) {
        Some(fault) => {
            Err((laws::ACKNOWLEDGED, format!("acknowledged again at {version}, {fault}")))
        }
        None => Ok(Claim::Replayed(version)),
    }
}

fn key_reused(operation: &Operation, under_key: Option<Done<'_>>) -> ClaimResult {
    match under_key {
        Some(Done { asked, change }) if asked.body() != operation.asked.body() => {
            Ok(Claim::Replayed(change.version.get()))
        }
        Some(Done { change, .. }) => {
            Err((laws::KEYS, format!("its key was used for the very same, at {}", change.version)))
        }
        None => Err((laws::KEYS, "nothing was done under its key".to_owned())),
    }
}

/// Whoever confirms what is confirmed may be answered like the first time: then it is as the version that
/// he was told has made it, whoever asked for that.
fn confirmed_before(stored: &Stored<'_>, operation: &Operation, version: u64) -> Option<Claim> {
    let Asked::Confirm { reservation } = operation.asked else { return None };
    let id = ReservationId::from_bits(reservation.as_u128())?;
    let look = ReservationView::ConfirmedSince(version);
    let life = stored.life_of(id)?;
    life.iter()
        .any(|stretch| look.is_of(stretch))
        .then_some(Claim::Observed(Observation::Reservation(id, look)))
}

/// What was told of a change that was made, and is not true of it.
fn misreported(stored: &Stored<'_>, outcome: &Outcome, change: &Change) -> Option<String> {
    let made =
        |nonce| ReservationId { event: stored.number, version: change.version, nonce }.to_bits();
    let is_so = wrong_number;
    match (outcome, &change.fact) {
        (
            Outcome::Reserved { reservation, seats: told, .. },
            Fact::Reserved { seats, nonce, .. },
        ) => is_so("with seats", (*told).into(), seats.get().into()).or_else(|| {
            is_so("as", reservation.as_u128().cast_signed(), made(*nonce).cast_signed())
        }),
        (
            Outcome::Held { reservation, seats: told, expires_at_ms, .. },
            Fact::Held { seats, nonce, expires_at, .. },
        ) => is_so("with seats", (*told).into(), seats.get().into())
            .or_else(|| {
                is_so("as", reservation.as_u128().cast_signed(), made(*nonce).cast_signed())
            })
            .or_else(|| is_so("until", (*expires_at_ms).into(), expires_at.0.into())),
        (Outcome::Extended { expires_at_ms, .. }, Fact::Extended { expires_at, .. }) => {
            is_so("until", (*expires_at_ms).into(), expires_at.0.into())
        }
        (
            Outcome::PartlyCancelled { seats: told, version },
            Fact::PartlyCancelled { reservation, .. },
        ) => {
            let kept = stored.seats_at(*reservation, *version)?;
            is_so("with seats", (*told).into(), kept.into())
        }
        _ => terms::misreported(stored, outcome, change),
    }
}

/// How a change differs from what was asked for.
fn difference(stored: &Stored<'_>, operation: &Operation, change: &Change) -> Option<String> {
    let is_of = |asked: &Uuid, made_by: &Version| {
        ReservationId::from_bits(asked.as_u128())
            .is_some_and(|id| id.version == *made_by && stored.has_made(id))
    };
    let is_same = match (&operation.asked, &change.fact) {
        (Asked::Reserve { partner, seats }, Fact::Reserved { partner: by, seats: taken, .. }) => {
            partner == by && *seats == taken.get()
        }
        (
            Asked::Hold { partner, seats, hold_seconds },
            Fact::Held { partner: by, seats: taken, expires_at, .. },
        ) => {
            let until = change.at.plus_seconds(*hold_seconds);
            partner == by && *seats == taken.get() && *expires_at == until
        }
        (
            Asked::Extend { reservation, hold_seconds },
            Fact::Extended { reservation: made_by, expires_at },
        ) => {
            // It may be less, so as not to be longer than the longest hold.
            let until = change.at.plus_seconds(*hold_seconds);
            let latest = stored.held_until_max(*made_by);
            let until = latest.map_or(until, |latest| until.min(latest));
            is_of(reservation, made_by) && *expires_at == until
        }
        (
            Asked::Confirm { reservation },
            Fact::Confirmed { reservation: made_by } | Fact::ConfirmedLate { reservation: made_by },
        )
        | (Asked::Cancel { reservation }, Fact::Cancelled { reservation: made_by }) => {
            is_of(reservation, made_by)
        }
        (
            Asked::CancelPart { reservation, seats },
            Fact::PartlyCancelled { reservation: made_by, seats: given },
        ) => is_of(reservation, made_by) && *seats == given.get(),
        (asked, _) => terms::is_as_asked(stored, asked, change).unwrap_or(false),
    };
    (!is_same).then(|| format!("asked was {:?}, done is {:?}", operation.asked, change.fact))
}

fn read(stored: &Stored<'_>, version: u64, told: State) -> ClaimResult {
    match stored.at(version) {
        At::Missing => Err((laws::READ, format!("there never was a version {version}"))),
        At::BeyondReplay => Ok(Claim::Nothing),
        At::State(state) if state == told => Ok(Claim::Shown(version)),
        At::State(state) => {
            Err((laws::READ, format!("told {told:?} at version {version}, it was {state:?}")))
        }
    }
}

/// Whether there is no other reason to refuse so many seats at a version, which comes first.
fn within_limits(stored: &Stored<'_>, asked: u32, version: u64) -> Result<(), Breach> {
    let Some((_, terms)) = stored.terms_at(version) else { return Ok(()) };
    let (least, most) = (terms.seats_per_request_min, terms.seats_per_request_max);
    if (least.get()..=most.get()).contains(&asked) {
        return Ok(());
    }
    let fault = format!("{asked} seats are refused for another reason, whatever there is");
    Err((laws::REFUSED, fault))
}

fn not_enough_seats(stored: &Stored<'_>, asked: u32, available: u32, version: u64) -> ClaimResult {
    let wrong = |fault| Err((laws::REFUSED, fault));
    match stored.at(version) {
        At::Missing => wrong(format!("there never was a version {version}")),
        At::BeyondReplay => Ok(Claim::Nothing),
        At::State(state) if state.available != available => {
            let were = state.available;
            wrong(format!("{available} seats told at version {version}, there were {were}"))
        }
        At::State(_) if asked <= available => {
            wrong(format!("{asked} seats refused at version {version} with {available} available"))
        }
        At::State(_) => Ok(Claim::Shown(version)),
    }
}

fn hold_seconds_refused(asked: u32) -> ClaimResult {
    if (HOLD_SECONDS_MIN..=HOLD_SECONDS_MAX).contains(&asked) {
        return Err((laws::REFUSED, format!("seats may be held for {asked} seconds")));
    }
    Ok(Claim::Refused)
}

fn hold_expired(
    stored: &Stored<'_>,
    reservation: Uuid,
    available: u32,
    version: u64,
) -> ClaimResult {
    let wrong = |fault| Err((laws::STANDS, fault));
    let life = ReservationId::from_bits(reservation.as_u128()).and_then(|id| stored.life_of(id));
    let life = life.unwrap_or_default();
    let is_at = |stretch: &&Stretch| {
        stretch.since <= version && stretch.until.is_none_or(|until| version < until)
    };
    match (stored.at(version), life.iter().find(is_at)) {
        (At::Missing, _) => wrong(format!("there never was a version {version}")),
        (At::BeyondReplay, _) => Ok(Claim::Nothing),
        (At::State(state), _) if state.available != available => {
            let were = state.available;
            wrong(format!("{available} seats told at version {version}, there were {were}"))
        }
        (At::State(_), Some(Stretch { how: Some(Stand::Expired), seats, .. }))
            if *seats > available =>
        {
            Ok(Claim::Shown(version))
        }
        (At::State(_), stretch) => {
            wrong(format!("told as expired at version {version}, it was {stretch:?}"))
        }
    }
}
