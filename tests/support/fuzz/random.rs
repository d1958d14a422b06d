//! Numbers that follow from a seed, and bytes that are changed by them.

use std::hash::{BuildHasher, RandomState};

use ticketboss_runtime::random::split_mix;

use crate::support::setting;

/// The seed that a variable gives, or a new one.
pub(crate) fn seed(variable: &str) -> u64 {
    setting(variable).map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap())
}

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one case, which are the same whatever other cases there are.
    pub(crate) fn of(seed: u64, case: u64) -> Self {
        Self(Self(seed ^ Self(case).next()).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        split_mix(&mut self.0)
    }

    /// A number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let scaled = (u128::from(self.next()) * end as u128) >> 64;
        usize::try_from(scaled).unwrap()
    }

    /// Happens once in `many` times.
    pub(crate) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// A number at which programs stumble, or any.
    pub(crate) fn number(&mut self) -> u64 {
        let near = [0, 1, 2, 10, 127, 128, 250, 251, 252, 253, 254, 255, 1 << 40, 1 << 50];
        let edge = match self.below(4) {
            0 => *self.pick(&near),
            1 => 1 << self.below(64),
            2 => u64::MAX >> self.below(64),
            _ => return self.next() >> self.below(64),
        };
        edge.wrapping_add(self.next() % 3).wrapping_sub(1)
    }
}

/// What a kind of input is made of, so that a change hits something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alphabet {
    /// Numbers as bincode writes them.
    Binary,
    /// Words and signs that mean something to the reader.
    Text(&'static [&'static str]),
}

/// The longest input that is made by changing others.
const BYTES_MAX: usize = 64 * 1024;

/// Changes `bytes` in one place or a few. `other` is another input, to take a part of.
pub(crate) fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8], alphabet: Alphabet) {
    let changes = if random.once_in(2) { 1 } else { 1 + random.below(6) };
    for _ in 0..changes {
        mutate_once(random, bytes, other, alphabet);
    }
    bytes.truncate(BYTES_MAX);
}

fn mutate_once(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8], alphabet: Alphabet) {
    let (from, to) = range(random, bytes.len());
    match random.below(14) {
        0 | 1 => flip_bit(random, bytes),
        2 | 3 => overwrite(bytes, from, &[random.next().to_le_bytes()[0]]),
        4 | 5 => {
            let width = 1 << random.below(4);
            let number = random.number().to_le_bytes();
            overwrite(bytes, from, &number[..width]);
        }
        6 => drop(bytes.drain(from..to)),
        7 => bytes.truncate(from),
        8 => {
            let twice = bytes[from..to].to_vec();
            insert(bytes, to, &twice);
        }
        9 => {
            let (from_other, to_other) = range(random, other.len());
            insert(bytes, from, &other[from_other..to_other]);
        }
        10 => {
            let (_, at) = range(random, other.len());
            bytes.truncate(from);
            bytes.extend_from_slice(&other[at..]);
        }
        _ => match alphabet {
            Alphabet::Binary => {
                let number = varint(random.number());
                let replaced = random.below(4).min(bytes.len() - from);
                bytes.splice(from..from + replaced, number);
            }
            Alphabet::Text(words) => {
                let word = random.pick(words).as_bytes();
                let place = match random.below(4) {
                    0 => from..from,
                    1 => from..to,
                    _ => token(bytes, from),
                };
                bytes.splice(place, word.iter().copied());
            }
        },
    }
}

/// A piece of something of `length` bytes, mostly a short one.
fn range(random: &mut Random, length: usize) -> (usize, usize) {
    let from = random.below(length + 1);
    let longest = if random.once_in(8) { length } else { 16 };
    (from, from + random.below((length - from).min(longest) + 1))
}

/// What stands between two signs that separate, around `at`.
fn token(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let separates = |byte: &u8| b" \n\r,:={}[]/".contains(byte);
    let from = bytes[..at].iter().rposition(separates).map_or(0, |before| before + 1);
    let length = bytes[at..].iter().position(separates);
    from..length.map_or(bytes.len(), |length| at + length)
}

fn flip_bit(random: &mut Random, bytes: &mut [u8]) {
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes[at..].iter_mut().zip(with) {
        *byte = *new;
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// A number as bincode writes it with its usual settings, or in more bytes than it takes.
fn varint(number: u64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => vec![bytes[0]],
        251..=0xFFFF => [&[251], &bytes[..2]].concat(),
        0x1_0000..=0xFFFF_FFFF => [&[252], &bytes[..4]].concat(),
        _ => [&[253], &bytes[..]].concat(),
    }
}
