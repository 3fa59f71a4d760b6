//! A repository that fails at random, and pulls that are killed at random: nothing is ever lost.

use std::collections::BTreeSet;

use super::*;
use akin_testing::server::{Server, Turn, cut, ok, status};

const N_RECORDS: usize = 60;
const PAGE_RECORDS: usize = 7;

/// Numbers that look random and are the same for the same seed (xorshift).
struct Random(u64);

impl Random {
    /// Below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A repository with records of several days.
struct Repository {
    random: Random,
    /// By id and day, in the order in which they are listed.
    records: Vec<(String, i8)>,
    /// Tokens of an older age are forgotten.
    age: u64,
}

impl Repository {
    fn new(seed: u64) -> Repository {
        let mut random = Random(seed);
        let id = |n: usize| format!("2611.{n:05}");
        let mut records: Vec<(String, i8)> = (0..N_RECORDS)
            .map(|n| (id(n), 1 + random.below(18) as i8))
            .collect();
        // Every third repository lists its records in no order.
        if !seed.is_multiple_of(3) {
            records.sort_by_key(|(_, day)| *day);
        }
        Repository {
            random,
            records,
            age: 0,
        }
    }

    fn answer(&mut self, target: &str) -> Turn {
        let whole = match self.random.below(30) {
            0 => return Turn::Close,
            1 => return status(500, &[], "broken"),
            2 => return status(503, &[("Retry-After", "20")], ""),
            3 => return status(429, &[], ""),
            4 => {
                self.age += 1;
                self.list(target)
            }
            _ => self.list(target),
        };
        let after = self.random.below(whole.len() as u64) as usize;
        match self.random.below(15) {
            0 => cut(whole, after),
            1 => ok(&whole.as_bytes()[..after]),
            _ => ok(whole),
        }
    }

    /// The page that is asked for, without fault. A token is an age, a first day and how many of
    /// its records to skip.
    fn list(&self, target: &str) -> String {
        let value = |name: &str| target.split(name).nth(1)?.split('&').next();
        let (from, skip) = match value("resumptionToken=") {
            Some(token) => {
                let parts: Vec<u64> = token.split('.').map(|part| part.parse().unwrap()).collect();
                if parts[0] < self.age {
                    return oai_error("badResumptionToken", "It has expired.");
                }
                (parts[1] as i8, parts[2] as usize)
            }
            None => (
                value("from=2026-11-").map_or(1, |day| day.parse().unwrap()),
                0,
            ),
        };
        let listed: Vec<(&str, i8)> = self
            .records
            .iter()
            .filter(|(_, day)| *day >= from)
            .map(|(id, day)| (id.as_str(), *day))
            .collect();
        let end = (skip + PAGE_RECORDS).min(listed.len());
        if listed.is_empty() {
            return oai_error("noRecordsMatch", "");
        }
        let token = if end < listed.len() {
            format!("{}.{from}.{end}", self.age)
        } else {
            String::new()
        };
        list(&listed[skip..end], &token)
    }
}

/// The ids in pages that were taken in.
fn ids(pages: &[Page]) -> impl Iterator<Item = String> {
    pages.iter().flat_map(|page| {
        let text = String::from_utf8(page.bytes.clone()).unwrap();
        let ids = text.split("oai:arXiv.org:").skip(1);
        ids.map(|rest| rest[..10].to_owned()).collect::<Vec<_>>()
    })
}

/// Pulls again and again, killed after some pages, until all is complete.
fn check(seed: u64) {
    let mut repository = Repository::new(seed);
    let all: BTreeSet<String> = repository
        .records
        .iter()
        .map(|(id, _)| id.clone())
        .collect();
    let server = Server::answering(move |asked| repository.answer(&asked.target));
    let clock = TestClock::new();
    let mut kills = Random(seed ^ 0x5EED);
    let (mut stored, mut taken) = (FeedState::default(), BTreeSet::new());
    for _ in 0..1000 {
        let before = stored.clone();
        let n_pages = 1 + kills.below(6) as usize;
        let outcome = pull_pages(arxiv(&server), before, &clock, n_pages);
        taken.extend(ids(&outcome.pages));
        // Some kills come when a page is taken in and its state not stored yet.
        let was_killed = outcome.pages.len() == n_pages;
        let is_behind = was_killed && kills.below(3) == 0;
        stored = match outcome.pages.iter().rev().nth(1) {
            Some(page) if is_behind => page.state_after.clone(),
            None if is_behind => stored,
            _ => outcome.stored,
        };
        if stored.complete_through.is_some() {
            assert_eq!(taken, all, "seed {seed}");
            assert_eq!(stored.complete_through, Some(day(19)), "seed {seed}");
            return;
        }
    }
    panic!("seed {seed}: never complete");
}

#[test]
fn nothing_is_lost_whatever_fails() {
    for seed in 1..=40 {
        check(seed);
    }
}
