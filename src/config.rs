//! The settings and where they come from. The only place that reads the environment.
//!
//! One definition, [`Settings`], serves every source: a flag `--data-dir D`, a variable
//! `TICKETBOSS_DATA_DIR=D`, the same in a file `.env`, a line `data_dir = "D"` in `ticketboss.toml`.
//! The first that says something wins, in this order, then the default. A key that nobody knows is
//! an error everywhere: a misspelt setting is worse than none.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, FromArgMatches};
use serde::Deserialize;

use ticketboss_store::local::sled::{CACHE_CAPACITY_BYTES, DISK_FREE_BYTES_MIN};

/// What variables of this program begin with.
const PREFIX: &str = "TICKETBOSS_";
/// The configuration file that is read if it is there.
const DEFAULT_FILE: &str = "ticketboss.toml";
/// Variables for the process's surroundings, in the working directory.
const DOTENV_FILE: &str = ".env";
const CONNECTIONS_MAX: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

/// Settings as one source says them; what it does not say is `None`.
#[expect(clippy::doc_markdown, reason = "--help shows these texts as they stand")]
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port to listen on; port 0 picks a free one and prints it
    /// [env: TICKETBOSS_LISTEN, or PORT alone] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS:PORT", verbatim_doc_comment)]
    pub listen: Option<SocketAddr>,
    /// Directory of the database; made if it is not there
    /// [env: TICKETBOSS_DATA_DIR] [default: data/db]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub data_dir: Option<PathBuf>,
    /// Where to write a line per request, or `off`; reopened on SIGHUP
    /// [env: TICKETBOSS_ACCESS_LOG] [default: logs/access.log]
    #[arg(long, value_name = "FILE|off", verbatim_doc_comment)]
    pub access_log: Option<AccessLogSetting>,
    /// What to tell on standard error: error, warn, info, debug, or per module
    /// [env: TICKETBOSS_LOG] [default: info]
    #[arg(long, value_name = "FILTER", verbatim_doc_comment)]
    pub log: Option<String>,
    /// JSON file with an event, or an array of events; those not there yet are created
    /// [env: TICKETBOSS_SEED_EVENT] [default: node-meetup-2025, 500 seats]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub seed_event: Option<PathBuf>,
    /// How many connections are served at once; more wait
    /// [env: TICKETBOSS_CONNECTIONS_MAX] [default: 10000]
    #[arg(long, value_name = "N", verbatim_doc_comment)]
    pub connections_max: Option<NonZeroU32>,
    /// Nothing is written while less than this is free on the disk
    /// [env: TICKETBOSS_DISK_FREE_MIB_MIN] [default: 64]
    #[arg(long, value_name = "MIB", verbatim_doc_comment)]
    pub disk_free_mib_min: Option<u64>,
    /// How much memory the database may use as cache, roughly
    /// [env: TICKETBOSS_CACHE_MIB] [default: 64]
    #[arg(long, value_name = "MIB", verbatim_doc_comment)]
    pub cache_mib: Option<NonZeroU64>,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum AccessLogSetting {
    /// Nowhere.
    Off,
    /// To this file.
    File(PathBuf),
}

impl From<String> for AccessLogSetting {
    fn from(text: String) -> Self {
        if text == "off" { Self::Off } else { Self::File(text.into()) }
    }
}

impl FromStr for AccessLogSetting {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.to_owned().into())
    }
}

/// The settings that hold, all sources considered.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The directory of the database.
    pub data_dir: PathBuf,
    /// Where the access log goes.
    pub access_log: AccessLogSetting,
    /// What is told on standard error.
    pub log: String,
    /// The file with the events to create.
    pub seed_event: Option<PathBuf>,
    /// How many connections are served at once.
    pub connections_max: NonZeroU32,
    /// Nothing is written while less is free.
    pub disk_free_bytes_min: u64,
    /// How much sled may cache.
    pub cache_capacity_bytes: u64,
}

