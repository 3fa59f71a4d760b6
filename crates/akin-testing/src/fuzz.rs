//! Fuzzing with the stable toolchain: mutates valid inputs at random, and checks a property of
//! each.
//!
//! In: seeds, and a property of any bytes. Out: nothing, or a failed test with the shortest list of
//! mutations that breaks the property. The cases are the same every time. proptest's
//! `PROPTEST_RNG_SEED` chooses others, and `PROPTEST_CASES` their number.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestError, TestRng, TestRunner};

/// Numbers that often break counts and lengths.
const NUMBERS: &[u32] = &[
    0,
    1,
    2,
    7,
    8,
    63,
    64,
    255,
    256,
    65_535,
    65_536,
    1 << 30,
    i32::MAX as u32,
    1 << 31,
    u32::MAX - 1,
    u32::MAX,
];

/// A mutation of a seed; places are fractions of its length.
#[derive(Debug, Clone)]
enum Mutation {
    SetByte(Index, u8),
    FlipBit(Index, u8),
    SetNumber(Index, u32),
    Insert(Index, Index),
    Delete(Index, usize),
    Repeat(Index, usize, usize),
    Splice(Index, Index, Index, usize),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    let few = || prop_oneof![4 => 1..8_usize, 2 => 1..100_usize, 1 => 1..2000_usize];
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::SetByte(at, byte)),
        3 => (place(), 0..8_u8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        2 => (place(), proptest::sample::select(NUMBERS))
            .prop_map(|(at, number)| Mutation::SetNumber(at, number)),
        4 => (place(), place()).prop_map(|(at, token)| Mutation::Insert(at, token)),
        3 => (place(), few()).prop_map(|(at, n)| Mutation::Delete(at, n)),
        2 => (place(), few(), 1..20_usize).prop_map(|(at, n, times)| Mutation::Repeat(at, n, times)),
        2 => (place(), place(), place(), few())
            .prop_map(|(at, seed, from, n)| Mutation::Splice(at, seed, from, n)),
        1 => place().prop_map(Mutation::Cut),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], tokens: &[&str]) {
        let n = bytes.len();
        let place = |at: &Index| at.index(n + 1);
        match self {
            _ if n == 0 => {}
            Mutation::SetByte(at, byte) => bytes[at.index(n)] = *byte,
            Mutation::FlipBit(at, bit) => bytes[at.index(n)] ^= 1 << bit,
            Mutation::SetNumber(at, number) => {
                // Where numbers stand in binary files.
                let at = at.index(n) / 4 * 4;
                let number = number.to_le_bytes();
                let room = (n - at).min(4);
                bytes[at..at + room].copy_from_slice(&number[..room]);
            }
            Mutation::Insert(at, token) => {
                let Some(token) = (!tokens.is_empty()).then(|| token.get(tokens)) else {
                    return;
                };
                let at = place(at);
                bytes.splice(at..at, token.bytes());
            }
            Mutation::Delete(at, length) => {
                let at = place(at);
                bytes.drain(at..n.min(at + length));
            }
            Mutation::Repeat(at, length, times) => {
                let at = place(at);
                let piece = bytes[at..n.min(at + length)].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Mutation::Splice(at, seed, from, length) => {
                let other = seed.get(seeds);
                let from = from.index(other.len() + 1);
                let piece = &other[from..other.len().min(from + length)];
                let at = place(at);
                bytes.splice(at..at, piece.iter().copied());
            }
            Mutation::Cut(at) => bytes.truncate(place(at)),
        }
    }
}

/// Number of cases, unless proptest's environment sets it.
const UNASKED_RUNS: u32 = 4_000;

/// Streams of random numbers, each on a thread of its own: a machine with other cores tries the same.
const STREAMS: u32 = 4;

/// proptest's own default, too small for mutated files.
const PROPTEST_RUNS: u32 = 256;

/// Mutates the seeds many times, also with pieces of one another and with `tokens`. `property` gets
/// the number of the seed and the bytes, and returns the fault if there is one.
#[track_caller]
pub fn fuzz(
    name: &str,
    seeds: &[Vec<u8>],
    tokens: &[&str],
    property: impl Fn(usize, &[u8]) -> Result<(), String> + Sync,
) {
    let config = Config::default();
    let n_runs = match config.cases {
        PROPTEST_RUNS => UNASKED_RUNS,
        asked => asked,
    };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => 1,
    };
    for (number, seed) in seeds.iter().enumerate() {
        property(number, seed).expect("a seed that is right");
    }
    println!(
        "{name}: {n_runs} runs over {} seeds, PROPTEST_RNG_SEED={seed}",
        seeds.len()
    );
    std::thread::scope(|scope| {
        for stream in 0..STREAMS {
            let n = n_runs.div_ceil(STREAMS);
            let property = &property;
            scope.spawn(move || run(name, (seed, stream), n, seeds, tokens, property));
        }
    });
}

fn run(
    name: &str,
    (seed, stream): (u64, u32),
    n_runs: u32,
    seeds: &[Vec<u8>],
    tokens: &[&str],
    property: &(impl Fn(usize, &[u8]) -> Result<(), String> + Sync),
) {
    let config = Config {
        cases: n_runs,
        failure_persistence: None,
        ..Config::default()
    };
    let mut random = [0; 32];
    random[..8].copy_from_slice(&seed.to_le_bytes());
    random[8..12].copy_from_slice(&stream.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &random);
    let spoilt = |which: &Index, mutations: &[Mutation]| {
        let mut bytes = which.get(seeds).clone();
        for mutation in mutations {
            mutation.apply(&mut bytes, seeds, tokens);
        }
        bytes
    };
    let strategy = (any::<Index>(), prop::collection::vec(mutation(), 1..8));
    let outcome = TestRunner::new_with_rng(config, random).run(&strategy, |(which, mutations)| {
        let held = property(which.index(seeds.len()), &spoilt(&which, &mutations));
        held.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, (which, mutations))) => {
            let bytes = spoilt(&which, &mutations);
            let mut shown = String::new();
            for byte in bytes.iter().take(4000) {
                let _ = write!(shown, "{}", byte.escape_ascii());
            }
            let number = which.index(seeds.len());
            panic!("{name}, seed {number} with {mutations:?}: {why}\nbytes: {shown}");
        }
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
    }
}
