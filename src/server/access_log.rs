//! The access log: a line per request in Combined Log Format, with the microseconds it took.
//!
//! ```text
//! 127.0.0.1 - - [24/Nov/2026:18:37:35 +0000] "POST /reservations/ HTTP/1.1" 201 107 "-" "curl/8.5" 812
//! ```

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::header::{self, HeaderName};
use http::{HeaderMap, Request};
use http_body::Body as _;

use crate::http::Response;
use ticketboss_core::domain::Timestamp;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::lines::{Destination, LineWriter};

/// Writes a line per request, or nothing.
#[derive(Debug, Clone)]
pub struct AccessLog(Option<Open>);

#[derive(Debug, Clone)]
struct Open {
    lines: LineWriter,
    clock: Clock,
}

/// What is known of a request before it is answered.
#[derive(Debug)]
pub(super) struct Entry {
    at: Timestamp,
    peer: SocketAddr,
    request: String,
    referer: String,
    user_agent: String,
}

impl AccessLog {
    /// No log.
    pub const OFF: Self = Self(None);

    /// A log that is appended to the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub fn to_file(path: &Path, clock: Clock) -> io::Result<Self> {
        let lines = LineWriter::start(Destination::File(path.to_owned()))?;
        Ok(Self(Some(Open { lines, clock })))
    }

    /// Opens the file anew, after it was moved away.
    pub fn reopen(&self) {
        if let Some(open) = &self.0 {
            open.lines.reopen();
        }
    }

    /// Waits until everything so far is written.
    pub fn flush(&self) {
        if let Some(open) = &self.0 {
            open.lines.flush();
        }
    }

    pub(super) fn begin<B>(&self, peer: SocketAddr, request: &Request<B>) -> Option<Entry> {
        let open = self.0.as_ref()?;
        Some(Entry {
            at: open.clock.now(),
            peer,
            request: request_line(request),
            referer: quoted(request.headers(), &header::REFERER),
            user_agent: quoted(request.headers(), &header::USER_AGENT),
        })
    }

    pub(super) fn finish(&self, entry: Entry, response: &Response, took: Duration) {
        let Some(open) = &self.0 else { return };
        let Entry { at, peer, request, referer, user_agent } = entry;
        let at = date(at);
        let status = response.status().as_u16();
        let bytes = match response.body().size_hint().exact() {
            None | Some(0) => "-".to_owned(),
            Some(bytes) => bytes.to_string(),
        };
        let (ip, micros) = (peer.ip(), took.as_micros());
        open.lines.write_line(format!(
            "{ip} - - [{at}] \"{request}\" {status} {bytes} \"{referer}\" \"{user_agent}\" {micros}\n"
        ));
    }
}

fn request_line<B>(request: &Request<B>) -> String {
    let target = request.uri().path_and_query().map_or("*", |target| target.as_str());
    let mut line = String::with_capacity(target.len() + 24);
    line.push_str(request.method().as_str());
    line.push(' ');
    escape(target.as_bytes(), &mut line);
    let _ = write!(line, " {:?}", request.version());
    line
}

fn quoted(headers: &HeaderMap, name: &HeaderName) -> String {
    let Some(value) = headers.get(name).filter(|value| !value.is_empty()) else {
        return "-".to_owned();
    };
    let mut text = String::with_capacity(value.len());
    escape(value.as_bytes(), &mut text);
    text
}

/// Escapes as Apache does, so that a client cannot write a line of its own.
fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x20..=0x7E => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\x{other:02x}");
            }
        }
    }
}

fn date(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{date, escape};
    use ticketboss_core::domain::Timestamp;

    #[test]
    fn a_client_cannot_end_a_field_or_a_line() {
        let mut text = String::new();
        escape(b"a\"b\\c\r\nd\xff", &mut text);
        assert_eq!(text, r#"a\"b\\c\x0d\x0ad\xff"#);
    }

    #[test]
    fn a_date_is_in_the_common_log_format() {
        assert_eq!(date(Timestamp(1_795_545_455_000)), "24/Nov/2026:18:37:35 +0000");
    }
}
