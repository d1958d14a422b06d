//! Frames in a row, serialised once for everybody, and the few of them that are kept.
//!
//! A position says how much somebody has got: of one event it is the version, of all events the time
//! before which he has got everything. It must not know who reads, or how.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

/// How many bytes of frames are kept for those who are a little late; whoever is later reads the ledger.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// How many stretches are kept.
const KEPT_STRETCHES_MAX: usize = 128;

/// Frames in a row.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// Whoever has got this much gets them next.
    after: u64,
    /// How much he has got with them.
    last: u64,
    /// Whether each frame has a position of its own, one after the other.
    numbering: Numbering,
    text: Bytes,
    frames: Vec<FrameSpan>,
}

/// What positions a stretch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Each frame has the next one.
    EachFrame,
    /// All frames have one together; one cannot have got some of them.
    AllTogether,
    /// They have none.
    None,
}

/// Where a frame stands in the text.
#[derive(Debug)]
struct FrameSpan {
    begins: usize,
    json: Range<usize>,
}

impl Stretch {
    /// The frames of `items`, as a server sends them as events: an id, the frame as JSON, an empty line.
    pub(crate) fn new(
        after: u64,
        last: u64,
        numbering: Numbering,
        items: &[impl Serialize],
    ) -> Self {
        let mut text = Vec::new();
        let mut frames = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let begins = text.len();
            let id = match numbering {
                Numbering::EachFrame => Some(after + 1 + index as u64),
                Numbering::AllTogether => (index + 1 == items.len()).then_some(last),
                Numbering::None => None,
            };
            if let Some(id) = id {
                text.extend_from_slice(format!("id: {id}\n").as_bytes());
            }
            text.extend_from_slice(b"data: ");
            let json_begins = text.len();
            serde_json::to_writer(&mut text, item)
                .expect("wire types have string keys and no failing parts");
            let json = json_begins..text.len();
            text.extend_from_slice(b"\n\n");
            frames.push(FrameSpan { begins, json });
        }
        Self { after, last, numbering, text: text.into(), frames }
    }

    /// No frame, but the position.
    pub(crate) fn empty(position: u64) -> Self {
        let text = format!("id: {position}\n\n").into();
        let (after, last, frames) = (position, position, Vec::new());
        Self { after, last, numbering: Numbering::None, text, frames }
    }

    /// The first frame for somebody who has got that much, if it is one of these.
    fn next_after(&self, position: u64) -> Option<usize> {
        let ahead = position.checked_sub(self.after)?;
        let index = usize::try_from(ahead).ok()?;
        let is_one = match self.numbering {
            Numbering::EachFrame => index < self.frames.len(),
            Numbering::AllTogether | Numbering::None => index == 0,
        };
        is_one.then_some(index)
    }
}

/// What somebody gets next: a stretch, from one of its frames on.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    stretch: Arc<Stretch>,
    from: usize,
}

impl Piece {
    /// All of a stretch.
    pub(crate) fn whole(stretch: Stretch) -> Self {
        Self { stretch: Arc::new(stretch), from: 0 }
    }

    /// How much one has got with it.
    pub(crate) fn last(&self) -> u64 {
        self.stretch.last
    }

    /// Its text as events that a server sends.
    pub(crate) fn text(&self) -> Bytes {
        let begins = self.stretch.frames.get(self.from).map_or(0, |place| place.begins);
        self.stretch.text.slice(begins..)
    }

    /// Its frames as JSON, one by one.
    pub(crate) fn frames(&self) -> impl Iterator<Item = Bytes> {
        let frames = self.stretch.frames.get(self.from..).unwrap_or_default();
        frames.iter().map(|place| self.stretch.text.slice(place.json.clone()))
    }
}

/// The newest stretches, one joining the other.
#[derive(Debug)]
pub(crate) struct Ring {
    stretches: VecDeque<Arc<Stretch>>,
    last: u64,
    bytes: usize,
    is_closed: bool,
}

/// What there is for somebody.
#[derive(Debug)]
pub(crate) enum Found {
    /// This.
    Piece(Piece),
    /// Nothing yet.
    Nothing,
    /// Nothing, and nothing comes any more.
    Over,
    /// It is not here any more, or was never.
    Elsewhere,
}

