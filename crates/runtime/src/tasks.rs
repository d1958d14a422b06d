//! Who runs tasks: tokio, or the scheduler of a simulation.
//!
//! Whatever starts a task does so through [`Tasks`], which comes in as an argument like the clock. It
//! must not know what the tasks do.

mod scheduler;
pub mod sync;

pub use scheduler::{Group, Scheduler};

/// Who runs tasks.
#[derive(Debug, Clone)]
pub enum Tasks {
    /// The tokio runtime that whoever asks is running on.
    Tokio,
    /// A scheduler that runs one task at a time, in an order that follows from its seed.
    Scheduled(Scheduler, Group),
}

impl Tasks {
    /// Starts a task. Nobody learns of its end but by what it leaves behind.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Tokio => drop(sync::spawn(task)),
            Self::Scheduled(scheduler, group) => scheduler.spawn(*group, task),
        }
    }
}
