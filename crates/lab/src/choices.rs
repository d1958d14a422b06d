//! What a client asks for next, and what it knows: all of it follows from its seed and from the answers.
//! The load generator and the simulation choose by it.
//!
//! It must not know: how a request is sent, and what a history is judged by.

mod knowledge;
mod mix;

use std::sync::Arc;

use uuid::Uuid;

pub(crate) use self::knowledge::SharedKnowledge;
use self::knowledge::{Afterwards, KnownBlock, KnownReservation, place};
pub(crate) use self::mix::{Extremes, Mix};
use crate::checker::history::{Asked, Outcome, Stand, Telling};
use ticketboss_core::domain::{HOLD_SECONDS_MIN, PartnerId};
use ticketboss_runtime::entropy::Entropy;

/// How many reservations one client keeps in mind; what it makes beyond that, it leaves alone.
const KEPT_MAX: usize = 64 * 1024;
/// One of so many reservations is of each of the extreme numbers of seats, and one of so many holds of
/// each of the extreme lengths.
const EXTREME_ONE_IN: u64 = 64;
/// The most seats of a reservation that are given up as a part of it.
const PART_SEATS_MAX: u64 = 3;
/// The most seats that are taken out of sale at a time.
const BLOCK_SEATS_MAX: u64 = 4;
/// One of so many changes of terms rests on a version of long ago.
const LONG_AGO_ONE_IN: u64 = 6;
/// One of so many changes of the limit for each request is to any possible one; the others are to the most.
const ANY_LIMIT_ONE_IN: u64 = 2;

/// Something to ask for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Which of the subjects it is about.
    pub(crate) subject: usize,
    pub(crate) asked: Asked,
    pub(crate) key: Option<Uuid>,
    source: Source,
    turn: Turn,
}

/// Where the reservation that it is about is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The client's own, or none. The client does not have it while it asks.
    Own,
    /// All clients know it.
    Shared,
}

/// Whether it is asked for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It is, or what came of it before is not known.
    First,
    /// There was an answer under its key.
    AfterAnswer,
}

/// What one client knows, and where its choices come from.
#[derive(Debug)]
pub(crate) struct Choices {
    partner: PartnerId,
    mix: Mix,
    /// Where choices come from.
    random: Entropy,
    /// Where keys come from: where a seed may be used again on one ledger, from somewhere else.
    keys: Entropy,
    shared: Arc<SharedKnowledge>,
    has: Vec<KnownReservation>,
    /// The newest version of each subject that an answer has named.
    seen: Vec<u64>,
    /// What is to be asked under the same key once more.
    again: Option<Wish>,
}

impl Choices {
    pub(crate) fn new(
        partner: PartnerId,
        mix: Mix,
        random: Entropy,
        keys: Entropy,
        shared: Arc<SharedKnowledge>,
    ) -> Self {
        let seen = vec![1; shared.subject_count()];
        Self { partner, mix, random, keys, shared, has: Vec::new(), seen, again: None }
    }

    /// Chooses what to ask for next.
    pub(crate) fn next(&mut self) -> Wish {
        if let Some(again) = self.again.take() {
            return again;
        }
        let wish = self.anything();
        let has_key = wish.asked.key_scope().is_some() && self.percent() < self.mix.key_percent;
        let key = has_key.then(|| Uuid::from_u128(self.keys.request_id().0));
        Wish { key, ..wish }
    }

    fn anything(&mut self) -> Wish {
        let percent = self.percent();
        if percent < self.mix.read_percent {
            return self.wish(Asked::Read);
        }
        if self.percent() < self.mix.terms_percent
            && let Some(terms) = self.terms()
        {
            return terms;
        }
        if percent < self.mix.read_percent + self.mix.cancel_percent
            && let Some(change) = self.change()
        {
            return change;
        }
        let partner = self.partner.clone();
        let seats = self.seats();
        if self.percent() < self.mix.hold_percent {
            let hold_seconds = self.hold_seconds();
            return self.wish(Asked::Hold { partner, seats, hold_seconds });
        }
        self.wish(Asked::Reserve { partner, seats })
    }

    fn wish(&self, asked: Asked) -> Wish {
        let subject = place(self.draw(), self.shared.subject_count());
        Wish { subject, asked, key: None, source: Source::Own, turn: Turn::First }
    }

    fn seats(&self) -> u32 {
        let extreme = self.extreme(self.mix.extremes.seats);
        extreme.unwrap_or_else(|| 1 + self.below(self.mix.seats_max.max(1).into()))
    }

    /// Mostly so short that some holds end during the run.
    fn hold_seconds(&self) -> u32 {
        let Extremes { hold_seconds, hold_spread_seconds, .. } = self.mix.extremes;
        let extreme = self.extreme(hold_seconds);
        let usual = || HOLD_SECONDS_MIN + self.below(u64::from(hold_spread_seconds) + 1);
        extreme.unwrap_or_else(usual)
    }

