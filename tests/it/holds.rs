//! Holds that a wrong clock has seen made.

use ticketboss_core::domain::{Actor, RequestId};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};

use crate::program::{Serving, ticketboss};
use crate::support::{new_directory, terms};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

#[tokio::test]
async fn a_date_far_ahead_is_warned_of() {
    let home = new_directory();
    let ahead = Clock::manual(Clock::System.now().0 + 3 * DAY_MS + HOUR_MS);
    let opened = open(&SledOptions::standard(home.path().join("data/db"))).unwrap();
    let engine = Engine::open(opened.store.clone(), ahead, Entropy::System).await.unwrap();
    let terms = terms("node-meetup", 10);
    engine.create_event(terms, Actor::System, RequestId::NOBODY).await.unwrap();
    engine.close().await;
    drop((engine, opened));
    let server = Serving::spawn_unread(&mut ticketboss(
        home.path(),
        &["serve", "--listen", "127.0.0.1:0", "--access-log", "off"],
    ));
    let log = server.stop_and_read_log();
    assert!(log.contains("node-meetup by 72 h"), "{log}");
}
