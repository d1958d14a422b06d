//! The fields of a JSON body, looked at one by one, so that all that is wrong is told at once.
//!
//! It must not know: which operation takes which fields.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{Code, Fault, Problem};
use super::request::{JSON, MERGE_PATCH, Request};
use ticketboss_core::domain::{InvalidName, PartnerId, Seats};

/// What becomes of fields that an operation does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// They are ignored, as by TicketBossJS.
    Ignored,
    /// They are faults: a misspelt `hold` would sell what was to be held.
    Refused,
}

/// The fields of a body, and what is wrong with those that were taken out of it.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    left: Vec<(Cow<'a, str>, &'a RawValue)>,
    faults: Vec<Fault>,
}

/// What a body says of something that may be there or not.
#[derive(Debug, Clone)]
pub(crate) enum Patch<T> {
    /// Nothing: it stays as it is.
    Left,
    /// It is taken away.
    TakenAway,
    /// It is this from now on.
    Given(T),
}

impl<T> Patch<T> {
    /// What becomes of what there is.
    pub(crate) fn over(self, there_is: Option<T>) -> Option<T> {
        match self {
            Self::Left => there_is,
            Self::TakenAway => None,
            Self::Given(given) => Some(given),
        }
    }
}

/// What is wrong with a value, as a fragment that can follow the name of the field.
pub(crate) type Wrong = Cow<'static, str>;

impl<'a> Fields<'a> {
    /// The fields of a body that must be a JSON object.
    ///
    /// # Errors
    /// `UnsupportedMediaType` where it is said to be something else, `InvalidRequest` when it is none.
    pub(crate) fn read(request: &'a Request) -> Result<Self, Problem> {
        Self::read_as(request, &[JSON])
    }

    /// As [`Fields::read`], of a body that changes what it names.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn read_patch(request: &'a Request) -> Result<Self, Problem> {
        Self::read_as(request, &[JSON, MERGE_PATCH])
    }

    fn read_as(request: &'a Request, media_types: &[&str]) -> Result<Self, Problem> {
        let whole = |detail: String| Problem::invalid_body(vec![Fault::of_whole(detail)]);
        if !request.is_one_of(media_types) {
            let detail = format!("the Content-Type must be {}", media_types.join(" or "));
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        let entries = match request.body.trim_ascii_start().first() {
            None => return Err(whole("the body is empty".to_owned())),
            Some(b'{') => serde_json::from_slice::<Entries<&RawValue>>(&request.body)
                .map_err(|error| whole(format!("the body is not valid JSON: {error}")))?,
            Some(_) => return Err(whole("the body must be a JSON object".to_owned())),
        };
        if let Some(name) = entries.repeated() {
            return Err(whole(format!("the body has the field `{name}` twice")));
        }
        Ok(Self { left: entries.0, faults: Vec::new() })
    }

    /// As [`Fields::read`], of a body that may be left out.
    ///
    /// # Errors
    /// `InvalidRequest` when there is one and it is no object.
    pub(crate) fn read_if_any(request: &'a Request) -> Result<Self, Problem> {
        if request.body.trim_ascii().is_empty() {
            return Ok(Self { left: Vec::new(), faults: Vec::new() });
        }
        Self::read(request)
    }

    /// Takes a field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Wrong>,
    ) -> Option<T> {
        let given = self.take(name);
        if given.is_none() {
            self.fault(name, "is missing".into());
        }
        self.check(name, read(given?))
    }

    /// Takes a field that may be left out; `null` is as if it were.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Wrong>,
    ) -> Option<T> {
        let given = self.take(name).filter(|given| given.get() != "null")?;
        self.check(name, read(given))
    }

    /// As [`Fields::optional`], of something that cannot be taken away: `null` is a fault.
    pub(crate) fn present<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Wrong>,
    ) -> Option<T> {
        let given = self.take(name)?;
        self.check(name, read(given))
    }

    /// As [`Fields::optional`], of something that `null` takes away.
    pub(crate) fn cleared<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Wrong>,
    ) -> Patch<T> {
        match self.take(name) {
            None => Patch::Left,
            Some(given) if given.get() == "null" => Patch::TakenAway,
            Some(given) => self.check(name, read(given)).map_or(Patch::Left, Patch::Given),
        }
    }

    /// Refuses the body if anything was wrong with it.
    ///
    /// # Errors
    /// `InvalidRequest` with every fault.
    pub(crate) fn finish(mut self, unknown: Unknown) -> Result<(), Problem> {
        if unknown == Unknown::Refused {
            let left = std::mem::take(&mut self.left);
            for (name, _) in left {
                let name = name.replace('~', "~0").replace('/', "~1");
                self.fault(&name, "is not known here".into());
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid_body(self.faults)) }
    }

    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(place).1)
    }

    fn check<T>(&mut self, name: &str, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.fault(name, wrong)).ok()
    }

    /// Whether something was wrong with a field.
    pub(crate) fn is_wrong(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.pointer.strip_prefix('/') == Some(name))
    }

    /// Notes what is wrong with a field.
    pub(crate) fn fault(&mut self, name: &str, wrong: Wrong) {
        self.faults.push(Fault { pointer: format!("/{name}"), detail: wrong.into_owned() });
    }
}

