//! The steps of a reservation: few of almost all, and thousands of one that is given up seat by seat.
//!
//! One step is kept in place, a few in a slice, and many in a tree that shares what was: so that the usual
//! reservation is small, and a long one costs no more with every step. It must not know what a step means.

use std::sync::Arc;

use imbl::Vector;

use super::step::Step;
use crate::domain::names::Version;

/// How many steps are copied when one is added. A hold that is extended as often as may be has fewer.
const FEW_STEPS_MAX: usize = 16;

/// What a reservation has gone through, in order. A clone costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Kept);

/// So many have only one form, so that equal ones compare equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Kept {
    #[default]
    None,
    One(Step),
    Few(Arc<[Step]>),
    Many(Arc<Vector<Step>>),
}

impl Steps {
    /// A single one.
    pub(in crate::domain) fn one(step: Step) -> Self {
        Self(Kept::One(step))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        match &self.0 {
            Kept::None => 0,
            Kept::One(_) => 1,
            Kept::Few(steps) => steps.len(),
            Kept::Many(steps) => steps.len(),
        }
    }

    /// One by its place.
    pub fn get(&self, place: usize) -> Option<Step> {
        match &self.0 {
            Kept::None => None,
            Kept::One(step) => Some(*step).filter(|_| place == 0),
            Kept::Few(steps) => steps.get(place).copied(),
            Kept::Many(steps) => steps.get(place).copied(),
        }
    }

    /// The last one.
    pub fn last(&self) -> Option<Step> {
        self.get(self.count().checked_sub(1)?)
    }

    /// Those from a place on.
    pub fn from(&self, place: usize) -> impl Iterator<Item = Step> {
        (place..self.count()).map_while(|place| self.get(place))
    }

    /// Those before a place, the last of them first.
    pub fn back_from(&self, place: usize) -> impl Iterator<Item = Step> {
        (0..place).rev().map_while(|place| self.get(place))
    }

    /// How many were made up to a version.
    pub fn count_until(&self, version: Version) -> usize {
        match &self.0 {
            Kept::None => 0,
            Kept::One(step) => usize::from(step.version <= version),
            Kept::Few(steps) => steps.partition_point(|step| step.version <= version),
            Kept::Many(steps) => {
                let found = steps.binary_search_by_key(&version, |step| step.version);
                found.map_or_else(|place| place, |place| place + 1)
            }
        }
    }

    /// The first so many.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        if count >= self.count() {
            return self.clone();
        }
        match &self.0 {
            Kept::Many(steps) if count > FEW_STEPS_MAX => {
                Self(Kept::Many(Arc::new(steps.take(count))))
            }
            _ => self.from(0).take(count).collect(),
        }
    }

    /// Adds one at the end.
    pub(in crate::domain) fn push(&mut self, step: Step) {
        match &mut self.0 {
            Kept::Many(steps) => Arc::make_mut(steps).push_back(step),
            _ => *self = self.from(0).chain([step]).collect(),
        }
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        let steps = steps.into_iter().collect::<Vec<_>>();
        Self(match steps.as_slice() {
            [] => Kept::None,
            [step] => Kept::One(*step),
            _ if steps.len() <= FEW_STEPS_MAX => Kept::Few(steps.into()),
            _ => Kept::Many(Arc::new(steps.into_iter().collect())),
        })
    }
}
