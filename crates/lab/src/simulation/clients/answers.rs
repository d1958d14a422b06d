//! Asks the engine as the HTTP floor does, and says what came of it.
//!
//! It must not know: why it is asked.

use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use crate::checker::history::{Asked, Outcome, Stand, Telling};
use crate::choices::Wish;
use ticketboss_core::domain::{
    EventId, EventTerms, Key, KeyName, Reason, Refusal, RequestId, ReservationId, Seats, Shortage,
    Status, Version,
};
use ticketboss_engine::{Engine, EngineError, Receipt, Replay, RequestContext, ReservationReceipt};

/// The key as the program knows it, who has it from the HTTP floor.
fn key_of(event: &EventId, Wish { asked, key, .. }: &Wish) -> Option<Key> {
    // Whom nobody attacks, a hash is good enough.
    let digest = |text: String| {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        (half(0) << 64 | half(1)).to_le_bytes()
    };
    let name = format!("{event} {} {:?}", (*key)?, asked.key_scope());
    Some(Key { name: KeyName(digest(name)), body: digest(format!("{:?}", asked.body())) })
}

/// Asks for one thing, and says what came of it, and whether that was done before.
pub(super) async fn answer(
    engine: &Engine,
    event: &EventId,
    wish: &Wish,
    request: RequestId,
) -> (Outcome, Telling) {
    let context = RequestContext { key: key_of(event, wish), ..request.into() };
    let answered = ask(engine, event, &wish.asked, context).await;
    answered.unwrap_or_else(|error| (refused(&wish.asked, error), Telling::First))
}

async fn ask(
    engine: &Engine,
    event: &EventId,
    asked: &Asked,
    context: RequestContext,
) -> Result<(Outcome, Telling), EngineError> {
    let receipt = match asked {
        Asked::Read => return read(engine, event),
        Asked::Update { capacity, seats_per_request_max, expected } => {
            let terms = (*capacity, *seats_per_request_max);
            return update(engine, event, terms, *expected, context).await;
        }
        Asked::Block { seats } => return block(engine, event, *seats, context).await,
        Asked::Unblock { block } => return unblock(engine, event, *block, context).await,
        Asked::Reserve { partner, seats } => {
            engine.reserve(event, partner.clone(), *seats, context).await?
        }
        Asked::Hold { partner, seats, hold_seconds } => {
            engine.hold(event, partner.clone(), *seats, *hold_seconds, context).await?
        }
        Asked::Confirm { reservation } => engine.confirm(id_of(reservation)?, context).await?,
        Asked::Extend { reservation, hold_seconds } => {
            engine.extend(id_of(reservation)?, *hold_seconds, context).await?
        }
        Asked::Cancel { reservation } => engine.cancel(id_of(reservation)?, context).await?,
        Asked::CancelPart { reservation, seats } => {
            engine.cancel_part(id_of(reservation)?, seats_of(*seats), context).await?
        }
    };
    Ok((told(asked, &receipt), telling_of(receipt.replay)))
}

/// What is no id is the id of no reservation.
fn id_of(reservation: &Uuid) -> Result<ReservationId, EngineError> {
    let id = ReservationId::from_bits(reservation.as_u128());
    id.ok_or(EngineError::Refused(Refusal::ReservationNotFound))
}

fn telling_of(replay: Replay) -> Telling {
    match replay {
        Replay::First => Telling::First,
        Replay::Replayed => Telling::Again,
    }
}

fn told(asked: &Asked, reserved: &ReservationReceipt) -> Outcome {
    let version = reserved.version.get();
    let (id, made) = &reserved.result;
    let reservation = Uuid::from_u128(id.to_bits());
    let seats = made.seats.get();
    let expires_at_ms = match made.status {
        Status::Held(hold) => hold.expires_at.0,
        Status::Confirmed | Status::Cancelled { .. } | Status::Expired { .. } => 0,
    };
    match asked {
        Asked::Reserve { .. } => Outcome::Reserved { reservation, seats, version },
        Asked::Hold { .. } => Outcome::Held { reservation, seats, version, expires_at_ms },
        Asked::Confirm { .. } => Outcome::Confirmed { version },
        Asked::Extend { .. } => Outcome::Extended { version, expires_at_ms },
        Asked::CancelPart { .. } => Outcome::PartlyCancelled { version, seats },
        Asked::Cancel { .. } => Outcome::Cancelled { version },
        Asked::Read | Asked::Update { .. } | Asked::Block { .. } | Asked::Unblock { .. } => {
            Outcome::Unexpected { what: "it has changed a reservation".to_owned() }
        }
    }
}

fn read(engine: &Engine, event: &EventId) -> Result<(Outcome, Telling), EngineError> {
    let event = engine.event(event)?;
    let outcome = Outcome::Read {
        version: event.version().get(),
        available: event.seats().available,
        reservations: event.live_reservations(),
    };
    Ok((outcome, Telling::First))
}

