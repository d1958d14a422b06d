//! Simulated runs: the engine, its writers and the committer, over a scheduler, a clock and a disk whose
//! every whim follows from one seed; clients who ask, hang up and ask again; others who follow; and in the end the judge.
//!
//! One seed is one run, to the last step, so a fault that is found once can be looked at as often as
//! one likes. What runs is the program's own code from [`ticketboss_engine`] down; only threads, time and
//! the disk are made up. Which faults there are, and how many clients, events and nodes, is drawn for
//! each run anew (as Groce et al. propose in Swarm Testing, ISSTA 2012): a run with everything at once
//! hides what one with a single fault shows.
//!
//! It must not know: HTTP, sockets, or the time of the machine.

mod clients;
mod finale;
mod followers;
mod plan;
mod received;
mod report;
mod shared;
mod world;

pub use self::plan::Plan;
pub use self::report::Run;
use self::world::World;

/// Makes the run of `seed`, with so many operations, and has it judged.
///
/// It must not be called from a task of a runtime: it is one itself.
pub fn run(seed: u64, operations: u32) -> Run {
    World::new(seed, operations).run()
}
