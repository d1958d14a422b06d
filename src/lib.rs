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
//! - [`http`] does not name the store. Only `crates/store/src/local/sled/` uses the crate sled; above
//!   [`ticketboss_store`] its options are named where a store is opened (`src/commands/`, `crates/lab`), and
//!   its defaults in [`config`]. Nothing below [`http`] knows warp.
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
//! What users feel has a line in `CHANGELOG.md`, too.
//!
//! | new | where |
//! | --- | --- |
//! | refusal | a variant of `Refusal` in `crates/core/src/domain/command.rs` and of `RefusalKind` in `crates/core/src/domain/refused.rs` (at the end of its `ALL`: a stored kind is a place in it); returned by `crates/core/src/domain/event/decide.rs`, whose table gives the order; its code and status in `src/http/kernel/problem/code.rs`, what it rests on in `src/http/kernel/problem/refusal.rs` (a new field: `Grounds` in `src/http/kernel/problem.rs`), its page and its example in `src/http/kernel/problem/guide.rs`; `.problems(…)` of the operations in `src/http/api/` that can return it; a row of the README's table of problems. The lab: `Outcome` in `crates/lab/src/checker/history/outcome.rs`, read by `crates/lab/src/client/answer.rs` and `crates/lab/src/simulation/clients/answers.rs`, checked below `crates/lab/src/checker/`; a 400, 412 or 422 in `RULES` of `.ci/schemathesis_checks.py`. Tests: `crates/core/tests/it/domain.rs`, a line of a script in `tests/it/openapi/`. The compiler does not ask for `decide.rs`, the example, `.problems`, `client/answer.rs` and `RULES` |
//! | fact | what causes it: an `Intent` in `crates/core/src/domain/command.rs`, `decide.rs`, a use case in `crates/engine/src/`; a variant of `Fact` in `crates/core/src/domain/change.rs`; `apply.rs` and `laws.rs` in `crates/core/src/domain/event/`; `crates/core/src/domain/reservation/step.rs` and `crates/core/src/domain/statistics.rs`; its stored form at the end of `StoredFact` in `crates/store/src/codec/stored.rs`, held still by new golden bytes in `crates/store/tests/it/codec.rs`; its JSON, and its name in `TYPES`, in `src/http/wire/change.rs`; its log line in `crates/engine/src/writer.rs`, tested by `tests/it/log.rs`; the checker, `crates/lab/src/checker/version_checker/`. The compiler does not ask for `TYPES` (the tour in `tests/it/openapi/` does), for `crates/engine/src/receipt.rs` where the fact changes terms, and for `answers.rs` and `terms.rs` of the checker. Tests: `crates/core/tests/it/domain.rs`, `tests/it/history.rs` |
//! | operation, list filter, query parameter | the handler in `src/http/api/`, with its description beside it; a parameter is read there, or in `src/http/kernel/query.rs` where several operations have it; it is described in `src/http/describe/parameters.rs` and named in `.takes`; an operation has a line in the route table of `src/http.rs`, which says who may call it. Tests: a line of a script in `tests/it/openapi/`, the file of that resource in `tests/it/`; a row of the README's table of operations |
//! | field of a response | the shape in `src/http/wire/` |
//! | header | of a request: read where it is used, or in a file of its own in `src/http/kernel/` as `precondition.rs`, `idempotency.rs` and `request_id.rs` are, described in `src/http/describe/parameters.rs` and named in `.takes`. Of a response: `src/http/kernel/reply.rs`, of a problem `src/http/kernel/problem.rs`, of every response `finish` in `src/http.rs`; described in `src/http/describe/headers.rs`, named by `.with` of the responses that have it, in `HEADERS` of `tests/it/openapi/description.rs`, and in `Access-Control-Expose-Headers` in `src/http.rs`, which no test asks for |
//! | setting | `Settings`, `Config`, `or` and `or_default` in `src/config.rs`: flag, environment and file are one field, whose comment names the variable and the default; it is used in `src/commands/serve.rs`, about connections through `Limits` of `src/server.rs`; a row in the README, which `tests/it/readme.rs` asks for; a line in `tests/corpus/settings/all.toml` |
//! | command | a file in `src/commands/`, a variant in `src/cli.rs` |
//! | backend | a module of `crates/store/src/` (of one machine: of `crates/store/src/local/`), a variant of `Store` in `crates/store/src/store.rs`; one that writes in rounds implements `Medium` of `crates/store/src/committer.rs`; a module in the macro of `crates/store/tests/it/contract.rs` and an arm of `module_of` there, which the compiler asks for; a module in the macro of `crates/engine/tests/it/engine.rs`, which it does not; it is opened in `src/commands/serve.rs`, `src/commands/verify.rs`, `crates/lab/src/judging.rs` and `crates/lab/src/prove/judgement.rs`; its library has its home in `tests/tidy/homes.rs` |
//! | test | of one crate: that crate's `tests/it/`; of the process, HTTP or a browser: `tests/it/`; a new file is a `mod` in the `main.rs` beside it, or it is not built; one that needs more than Rust and a C compiler is `#[ignore = "needs …"]`, and `.ci/run` installs what that is and runs all of these; one that the shipped program has to pass is named in the step of that name |
//! | test suite of its own | a step in `.ci/run`, and what it needs in the step "tools" there; a row of the harnesses in `RELIABILITY.md`, which `tests/it/reliability.rs` checks; if it convicts planted defects, a name in `SUITES_KNOWN` and an arm of `commands_of` in `.ci/sabotage`; a package outside of `crates/` in `Cargo.toml` and in `OTHER_MEMBERS` of `tests/tidy.rs` |
//! | planted defect | `tests/mutants/NAME.patch`; its first two lines are `Breaks: WHAT.` and `Convicted by: SUITE`, one of `SUITES_KNOWN` in `.ci/sabotage`; `.ci/sabotage NAME` tries it; `RELIABILITY.md` counts them. Where a change of the source makes a patch fail to apply, `tests/tidy.rs` fails, and the patch is made anew |
//! | page | of files: in `assets/`, each served under its name by `src/http/pages/assets.rs`; a style sheet with the shared colours is named in `STYLES` there, a path without an extension in `page`; nothing may be inline. Made by code: a file in `src/http/pages/` and a line of the route table. Tests: `tests/it/http.rs`, in a browser `tests/it/dashboard.rs` |
//! | metric | of sales: `Tally` in `crates/core/src/domain/statistics.rs`, shown by `src/http/wire/statistics.rs`. Of the program none is shown yet: the store counts (`Counts` and `Counters` in `crates/store/src/committer.rs`, `ticketboss_store::Store::counts`), but [`http`] does not name the store, so one needs a method of [`ticketboss_engine::Engine`], a shape in `src/http/wire/service.rs` and an operation in `src/http/api/service.rs` |
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
