//! Histories as files: one operation a line, as JSON.
//!
//! It must not know: whether a history can be true.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::checker::history::Operation;
use ticketboss_core::domain::EventId;
use ticketboss_runtime::terminal::Failure;

/// Operations by the events that they are about.
pub type Histories = BTreeMap<EventId, Vec<Operation>>;

/// Writes operations to `file`, in place of what is there.
///
/// # Errors
/// When the file cannot be written.
pub fn write<'a>(
    file: &Path,
    operations: impl IntoIterator<Item = &'a Operation>,
) -> Result<(), Failure> {
    let told = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
    let mut output = BufWriter::new(File::create(file).map_err(told)?);
    for operation in operations {
        serde_json::to_writer(&mut output, operation)?;
        output.write_all(b"\n").map_err(told)?;
    }
    output.flush().map_err(told)?;
    Ok(())
}

/// Reads histories as if they were one. Clients of different files are different ones.
/// # Errors
/// When one of them cannot be read, or is no history.
pub fn read(files: &[PathBuf]) -> Result<Vec<Operation>, Failure> {
    let mut operations = Vec::new();
    let mut clients = 0;
    for file in files {
        let first = operations.len();
        read_file(file, &mut operations)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let mut clients_here = 0;
        for operation in operations.iter_mut().skip(first) {
            clients_here = clients_here.max(operation.client.saturating_add(1));
            operation.client = operation.client.saturating_add(clients);
        }
        clients = clients.saturating_add(clients_here);
    }
    Ok(operations)
}

fn read_file(file: &Path, operations: &mut Vec<Operation>) -> Result<(), Failure> {
    for (index, line) in BufReader::new(File::open(file)?).lines().enumerate() {
        let read = serde_json::from_str(&line?);
        operations.push(read.map_err(|error| format!("line {}: {error}", index + 1))?);
    }
    Ok(())
}

/// Adds operations to those that there are of their events.
pub fn add(operations: Vec<Operation>, histories: &mut Histories) {
    for operation in operations {
        match histories.get_mut(&operation.event) {
            Some(of_event) => of_event.push(operation),
            None => drop(histories.insert(operation.event.clone(), vec![operation])),
        }
    }
}

/// Parts operations by the events that they are about.
pub fn by_event(operations: Vec<Operation>) -> Histories {
    let mut histories = Histories::new();
    add(operations, &mut histories);
    histories
}
