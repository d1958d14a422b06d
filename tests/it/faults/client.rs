//! A client that takes every end of its request for an answer: it may be told, or left alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::wire::{PATIENCE, bare, json};

/// What became of a request.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// A whole answer: its status, its `ETag` as a number, its body.
    Answer(u16, Option<u64>, Value),
    /// The connection could not be made or ended before the answer was whole.
    Nothing,
    /// Neither an answer nor an end.
    Hung,
}

pub(crate) fn reserve(address: SocketAddr, partner: &str, seats: u32) -> Told {
    let body = serde_json::json!({ "partnerId": partner, "seats": seats }).to_string();
    ask(address, &json("POST /reservations/", &body))
}

pub(crate) fn cancel(address: SocketAddr, id: &str) -> Told {
    ask(address, &bare(&format!("DELETE /reservations/{id}"), &[]))
}

pub(crate) fn look(address: SocketAddr, path: &str) -> Told {
    ask(address, &bare(&format!("GET {path}"), &[]))
}

fn ask(address: SocketAddr, request: &str) -> Told {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return Told::Nothing;
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may have ended by now, which the reading finds out.
    let _ = stream.write_all(request.as_bytes());
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(told) = parse(&read) {
            return told;
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Told::Nothing,
            Ok(count) => read.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Told::Hung,
            // With a timeout the system does not go on with it by itself.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Told::Nothing,
        }
    }
}

/// Reads an answer, if it is whole.
fn parse(bytes: &[u8]) -> Option<Told> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.clone().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    if body.len() < length {
        return None;
    }
    let version = header("etag").and_then(|etag| etag.trim_matches('"').parse().ok());
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    Some(Told::Answer(status, version, body))
}
