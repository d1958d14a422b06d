//! What a client asks for next.

use std::sync::PoisonError;

use uuid::Uuid;

use super::Client;
use crate::checker::history::{Asked, Outcome};
use crate::simulation::world::SEATS_PER_REQUEST_MAX;
use ticketboss_core::domain::{Event, EventId, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, PartnerId};
use ticketboss_engine::Engine;

/// The most seats that are taken out of sale at a time.
const BLOCK_SEATS_MAX: u32 = 4;

/// Something to ask for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) event: EventId,
    pub(super) asked: Asked,
    pub(super) key: Option<Uuid>,
}

impl Client {
    /// What is asked under the same key once more: what was not answered, and now and then what was, or
    /// something else.
    pub(super) fn once_more(&self, wish: &Wish, outcome: &Outcome) -> Option<Wish> {
        wish.key?;
        let is_silence = matches!(outcome, Outcome::Unknown { .. } | Outcome::NotDone { .. });
        match self.shared.percent() {
            _ if is_silence => Some(wish.clone()),
            0..20 => Some(wish.clone()),
            20..30 => Some(Wish { asked: wish.asked.with_another_body()?, ..wish.clone() }),
            _ => None,
        }
    }

    pub(super) fn choose(&self, engine: &Engine) -> Wish {
        let (event, asked) = self.choose_anything(engine);
        let has_key =
            asked.key_scope().is_some() && self.shared.percent() < self.shared.plan.key_percent;
        Wish { event, asked, key: has_key.then(|| self.draw_uuid()) }
    }

    fn choose_anything(&self, engine: &Engine) -> (EventId, Asked) {
        let event = self.shared.pick(&self.shared.events).expect("there is an event");
        let percent = self.shared.percent();
        if percent < self.shared.plan.cancel_percent {
            return self.choose_change(event);
        }
        if percent >= 95 {
            return (event, Asked::Read);
        }
        if self.shared.percent() < self.shared.plan.terms_percent
            && let Ok(shown) = engine.event(&event)
        {
            return (event, self.choose_terms(&shown));
        }
        let seats = match self.shared.percent() {
            0 => 0,
            1 => 11,
            other => 1 + u32::try_from(other % 5).unwrap_or(0),
        };
        let partner = PartnerId::new(&format!("partner-{}", self.number % 3)).expect("a valid id");
        if self.shared.percent() < self.shared.plan.hold_percent {
            let hold_seconds = self.hold_seconds();
            return (event, Asked::Hold { partner, seats, hold_seconds });
        }
        (event, Asked::Reserve { partner, seats })
    }

    /// More seats or fewer, to sell or at a time, or some of them out of sale, or back.
    fn choose_terms(&self, event: &Event) -> Asked {
        let below =
            |most: u32| u32::try_from(self.shared.scheduler.draw()).map_or(0, |draw| draw % most);
        let newest = event.version().get();
        // Mostly he has just looked, and now and then long ago.
        let expected = match self.shared.percent() {
            0..80 => newest,
            _ => 1 + self.shared.scheduler.draw() % newest,
        };
        let capacity = event.seats().capacity;
        match self.shared.percent() {
            0..40 => {
                let capacity = Some(1 + below(capacity + capacity / 2 + 1));
                Asked::Update { capacity, seats_per_request_max: None, expected }
            }
            40..60 => {
                // Where one may take little, most of what is asked for is refused.
                let is_less = self.shared.percent() < 30;
                let most =
                    if is_less { 1 + below(SEATS_PER_REQUEST_MAX) } else { SEATS_PER_REQUEST_MAX };
                let most = Some(most);
                Asked::Update { capacity: None, seats_per_request_max: most, expected }
            }
            60..80 => Asked::Block { seats: 1 + below(BLOCK_SEATS_MAX) },
            _ => {
                let blocks = event.blocks().map(|(block, _)| block.get()).collect::<Vec<_>>();
                // Another one is of something else, or there is none.
                let block = self.shared.pick(&blocks).filter(|_| self.shared.percent() < 90);
                Asked::Unblock { block: block.unwrap_or(expected) }
            }
        }
    }

    /// Mostly times that are over soon, and now and then one that is not possible.
    fn hold_seconds(&self) -> u32 {
        match self.shared.percent() {
            0 => 0,
            1 => HOLD_SECONDS_MAX + 1,
            2..10 => HOLD_SECONDS_MAX,
            other => HOLD_SECONDS_MIN + u32::try_from(other % 20).unwrap_or(0),
        }
    }

    /// What is to become of a reservation.
    fn choose_change(&self, event: EventId) -> (EventId, Asked) {
        let gives_up = self.shared.percent() >= self.shared.plan.hold_percent;
        let (event, reservation) = self.choose_reservation(event, gives_up);
        let asked = match self.shared.percent() {
            _ if gives_up => Asked::Cancel { reservation },
            0..45 => Asked::Confirm { reservation },
            45..65 => Asked::Extend { reservation, hold_seconds: self.hold_seconds() },
            65..80 => {
                let seats = 1 + u32::try_from(self.shared.percent() % 3).unwrap_or(0);
                Asked::CancelPart { reservation, seats }
            }
            _ => Asked::Cancel { reservation },
        };
        (event, asked)
    }

    /// One of the reservations that anybody knows, also if it is cancelled already, or one that never
    /// was. Of those that are to be given up most are forgotten then.
    fn choose_reservation(&self, event: EventId, is_given_up: bool) -> (EventId, Uuid) {
        let known = {
            let mut known = self.shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            let picked = self.shared.pick(&known);
            if is_given_up && self.shared.percent() < 80 {
                known.retain(|kept| Some(kept) != picked.as_ref());
            }
            picked
        };
        let (event, bits) = match known {
            Some((event, id)) if self.shared.percent() < 98 => (event, id.to_bits()),
            // Another number in the random part: somebody guesses.
            Some((event, id)) => (event, id.to_bits() ^ 1),
            None => (event, u128::from(self.shared.scheduler.draw())),
        };
        (event, Uuid::from_u128(bits))
    }
}
