//! What a server said on one connection: taken apart, and held against what it may say.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// The codes that are documented, each with its status. With this load on a store in memory nothing
/// is damaged or full, and nobody has to wait for a body.
const CODES: &[(&str, u16)] = &[
    ("invalid_request", 400),
    ("seats_per_request", 400),
    ("not_found", 404),
    ("event_not_found", 404),
    ("reservation_not_found", 404),
    ("method_not_allowed", 405),
    ("not_enough_seats", 409),
    ("body_too_large", 413),
    ("overloaded", 503),
];
/// What hyper says of a head that it cannot read. Nothing follows such an answer.
const UNREADABLE: &[u16] = &[400, 414, 431];

/// One answer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// What could be read, and whether that was all.
pub(super) struct Read {
    pub(super) answers: Vec<Said>,
    pub(super) is_whole: bool,
}

/// Reads answers one after the other. Whether a request was a `HEAD` cannot be known when the request
/// is garbled, so a body may be missing altogether.
pub(super) fn read(mut told: &[u8]) -> Read {
    let mut answers = Vec::new();
    while let Some((mut answer, rest)) = read_head(told) {
        if answer.status == 100 {
            told = rest;
            continue;
        }
        let length = answer.header("content-length").parse().unwrap_or(0);
        let is_missing = rest.is_empty() || rest.starts_with(b"HTTP/1.");
        let length = if is_missing { 0 } else { length };
        let Some((body, after)) = rest.split_at_checked(length) else { break };
        answer.body = body.to_vec();
        answers.push(answer);
        told = after;
    }
    Read { answers, is_whole: told.is_empty() }
}

fn read_head(told: &[u8]) -> Option<(Said, &[u8])> {
    let end = told.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = told.split_at(end + 4);
    // What a preflight asked for is told back to it as it came.
    let head = String::from_utf8_lossy(head);
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap();
    assert!(status.starts_with("HTTP/1.1 ") || status.starts_with("HTTP/1.0 "), "{status}");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header has a name and a value");
        (name.to_lowercase(), value.to_owned())
    };
    let said = Said {
        status: status[9..12].parse().unwrap(),
        headers: lines.map(header).collect(),
        body: Vec::new(),
    };
    Some((said, rest))
}

impl Said {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The id of the reservation that was made, if one was.
    pub(super) fn reservation(&self) -> Option<String> {
        (self.status == 201).then(|| self.json()["reservationId"].as_str().unwrap().to_owned())
    }

    /// Whether a reservation was given up; an answer to a preflight has the same status.
    pub(super) fn is_cancellation(&self) -> bool {
        self.status == 204 && self.header("access-control-allow-methods").is_empty()
    }

    /// Whether hyper said it, of a head that it could not read.
    pub(super) fn is_of_an_unreadable_head(&self) -> bool {
        UNREADABLE.contains(&self.status)
            && self.header("x-request-id").is_empty()
            && self.body.is_empty()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body that is JSON")
    }

    /// Panics unless this is something that the server may say.
    pub(super) fn check(&self) {
        if self.is_of_an_unreadable_head() {
            return;
        }
        assert_eq!(self.header("access-control-allow-origin"), "*");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let request_id = self.header("x-request-id");
        Uuid::parse_str(request_id).expect("a request has an id");
        match self.status {
            200 | 201 | 204 | 304 => {
                let is_json = self.header("content-type").starts_with("application/json");
                if is_json && !self.body.is_empty() {
                    self.json();
                }
            }
            _ => self.check_problem(request_id),
        }
    }

    fn check_problem(&self, request_id: &str) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        if self.body.is_empty() {
            // It was asked for the head alone.
            assert!(CODES.iter().any(|(_, status)| *status == self.status));
            return;
        }
        let problem = self.json();
        let text = |name: &str| problem[name].as_str().unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(text("requestId"), request_id);
        assert_eq!(text("type"), format!("/problems/{}", text("code")));
        assert!(["title", "detail", "error"].iter().all(|name| !text(name).is_empty()));
        assert!(CODES.contains(&(text("code"), self.status)), "{problem} is not documented");
    }
}
