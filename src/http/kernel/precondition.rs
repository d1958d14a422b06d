//! `If-Match`: the version of an event at which the caller has looked at it.
//!
//! It must not know: what is to be changed.

use http::header;

use super::problem::{Code, Problem};
use super::request::Request;
use ticketboss_core::domain::{Event, Version};

/// The version of `event` at which the caller says in `If-Match` that he has looked at it; of several the
/// newest that there is, and nothing for `*`, which is any.
///
/// # Errors
/// `PreconditionRequired` where he says nothing; `PreconditionFailed`, `InvalidRequest`.
pub(crate) fn if_match(request: &Request, event: &Event) -> Result<Option<Version>, Problem> {
    let given = request.headers.get_all(header::IF_MATCH);
    let given = given.iter().map(|list| list.to_str().unwrap_or("")).collect::<Vec<_>>();
    if given.is_empty() {
        let detail = "name the version that you have looked at in If-Match, as in If-Match: \"7\"";
        return Err(Problem::new(Code::PreconditionRequired, detail));
    }
    let newest = event.version();
    let mut seen = None;
    for tag in given.iter().flat_map(|list| list.split(',')).map(str::trim) {
        if tag == "*" {
            return Ok(None);
        }
        if !tag.contains('"') {
            let detail = "If-Match must be *, or tags in quotes, as in If-Match: \"7\"";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
        let number = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let version = number.and_then(|number| number.parse().ok()).and_then(Version::new);
        seen = seen.max(version.filter(|version| *version <= newest));
    }
    let none = || Problem::new(Code::PreconditionFailed, "If-Match names no version of the event");
    seen.map(Some).ok_or_else(none)
}
