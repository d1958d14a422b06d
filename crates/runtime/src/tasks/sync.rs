//! The channels, locks and tasks that the queue, the writer and the committer are made of.
//!
//! They are tokio's and the standard library's. With the feature `shuttle` they are those of shuttle,
//! under which a test runs the same code in one order of steps after another
//! (`tests/schedules/`). It must not know what goes through them.

#[cfg(not(feature = "shuttle"))]
mod chosen {
    pub use std::sync::Mutex;
    pub use std::thread;

    pub use tokio::spawn;
    pub use tokio::sync::{mpsc, oneshot, watch};
    pub use tokio::task::yield_now;

    /// Waits for a message and takes what else is there, `most` in all; says how many came, which
    /// is 0 once the channel is closed and empty.
    pub async fn receive_many<T>(
        from: &mut mpsc::Receiver<T>,
        into: &mut Vec<T>,
        most: usize,
    ) -> usize {
        from.recv_many(into, most).await
    }

    /// As [`receive_many`], for a thread.
    pub fn blocking_receive_many<T>(
        from: &mut mpsc::Receiver<T>,
        into: &mut Vec<T>,
        most: usize,
    ) -> usize {
        from.blocking_recv_many(into, most)
    }
}

#[cfg(feature = "shuttle")]
mod chosen {
    pub use shuttle::sync::Mutex;
    pub use shuttle::thread;
    pub use shuttle_tokio::spawn;
    pub use shuttle_tokio::sync::{mpsc, oneshot, watch};
    pub use shuttle_tokio::task::yield_now;

    /// Receives as tokio's `recv_many` does.
    pub async fn receive_many<T>(
        from: &mut mpsc::Receiver<T>,
        into: &mut Vec<T>,
        most: usize,
    ) -> usize {
        let first = from.recv().await;
        take_more(first, from, into, most)
    }

    /// As [`receive_many`], for a thread.
    pub fn blocking_receive_many<T>(
        from: &mut mpsc::Receiver<T>,
        into: &mut Vec<T>,
        most: usize,
    ) -> usize {
        let first = from.blocking_recv();
        take_more(first, from, into, most)
    }

    /// tokio takes everything at once; shuttle's channel has no such method.
    fn take_more<T>(
        first: Option<T>,
        from: &mut mpsc::Receiver<T>,
        into: &mut Vec<T>,
        most: usize,
    ) -> usize {
        let before = into.len();
        into.extend(first);
        while into.len() > before && into.len() - before < most {
            let Ok(next) = from.try_recv() else { break };
            into.push(next);
        }
        into.len() - before
    }
}

pub use chosen::{
    Mutex, blocking_receive_many, mpsc, oneshot, receive_many, spawn, thread, watch, yield_now,
};
