//! Statistics count a limited number of partners by name.

use ticketboss_core::domain::statistics::PARTNERS_MAX;
use ticketboss_core::domain::{
    Event, EventNumber, Outcome, PartnerId, Statistics, Timestamp, Version,
};

use crate::support::{created, partner, reserve, terms};

/// Reserves a seat for a partner and counts the change.
fn sell(event: &mut Event, statistics: &mut Statistics, to: &PartnerId) {
    let nonce = event.version().get();
    let decision = event.decide(&reserve(to, 1, nonce), Timestamp(0)).unwrap();
    let change = decision.into_change().unwrap();
    event.apply(&change);
    statistics.note(event, &change);
}

#[test]
fn of_too_many_partners_the_first_are_counted_by_name() {
    let (mut event, _) = created(EventNumber(1), terms("a", 1_000_000), 0);
    let mut statistics = Statistics::new(Version::FIRST, 1_000, None);
    let name = |number: usize| partner(&format!("partner-{number}"));
    for number in 0..PARTNERS_MAX {
        sell(&mut event, &mut statistics, &name(number));
    }
    assert_eq!(statistics.by_partner.len(), PARTNERS_MAX);
    assert_eq!(statistics.others.count(Outcome::Reserved).reservations, 0);

    // Two more partners, one of them twice, and one that is counted by name already.
    for number in [PARTNERS_MAX, PARTNERS_MAX + 1, PARTNERS_MAX, 7] {
        sell(&mut event, &mut statistics, &name(number));
    }
    assert_eq!(statistics.by_partner.len(), PARTNERS_MAX);
    assert!(!statistics.by_partner.contains_key(&name(PARTNERS_MAX)));
    let known = &statistics.by_partner[&name(7)];
    assert_eq!(known.count(Outcome::Reserved).seats, 2);
    assert_eq!(statistics.others.count(Outcome::Reserved).reservations, 3);
    let total = statistics.total.count(Outcome::Reserved);
    assert_eq!(
        (total.reservations, total.seats),
        (PARTNERS_MAX as u64 + 4, PARTNERS_MAX as u64 + 4)
    );
}