/// Changes the capacity and the limit of seats for each request, where they are named.
async fn update(
    engine: &Engine,
    event: &EventId,
    (capacity, seats_per_request_max): (Option<u32>, Option<u32>),
    expected: u64,
    context: RequestContext,
) -> Result<(Outcome, Telling), EngineError> {
    let shown = engine.event(event)?;
    if shown.version().get() < expected {
        // What is not named is taken from what this node shows, which is not what was seen.
        let what = "the node is behind".to_owned();
        return Ok((Outcome::NotDone { what }, Telling::First));
    }
    let before = shown.terms();
    let terms = EventTerms {
        capacity: capacity.map_or(before.capacity, seats_of),
        seats_per_request_max: seats_per_request_max.map_or(before.seats_per_request_max, seats_of),
        ..before.clone()
    };
    let expected = Version::new(expected).expect("versions begin at 1");
    let Receipt { result: after, replay, .. } =
        engine.update_event(event, terms, expected, context).await?;
    let (capacity, available) = (after.seats().capacity, after.seats().available);
    let outcome = Outcome::Updated { version: after.version().get(), capacity, available };
    Ok((outcome, telling_of(replay)))
}

async fn block(
    engine: &Engine,
    event: &EventId,
    seats: u32,
    context: RequestContext,
) -> Result<(Outcome, Telling), EngineError> {
    let reason = Reason::new("a pillar").expect("a valid reason");
    let Receipt { version, replay, .. } =
        engine.block(event, seats_of(seats), reason, context).await?;
    Ok((Outcome::Blocked { version: version.get(), seats }, telling_of(replay)))
}

async fn unblock(
    engine: &Engine,
    event: &EventId,
    block: u64,
    context: RequestContext,
) -> Result<(Outcome, Telling), EngineError> {
    let block = Version::new(block).expect("versions begin at 1");
    let Receipt { version, replay, .. } = engine.unblock(event, block, context).await?;
    Ok((Outcome::Unblocked { version: version.get() }, telling_of(replay)))
}

fn seats_of(seats: u32) -> Seats {
    Seats::new(seats).expect("at least one seat")
}

fn refused(asked: &Asked, error: EngineError) -> Outcome {
    match error {
        EngineError::Refused(refusal) => refused_by(asked, &refusal),
        EngineError::Overloaded | EngineError::DiskFull => {
            Outcome::NotDone { what: error.to_string() }
        }
        EngineError::Unavailable => Outcome::Unknown { what: error.to_string() },
        EngineError::EventNotFound
        | EngineError::NoSuchVersion { .. }
        | EngineError::EventExists(_)
        | EngineError::TooManyEvents
        | EngineError::EventDamaged(_) => Outcome::Unexpected { what: error.to_string() },
    }
}

fn refused_by(asked: &Asked, refusal: &Refusal) -> Outcome {
    let of = |shortage: &Shortage| (shortage.available, shortage.version.get());
    match refusal {
        Refusal::NotEnoughSeats(shortage) => {
            let (available, version) = of(shortage);
            Outcome::NotEnoughSeats { available, version }
        }
        Refusal::HoldExpired(shortage) => {
            let (available, version) = of(shortage);
            Outcome::HoldExpired { available, version }
        }
        Refusal::SeatsPerRequest { .. } => Outcome::SeatsPerRequest,
        Refusal::HoldSeconds { .. } => Outcome::HoldSeconds,
        Refusal::ReservationNotFound => Outcome::ReservationNotFound,
        Refusal::AlreadyCancelled { .. } | Refusal::AlreadyExpired { .. }
            if matches!(asked, Asked::Cancel { .. }) =>
        {
            Outcome::ReservationNotFound
        }
        Refusal::AlreadyCancelled { .. } => Outcome::Stands { how: Stand::Cancelled },
        Refusal::AlreadyExpired { .. } => Outcome::Stands { how: Stand::Expired },
        Refusal::AlreadyConfirmed { .. } => Outcome::Stands { how: Stand::Confirmed },
        Refusal::NotConfirmed => Outcome::Stands { how: Stand::Held },
        Refusal::TooManyExtensions | Refusal::HeldLongEnough { .. } => Outcome::HoldLimit,
        Refusal::NotAPart { has, .. } => Outcome::NotAPart { has: *has },
        Refusal::KeyReused { .. } => Outcome::KeyReused,
        Refusal::OtherTerms { version, .. } => Outcome::OtherTerms { version: version.get() },
        Refusal::CapacityTaken { taken, version, .. } => {
            Outcome::CapacityTaken { taken: *taken, version: version.get() }
        }
        Refusal::BlockNotFound => Outcome::BlockNotFound,
        Refusal::NotOnSale { .. } | Refusal::StatusChange { .. } | Refusal::SeatsHeld { .. } => {
            Outcome::Unexpected { what: refusal.to_string() }
        }
    }
}
