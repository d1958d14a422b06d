//! Asks the engine as the HTTP floor does, and says what came of it.

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

pub(super) async fn answer(
    engine: &Engine,
    event: &EventId,
    wish: &Wish,
    request: RequestId,
) -> (Outcome, Telling) {
    let asked = &wish.asked;
    let asking = RequestContext { key: key_of(event, wish), ..request.into() };
    let answered = match asked {
        Asked::Read | Asked::Update { .. } | Asked::Block { .. } | Asked::Unblock { .. } => {
            let told = of_event(engine, event, asked, asking).await;
            return told.unwrap_or_else(|error| (refused(asked, error), Telling::First));
        }
        Asked::Reserve { partner, seats } => {
            engine.reserve(event, partner.clone(), *seats, asking).await
        }
        Asked::Hold { partner, seats, hold_seconds } => {
            engine.hold(event, partner.clone(), *seats, *hold_seconds, asking).await
        }
        Asked::Confirm { reservation }
        | Asked::Extend { reservation, .. }
        | Asked::Cancel { reservation }
        | Asked::CancelPart { reservation, .. } => {
            let Some(id) = ReservationId::from_bits(reservation.as_u128()) else {
                return (Outcome::ReservationNotFound, Telling::First);
            };
            match asked {
                Asked::Confirm { .. } => engine.confirm(id, asking).await,
                Asked::Extend { hold_seconds, .. } => {
                    engine.extend(id, *hold_seconds, asking).await
                }
                Asked::CancelPart { seats, .. } => {
                    let seats = Seats::new(*seats).expect("nobody gives up no seats");
                    engine.cancel_part(id, seats, asking).await
                }
                _ => engine.cancel(id, asking).await,
            }
        }
    };
    match answered {
        Ok(reserved) => {
            let telling = telling_of(reserved.replay);
            (told(asked, &reserved), telling)
        }
        Err(error) => (refused(asked, error), Telling::First),
    }
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
        _ => 0,
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

/// Asks about the event itself.
async fn of_event(
    engine: &Engine,
    event: &EventId,
    asked: &Asked,
    asking: RequestContext,
) -> Result<(Outcome, Telling), EngineError> {
    let seats_of = |seats| Seats::new(seats).expect("nobody asks for an event without seats");
    match asked {
        Asked::Update { capacity, seats_per_request_max, expected } => {
            let shown = engine.event(event)?;
            if shown.version().get() < *expected {
                // What is not named is taken from what this node shows, which is not what was seen.
                let what = "the node is behind".to_owned();
                return Ok((Outcome::NotDone { what }, Telling::First));
            }
            let before = shown.terms();
            let terms = EventTerms {
                capacity: capacity.map_or(before.capacity, seats_of),
                seats_per_request_max: seats_per_request_max
                    .map_or(before.seats_per_request_max, seats_of),
                ..before.clone()
            };
            let expected = Version::new(*expected).expect("nobody expects version 0");
            let Receipt { result: after, replay, .. } =
                engine.update_event(event, terms, expected, asking).await?;
            let (capacity, available) = (after.seats().capacity, after.seats().available);
            let outcome = Outcome::Updated { version: after.version().get(), capacity, available };
            Ok((outcome, telling_of(replay)))
        }
        Asked::Block { seats } => {
            let reason = Reason::new("a pillar").expect("a valid reason");
            let Receipt { version, replay, .. } =
                engine.block(event, seats_of(*seats), reason, asking).await?;
            let outcome = Outcome::Blocked { version: version.get(), seats: *seats };
            Ok((outcome, telling_of(replay)))
        }
        Asked::Unblock { block } => {
            let block = Version::new(*block).expect("nobody asks for block 0");
            let Receipt { version, replay, .. } = engine.unblock(event, block, asking).await?;
            Ok((Outcome::Unblocked { version: version.get() }, telling_of(replay)))
        }
        _ => {
            let event = engine.event(event)?;
            let outcome = Outcome::Read {
                version: event.version().get(),
                available: event.seats().available,
                reservations: event.live_reservations(),
            };
            Ok((outcome, Telling::First))
        }
    }
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