/// Why there are no settings. Each message is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {file}: {cause}")]
    File {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file does not say what it may.
    #[error("{file}: {what}")]
    Content {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A variable does not say what it may.
    #[error("{source_name}: {what}")]
    Variable {
        /// Where the variable is.
        source_name: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

impl Config {
    /// Finds the settings: `flags`, the environment, `.env`, then the file (`ticketboss.toml` if it is
    /// there and no other is given), then the defaults.
    ///
    /// # Errors
    /// When a source cannot be read, or says something that nobody knows.
    pub fn find(flags: Settings, file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment = read_variables("environment", &environment())?;
        let dotenv = read_variables(DOTENV_FILE, &read_dotenv(Path::new(DOTENV_FILE))?)?;
        let file = read_file(file)?;
        Ok(flags.or(environment).or(dotenv).or(file).or_default())
    }
}

impl Settings {
    fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data_dir: self.data_dir.or(other.data_dir),
            access_log: self.access_log.or(other.access_log),
            log: self.log.or(other.log),
            seed_event: self.seed_event.or(other.seed_event),
            connections_max: self.connections_max.or(other.connections_max),
            disk_free_mib_min: self.disk_free_mib_min.or(other.disk_free_mib_min),
            cache_mib: self.cache_mib.or(other.cache_mib),
        }
    }

    fn or_default(self) -> Config {
        let bytes = |mib: u64| mib.saturating_mul(1024 * 1024);
        Config {
            listen: self.listen.unwrap_or(DEFAULT_LISTEN),
            data_dir: self.data_dir.unwrap_or_else(|| "data/db".into()),
            access_log: self
                .access_log
                .unwrap_or_else(|| AccessLogSetting::File("logs/access.log".into())),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            seed_event: self.seed_event,
            connections_max: self.connections_max.unwrap_or(CONNECTIONS_MAX),
            disk_free_bytes_min: self.disk_free_mib_min.map_or(DISK_FREE_BYTES_MIN, bytes),
            cache_capacity_bytes: self
                .cache_mib
                .map_or(CACHE_CAPACITY_BYTES, |mib| bytes(mib.get())),
        }
    }
}

/// Whether colours are unwanted (<https://no-color.org>).
pub fn no_color() -> bool {
    environment().get("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The path of this very program.
///
/// # Errors
/// When the system does not tell.
pub fn own_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// The variables that can be settings. Others may be anything, even no text.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment() -> BTreeMap<String, String> {
    let ours = |name: &str| name.starts_with(PREFIX) || name == "PORT" || name == "NO_COLOR";
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| ours(name))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

fn read_dotenv(file: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    match dotenvy::from_path_iter(file) {
        // The lines are not repeated: what others keep in this file may be secret.
        Ok(entries) => entries.collect::<Result<_, _>>().map_err(|_| ConfigError::Content {
            file: file.to_owned(),
            what: "a line is not KEY=VALUE, or its quotes are not closed".to_owned(),
        }),
        Err(error) if error.not_found() => Ok(BTreeMap::new()),
        Err(error) => Err(ConfigError::Content { file: file.to_owned(), what: error.to_string() }),
    }
}

/// Reads `TICKETBOSS_DATA_DIR=D` as if it were `--data-dir D`, so that there is one definition.
fn read_variables(
    source_name: &'static str,
    variables: &BTreeMap<String, String>,
) -> Result<Settings, ConfigError> {
    let wrong = |what: String| ConfigError::Variable { source_name, what };
    let command = Settings::augment_args(clap::Command::new("settings").no_binary_name(true));
    let mut words = Vec::new();
    let mut port = None;
    for (name, value) in variables {
        if let Some(key) = name.strip_prefix(PREFIX) {
            let flag = key.to_ascii_lowercase().replace('_', "-");
            if !command.get_arguments().any(|known| known.get_long() == Some(&flag)) {
                return Err(wrong(format!("{name} is not a setting")));
            }
            words.push(format!("--{flag}={value}"));
        } else if name == "PORT" {
            let number: u16 = value
                .parse()
                .map_err(|_| wrong(format!("PORT must be a port number, not {value:?}")))?;
            port = Some(number);
        }
    }
    let mut settings = command
        .try_get_matches_from(words)
        .and_then(|matches| Settings::from_arg_matches(&matches))
        .map_err(|error| wrong(first_line(&error)))?;
    if let Some(port) = port {
        settings.listen.get_or_insert(SocketAddr::new(DEFAULT_LISTEN.ip(), port));
    }
    Ok(settings)
}

fn first_line(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn read_file(given: Option<&Path>) -> Result<Settings, ConfigError> {
    let file = given.unwrap_or(Path::new(DEFAULT_FILE));
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(cause) => {
            return Err(ConfigError::File { file: file.to_owned(), cause });
        }
    };
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let what = format!("line {line}: {}", error.message().lines().next().unwrap_or_default());
        ConfigError::Content { file: file.to_owned(), what }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let list = list.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        read_variables("environment", &list.collect())
    }

    #[test]
    fn a_variable_is_read_like_its_flag() {
        let settings = variables(&[
            ("TICKETBOSS_LISTEN", "0.0.0.0:80"),
            ("TICKETBOSS_ACCESS_LOG", "off"),
            ("OTHER", "x"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.listen, Some("0.0.0.0:80".parse().unwrap()));
        assert_eq!(settings.access_log, Some(AccessLogSetting::Off));
    }

    #[test]
    fn port_alone_keeps_the_address_and_yields_to_listen() {
        let listen = |list| variables(list).unwrap().listen.unwrap().to_string();
        assert_eq!(listen(&[("PORT", "9000")]), "127.0.0.1:9000");
        assert_eq!(listen(&[("PORT", "9000"), ("TICKETBOSS_LISTEN", "[::1]:1")]), "[::1]:1");
    }

    #[test]
    fn what_nobody_knows_is_an_error() {
        let told = |list| variables(list).unwrap_err().to_string();
        assert_eq!(
            told(&[("TICKETBOSS_LISTENN", "x")]),
            "environment: TICKETBOSS_LISTENN is not a setting"
        );
        assert_eq!(
            told(&[("PORT", "http")]),
            "environment: PORT must be a port number, not \"http\""
        );
        assert!(told(&[("TICKETBOSS_LISTEN", "nowhere")]).contains("nowhere"));
        let file: Result<Settings, _> = toml::from_str("data_dri = 'x'");
        assert!(file.unwrap_err().to_string().contains("data_dri"));
    }

    #[test]
    fn the_first_source_that_says_something_wins() {
        let flag = Settings { cache_mib: NonZeroU64::new(1), ..Settings::default() };
        let file = Settings {
            cache_mib: NonZeroU64::new(2),
            log: Some("debug".into()),
            ..Settings::default()
        };
        let config = flag.or(file).or_default();
        assert_eq!(config.cache_capacity_bytes, 1024 * 1024);
        assert_eq!(config.log, "debug");
        assert_eq!(config.listen, DEFAULT_LISTEN);
    }
}
