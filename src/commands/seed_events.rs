//! The events that are there from the first start on: that of the seed, or those that a file says.

use std::path::Path;

use serde::Deserialize;

use ticketboss_core::domain::{EventId, EventName, EventTerms, Seats};
use ticketboss_runtime::terminal::Failure;

/// The event of the seed; it ships as an example, too.
const NODE_MEETUP: &str = include_str!("../../data/node-meetup-2025.json");
const SEATS_PER_REQUEST_MAX: u32 = 10;
/// How many events one file may say.
const EVENTS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EventFile {
    event_id: String,
    name: String,
    total_seats: u32,
    #[serde(default = "usual_seats_per_request_max")]
    seats_per_request_max: u32,
}

fn usual_seats_per_request_max() -> u32 {
    SEATS_PER_REQUEST_MAX
}

/// The events that a start creates.
#[derive(Debug)]
pub(super) enum SeedEvents {
    /// This one, where there is no event at all.
    First(EventTerms),
    /// Each of these that is not there, in this order. So a start goes on where one was killed.
    Missing(Vec<EventTerms>),
}

/// Reads the terms of the events, from `file` if there is one.
pub(super) fn read(file: Option<&Path>) -> Result<SeedEvents, Failure> {
    let Some(file) = file else {
        let terms = serde_json::from_str::<EventFile>(NODE_MEETUP)?;
        return Ok(SeedEvents::First(terms_of(&terms)?));
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let terms = parse(&text).map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(SeedEvents::Missing(terms))
}

/// Reads one event, or an array of events.
fn parse(text: &str) -> Result<Vec<EventTerms>, Failure> {
    let is_array = text.trim_start().starts_with('[');
    let read: Vec<EventFile> =
        if is_array { serde_json::from_str(text)? } else { vec![serde_json::from_str(text)?] };
    if read.is_empty() || read.len() > EVENTS_MAX {
        return Err(format!("{} events; it may say 1 to {EVENTS_MAX}", read.len()).into());
    }
    let mut all: Vec<EventTerms> = Vec::with_capacity(read.len());
    for (place, event) in read.iter().enumerate() {
        let which = if is_array { format!("event {}: ", place + 1) } else { String::new() };
        let terms = terms_of(event).map_err(|why| format!("{which}{why}"))?;
        if all.iter().any(|other| other.id == terms.id) {
            return Err(format!("{which}there is an event {} before it", terms.id).into());
        }
        all.push(terms);
    }
    Ok(all)
}

fn terms_of(read: &EventFile) -> Result<EventTerms, Failure> {
    Ok(EventTerms::on_sale(
        EventId::new(&read.event_id).map_err(|invalid| format!("eventId {invalid}"))?,
        EventName::new(&read.name).map_err(|invalid| format!("name {invalid}"))?,
        Seats::new(read.total_seats).ok_or("totalSeats must be at least 1")?,
        Seats::new(read.seats_per_request_max).ok_or("seatsPerRequestMax must be at least 1")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_event_is_the_seeds() {
        let Ok(SeedEvents::First(terms)) = read(None) else {
            panic!("it is one event, for where there is none");
        };
        assert_eq!(terms.id.as_str(), "node-meetup-2025");
        assert_eq!(terms.name.as_str(), "Node.js Tech Meet-up");
        assert_eq!((terms.capacity.get(), terms.seats_per_request_max.get()), (500, 10));
    }

    #[test]
    fn a_file_says_one_event_or_several_in_order() {
        let ids = |text| {
            let all = parse(text).unwrap();
            all.iter().map(|terms| terms.id.to_string()).collect::<Vec<_>>()
        };
        let a = r#"{"eventId":"a","name":"A","totalSeats":1}"#;
        let b = r#"{"eventId":"b","name":"B","totalSeats":2,"seatsPerRequestMax":2}"#;
        assert_eq!(ids(a), ["a"]);
        assert_eq!(ids(&format!("\n [{b}, {a}]\n")), ["b", "a"]);
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_its_reason() {
        let why = |text: &str| parse(text).unwrap_err().to_string();
        let zero = r#"{"eventId":"a","name":"b","totalSeats":0}"#;
        assert_eq!(why(zero), "totalSeats must be at least 1");
        let unknown = r#"{"eventId":"a","name":"b","totalSeats":1,"seats":1}"#;
        assert!(why(unknown).contains("unknown field `seats`"));
        let id = r#"{"eventId":"A b","name":"b","totalSeats":1}"#;
        assert_eq!(why(id), "eventId may have the letters a-z, digits, '-' and '_' only");
        let good = r#"{"eventId":"a","name":"b","totalSeats":1}"#;
        assert_eq!(why(&format!("[{good},{zero}]")), "event 2: totalSeats must be at least 1");
        assert_eq!(why(&format!("[{good},{good}]")), "event 2: there is an event a before it");
        assert_eq!(why("[]"), "0 events; it may say 1 to 1000");
    }
}