/// The members of an object, in their order.
struct Entries<'a, T>(Vec<(Cow<'a, str>, T)>);

impl<T> Entries<'_, T> {
    /// A name that comes twice. Of two values, only one would be looked at.
    fn repeated(&self) -> Option<&str> {
        let mut seen = BTreeSet::new();
        let mut names = self.0.iter().map(|(name, _)| &**name);
        names.find(|name| !seen.insert(*name))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<'de, T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Entries<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Members(PhantomData))
    }
}

/// A name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object whose values are strings, and in which no name comes twice.
pub(crate) fn strings(given: &RawValue) -> Result<Vec<(Cow<'_, str>, String)>, Wrong> {
    let entries: Entries<'_, String> =
        serde_json::from_str(given.get()).map_err(|_| "must be an object of strings")?;
    match entries.repeated() {
        Some(name) => Err(format!("has the name `{name}` twice").into()),
        None => Ok(entries.0),
    }
}

/// Reads a string.
pub(crate) fn string(given: &RawValue) -> Result<String, Wrong> {
    serde_json::from_str(given.get()).map_err(|_| {
        // JSON may escape halves of characters, which are none by themselves.
        let is_string = given.get().starts_with('"');
        if is_string { "must be valid Unicode" } else { "must be a string" }.into()
    })
}

/// Reads a name of some kind.
pub(crate) fn word<T>(
    given: &RawValue,
    name: impl FnOnce(&str) -> Result<T, InvalidName>,
) -> Result<T, Wrong> {
    let text = string(given)?;
    name(&text).map_err(|invalid| invalid.to_string().into())
}

/// Reads a partner's id.
pub(crate) fn partner_id(given: &RawValue) -> Result<PartnerId, Wrong> {
    word(given, PartnerId::new)
}

/// Reads a number, whole but of any size: whether it is too much is not for the body to say.
///
/// What does not fit is the nearest that does, and refused as that: `-1` as 0, `1e400` as 2³² − 1.
pub(crate) fn whole_number(given: &RawValue) -> Result<u32, Wrong> {
    let given = given.get();
    let starts_a_number = |first: &u8| *first == b'-' || first.is_ascii_digit();
    if !given.as_bytes().first().is_some_and(starts_a_number) {
        return Err("must be a number".into());
    }
    let number: f64 = given.parse().map_err(|_| "must be a number")?;
    if number.is_finite() && number.fract() != 0.0 {
        return Err("must be a whole number".into());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is what is wanted; a whole number loses nothing"
    )]
    Ok(number as u32)
}

/// Reads a number of seats that are there afterwards: one at least, and no more than can be counted.
pub(crate) fn seats(given: &RawValue) -> Result<Seats, Wrong> {
    let seats = Seats::new(whole_number(given)?).ok_or("must be at least 1")?;
    if given.get().parse().is_ok_and(|number: f64| number > f64::from(u32::MAX)) {
        return Err(format!("must be at most {}", u32::MAX).into());
    }
    Ok(seats)
}

/// Whether seats are to be held, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// They are not; they are taken for good.
    No,
    /// They are, for as long as is usual.
    Usual,
    /// They are, for so many seconds.
    Seconds(u32),
}

/// Reads `true`, `false`, or a number of seconds.
pub(crate) fn hold(given: &RawValue) -> Result<Hold, Wrong> {
    match given.get() {
        "true" => Ok(Hold::Usual),
        "false" => Ok(Hold::No),
        _ => whole_number(given)
            .map(Hold::Seconds)
            .map_err(|_| "must be true, false, or a whole number of seconds".into()),
    }
}
