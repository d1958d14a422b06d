//! The directory of a report, and what else is in it for a while or to stay.
//!
//! It must not know: what the findings say.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::findings::{Evidence, Findings};
use super::page;
use crate::checker::history::Operation;
use crate::histories;
use ticketboss_core::domain::Timestamp;
use ticketboss_runtime::terminal::Failure;

const PAGE_NAME: &str = "report.html";
const FACTS_NAME: &str = "report.json";
const HISTORY_NAME: &str = "history.jsonl";
const DATA_NAME: &str = "data";
const LOG_NAME: &str = "server.log";

/// Where a run puts what it leaves.
#[derive(Debug)]
pub(super) struct Place {
    directory: PathBuf,
    data: Data,
}

/// Whose the database is.
#[derive(Debug)]
enum Data {
    /// It goes with a good run.
    Scratch(PathBuf),
    /// Somebody wants to have it.
    Kept(PathBuf),
}

impl Place {
    /// Where the arguments say, or in a directory named by the time. Nothing is made yet.
    pub(super) fn new(arguments: &Arguments, began_at: Timestamp) -> Self {
        let directory = arguments.report.clone().unwrap_or_else(|| name_of(began_at).into());
        let data = match &arguments.data_dir {
            Some(kept) => Data::Kept(kept.clone()),
            None => Data::Scratch(directory.join(DATA_NAME)),
        };
        Self { directory, data }
    }

    /// Makes the directory, in which no other run may have left anything.
    pub(super) fn make(&self) -> Result<(), Failure> {
        let directory = self.directory.display();
        for name in [PAGE_NAME, FACTS_NAME, HISTORY_NAME, DATA_NAME, LOG_NAME] {
            if self.directory.join(name).exists() {
                return Err(format!("{directory} has a {name} already").into());
            }
        }
        fs::create_dir_all(&self.directory)
            .map_err(|error| format!("cannot make {directory}: {error}").into())
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn data_dir(&self) -> &Path {
        match &self.data {
            Data::Scratch(directory) | Data::Kept(directory) => directory,
        }
    }

    /// Where the servers complain.
    pub(super) fn log_file(&self) -> PathBuf {
        self.directory.join(LOG_NAME)
    }

    pub(super) fn page_file(&self) -> PathBuf {
        self.directory.join(PAGE_NAME)
    }

    /// Keeps what clients were told, and says where that is, and what else there is to look at.
    pub(super) fn keep_evidence<'a>(
        &self,
        operations: impl IntoIterator<Item = &'a Operation>,
    ) -> Result<Evidence, Failure> {
        let history = self.directory.join(HISTORY_NAME);
        histories::write(&history, operations)?;
        let data_dir = self.data_dir().to_owned();
        Ok(Evidence { data_dir, history, server_log: self.log_file() })
    }

    /// Writes the report.
    pub(super) fn write(&self, findings: &Findings) -> Result<(), Failure> {
        let facts = serde_json::to_string_pretty(findings)? + "\n";
        for (name, text) in [(FACTS_NAME, facts), (PAGE_NAME, page::draw(findings))] {
            let file = self.directory.join(name);
            fs::write(&file, text)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        }
        Ok(())
    }

    /// Removes all but the report, and the directory where there is none.
    pub(super) fn clear(&self) {
        // What cannot be removed is in nobody's way.
        if let Data::Scratch(directory) = &self.data {
            let _ = fs::remove_dir_all(directory);
        }
        let _ = fs::remove_file(self.log_file());
        let _ = fs::remove_dir(&self.directory);
    }
}

fn name_of(began_at: Timestamp) -> String {
    let told = jiff::Timestamp::from_millisecond(began_at.0);
    let told =
        told.map_or_else(|_| began_at.0.to_string(), |at| at.strftime("%Y%m%d-%H%M%S").to_string());
    format!("ticketboss-proof-{told}")
}
