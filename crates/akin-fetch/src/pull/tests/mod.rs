//! Pulling from a server on this machine that answers from a script, with a clock that never waits.
//!
//! Every case says what was asked of the server, what was asked of the clock, and how it ended.

mod arxiv;
mod failures;
mod hf;
mod random;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::{ArxivFeed, Clock, Feed, FeedState, HfDailyFeed, Page, Pull, PullOptions};
use akin_base::error::{Error, Result};
use akin_base::progress::{Observer, Unobserved};
use akin_testing::server::Server;

/// 2026-11-20, ten in the morning: when all tests begin.
const NOW: &str = "2026-11-20T10:00:00Z";

/// The queries of a server's requests, without what all requests for the set `cs` share.
trait Queries {
    fn queries(&self) -> Vec<String>;
}

impl Queries for Server {
    fn queries(&self) -> Vec<String> {
        let all = "/oai?verb=ListRecords&";
        let targets = self.targets();
        let queries = targets
            .iter()
            .map(|target| target.strip_prefix(all).unwrap());
        queries
            .map(|query| query.replace("metadataPrefix=arXiv&set=cs", "cs"))
            .map(|query| query.replace("resumptionToken=", "token="))
            .collect()
    }
}

fn day(day: i8) -> Date {
    date(2026, 11, day)
}

/// Seconds, to be compared with what a clock was asked for.
fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Notes the waiting that is asked of it and is over it at once.
struct TestClock {
    now: Cell<Timestamp>,
    waits: RefCell<Vec<Duration>>,
}

impl TestClock {
    fn new() -> TestClock {
        TestClock::at(NOW)
    }

    fn at(now: &str) -> TestClock {
        TestClock {
            now: Cell::new(now.parse().unwrap()),
            waits: RefCell::default(),
        }
    }

    fn waits(&self) -> Vec<Duration> {
        self.waits.borrow().clone()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn sleep(&self, wait: Duration, _: &dyn Observer) {
        self.waits.borrow_mut().push(wait);
        self.now.set(self.now.get() + wait);
    }
}

/// Asks to stop once it has been asked a number of times.
struct StopAfter(AtomicI64);

impl StopAfter {
    fn looks(n: i64) -> StopAfter {
        StopAfter(AtomicI64::new(n))
    }
}

impl Observer for StopAfter {
    fn stop_requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

/// arXiv's set `cs`, at a server of the test.
fn arxiv(server: &Server) -> PullOptions {
    arxiv_window(server, None, None)
}

fn arxiv_window(server: &Server, from: Option<Date>, until: Option<Date>) -> PullOptions {
    PullOptions::new(Feed::Arxiv(ArxivFeed {
        base: server.address("/oai"),
        set: Some("cs".to_owned()),
        from,
        until,
        ..ArxivFeed::default()
    }))
}

fn hf(server: &Server, date: Option<Date>, max_days: u16) -> PullOptions {
    PullOptions::new(Feed::HfDaily(HfDailyFeed {
        base: server.address("/api/daily_papers"),
        date,
        max_days,
    }))
}

/// A state whose days up to one in November are complete.
fn complete_through(last: i8) -> FeedState {
    FeedState {
        complete_through: Some(day(last)),
        ..FeedState::default()
    }
}

/// What a pull came to.
struct OaiOutcome {
    pages: Vec<Page>,
    /// As the caller stored it last.
    stored: FeedState,
    end: Result<()>,
}

impl OaiOutcome {
    fn names(&self) -> Vec<&str> {
        self.pages.iter().map(|page| page.name.as_str()).collect()
    }

    /// The message of the error that ended it.
    fn error(self) -> String {
        self.end.unwrap_err().to_string()
    }
}

/// Pulls until there is no more or it fails, as the command does: a page is taken in, its state is
/// stored as JSON, and at the end the last state is.
fn pull(options: PullOptions, state: FeedState, clock: &TestClock) -> OaiOutcome {
    pull_pages(options, state, clock, usize::MAX)
}

/// As [`pull`], killed after so many pages.
fn pull_pages(
    options: PullOptions,
    state: FeedState,
    clock: &TestClock,
    n_pages: usize,
) -> OaiOutcome {
    let mut pull = Pull::new(options, state.clone(), clock).unwrap();
    let mut outcome = OaiOutcome {
        pages: Vec::new(),
        stored: state,
        end: Ok(()),
    };
    while outcome.pages.len() < n_pages {
        match pull.next_page(&Unobserved) {
            Ok(Some(page)) => {
                outcome.stored = kept(&page.state_after);
                outcome.pages.push(page);
            }
            Ok(None) => {
                outcome.stored = kept(pull.state());
                break;
            }
            Err(error) => {
                outcome.end = Err(error);
                break;
            }
        }
    }
    outcome
}

/// A state as it comes back from where it is kept.
fn kept(state: &FeedState) -> FeedState {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

/// A record as arXiv writes it.
fn record(id: &str, datestamp: Date) -> String {
    format!(
        "<record>\n<header>\n <identifier>oai:arXiv.org:{id}</identifier>\n \
         <datestamp>{datestamp}</datestamp>\n <setSpec>cs</setSpec>\n</header>\n<metadata>\n \
         <arXiv xmlns=\"http://arxiv.org/OAI/arXiv/\">\n <id>{id}</id><created>2026-11-01</created>\
         <authors><author><keyname>Sergyeyev</keyname><forenames>A.</forenames></author></authors>\
         <title>On the paper {id} &amp; others</title><categories>cs.CL</categories>\
         <abstract>  We introduce {id}.\n</abstract></arXiv>\n</metadata>\n</record>\n"
    )
}

/// An answer as arXiv writes it, made on the day of the test or another.
fn oai_on(answered: Date, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OAI-PMH \
         xmlns=\"http://www.openarchives.org/OAI/2.0/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.openarchives.org/OAI/2.0/ \
         http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd\">\n\
         <responseDate>{answered}T09:59:58Z</responseDate>\n<request verb=\"ListRecords\" \
         metadataPrefix=\"arXiv\" set=\"cs\">http://export.arxiv.org/oai2</request>\n{inside}\n\
         </OAI-PMH>\n"
    )
}

fn oai(inside: &str) -> String {
    oai_on(day(20), inside)
}

fn oai_error(code: &str, words: &str) -> String {
    oai(&format!("<error code=\"{code}\">{words}</error>"))
}

/// A page of records, by id and day in November, with the token of the next page or without.
fn list(records: &[(&str, i8)], token: &str) -> String {
    let records: String = records
        .iter()
        .map(|(id, at)| record(id, day(*at)))
        .collect();
    let token = format!("<resumptionToken>{token}</resumptionToken>");
    oai(&format!("<ListRecords>\n{records}{token}\n</ListRecords>"))
}

/// A page of the API's list, by ids.
fn papers(ids: &[&str]) -> String {
    let papers: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                "{{\"paper\": {{\"id\": \"{id}\", \"title\": \"On {id}\", \"summary\": \"We show \
                 {id}.\", \"authors\": [{{\"name\": \"Ada Lovelace\", \"hidden\": false}}], \
                 \"publishedAt\": \"2026-11-18T17:08:18.000Z\", \"submittedOnDailyAt\": \
                 \"2026-11-19T03:55:12.777Z\", \"upvotes\": 10}}, \"title\": \"On {id}\", \
                 \"numComments\": 1}}"
            )
        })
        .collect();
    format!("[{}]", papers.join(","))
}