impl Ring {
    /// Nothing so far; what comes begins after `position`.
    pub(crate) fn beginning_after(position: u64) -> Self {
        Self { stretches: VecDeque::new(), last: position, bytes: 0, is_closed: false }
    }

    /// Adds a stretch that joins the newest, and forgets old ones for it.
    pub(crate) fn push(&mut self, stretch: Stretch) {
        assert_eq!(stretch.after, self.last, "a stretch begins where the one before it ends");
        self.last = stretch.last;
        self.bytes += stretch.text.len();
        self.stretches.push_back(Arc::new(stretch));
        while self.stretches.len() > 1
            && (self.bytes > KEPT_BYTES_MAX || self.stretches.len() > KEPT_STRETCHES_MAX)
        {
            let oldest = self.stretches.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.text.len());
        }
    }

    /// Says that nothing comes any more.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// How much one has got with all of it.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// What there is for somebody who has got that much.
    pub(crate) fn after(&self, position: u64) -> Found {
        if position >= self.last {
            return if self.is_closed { Found::Over } else { Found::Nothing };
        }
        let reached = self.stretches.partition_point(|stretch| stretch.last <= position);
        let stretch = self.stretches.get(reached);
        let found = stretch.and_then(|stretch| Some((stretch, stretch.next_after(position)?)));
        found.map_or(Found::Elsewhere, |(stretch, from)| {
            Found::Piece(Piece { stretch: stretch.clone(), from })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(after: u64, count: u64) -> Stretch {
        let items = (after + 1..=after + count).collect::<Vec<_>>();
        Stretch::new(after, after + count, Numbering::EachFrame, &items)
    }

    fn text(found: Found) -> String {
        match found {
            Found::Piece(piece) => String::from_utf8(piece.text().to_vec()).unwrap(),
            Found::Nothing => "nothing".to_owned(),
            Found::Over => "over".to_owned(),
            Found::Elsewhere => "elsewhere".to_owned(),
        }
    }

    #[test]
    fn everybody_gets_the_next_frames() {
        let mut ring = Ring::beginning_after(4);
        assert_eq!([3, 4, 5].map(|at| text(ring.after(at))), ["elsewhere", "nothing", "nothing"]);
        ring.push(each(4, 2));
        ring.push(each(6, 1));
        assert_eq!(text(ring.after(4)), "id: 5\ndata: 5\n\nid: 6\ndata: 6\n\n");
        assert_eq!(text(ring.after(5)), "id: 6\ndata: 6\n\n");
        assert_eq!(text(ring.after(6)), "id: 7\ndata: 7\n\n");
        assert_eq!([3, 7, 8].map(|at| text(ring.after(at))), ["elsewhere", "nothing", "nothing"]);
        let Found::Piece(piece) = ring.after(5) else { panic!() };
        assert_eq!((piece.frames().collect::<Vec<_>>(), piece.last()), (vec!["6".into()], 6));
        ring.close();
        assert_eq!([6, 7].map(|at| text(ring.after(at))), ["id: 7\ndata: 7\n\n", "over"]);
    }

    #[test]
    fn frames_with_one_position_are_got_together() {
        let mut ring = Ring::beginning_after(10);
        ring.push(Stretch::new(10, 30, Numbering::AllTogether, &["a", "b"]));
        assert_eq!(text(ring.after(10)), "data: \"a\"\n\nid: 30\ndata: \"b\"\n\n");
        assert_eq!([9, 11, 29].map(|at| text(ring.after(at))), ["elsewhere"; 3]);
        assert_eq!(text(ring.after(30)), "nothing");
    }

    #[test]
    fn what_is_kept_has_a_limit() {
        let mut ring = Ring::beginning_after(0);
        let long = "x".repeat(KEPT_BYTES_MAX / 3);
        for after in 0..4 {
            ring.push(Stretch::new(after, after + 1, Numbering::EachFrame, &[&long]));
        }
        assert_eq!([0, 1].map(|at| text(ring.after(at))), ["elsewhere"; 2]);
        assert!(text(ring.after(2)).starts_with("id: 3\n"));
        let mut ring = Ring::beginning_after(0);
        let count = KEPT_STRETCHES_MAX as u64 + 1;
        (0..count).for_each(|after| ring.push(each(after, 1)));
        assert_eq!(text(ring.after(0)), "elsewhere");
        assert_eq!(text(ring.after(1)), "id: 2\ndata: 2\n\n");
    }
}
