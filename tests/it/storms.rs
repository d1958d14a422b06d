//! The storm that the rigs send against the program, and how it is judged.

use std::path::Path;

use ticketboss_lab::client::{Client, Subject, Target};
use ticketboss_lab::load::{LoadPlan, Raging, Storm, WhenGone};
use tokio::runtime::Runtime;

use crate::program::Serving;
use crate::support::event_id;

/// The events, and how many seats each has: one that is sold out at once, one that is in time, one that
/// never is.
const EVENTS: [(&str, u32); 3] = [("small", 100), ("middle", 2_000), ("large", 1_000_000_000)];
const CLIENTS: u32 = 8;

/// Writes the events down for `serve --seed-event`.
pub(crate) fn write_events(file: &Path) {
    let event = |(id, seats): &(&str, u32)| serde_json::json!({ "eventId": id, "name": "An event", "totalSeats": seats });
    let events = EVENTS.iter().map(event).collect::<serde_json::Value>();
    std::fs::write(file, events.to_string()).unwrap();
}

/// Clients over all events, who wait for a server that is gone.
pub(crate) fn storm(seed: u64) -> Storm {
    Storm::new(LoadPlan {
        clients: CLIENTS,
        subjects: EVENTS.map(|(id, seats)| Subject::of(event_id(id)).with_seats(seats)).to_vec(),
        seed,
        cancel_percent: 40,
        hold_percent: 30,
        key_percent: 30,
        terms_percent: 2,
        read_percent: 10,
        seats_max: 4,
        when_gone: WhenGone::Wait,
    })
}

/// Where clients find a server.
pub(crate) fn target_of(server: &Serving) -> Target {
    Target::parse(&format!("http://{}", server.address)).unwrap()
}

/// What is missing of what a client was told, by the versions; the rest is for the judge. An event that
/// cannot be looked at is missing.
pub(crate) fn find_lost(runtime: &Runtime, raging: &Raging, target: &Target) -> Option<String> {
    let lost = |(place, (id, _)): (usize, &(&str, u32))| {
        // Looked up first: an answer of the server before may still be on its way.
        let told = raging.acknowledged_version(place);
        let looked_at = runtime.block_on(async {
            let mut client = Client::new();
            client.connect(target).await?;
            client.summary(Some(&Subject::of(event_id(id)))).await
        });
        match looked_at {
            Ok(summary) if summary.version >= told => None,
            Ok(summary) => Some(format!("{id} is at {}, told was {told}", summary.version)),
            Err(why) => Some(format!("{id}: {why}")),
        }
    };
    EVENTS.iter().enumerate().find_map(lost)
}
