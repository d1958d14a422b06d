//! `ticketboss check-proof`: looks at what `GET …/proof` told, and believes none of it.
//!
//! Each page is read from its bytes, its digest is computed anew, and it must name the page before it.
//! Where the pages begin with the event, its laws are checked, too.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::Deserialize;

use ticketboss_core::domain::{Event, EventId, EventNumber, Version};
use ticketboss_runtime::terminal::{self, Failure};
use ticketboss_store::codec::{Digest, Page};
use ticketboss_store::ledger;
use ticketboss_store::{PageStream, StoredPage};

const EXAMPLES: &str = "\
Examples:
  curl -s http://127.0.0.1:8000/v1/events/node-meetup-2025/proof | ticketboss check-proof
  ticketboss check-proof first.json second.json
  ticketboss check-proof --pinned 5f0c… later.json    the digest noted before

It exits with status 1 when anything is not as it was told.";

/// How long an answer may be that is looked at.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckProofArguments {
    /// Files with the answers, one going on where the other ends; without any, the answer is read from
    /// standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The digest of a ledger's head that was noted before: the first page must come right after it
    #[arg(long, value_name = "DIGEST")]
    pinned: Option<String>,
}

/// An answer, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    event_id: String,
    event_number: u32,
    pages: Vec<ToldPage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldPage {
    first_version: u64,
    last_version: u64,
    digest: String,
    bytes: String,
}

/// Pages that were found whole, one joining the other.
struct Chain {
    event: EventId,
    number: EventNumber,
    pages: Vec<StoredPage>,
    last: Version,
    head: Digest,
}

pub(crate) async fn run(arguments: CheckProofArguments) -> Result<ExitCode, Failure> {
    let answers = match arguments.files.as_slice() {
        [] => vec![read(std::io::stdin().lock())?],
        files => files.iter().map(|file| read_file(file)).collect::<Result<_, _>>()?,
    };
    let pinned = arguments.pinned.as_deref().map(digest_of).transpose()?;
    let chain = Chain::read(&answers, pinned)?;
    let (first, count) = (chain.first(), chain.pages.len());
    let (last, head) = (chain.last, chain.head);
    let told = format!(
        "event {}, versions {first} to {last}: {count} pages, each whole and naming the one before it",
        chain.event,
    );
    let event = if first == Version::FIRST { Some(chain.replay().await?) } else { None };
    terminal::say(told);
    terminal::say(format_args!("digest {head}"));
    if let Some(event) = event {
        let seats = event.seats();
        terminal::say(format_args!(
            "every change follows from those before it; {} of {} seats are available",
            seats.available, seats.capacity
        ));
    } else if pinned.is_none() {
        terminal::say(
            "what came before is not here and no digest is pinned: whose pages these are is only told",
        );
    }
    Ok(ExitCode::SUCCESS)
}

impl Chain {
    fn read(answers: &[Answer], pinned: Option<Digest>) -> Result<Self, Failure> {
        let first = answers.first().ok_or("there is no answer")?;
        let event = EventId::new(&first.event_id).map_err(|why| format!("the event id {why}"))?;
        let number = EventNumber(first.event_number);
        let (mut pages, mut last, mut head) = (Vec::new(), None, pinned);
        for answer in answers {
            if answer.event_id != first.event_id || answer.event_number != first.event_number {
                return Err("the answers are of different events".into());
            }
            for told in &answer.pages {
                let bytes = STANDARD.decode(&told.bytes)?;
                let page = Page::decode(&bytes)?;
                check(told, &page, number)?;
                let first_version = page.first_version();
                if let Some(head) = head.filter(|head| *head != page.previous) {
                    let found = page.previous;
                    return Err(format!(
                        "the page of version {first_version} comes after {found}, and not after {head}"
                    )
                    .into());
                }
                if last.is_some_and(|last: Version| last.next() != first_version) {
                    return Err(
                        format!("the pages before version {first_version} are missing").into()
                    );
                }
                last = page.changes.last().map(|change| change.version);
                head = Some(page.digest);
                pages.push(StoredPage { first_version, bytes: bytes.into() });
            }
        }
        let (last, head) = last.zip(head).ok_or("there is no page")?;
        Ok(Self { event, number, pages, last, head })
    }

    fn first(&self) -> Version {
        self.pages.first().map_or(Version::ZERO, |page| page.first_version)
    }

    /// Goes through the changes from the first on, each against the state before it.
    async fn replay(self) -> Result<Event, Failure> {
        let pages = PageStream::of(self.pages);
        let event = ledger::as_of(&self.event, self.number, self.last, pages).await?;
        event.audit().map_err(|broken| format!("a law is broken: {}", broken.law))?;
        if *event.id() != self.event {
            return Err(format!("the ledger is of event {}", event.id()).into());
        }
        Ok(event)
    }
}

/// Holds what is told of a page against what is in it.
fn check(told: &ToldPage, page: &Page, number: EventNumber) -> Result<(), Failure> {
    let first = page.first_version().get();
    let last = page.changes.last().map_or(0, |change| change.version.get());
    let is_as_told = page.number == number
        && (first, last) == (told.first_version, told.last_version)
        && page.digest.to_string() == told.digest;
    if is_as_told {
        Ok(())
    } else {
        Err(format!("the page of version {first} is not what is told of it").into())
    }
}

fn read_file(path: &Path) -> Result<Answer, Failure> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(|error| told(&error))?;
    read(file).map_err(|error| told(&error).into())
}

fn read(from: impl Read) -> Result<Answer, Failure> {
    Ok(serde_json::from_reader(std::io::BufReader::new(from.take(ANSWER_BYTES_MAX)))?)
}

fn digest_of(text: &str) -> Result<Digest, Failure> {
    let digits = text.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes = digits.collect::<Option<Vec<_>>>().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest).ok_or_else(|| "a digest has 64 hexadecimal digits".into())
}
