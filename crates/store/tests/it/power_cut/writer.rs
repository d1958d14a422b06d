//! The one who writes to an event as fast as he can, in batches that fill pages.

use std::convert::Infallible;

use ticketboss_core::domain::{
    Actor, Change, Event, EventId, EventName, EventTerms, Fact, Nonce, PartnerId, RequestId, Seats,
    Timestamp, Version,
};
use ticketboss_store::ledger::ReplayError;
use ticketboss_store::{Commit, Loaded, Store, StoreError, Swap, Token};

use super::{replay, say};
use crate::random::SplitMix;

/// Writes to one event until the store fails.
pub(super) struct Writer {
    pub(super) store: Store,
    pub(super) id: EventId,
    pub(super) random: SplitMix,
}

impl Writer {
    /// Says in the end why he stopped.
    pub(super) async fn run(mut self) -> String {
        match self.write().await {
            Ok(never) => match never {},
            Err(why) => why.to_string(),
        }
    }

    async fn write(&mut self) -> Result<Infallible, ReplayError> {
        let (mut event, mut loaded) = match self.store.load(&self.id).await? {
            Some(loaded) => replay(&self.store, &self.id, loaded.map_err(Into::into)).await?,
            None => self.create().await?,
        };
        loop {
            let changes = self.sell(&mut event);
            let commit = Commit::draft(Some(&loaded.record), &event, &changes);
            loaded = self.commit(&loaded.token, commit).await?;
        }
    }

    async fn create(&mut self) -> Result<(Event, Loaded), StoreError> {
        let number = self.store.claim_event_number().await?;
        let terms = EventTerms::on_sale(
            self.id.clone(),
            EventName::new("Node Meetup 2025").unwrap(),
            Seats::new(1_000_000_000).unwrap(),
            Seats::new(10).unwrap(),
        );
        let change = self.change(Version::FIRST, Fact::EventCreated(terms));
        let event = Event::create(number, &change).unwrap();
        let commit = Commit::draft(None, &event, &[change]);
        let loaded = self.commit(&Token::ABSENT, commit).await?;
        Ok((event, loaded))
    }

    /// One commit, which is acknowledged by the line that this prints.
    async fn commit(&self, token: &Token, commit: Commit) -> Result<Loaded, StoreError> {
        let record = commit.record;
        let Swap::Won(token) = self.store.commit(&self.id, token, commit).await? else {
            panic!("nobody else writes to {}", self.id);
        };
        say(&format!("acked {} {}", self.id, record.version));
        Ok(Loaded { record, token })
    }

    /// A batch of sales: mostly about a full page of them, sometimes one, sometimes several pages.
    fn sell(&mut self, event: &mut Event) -> Vec<Change> {
        let count = match self.random.within(0, 9) {
            0 => 1,
            1 => self.random.within(800, 1600),
            _ => self.random.within(256, 400),
        };
        let sell_one = |_| {
            let fact = Fact::Reserved {
                partner: self.partner(),
                seats: Seats::new(2).unwrap(),
                nonce: Nonce::from_bits(self.random.next()),
            };
            let change = self.change(event.version().next(), fact);
            event.apply(&change);
            change
        };
        (0..count).map(sell_one).collect()
    }

    /// One of a thousand names like `box-office-0417.north-sea-festivals.example`.
    fn partner(&mut self) -> PartnerId {
        let number = self.random.within(0, 999);
        PartnerId::new(&format!("box-office-{number:04}.north-sea-festivals.example")).unwrap()
    }

    fn change(&mut self, version: Version, fact: Fact) -> Change {
        let request = u128::from(self.random.next()) << 64 | u128::from(self.random.next());
        Change {
            version,
            at: Timestamp(1_760_000_000_000 + i64::try_from(version.get()).unwrap()),
            by: Actor::Anonymous,
            request: RequestId(request),
            key: None,
            note: None,
            refused: None,
            fact,
        }
    }
}
