//! Counting refusals, which the next change of an event carries.

use super::command::{Command, Intent, Refusal};
use super::event::Event;
use super::refused::{RefusalKind, Refused};
use super::text::PartnerId;

/// How many counts one change carries of partners by name; those of other partners it carries together.
pub const REFUSED_BY_NAME_MAX: usize = 8;

/// Counts refusals, in the order in which each was seen first.
#[derive(Debug, Clone, Default)]
pub struct RefusedCount(Vec<Refused>);

impl RefusedCount {
    /// Counts one by `event`, which is as it was when it refused, or later.
    pub fn note(&mut self, event: &Event, command: &Command, refusal: &Refusal) {
        let kind = refusal.kind();
        // Who asks once more for what is so already does not miss anything.
        if let (Intent::Confirm { .. }, RefusalKind::AlreadyConfirmed)
        | (
            Intent::Cancel { .. },
            RefusalKind::AlreadyCancelled | RefusalKind::AlreadyExpired,
        ) = (&command.intent, kind)
        {
            return;
        }
        let partner = partner_of(event, &command.intent);
        let named = self.0.iter().filter(|refused| refused.partner.is_some()).count();
        let is_known =
            |refused: &Refused| refused.kind == kind && refused.partner.as_ref() == partner;
        let has_name = self.0.iter().any(is_known) || named < REFUSED_BY_NAME_MAX;
        let partner = partner.filter(|_| has_name).cloned();
        let known = self.0.iter_mut().find(|it| it.kind == kind && it.partner == partner);
        match known {
            Some(refused) => refused.times = refused.times.saturating_add(1),
            None => self.0.push(Refused { kind, partner, times: 1 }),
        }
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What was counted, if anything.
    pub fn told(&self) -> Option<std::sync::Arc<[Refused]>> {
        (!self.0.is_empty()).then(|| self.0.as_slice().into())
    }
}

/// Whom a refusal is to: who asks for seats, or has or had those that are asked about. The event itself, and
/// a reservation that it never had, are nobody's.
fn partner_of<'a>(event: &'a Event, intent: &'a Intent) -> Option<&'a PartnerId> {
    match intent {
        Intent::Reserve { partner, .. } | Intent::Hold { partner, .. } => Some(partner),
        Intent::Confirm { reservation }
        | Intent::Extend { reservation, .. }
        | Intent::Cancel { reservation }
        | Intent::CancelPart { reservation, .. } => {
            event.reservation(*reservation).map(|reservation| &reservation.partner)
        }
        Intent::Update(_)
        | Intent::Block { .. }
        | Intent::Unblock { .. }
        | Intent::Expire { .. } => None,
    }
}
