//! Changing the terms of an event.

use ticketboss_core::domain::{EventNumber, Fact, Intent, Timestamp};

use crate::support::{command, created, event_id, terms};

#[test]
fn an_update_keeps_the_id_of_the_event() {
    let (mut event, _) = created(EventNumber(1), terms("node-meetup", 10), 0);
    let update = command(Intent::Update(Box::new(terms("another", 20))));
    let change = event.decide(&update, Timestamp(0)).unwrap().into_change().unwrap();
    assert_eq!(change.fact, Fact::EventUpdated(terms("node-meetup", 20)));
    event.apply(&change);
    assert_eq!((event.id(), event.terms()), (&event_id("node-meetup"), &terms("node-meetup", 20)));
}
