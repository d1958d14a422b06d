//! What the benches share: an event to sell, and a comparison that holds on a noisy machine.

#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::time::Duration;

use ticketboss_core::domain::{EventId, EventName, EventTerms, Seats};

/// How often each side of a comparison is measured, in turn.
const PAIRS: usize = 11;
/// How Cargo tells a bench that it is to measure. `cargo test --benches` only sees whether it runs.
const MEASURE: &str = "--bench";

/// The terms of an event of `capacity` seats.
pub(crate) fn terms(id: &str, capacity: u32) -> EventTerms {
    EventTerms::on_sale(
        EventId::new(id).expect("a valid id"),
        EventName::new("Bench").expect("a valid name"),
        Seats::new(capacity).expect("some seats"),
        Seats::new(10).expect("some seats"),
    )
}

/// Whether anything is to be measured.
pub(crate) fn is_measuring() -> bool {
    std::env::args().any(|argument| argument == MEASURE)
}

/// Measures `ours` and `other` in turn and prints the medians, and the median of the ratios pair by
/// pair: how much of the other's speed ours has. Where nothing is to be measured, it only runs both.
pub(crate) fn compare(
    what: &str,
    mut ours: impl FnMut() -> Duration,
    other_name: &str,
    mut other: impl FnMut() -> Duration,
) {
    ours();
    other();
    if !is_measuring() {
        return;
    }
    let pairs = (0..PAIRS).map(|_| (ours().as_secs_f64(), other().as_secs_f64()));
    let pairs = pairs.collect::<Vec<_>>();
    let ours = median(pairs.iter().map(|pair| pair.0));
    let theirs = median(pairs.iter().map(|pair| pair.1));
    let ratios = || pairs.iter().map(|(ours, other)| other / ours);
    let low = ratios().fold(f64::INFINITY, f64::min);
    let high = ratios().fold(0.0, f64::max);
    println!(
        "ratio  {what}: {:.3} of the speed of {other_name} (from {low:.3} to {high:.3}, {PAIRS} pairs); \
         medians {:.1} µs against {:.1} µs",
        median(ratios()),
        ours * 1e6,
        theirs * 1e6,
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values = values.collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