    /// Other terms, or seats out of sale, or back; nothing where the capacity is not known.
    fn terms(&self) -> Option<Wish> {
        let wish = self.wish(Asked::Read);
        let initial_seats = self.shared.initial_seats(wish.subject)?;
        let newest = self.seen.get(wish.subject).copied().unwrap_or(1);
        let expected =
            if self.is_one_in(LONG_AGO_ONE_IN) { 1 + self.draw() % newest } else { newest };
        let asked = match self.percent() {
            0..40 => {
                let capacity = Some(self.capacity(initial_seats));
                Asked::Update { capacity, seats_per_request_max: None, expected }
            }
            40..55 => {
                let seats_per_request_max = Some(self.seats_per_request_max());
                Asked::Update { capacity: None, seats_per_request_max, expected }
            }
            55..78 => Asked::Block { seats: 1 + self.below(BLOCK_SEATS_MAX) },
            _ => {
                let KnownBlock { subject, block } = self.block(wish.subject, expected);
                return Some(Wish { subject, asked: Asked::Unblock { block }, ..wish });
            }
        };
        Some(Wish { asked, ..wish })
    }

    fn capacity(&self, initial_seats: u32) -> u32 {
        let (least, most) = self.mix.extremes.capacity_percent;
        let percent = least + self.draw() % (most - least + 1);
        u32::try_from(u64::from(initial_seats) * percent / 100).unwrap_or(u32::MAX).max(1)
    }

    fn seats_per_request_max(&self) -> u32 {
        let (least, most) = self.mix.extremes.seats_per_request;
        let is_any = self.is_one_in(ANY_LIMIT_ONE_IN);
        if is_any { least + self.below(u64::from(most.saturating_sub(least)) + 1) } else { most }
    }

    /// Seats to put back, every other time once more; where no block is known, a version that may be none.
    fn block(&self, subject: usize, version: u64) -> KnownBlock {
        let choice = self.draw();
        let then = if self.is_one_in(2) { Afterwards::Forgotten } else { Afterwards::Kept };
        let known = self.shared.block(choice, then);
        known.unwrap_or(KnownBlock { subject, block: version })
    }

    /// Something that can become of a reservation: of the client's own, or of one that all know.
    fn change(&mut self) -> Option<Wish> {
        let is_given_up = self.percent() >= self.mix.hold_percent;
        let is_shared = self.is_one_in(self.mix.extremes.shared_one_in);
        let is_forgotten = is_given_up && self.percent() < self.mix.extremes.forgotten_percent;
        let then = if is_forgotten { Afterwards::Forgotten } else { Afterwards::Kept };
        let shared = is_shared.then(|| self.shared.reservation(self.draw(), then));
        let (known, source) = match shared.flatten() {
            Some(known) => (self.guessed_now_and_then(known), Source::Shared),
            None => (self.take_own()?, Source::Own),
        };
        let KnownReservation { subject, reservation } = known;
        let asked = match self.percent() {
            _ if is_given_up => Asked::Cancel { reservation },
            0..45 => Asked::Confirm { reservation },
            45..65 => Asked::Extend { reservation, hold_seconds: self.hold_seconds() },
            65..80 => Asked::CancelPart { reservation, seats: 1 + self.below(PART_SEATS_MAX) },
            _ => Asked::Cancel { reservation },
        };
        Some(Wish { subject, asked, key: None, source, turn: Turn::First })
    }

    fn take_own(&mut self) -> Option<KnownReservation> {
        let place = place(self.draw(), self.has.len());
        (place < self.has.len()).then(|| self.has.swap_remove(place))
    }

    /// The same, or one of another random part.
    fn guessed_now_and_then(&self, known: KnownReservation) -> KnownReservation {
        if self.percent() >= self.mix.extremes.guess_percent {
            return known;
        }
        KnownReservation { reservation: Uuid::from_u128(known.reservation.as_u128() ^ 1), ..known }
    }

