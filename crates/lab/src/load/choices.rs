//! What a client of a storm asks for next, and what it has: all of it follows from its seed and from what
//! it was told.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::Plan;
use crate::checker::history::{Asked, Outcome, Stand, Telling};
use ticketboss_core::domain::{HOLD_SECONDS_MAX, HOLD_SECONDS_MIN, PartnerId};
use ticketboss_runtime::entropy::Entropy;

/// How many reservations one client keeps in mind; what it makes beyond that, it leaves alone.
const KEPT_MAX: usize = 64 * 1024;
/// How many reservations are known to all clients at a time.
const GIVEN_AWAY_MAX: usize = 64;
/// One of so many reservations is made known to all, and one of so many changes is of one of those: some
/// are cancelled by several clients at once, and again after they are gone.
const GIVEN_AWAY_ONE_IN: u64 = 8;
/// One of so many reservations asks for no seats, which is always refused.
const NO_SEATS_ONE_IN: u64 = 128;
/// One of so many holds is to be longer than is possible, one as long as possible; the others are as short.
const STRANGE_HOLD_ONE_IN: u64 = 64;
/// The most seats of a reservation that are given up as a part of it.
const PART_SEATS_MAX: u64 = 2;
/// The most seats that are taken out of sale at a time.
const BLOCK_SEATS_MAX: u64 = 4;
/// One of so many changes of terms is by one who has looked at them long ago.
const LONG_AGO_ONE_IN: u64 = 8;
/// The most seats that one request may take, at most.
const SEATS_PER_REQUEST_MAX: u32 = 10;

/// One of so many answers under a key is asked for again, and one of so many with another body.
const ASKED_AGAIN_ONE_IN: u64 = 4;
const OTHER_BODY_ONE_IN: u64 = 16;

/// A reservation, and which of the subjects it is of.
#[derive(Debug, Clone, Copy)]
struct Kept {
    subject: usize,
    reservation: Uuid,
}

/// Reservations that any client may change.
#[derive(Debug, Default)]
pub(super) struct GivenAway(Mutex<Vec<Kept>>);

impl GivenAway {
    /// Takes one in; where there are enough, another goes for it.
    fn put(&self, kept: Kept, choice: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < GIVEN_AWAY_MAX {
            all.push(kept);
        } else if let Some(other) = all.get_mut(place(choice, GIVEN_AWAY_MAX)) {
            *other = kept;
        }
    }

    fn any(&self, choice: u64) -> Option<Kept> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(place(choice, all.len())).copied()
    }
}

/// A place in a list of that length.
fn place(choice: u64, length: usize) -> usize {
    usize::try_from(choice).unwrap_or(0) % length.max(1)
}

/// Something to ask for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Which of the subjects it is about.
    pub(super) subject: usize,
    pub(super) asked: Asked,
    pub(super) key: Option<Uuid>,
    whose: Whose,
    turn: Turn,
}

/// Whether it is asked for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It is, or nobody knows what came of it before.
    First,
    /// There was an answer under its key.
    AfterAnswer,
}

/// Whose reservation it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The client's own, or none. It does not have it while it asks.
    Own,
    Everybodys,
}

/// What one client has, and where its choices come from.
#[derive(Debug)]
pub(super) struct Choices {
    partner: PartnerId,
    random: Entropy,
    has: Vec<Kept>,
    /// The newest version of each subject that it was told.
    seen: Vec<u64>,
    /// The blocks that it has made, and of which subject.
    blocks: Vec<(usize, u64)>,
    /// What is to be asked under the same key once more.
    again: Option<Wish>,
}

impl Choices {
    pub(super) fn new(number: u32, seed: u64) -> Self {
        let partner = PartnerId::new(&format!("stress-{number}"));
        Self {
            partner: partner.expect("it is neither blank nor long"),
            random: Entropy::seeded(seed.wrapping_add(u64::from(number) << 32)),
            has: Vec::new(),
            seen: Vec::new(),
            blocks: Vec::new(),
            again: None,
        }
    }

    /// What to ask for next.
    pub(super) fn next(&mut self, plan: &Plan, given_away: &GivenAway) -> Wish {
        if let Some(again) = self.again.take() {
            return again;
        }
        let wish = self.anything(plan, given_away);
        let has_key = wish.asked.key_scope().is_some() && self.percent() < plan.key_percent;
        // Drawn from the system, as the ids of requests are: a seed may be used again.
        let key = has_key.then(|| Uuid::from_u128(Entropy::System.request_id().0));
        Wish { key, ..wish }
    }

    fn anything(&mut self, plan: &Plan, given_away: &GivenAway) -> Wish {
        let percent = self.percent();
        if percent < plan.read_percent {
            return self.wish(plan, Asked::Read);
        }
        if self.percent() < plan.terms_percent
            && let Some(terms) = self.terms(plan)
        {
            return terms;
        }
        if percent < plan.read_percent + plan.cancel_percent
            && let Some(change) = self.change(plan, given_away)
        {
            return change;
        }
        let seats = if self.is_one_in(NO_SEATS_ONE_IN) {
            0
        } else {
            1 + self.below(u64::from(plan.seats_max.max(1)))
        };
        let partner = self.partner.clone();
        if self.percent() < plan.hold_percent {
            let hold_seconds = self.hold_seconds();
            return self.wish(plan, Asked::Hold { partner, seats, hold_seconds });
        }
        self.wish(plan, Asked::Reserve { partner, seats })
    }

