//! The event that is there from the first start on, as the seed had it, or as a file says.

use std::path::Path;

use serde::Deserialize;

use super::Failure;
use crate::domain::{EventId, EventName, EventTerms, Seats};

/// The event of the seed; it ships as an example, too.
const NODE_MEETUP: &str = include_str!("../../data/node-meetup-2025.json");
const SEATS_PER_REQUEST_MAX: u32 = 10;

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

/// Reads the terms of the first event, from `file` if there is one.
pub(super) fn read(file: Option<&Path>) -> Result<EventTerms, Failure> {
    let Some(file) = file else {
        return parse(NODE_MEETUP);
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    parse(&text).map_err(|why| format!("{}: {why}", file.display()).into())
}

fn parse(text: &str) -> Result<EventTerms, Failure> {
    let read: EventFile = serde_json::from_str(text)?;
    Ok(EventTerms {
        id: EventId::new(&read.event_id).map_err(|invalid| format!("eventId {invalid}"))?,
        name: EventName::new(&read.name).map_err(|invalid| format!("name {invalid}"))?,
        capacity: Seats::new(read.total_seats).ok_or("totalSeats must be at least 1")?,
        seats_per_request_max: Seats::new(read.seats_per_request_max)
            .ok_or("seatsPerRequestMax must be at least 1")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_event_is_the_seeds() {
        let terms = read(None).unwrap();
        assert_eq!(terms.id.as_str(), "node-meetup-2025");
        assert_eq!(terms.name.as_str(), "Node.js Tech Meet-up");
        assert_eq!((terms.capacity.get(), terms.seats_per_request_max.get()), (500, 10));
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_its_reason() {
        let why = |text| parse(text).unwrap_err().to_string();
        let zero = r#"{"eventId":"a","name":"b","totalSeats":0}"#;
        assert_eq!(why(zero), "totalSeats must be at least 1");
        let unknown = r#"{"eventId":"a","name":"b","totalSeats":1,"seats":1}"#;
        assert!(why(unknown).contains("unknown field `seats`"));
        let id = r#"{"eventId":"A b","name":"b","totalSeats":1}"#;
        assert_eq!(why(id), "eventId may have the letters a-z, digits, '-' and '_' only");
    }
}
