//! The parameters of a query, looked at one by one, so that all that is wrong is told at once.

use std::borrow::Cow;

use super::body::Wrong;
use super::input::Input;
use super::problem::{Fault, Problem};

/// The parameters of a query, and what is wrong with those that were taken out of it.
#[derive(Debug)]
pub(super) struct Query<'a> {
    left: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    faults: Vec<Fault>,
}

impl<'a> Query<'a> {
    /// The parameters of a request.
    pub(super) fn read(input: &'a Input) -> Self {
        let left = form_urlencoded::parse(input.query.as_bytes()).collect();
        Self { left, faults: Vec::new() }
    }

    /// Takes a parameter that may be left out.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let place = self.left.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.left.swap_remove(place);
        read(&value).map_err(|wrong| self.fault(name, &wrong)).ok()
    }

    /// Refuses the request if anything was wrong with its query.
    ///
    /// # Errors
    /// `InvalidRequest` with every fault.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.left) {
            self.fault(&name, "is not known here, or comes twice");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid_request(self.faults)) }
    }

    fn fault(&mut self, name: &str, wrong: &str) {
        self.faults.push(Fault { pointer: format!("?{name}"), detail: wrong.to_owned() });
    }
}
