//! `ticketboss prove`: clients storm a server of its own that is killed again and again, and the judge
//! says whether anything was lost. What happened is told at the terminal, on a page with a picture,
//! and in a file for programs.
//!
//! It must not know: how a client chooses, or how a history is judged.

mod arguments;
mod conclusion;
mod findings;
mod judgement;
mod machine;
mod markup;
mod page;
mod picture;
mod place;
mod record;
mod rig;
mod settings;
mod tell;
mod timeline;

use std::path::Path;
use std::process::ExitCode;

pub use self::arguments::Arguments;
use self::findings::Standing;
use self::place::Place;
use self::rig::Rig;
use self::settings::RunSettings;
use super::own_server::Premises;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::signals::Signals;
use ticketboss_runtime::terminal::{self, Failure};

/// Runs the command. `program` is the executable whose `serve` is killed.
///
/// # Errors
/// When the server cannot be started, the report not written, or the run is interrupted.
pub async fn run(arguments: Arguments, program: &Path) -> Result<ExitCode, Failure> {
    terminal::raise_descriptor_limit();
    let signals = Signals::listen()?;
    let began_at = Clock::System.now();
    let settings = RunSettings::of(arguments)?;
    let place = Place::new(&settings.arguments, began_at);
    let premises = Premises::prepare(program, &settings.events, Some(place.data_dir().to_owned()))?
        .with_log(place.log_file());
    place.make()?;
    tell::introduce(&settings, &place);
    let Some(record) = Rig::new(&settings, premises).run(signals).await? else {
        place.clear();
        return Err("interrupted".into());
    };
    let findings = conclusion::conclude(&settings, &place, began_at, record).await?;
    place.write(&findings)?;
    tell::conclude(&findings, &place.page_file());
    if findings.standing != Standing::Proved {
        return Ok(ExitCode::FAILURE);
    }
    place.clear();
    Ok(ExitCode::SUCCESS)
}
