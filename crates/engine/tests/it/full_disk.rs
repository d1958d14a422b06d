//! A disk that fills up stops the selling with a clear answer, and nothing else.
//!
//! sled 0.34.7 remembers an out-of-space error for good, and its database cannot be opened while the
//! disk is full. So the store stops writing while there is still room for sled itself, goes on
//! reading, and goes on selling as soon as there is room again, without a restart.

use ticketboss_core::domain::{
    Actor, EventId, EventName, EventTerms, PartnerId, RequestId, ReservationId, Seats,
};
use ticketboss_engine::{Engine, EngineError};
use ticketboss_runtime::clock::Clock;
use ticketboss_runtime::entropy::Entropy;
use ticketboss_store::local::sled::{SledOptions, open};

use crate::file_systems::{Tmpfs, missing, skip};

/// How many callers ask at the same time, so that the disk fills by whole batches.
const CALLERS: usize = 64;
/// More reservations than the disk has bytes for: the end of a store that never says stop.
const RESERVATIONS_MAX: usize = 200_000;
const SEATS_EACH: u32 = 2;

#[tokio::test]
#[ignore = "needs root"]
async fn a_full_disk_stops_the_selling_until_there_is_room() {
    if let Some(reason) = missing(&[]) {
        return skip(&reason);
    }
    let disk = Tmpfs::create("24m");
    let options = SledOptions {
        disk_free_bytes_min: 8 * 1024 * 1024,
        ..SledOptions::standard(disk.path().join("data"))
    };
    let event = EventId::new("node-meetup-2025").unwrap();
    let engine = open_engine(&options).await;
    engine.create_event(terms(&event), Actor::System, RequestId(1)).await.unwrap();

    let sold = sell_until_full(&engine, &event).await;
    assert!(!sold.is_empty(), "something was sold before the disk was full");
    let seats = engine.event(&event).unwrap().seats();
    let expected = u32::try_from(sold.len()).unwrap() * SEATS_EACH;
    assert_eq!(seats.confirmed, expected, "a full disk changes nothing");
    let first = sold.first().unwrap();
    assert_eq!(engine.reservation(*first).unwrap().seats.get(), SEATS_EACH);
    let again = sell_until_full(&engine, &event).await;
    assert_eq!(again, [], "the disk is as full as it was");

    disk.resize("64m");
    let mut sold = sold;
    for _ in 0..10 {
        let id = reserve(&engine, &event).await.expect("there is room again");
        sold.push(id);
    }

    close(engine).await;
    let engine = open_engine(&options).await;
    assert_eq!(engine.damages(), []);
    for id in &sold {
        let kept = engine.reservation(*id).expect("it was acknowledged");
        assert_eq!(kept.seats.get(), SEATS_EACH);
    }
    let event = engine.event(&event).unwrap();
    assert_eq!(event.live_reservations(), sold.len() as u64);
    println!("{} reservations, all of them kept", sold.len());
    close(engine).await;
}

async fn open_engine(options: &SledOptions) -> Engine {
    let store = open(options).expect("the store opens").store;
    Engine::open(store, Clock::System, Entropy::seeded(1)).await.expect("the store can be read")
}

/// Closes an engine and with it the store, of which it is the last to know.
async fn close(engine: Engine) {
    engine.close().await;
    drop(engine);
}

fn terms(event: &EventId) -> EventTerms {
    EventTerms::on_sale(
        event.clone(),
        EventName::new("Node Meetup 2025").unwrap(),
        Seats::new(1_000_000_000).unwrap(),
        Seats::new(10).unwrap(),
    )
}

/// Sells from many sides at once until each of them was told that the disk is full.
async fn sell_until_full(engine: &Engine, event: &EventId) -> Vec<ReservationId> {
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (engine, event) = (engine.clone(), event.clone());
        callers.spawn(async move {
            let mut sold = Vec::new();
            for _ in 0..RESERVATIONS_MAX / CALLERS {
                match reserve(&engine, &event).await {
                    Ok(id) => sold.push(id),
                    Err(EngineError::DiskFull) => return sold,
                    Err(other) => panic!("the disk is full, not: {other}"),
                }
            }
            panic!("the disk is full at some point");
        });
    }
    callers.join_all().await.concat()
}

async fn reserve(engine: &Engine, event: &EventId) -> Result<ReservationId, EngineError> {
    // The longest id in the widest letters fills the disk soonest.
    let partner = PartnerId::new(&"🎟".repeat(128)).unwrap();
    let request = engine.new_request_id();
    let reserved = engine.reserve(event, partner, SEATS_EACH, request).await?;
    Ok(reserved.id())
}
