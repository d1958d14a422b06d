//! Subscribers who go away, sleep and come back while an event lives, and in the end have its ledger.
//!
//! `TICKETBOSS_SUBSCRIBERS` and `TICKETBOSS_FEED_CHANGES` say how many there are, `TICKETBOSS_FEED_SEED`
//! replays their choices, though not the moments.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::value::RawValue;
use ticketboss_core::domain::{EventId, RequestId, ReservationId, Seats};
use ticketboss_engine::Engine;
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use tokio::sync::watch;

use super::create;
use super::follower::{Heard, Socket, Stream};
use crate::random::SplitMix;
use crate::support::{event_id, new_directory, open_store, partner, setting};
use crate::wire::{Server, ask, bare, standard_limits};

const SUBSCRIBERS: u64 = 20;
const CHANGES: u64 = 4_000;
/// How many clients change the event at the same time.
const WRITERS: u64 = 8;
/// How many frames somebody takes before he does something else.
const FRAMES_AT_A_TIME: u64 = 2_000;
/// How long somebody sleeps, at most, connected or not.
const SLEEP_MS: u64 = 150;

fn number(name: &str, usual: u64) -> u64 {
    setting(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_ends_with_the_exact_ledger() {
    let (subscribers, changes) =
        (number("TICKETBOSS_SUBSCRIBERS", SUBSCRIBERS), number("TICKETBOSS_FEED_CHANGES", CHANGES));
    let seed = number("TICKETBOSS_FEED_SEED", Entropy::System.nonce().get());
    println!("{subscribers} subscribers, {changes} changes, TICKETBOSS_FEED_SEED={seed}");
    let directory = new_directory();
    let store = open_store(&directory);
    let engine = Engine::open(store, Clock::steady(), Entropy::System).await.unwrap();
    // Those who went away are noticed a little later, and count until then.
    let most = usize::try_from(10 * subscribers).unwrap();
    let server = Server::for_subscribers(engine.clone(), standard_limits(), most).await;
    create(&engine, "a").await;
    let (done, last) = watch::channel(None);
    let following = (0..subscribers).map(|number| {
        let (address, last) = (server.address, last.clone());
        tokio::spawn(follow(address, number, SplitMix(seed.wrapping_add(number)), last))
    });
    let following = following.collect::<Vec<_>>();
    let writing = (0..WRITERS).map(|writer| {
        let draws = SplitMix(seed.wrapping_mul(writer + 3));
        tokio::spawn(write(engine.clone(), draws, changes / WRITERS))
    });
    for writer in writing.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let newest = engine.event(&event_id("a")).unwrap().version().get();
    assert!(newest > changes / 2, "{newest}");
    done.send_replace(Some(newest));
    let mut followed = Vec::new();
    for subscriber in following {
        followed.push(subscriber.await.unwrap());
    }
    // Holds go on ending, so some may have got more by now.
    let most = followed.iter().map(|(got, _)| got.len()).max().unwrap();
    let told = ledger(server.address, most).await;
    let mut connections = 0;
    for (got, times) in followed {
        assert!(got.len() as u64 >= newest);
        assert!(got == told[..got.len()], "{} frames are not as in the ledger", got.len());
        connections += times;
    }
    println!("{newest} changes, {connections} connections, each subscriber has the exact ledger");
    assert!(connections > subscribers, "some went away and came back");
}

fn digest(frame: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    frame.hash(&mut hasher);
    hasher.finish()
}

/// So many frames or more, as `…/changes` tells them.
async fn ledger(address: SocketAddr, count: usize) -> Vec<u64> {
    #[derive(serde::Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }
    let mut told = Vec::new();
    while told.len() < count {
        let path = format!("/v1/events/a/changes?limit=200&since={}", told.len());
        let answer = ask(address, &bare(&format!("GET {path}"), &[])).await;
        let page: Page<'_> = serde_json::from_slice(&answer.body).unwrap();
        assert!(!page.items.is_empty(), "nothing after {}", told.len());
        told.extend(page.items.iter().map(|item| digest(item.get())));
    }
    told
}

/// Changes the event so often, in all ways that a partner has.
async fn write(engine: Engine, mut draws: SplitMix, times: u64) {
    let (event, acme): (EventId, _) = (event_id("a"), partner("acme"));
    let mut has: Vec<ReservationId> = Vec::new();
    for _ in 0..times {
        let draw = usize::try_from(draws.next() >> 8).unwrap();
        let known = (!has.is_empty()).then(|| has[draw % has.len()]);
        let done = match (draws.next() % 8, known) {
            (0..=2, _) | (_, None) => engine.reserve(&event, acme.clone(), 3, RequestId(7)).await,
            (3 | 4, _) => engine.hold(&event, acme.clone(), 2, 10, RequestId(7)).await,
            (5, Some(id)) => engine.confirm(id, RequestId(7)).await,
            (6, Some(id)) => {
                let seat = Seats::new(1).unwrap();
                engine.cancel_part(id, seat, RequestId(7)).await
            }
            (_, Some(id)) => engine.cancel(id, RequestId(7)).await,
        };
        // What was refused has changed nothing, and that is all right.
        has.extend(done.ok().map(|reserved| reserved.id()));
    }
}

/// Follows until the last version, and gives a digest of each frame, and how often it connected.
async fn follow(
    address: SocketAddr,
    number: u64,
    mut draws: SplitMix,
    last: watch::Receiver<Option<u64>>,
) -> (Vec<u64>, u64) {
    let (mut got, mut connections) = (Vec::new(), 0);
    while last.borrow().is_none_or(|last| (got.len() as u64) < last) {
        connections += 1;
        let frames = draws.within(0, FRAMES_AT_A_TIME);
        let since = got.len();
        if number.is_multiple_of(2) {
            let since = since.to_string();
            let path = "/v1/events/a/feed?since=0";
            let mut stream = Stream::open(address, path, Some(&since)).await.unwrap();
            for _ in 0..frames {
                nap(&mut draws).await;
                if is_reached(&last, got.len()) {
                    break;
                }
                let (id, data) = stream.data().await.unwrap();
                assert_eq!(id, Some((got.len() + 1).to_string()));
                got.push(digest(&data));
            }
        } else {
            let path = format!("/v1/events/a/ws?since={since}");
            let mut socket = Socket::open(address, &path).await.unwrap();
            for _ in 0..frames {
                nap(&mut draws).await;
                if is_reached(&last, got.len()) {
                    break;
                }
                match socket.next().await {
                    Heard::Frame(frame) => got.push(digest(&frame)),
                    other => panic!("{other:?}"),
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(draws.within(0, SLEEP_MS))).await;
    }
    (got, connections)
}

fn is_reached(last: &watch::Receiver<Option<u64>>, got: usize) -> bool {
    last.borrow().is_some_and(|last| got as u64 >= last)
}

/// Now and then somebody does not read for a while. It is the fault itself, not a condition.
async fn nap(draws: &mut SplitMix) {
    if draws.next().is_multiple_of(500) {
        tokio::time::sleep(Duration::from_millis(draws.within(0, SLEEP_MS))).await;
    }
}
