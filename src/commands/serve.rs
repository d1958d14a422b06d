//! `ticketboss serve`: opens the store, opens the engine, answers requests until it is told to stop.
//!
//! A port that is taken, a setting that nobody knows, seed events that cannot be read and a database
//! that another process has are found before anything is written.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::console;
use super::seed_events::{self, SeedEvents};
use crate::config::{AccessLogSetting, Config, Settings};
use crate::http::{self, Context, Readiness};
use crate::server;
use crate::server::access_log::AccessLog;
use ticketboss_core::domain::Actor;
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_runtime::lines::LineWriter;
use ticketboss_runtime::signals::{Asked, Signals};
use ticketboss_runtime::terminal::{self, Failure};
use ticketboss_store::local::sled::{self as sled_store, Opened, SledOptions};

/// How many connections may wait to be accepted.
const BACKLOG_CONNECTIONS_MAX: u32 = 1024;
/// One of so many connections may be of somebody who follows; the others are for those who sell.
const SUBSCRIBERS_SHARE: u32 = 2;
/// How long the sockets of subscribers have to close, from the stop on, and at least after all else.
const SOCKETS_GRACE: Duration = Duration::from_secs(2);
const SOCKETS_GRACE_MIN: Duration = Duration::from_millis(250);
/// How long what was taken has to be written, from the stop on. It is longer than connections have; with
/// what the runtime takes to end it is what is promised of a stop.
const WRITING_GRACE: Duration = Duration::from_secs(9);
/// How long connections have after the store has failed. Nothing can be sold to them any more, and
/// the sooner this process ends the sooner the next one sells.
const FAILED_GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    settings: Settings,
    /// File with settings, one `key = value` a line [default: ticketboss.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) async fn run(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    let config = Config::find(arguments.settings, arguments.config.as_deref())?;
    let seed_events = seed_events::read(config.seed_event.as_deref())?;
    let signals = Signals::listen()?;
    terminal::raise_descriptor_limit();
    let listener = listen(&config)?;
    let is_new = !config.data_dir.join("db").exists();
    let opened = sled_store::open(&SledOptions {
        directory: config.data_dir.clone(),
        cache_capacity_bytes: config.cache_capacity_bytes,
        disk_free_bytes_min: config.disk_free_bytes_min,
    })?;
    let log = console::start_log(&config.log)?;
    let access_log = open_access_log(&config)?;
    let engine = open_engine(opened, seed_events).await?;
    introduce(&config, &listener, &engine, if is_new { " (new)" } else { "" })?;
    let ended = serve(&config, listener, engine, &access_log, signals).await;
    access_log.flush();
    flush(log);
    Ok(ended)
}

async fn serve(
    config: &Config,
    listener: TcpListener,
    engine: Engine,
    access_log: &AccessLog,
    signals: Signals,
) -> ExitCode {
    let readiness = Readiness::default();
    let subscribers_max = usize::try_from(config.connections_max.get() / SUBSCRIBERS_SHARE);
    let subscribers_max = subscribers_max.unwrap_or(usize::MAX);
    let context = Context::new(engine.clone(), readiness.clone(), subscribers_max);
    let api = http::api(&context);
    let stop = CancellationToken::new();
    let mut serving = Box::pin(server::serve(
        listener,
        move |request| api.clone().answer(request),
        access_log.clone(),
        server::Limits::standard(config.connections_max),
        stop.clone().cancelled_owned(),
    ));
    let end = tokio::select! {
        () = &mut serving => unreachable!("it serves until it is told to stop"),
        end = until_the_end(&engine, access_log, signals) => end,
    };
    readiness.start_stopping();
    stop.cancel();
    let began = Instant::now();
    match end {
        End::Asked => serving.await,
        End::Failed => {
            if tokio::time::timeout(FAILED_GRACE, serving).await.is_err() {
                log::warn!("some connections were still open after {FAILED_GRACE:?} and were cut");
            }
        }
    }
    let sockets_until = (began + SOCKETS_GRACE).max(Instant::now() + SOCKETS_GRACE_MIN);
    if tokio::time::timeout_at(sockets_until, context.feeds.closed()).await.is_err() {
        log::warn!("some WebSockets were still open and were cut");
    }
    if tokio::time::timeout_at(began + WRITING_GRACE, engine.close()).await.is_err() {
        log::warn!(
            "what was taken was not all written after {WRITING_GRACE:?}; the next start looks"
        );
    }
    log::info!("stopped");
    match end {
        End::Asked => ExitCode::SUCCESS,
        End::Failed => ExitCode::FAILURE,
    }
}

