//! Pages of a ledger on their way out of a store.

use std::sync::Arc;

use ticketboss_core::domain::Version;
use tokio::sync::mpsc;

use crate::port::StoreError;

/// How many pages a [`PageStream`] reads ahead of its reader.
const PAGES_AHEAD_MAX: usize = 64;

/// Pages of one ledger, in order.
#[derive(Debug)]
pub struct PageStream(Source);

#[derive(Debug)]
enum Source {
    /// Read ahead, by a bounded number, from somewhere slow.
    Ahead(mpsc::Receiver<Result<StoredPage, StoreError>>),
    /// In memory already.
    Here(std::vec::IntoIter<StoredPage>),
}

/// A page as it lies in the store, not looked into yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPage {
    /// The version in the key under which it is kept.
    pub first_version: Version,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl PageStream {
    /// A stream, and the end to feed it by.
    pub(crate) fn new() -> (mpsc::Sender<Result<StoredPage, StoreError>>, Self) {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD_MAX);
        (sender, Self(Source::Ahead(receiver)))
    }

    /// The stream of pages that are in memory anyway.
    pub fn of(pages: Vec<StoredPage>) -> Self {
        Self(Source::Here(pages.into_iter()))
    }

    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Option<Result<StoredPage, StoreError>> {
        match &mut self.0 {
            Source::Ahead(receiver) => receiver.recv().await,
            Source::Here(pages) => pages.next().map(Ok),
        }
    }
}
