//! TicketBoss sells seats for events and never sells one twice.
//!
//! One binary; an embedded database; nothing else to install. Its promises, in order:
//!
//! 1. **Never oversold, never leaked.** At every version, available + held + confirmed + blocked seats
//!    are the capacity; a seat is given back exactly once.
//! 2. **An answer is a fact.** A 2xx is on disk before it is sent; a refusal rests only on what is on
//!    disk; reads show nothing else.
//! 3. **409 means business.** Contention is our problem: nobody is told to try again because somebody
//!    else was quicker.
//! 4. **Everything is explained.** Every change is in a ledger, under a version, in a hash chain.
//! 5. **It is fast because it is simple.** One writer per event, batches, one sync for many customers.
//!
//! # Words
//!
//! An *event* is the concert and nothing else. A *change* is a past-tense fact about it, at one
//! *version*; its changes in order are its *ledger*, kept in *pages*. The *record* is the small head
//! on which compare-and-swap acts. A *refusal* is the rules saying no; it is an answer and no failure.
//! A *problem* is what a client is told instead of what it asked for.
//!
//! # Map
//!
//! A crate uses the crates below it; the compiler sees to it. Inside a crate no two files import each other,
//! and the modules of this one have floors of their own; `tests/tidy.rs` checks both.
//!
//! | crate or module | what for |
//! | --- | --- |
//! | [`cli`], `commands` | the commands `serve`, `verify`, `check-proof` and their arguments |
//! | [`server`], [`config`] | connections and the access log; settings |
//! | [`http`] | the route table, bodies, problems, feeds, the description of itself, the embedded dashboard |
//! | [`ticketboss_lab`], `crates/lab` | the checkers, the load generator, `prove`, `stress`; simulated runs behind the feature `sim` |
//! | [`ticketboss_engine`], `crates/engine` | one writer per event, published state, subscriptions, history reads |
//! | [`ticketboss_store`], `crates/store` | the port, its backends, the codec, the committer |
//! | [`ticketboss_runtime`], `crates/runtime` | the clock, tasks and channels, randomness, log lines, the terminal, signals |
//! | [`ticketboss_core`], `crates/core` | events, commands, changes, refusals: pure values |
//!
//! # What is absent
//!
//! - [`ticketboss_core`] has no clock, no random numbers, no files, no JSON, no async and no log.
//! - [`http`] does not name the store. Nothing above [`ticketboss_store`] knows sled; nothing below [`http`]
//!   knows warp.
//! - There is one place that swaps a record (`crates/store/src/local/sled/medium.rs`), one that turns values
//!   into bytes ([`ticketboss_store::codec`]), one route table (`src/http.rs`), one status table
//!   (`src/http/kernel/problem/code.rs`), one that reads the environment ([`config`]), one that reads the clock
//!   ([`ticketboss_runtime::clock`]), one that draws random numbers ([`ticketboss_runtime::entropy`]).
//! - No lock is held while anybody waits for a disk or a peer, and no queue, body, batch, page or name
//!   is without a limit.
//! - Nothing is retried after a failed write: what the disk then holds is unknown until the next start
//!   reads it.
//!
//! # Where a change goes
//!
//! | new | where |
//! | --- | --- |
//! | refusal | a variant of `Refusal` in `crates/core/src/domain/command.rs` and of `RefusalKind` in `crates/core/src/domain/refused.rs` (at the end: a stored kind is a place), returned in documented order by `crates/core/src/domain/event/decide.rs`; its code in `src/http/kernel/problem/code.rs`, what it rests on in `src/http/kernel/problem/refusal.rs`, its page in `src/http/kernel/problem/guide.rs`. The compiler names each of these places, and the checkers in `crates/lab/src/checker.rs` |
//! | fact | a variant of `Fact` in `crates/core/src/domain/change.rs`; `apply.rs` and `laws.rs` in `crates/core/src/domain/event/`; its stored form at the end of `StoredFact` in `crates/store/src/codec/stored.rs`, held still by the golden bytes of `crates/store/tests/it/codec.rs`; its JSON in `src/http/wire/change.rs`; its log line in `crates/engine/src/writer.rs` |
//! | operation, list filter, query parameter | the handler in `src/http/api/`, with its description beside it; parameters are read by `src/http/kernel/query.rs` and described by `src/http/describe/parameters.rs`; an operation has a line in the route table of `src/http.rs`, which says who may call it |
//! | field of a response | the shape in `src/http/wire/` |
//! | header | of a request: `src/http/kernel/request.rs` or `src/http/kernel/idempotency.rs`; of a response: `src/http/kernel/reply.rs`, described in `src/http/describe/headers.rs` |
//! | setting | `Settings` and `Config` in `src/config.rs`: flag, environment and file are one field; it is used in `src/commands/serve.rs` |
//! | command | a file in `src/commands/`, a variant in `src/cli.rs` |
//! | backend | a folder in `crates/store/src/`, a variant of `Store` in `crates/store/src/store.rs`; one that writes in rounds implements `Medium` of `crates/store/src/committer.rs`; a line in `crates/store/tests/it/contract.rs` runs the contract suite on it |
//! | test | of one crate: that crate's `tests/it/`; of the process, HTTP or a browser: `tests/it/`; one that needs more than Rust and a C compiler is `#[ignore = "needs …"]`, and `.ci/run` installs what that is |
//! | test suite of its own | a step in `.ci/run`, a name in `SUITES_KNOWN` of `.ci/sabotage` |
//! | planted defect | `tests/mutants/NAME.patch`, whose first two lines say what it breaks and which suite convicts it |
//! | page | files in `assets/`, served by `src/http/pages/` |
//! | metric | none yet: what is counted is `Counts` in `crates/store/src/committer.rs`, which `ticketboss_store::Store::counts` returns |
//!
//! # A reservation, end to end
//!
//! 1. `server` accepts a connection (there is a cap) and hyper reads the head (there is a timeout).
//!    The access log notes the time.
//! 2. `http` names the request, finds the resource by its path and the operation by its method, reads
//!    the body up to its limit. `src/http/legacy.rs` turns it into a partner and a number of seats,
//!    or into a problem that tells every fault at once.
//! 3. [`ticketboss_engine::Engine::reserve`] draws the random part of the reservation's id and puts the command
//!    into the event's queue, or answers `Overloaded` if that is full.
//! 4. The event's writer (`crates/engine/src/writer.rs`) takes all commands that wait, clones the event (a few
//!    pointers: its maps are persistent), gives back what was held and whose time is up, and lets [`ticketboss_core::domain::Event::decide`] state a change or a
//!    refusal for each, applying the changes as it goes. It checks the conservation laws.
//! 5. [`ticketboss_store::Commit`] writes the changes down as pages, each with the digest of the one before,
//!    and the new record. The committer thread ([`ticketboss_store::committer`]) has the pages inserted and the
//!    record swapped (`crates/store/src/local/sled/medium.rs`) — here it happens — and, for all events that have
//!    something waiting, flushed and synced once.
//! 6. The writer shows the new event to readers and answers everybody in the batch, the refused ones,
//!    too: their refusal may rest on a neighbour that was not durable until now.
//! 7. `http` wraps the answer; the version is in the body and in the `ETag`.
//!
//! Whoever follows the event is told what its ledger says now (`src/http/feed/`): the channel of the event
//! hears that there is a new version, reads the changes, and turns them into text once for everybody.
//!
//! A client that hangs up in between changes nothing of this: the writer does the work, not the
//! connection.
//!
//! # A crash, and the next start
//!
//! The process is killed between the pages and the swap, or the power goes. [`ticketboss_store::local::sled::open`]
//! takes the lock, deletes what a killed start may have left, opens sled, which cuts its log at the
//! first thing that is not whole, and removes pages above their record's version: nobody was told
//! of them. It also holds every event against what the database had at least, which is written down
//! beside it: a byte that has rotted makes sled end its log there, and an older state comes up that is
//! whole in itself. [`ticketboss_store::ledger::replay`] then folds every ledger from its first page: checksums, chain,
//! laws, and the outcome against the record. An event that does not hold together is named, with the
//! version, and served by nobody; the others are sold from as if nothing had happened.

pub mod cli;
mod commands;
pub mod config;
pub mod http;
pub mod server;