/// Why the server ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Somebody wants it.
    Asked,
    /// The store has failed.
    Failed,
}

/// Waits for the reason to stop.
async fn until_the_end(engine: &Engine, access_log: &AccessLog, mut signals: Signals) -> End {
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Reopen => access_log.reopen(),
                Asked::Stop => {
                    log::info!("stopping: finishing what is in flight");
                    signals.end_at_once_on_next();
                    return End::Asked;
                }
            },
            why = engine.failed() => {
                log::error!("the store failed, so this process ends: {why}");
                return End::Failed;
            }
        }
    }
}

fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.listen;
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG_CONNECTIONS_MAX)
    };
    bind().map_err(|error: std::io::Error| {
        let hint = if error.kind() == std::io::ErrorKind::AddrInUse {
            "; --listen 127.0.0.1:0 picks a free port"
        } else {
            ""
        };
        format!("cannot listen on {address}: {error}{hint}").into()
    })
}

fn open_access_log(config: &Config) -> Result<AccessLog, Failure> {
    match &config.access_log {
        AccessLogSetting::Off => Ok(AccessLog::OFF),
        AccessLogSetting::File(path) => AccessLog::to_file(path, Clock::System).map_err(|error| {
            format!("the access log {} cannot be opened: {error}", path.display()).into()
        }),
    }
}

/// Opens every event, tells what was found, and creates what is to be there from the start.
async fn open_engine(opened: Opened, seed_events: SeedEvents) -> Result<Engine, Failure> {
    for orphan in &opened.leftovers.orphans {
        let event =
            orphan.event.as_ref().map_or("an event that was never created", |id| id.as_str());
        log::warn!(
            "removed an unfinished page of {event}, version {}, left by a crash",
            orphan.first_version
        );
    }
    for number in &opened.leftovers.ownerless {
        log::error!("the ledger of event number {} has lost its record; it is kept", number.0);
    }
    let engine = Engine::open(opened.store, Clock::steady(), Entropy::System).await?;
    for damage in engine.damages() {
        log::error!("{damage}; it is not sold from");
    }
    if !opened.leftovers.ownerless.is_empty() && engine.event_ids().is_empty() {
        return Err(
            "the database has lost its events; it has to be repaired, not begun anew".into()
        );
    }
    if opened.leftovers.ownerless.is_empty() {
        create(&engine, seed_events).await?;
    }
    Ok(engine)
}

/// Creates the seed events. Only where every ledger has its record: one that is missing may have been
/// there, and would be begun anew.
async fn create(engine: &Engine, seed_events: SeedEvents) -> Result<(), Failure> {
    let known = engine.event_ids().into_iter().collect::<HashSet<_>>();
    let wanted = match seed_events {
        SeedEvents::First(terms) if known.is_empty() => vec![terms],
        SeedEvents::First(_) => Vec::new(),
        SeedEvents::Missing(all) => all,
    };
    for terms in wanted.into_iter().filter(|terms| !known.contains(&terms.id)) {
        let request = engine.new_request_id();
        engine.create_event(terms, Actor::System, request).await?;
    }
    Ok(())
}

/// The first thing that a person sees.
fn introduce(
    config: &Config,
    listener: &TcpListener,
    engine: &Engine,
    is_new: &str,
) -> Result<(), Failure> {
    let address = listener.local_addr()?;
    terminal::say(format_args!("TicketBoss {}", env!("CARGO_PKG_VERSION")));
    terminal::say(format_args!("  data       {}{is_new}", config.data_dir.display()));
    if let Ok(event) = engine.default_event_id().and_then(|id| engine.event(&id)) {
        let seats = event.seats();
        terminal::say(format_args!(
            "  event      {}, {}: {} of {} seats available, version {}",
            event.id(),
            event.name(),
            seats.available,
            seats.capacity,
            event.version(),
        ));
    }
    let others = engine.event_ids().len().saturating_sub(1);
    if others > 0 {
        terminal::say(format_args!("  others     {others}, at /v1/events/{{eventId}}"));
    }
    terminal::say(format_args!("  dashboard  http://{address}/"));
    terminal::say(format_args!("  API        http://{address}/reservations/"));
    terminal::say("  stop       Ctrl-C");
    Ok(())
}

fn flush(log: LineWriter) {
    log::logger().flush();
    log.flush();
    drop(log);
}