    fn wish(&self, plan: &Plan, asked: Asked) -> Wish {
        let subject = place(self.draw(), plan.subjects.len());
        Wish { subject, asked, key: None, whose: Whose::Own, turn: Turn::First }
    }

    /// Other terms, or seats out of sale, or back; nothing where that is not possible.
    fn terms(&mut self, plan: &Plan) -> Option<Wish> {
        let wish = self.wish(plan, Asked::Read);
        let seats = plan.subjects.get(wish.subject)?.seats?;
        let seen = self.seen.get(wish.subject).copied().unwrap_or(0).max(1);
        let expected = if self.is_one_in(LONG_AGO_ONE_IN) { 1 } else { seen };
        let asked = match self.percent() {
            0..40 => {
                // About as many as at first: a full event has fewer now and then, or cannot have.
                let fewer = (seats - seats / 4).max(1);
                let capacity = Some(fewer + self.below(u64::from(seats / 2 + 1)));
                Asked::Update { capacity, seats_per_request_max: None, expected }
            }
            40..50 => {
                let least = plan.seats_max.max(1);
                let more = self.below(u64::from(SEATS_PER_REQUEST_MAX.saturating_sub(least)) + 1);
                let seats_per_request_max = Some(least + more);
                Asked::Update { capacity: None, seats_per_request_max, expected }
            }
            50..75 => Asked::Block { seats: 1 + self.below(BLOCK_SEATS_MAX) },
            _ => return self.unblock(&wish),
        };
        Some(Wish { asked, ..wish })
    }

    /// To put seats back; every other time once more.
    fn unblock(&mut self, wish: &Wish) -> Option<Wish> {
        let place = place(self.draw(), self.blocks.len());
        let (subject, block) = *self.blocks.get(place)?;
        if self.is_one_in(2) {
            self.blocks.swap_remove(place);
        }
        Some(Wish { subject, asked: Asked::Unblock { block }, ..wish.clone() })
    }

    /// Mostly as short as possible, so that some end while the storm lasts.
    fn hold_seconds(&self) -> u32 {
        match self.draw() % STRANGE_HOLD_ONE_IN {
            0 => HOLD_SECONDS_MAX + 1,
            1 => HOLD_SECONDS_MAX,
            _ => HOLD_SECONDS_MIN,
        }
    }

    /// Something that can become of a reservation: of one of its own, or of one of everybody's.
    fn change(&mut self, plan: &Plan, given_away: &GivenAway) -> Option<Wish> {
        let everybodys = self.is_one_in(GIVEN_AWAY_ONE_IN).then(|| given_away.any(self.draw()));
        let (kept, whose) = if let Some(kept) = everybodys.flatten() {
            (kept, Whose::Everybodys)
        } else {
            let place = place(self.draw(), self.has.len());
            let is_there = place < self.has.len();
            (is_there.then(|| self.has.swap_remove(place))?, Whose::Own)
        };
        let Kept { subject, reservation } = kept;
        let is_given_up = self.percent() >= plan.hold_percent;
        let asked = match self.percent() {
            _ if is_given_up => Asked::Cancel { reservation },
            0..45 => Asked::Confirm { reservation },
            45..65 => Asked::Extend { reservation, hold_seconds: self.hold_seconds() },
            65..80 => Asked::CancelPart { reservation, seats: 1 + self.below(PART_SEATS_MAX) },
            _ => Asked::Cancel { reservation },
        };
        Some(Wish { subject, asked, key: None, whose, turn: Turn::First })
    }

    /// Keeps what was made, and what may still be there after something was asked about it; and decides
    /// what is asked for once more.
    pub(super) fn learn(
        &mut self,
        wish: &Wish,
        outcome: &Outcome,
        telling: Telling,
        given_away: &GivenAway,
    ) {
        self.see(wish.subject, outcome);
        let is_silence = matches!(outcome, Outcome::Unknown { .. } | Outcome::NotDone { .. });
        if wish.key.is_some() && is_silence {
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
        if wish.whose == Whose::Everybodys {
            return;
        }
        let kept = Kept { subject: wish.subject, reservation };
        if self.is_one_in(GIVEN_AWAY_ONE_IN) {
            given_away.put(kept, self.draw());
        }
        if self.has.len() < KEPT_MAX {
            self.has.push(kept);
        }
    }

    fn see(&mut self, subject: usize, outcome: &Outcome) {
        if let Some(version) = outcome.version_told() {
            if self.seen.len() <= subject {
                self.seen.resize(subject + 1, 0);
            }
            let seen = self.seen.iter_mut().skip(subject).take(1);
            seen.for_each(|seen| *seen = version.max(*seen));
        }
        if let Outcome::Blocked { version, .. } = outcome
            && self.blocks.len() < KEPT_MAX
            && self.blocks.last() != Some(&(subject, *version))
        {
            self.blocks.push((subject, *version));
        }
    }

    /// The same under the same key, or something else, now and then.
    fn once_more(&self, wish: &Wish) -> Option<Wish> {
        let same = Wish { turn: Turn::AfterAnswer, ..wish.clone() };
        if self.is_one_in(ASKED_AGAIN_ONE_IN) {
            return Some(same);
        }
        self.is_one_in(OTHER_BODY_ONE_IN)
            .then(|| wish.asked.with_another_body())
            .flatten()
            .map(|asked| Wish { asked, ..same })
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
