//! The parameters of a query, looked at one by one, so that all that is wrong is told at once.
//!
//! It must not know: which operation takes which parameters.

use std::borrow::Cow;
use std::time::Duration;

use super::body::Wrong;
use super::problem::{Fault, Problem};
use super::request::Request;
use ticketboss_core::domain::{Event, PartnerId, Version};
use ticketboss_engine::EngineError;

/// How many items a list has where nobody says how many.
pub(crate) const LIMIT_USUAL: usize = 50;
/// How many items it has at most.
pub(crate) const LIMIT_MAX: usize = 200;
/// How long an answer waits for a version, where nobody says how long.
pub(crate) const WAIT_SECONDS_USUAL: u64 = 30;
/// How long it waits at most.
pub(crate) const WAIT_SECONDS_MAX: u64 = 60;

/// The parameters of a query, and what is wrong with those that were taken out of it.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    asked: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    left: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The names that were asked for.
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Query<'a> {
    /// The parameters of a request.
    pub(crate) fn read(request: &'a Request) -> Self {
        let asked: Vec<_> = form_urlencoded::parse(request.query.as_bytes()).collect();
        Self { left: asked.clone(), asked, known: Vec::new(), faults: Vec::new() }
    }

    /// Takes a parameter that may be left out.
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.known.push(name);
        let place = self.left.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.left.swap_remove(place);
        read(&value).map_err(|wrong| self.fault(name, &wrong)).ok()
    }

    /// A version that is called otherwise.
    pub(crate) fn version(&mut self, name: &'static str) -> Option<Version> {
        self.take(name, read_version)
    }

    /// How many items a list is to have.
    pub(crate) fn limit(&mut self) -> usize {
        let limit = self.take("limit", |text| {
            let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
            limit.ok_or_else(|| format!("must be between 1 and {LIMIT_MAX}").into())
        });
        limit.unwrap_or(LIMIT_USUAL)
    }

    /// The version after which something is to be told.
    pub(crate) fn since(&mut self) -> Option<Version> {
        self.version("since")
    }

    /// The first and the last of the versions that are meant; all up to the newest, where nobody says.
    pub(crate) fn range(&mut self, newest: Version) -> (Version, Version) {
        let (from, to) = (self.version("from"), self.version("to"));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            self.fault("to", "must not be less than `from`");
        }
        (from.unwrap_or(Version::FIRST), to.unwrap_or(newest))
    }

    /// Whether something is wanted.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let flag = self.take(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".into()),
        });
        flag.unwrap_or(false)
    }

    /// The version for which the answer is to wait, and how long, if it is to wait at all.
    pub(crate) fn wait(&mut self) -> Option<(Version, Duration)> {
        let version = self.version("waitVersion");
        let seconds = self.take("waitSeconds", |text| {
            let seconds =
                text.parse().ok().filter(|seconds| (1..=WAIT_SECONDS_MAX).contains(seconds));
            seconds.ok_or_else(|| format!("must be between 1 and {WAIT_SECONDS_MAX}").into())
        });
        Some((version?, Duration::from_secs(seconds.unwrap_or(WAIT_SECONDS_USUAL))))
    }

    /// The partner that is meant, if not all are.
    pub(crate) fn partner_id(&mut self) -> Option<PartnerId> {
        self.take("partnerId", |text| {
            PartnerId::new(text).map_err(|invalid| invalid.to_string().into())
        })
    }

    /// The version at which something is to be looked at, if not at the newest.
    pub(crate) fn at_version(&mut self) -> Option<Version> {
        self.version("atVersion")
    }

    /// The version behind which a list goes on.
    pub(crate) fn after_version(&mut self) -> Option<Version> {
        self.take("cursor", |text| {
            text.parse().ok().and_then(Version::new).ok_or_else(|| "is none of ours".into())
        })
    }

    /// What was asked for besides where the list goes on, as it is to be asked for again.
    pub(crate) fn rest(&self) -> String {
        let kept =
            |(name, _): &&(Cow<'_, str>, Cow<'_, str>)| !["limit", "cursor"].contains(&&**name);
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.asked.iter().filter(kept));
        let text = text.finish();
        if text.is_empty() { text } else { format!("&{text}") }
    }

    /// Refuses the request if anything was wrong with its query.
    ///
    /// # Errors
    /// `InvalidRequest` with every fault.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.left) {
            let is_known = self.known.contains(&&*name);
            self.fault(&name, if is_known { "comes twice" } else { "is not known here" });
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid_query(self.faults)) }
    }

    fn fault(&mut self, name: &str, wrong: &str) {
        self.faults.push(Fault { pointer: format!("?{name}"), detail: wrong.to_owned() });
    }
}

/// The version at which something of an event is looked at.
///
/// # Errors
/// `NoSuchVersion` where the event is not at it yet, or never was.
pub(crate) fn version_of(event: &Event, asked: Option<Version>) -> Result<Version, EngineError> {
    let newest = event.version();
    match asked {
        None => Ok(newest),
        Some(version) if version != Version::ZERO && version <= newest => Ok(version),
        Some(version) => Err(EngineError::NoSuchVersion { version, newest }),
    }
}

fn read_version(text: &str) -> Result<Version, Wrong> {
    text.parse().ok().and_then(Version::new).ok_or_else(|| "must be a version".into())
}