    /// Keeps what was made, and what may still be there after something was asked about it; and decides
    /// what is asked for once more.
    pub(crate) fn learn(&mut self, wish: &Wish, outcome: &Outcome, telling: Telling) {
        self.see(wish.subject, outcome);
        let is_unanswered = matches!(outcome, Outcome::Unknown { .. } | Outcome::NotDone { .. });
        if wish.key.is_some() && is_unanswered {
            self.again = Some(wish.clone());
            return;
        }
        if wish.key.is_some() {
            self.again = self.once_more(wish);
        }
        let reservation = match (&wish.asked, outcome) {
            // It is kept already.
            _ if wish.turn == Turn::AfterAnswer && telling == Telling::Again => return,
            (_, Outcome::Reserved { reservation, .. } | Outcome::Held { reservation, .. }) => {
                *reservation
            }
            // It may be cancelled or not, so it is worth another try.
            (Asked::Cancel { reservation }, Outcome::Unknown { .. }) => *reservation,
            (
                Asked::Confirm { reservation }
                | Asked::Extend { reservation, .. }
                | Asked::CancelPart { reservation, .. },
                outcome,
            ) if wish.turn == Turn::First && !is_gone(outcome) => *reservation,
            _ => return,
        };
        if wish.source == Source::Shared {
            return;
        }
        let known = KnownReservation { subject: wish.subject, reservation };
        if self.is_one_in(self.mix.extremes.shared_one_in) {
            self.shared.add_reservation(known, self.draw());
        }
        if self.has.len() < KEPT_MAX {
            self.has.push(known);
        }
    }

    fn see(&mut self, subject: usize, outcome: &Outcome) {
        if let Some((version, seen)) = outcome.version_told().zip(self.seen.get_mut(subject)) {
            *seen = version.max(*seen);
        }
        if let Outcome::Blocked { version, .. } = outcome {
            self.shared.add_block(KnownBlock { subject, block: *version }, self.draw());
        }
    }

    /// The same under the same key, or something else, now and then.
    fn once_more(&self, wish: &Wish) -> Option<Wish> {
        let same = Wish { turn: Turn::AfterAnswer, ..wish.clone() };
        match self.percent() {
            0..22 => Some(same),
            22..29 => Some(Wish { asked: wish.asked.with_another_body()?, ..same }),
            _ => None,
        }
    }

    /// Now and then one of `extremes`.
    fn extreme(&self, extremes: &[u32]) -> Option<u32> {
        extremes.get(usize::try_from(self.draw() % EXTREME_ONE_IN).ok()?).copied()
    }

    fn percent(&self) -> u64 {
        self.draw() % 100
    }

    fn is_one_in(&self, many: u64) -> bool {
        self.draw().is_multiple_of(many)
    }

    fn below(&self, most: u64) -> u32 {
        u32::try_from(self.draw() % most).unwrap_or(0)
    }

    fn draw(&self) -> u64 {
        self.random.nonce().get()
    }
}

/// Whether a reservation has no seats any more; of a hold whose time is up, they may be still there.
fn is_gone(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Stands { how: Stand::Cancelled }
            | Outcome::HoldExpired { .. }
            | Outcome::ReservationNotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIX: Mix = Mix {
        read_percent: 5,
        terms_percent: 5,
        cancel_percent: 40,
        hold_percent: 30,
        key_percent: 50,
        seats_max: 4,
        extremes: Extremes {
            seats: &[0],
            hold_seconds: &[],
            hold_spread_seconds: 0,
            capacity_percent: (75, 125),
            seats_per_request: (4, 10),
            shared_one_in: 2,
            forgotten_percent: 80,
            guess_percent: 2,
        },
    };

    fn choices(seed: u64) -> Choices {
        let random = Entropy::seeded(seed);
        let shared = Arc::new(SharedKnowledge::of([Some(100), None], 8));
        Choices::new(PartnerId::new("acme").unwrap(), MIX, random.clone(), random, shared)
    }

    /// What is asked for one after the other, where every reservation succeeds and all else is refused.
    fn asked(mut choices: Choices) -> Vec<(usize, Asked, Option<Uuid>)> {
        let mut ask = |number: u64| {
            let wish = choices.next();
            let outcome = match wish.asked {
                Asked::Reserve { seats, .. } => {
                    let reservation = Uuid::from_u128(number.into());
                    Outcome::Reserved { reservation, seats, version: number }
                }
                _ => Outcome::KeyReused,
            };
            choices.learn(&wish, &outcome, Telling::First);
            (wish.subject, wish.asked, wish.key)
        };
        (1..=500).map(&mut ask).collect()
    }

    #[test]
    fn choices_follow_from_the_seed() {
        assert_eq!(asked(choices(7)), asked(choices(7)));
        assert_ne!(asked(choices(7)), asked(choices(8)));
    }

    #[test]
    fn what_has_a_key_is_asked_again_until_there_is_an_answer() {
        let mut choices = choices(7);
        let wish = std::iter::repeat_with(|| choices.next()).find(|wish| wish.key.is_some());
        let wish = wish.unwrap();
        for _ in 0..9 {
            let unknown = Outcome::Unknown { what: "reset".to_owned() };
            choices.learn(&wish, &unknown, Telling::First);
            let again = choices.next();
            assert_eq!((&again.asked, again.key), (&wish.asked, wish.key));
        }
    }
}
