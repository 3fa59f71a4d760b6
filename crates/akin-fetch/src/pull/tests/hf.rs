//! Days of Hugging Face Daily Papers.

use super::*;
use akin_dump::{Dump, Item, ReadOptions};
use akin_testing::server::{Server, ok, status};

/// A full page: ids from `first` on.
fn full(first: usize) -> String {
    let ids: Vec<String> = (first..first + 100)
        .map(|n| format!("2611.{n:05}"))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    papers(&ids)
}

/// What is asked for a page of a day.
fn at(day: i8, page: u32) -> String {
    format!("/api/daily_papers?date=2026-11-{day:02}&p={page}&limit=100")
}

#[test]
fn every_day_since_the_last_is_asked_for() {
    let server = Server::start([
        ok(papers(&["2611.00001", "2611.00002"])),
        ok("[]"),
        ok(papers(&["2611.00003"])),
    ]);
    let clock = TestClock::new();
    let outcome = pull(hf(&server, None, 31), complete_through(17), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(server.targets(), [at(18, 0), at(19, 0), at(20, 0)]);
    assert_eq!(clock.waits(), [s(1), s(1)]);
    assert_eq!(
        outcome.names(),
        [
            "Hugging Face Daily Papers 2026-11-18, page 1",
            "Hugging Face Daily Papers 2026-11-20, page 1"
        ]
    );
    assert_eq!(outcome.pages[0].n_records, 2);
    // Papers are added to the present day as long as it lasts.
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn a_first_pull_takes_the_last_days() {
    let server = Server::start([ok("[]"), ok("[]"), ok(papers(&["2611.00003"]))]);
    let outcome = pull(
        hf(&server, None, 3),
        FeedState::default(),
        &TestClock::new(),
    );
    assert_eq!(server.targets(), [at(18, 0), at(19, 0), at(20, 0)]);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn a_long_absence_is_made_up_for_in_turns() {
    let server = Server::start((0..5).map(|_| ok("[]")));
    let first = pull(
        hf(&server, None, 2),
        complete_through(14),
        &TestClock::new(),
    );
    assert_eq!(first.stored, complete_through(16));
    let second = pull(hf(&server, None, 2), first.stored, &TestClock::new());
    assert_eq!(second.stored, complete_through(18));
    assert_eq!(
        server.targets(),
        [at(15, 0), at(16, 0), at(17, 0), at(18, 0)]
    );
}

#[test]
fn a_day_without_a_list_has_no_papers() {
    let server = Server::start([status(404, &[], "{\"error\": \"Not found\"}")]);
    let clock = TestClock::new();
    let outcome = pull(hf(&server, Some(day(18)), 31), complete_through(17), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.pages, []);
    assert_eq!(server.targets(), [at(18, 0)]);
    assert_eq!(outcome.stored, complete_through(18));
}

#[test]
fn one_day_behind_a_gap_claims_nothing() {
    let server = Server::start([ok(papers(&["2611.00001"]))]);
    let outcome = pull(
        hf(&server, Some(day(10)), 31),
        complete_through(3),
        &TestClock::new(),
    );
    assert_eq!(server.targets(), [at(10, 0)]);
    assert_eq!(outcome.pages.len(), 1);
    assert_eq!(outcome.stored, complete_through(3));
}

#[test]
fn a_day_to_come_is_refused_before_anything_is_asked() {
    let server = Server::start([]);
    let clock = TestClock::new();
    let error =
        Pull::new(hf(&server, Some(day(21)), 31), FeedState::default(), &clock).unwrap_err();
    assert!(
        error.to_string().contains("2026-11-21 is still to come"),
        "{error}"
    );
    assert_eq!(server.targets(), [""; 0]);
}

#[test]
fn full_pages_are_followed_by_the_next() {
    let server = Server::start([ok(full(0)), ok(full(100)), ok(papers(&["2611.00300"]))]);
    let outcome = pull(
        hf(&server, Some(day(18)), 31),
        FeedState::default(),
        &TestClock::new(),
    );
    assert_eq!(server.targets(), [at(18, 0), at(18, 1), at(18, 2)]);
    assert_eq!(outcome.pages.len(), 3);
    assert!(outcome.pages[1].state_after.is_unfinished());
    assert_eq!(outcome.stored, complete_through(18));
}

#[test]
fn a_next_page_that_is_named_is_asked_for() {
    let link = [("Link", "</api/daily_papers?p=1>; rel=\"next\"")];
    let server = Server::start([status(200, &link, papers(&["2611.00001"])), ok("[]")]);
    let outcome = pull(
        hf(&server, Some(day(18)), 31),
        FeedState::default(),
        &TestClock::new(),
    );
    assert_eq!(server.targets(), [at(18, 0), at(18, 1)]);
    assert_eq!(outcome.pages.len(), 1);
    assert_eq!(outcome.stored, complete_through(18));
}

#[test]
fn a_server_without_pages_gives_the_same_one_and_is_done() {
    let server = Server::start([ok(full(0)), ok(full(0))]);
    let outcome = pull(
        hf(&server, Some(day(18)), 31),
        FeedState::default(),
        &TestClock::new(),
    );
    outcome.end.as_ref().unwrap();
    assert_eq!(server.targets(), [at(18, 0), at(18, 1)]);
    assert_eq!(outcome.pages.len(), 1);
    assert_eq!(outcome.stored, complete_through(18));
}

#[test]
fn a_pull_killed_within_a_day_is_gone_on_with() {
    let server = Server::start([ok(full(0)), ok(papers(&["2611.00200"])), ok("[]"), ok("[]")]);
    let clock = TestClock::new();
    let before = pull_pages(hf(&server, None, 31), complete_through(17), &clock, 1);
    let after = pull(hf(&server, None, 31), before.stored, &clock);
    after.end.unwrap();
    assert_eq!(
        server.targets(),
        [at(18, 0), at(18, 1), at(19, 0), at(20, 0)]
    );
    assert_eq!(after.stored, complete_through(19));
}

#[test]
fn a_day_begun_before_its_end_is_read_again() {
    let server = Server::start([ok(full(0)), ok(papers(&["2611.00200"])), ok("[]")]);
    let clock = TestClock::new();
    let before = pull_pages(hf(&server, None, 31), complete_through(19), &clock, 1);
    let clock = TestClock::at("2026-11-21T10:00:00Z");
    let after = pull(hf(&server, None, 31), before.stored, &clock);
    assert_eq!(server.targets(), [at(20, 0), at(20, 0), at(21, 0)]);
    assert_eq!(after.stored, complete_through(20));
}

#[test]
fn what_is_no_list_is_asked_for_again_and_given_up() {
    let server = Server::start([ok("<html>busy</html>"), ok("{\"papers\": []}")]);
    let clock = TestClock::new();
    let outcome = pull(hf(&server, Some(day(18)), 31), complete_through(17), &clock);
    assert_eq!(server.targets(), [at(18, 0), at(18, 0)]);
    assert_eq!(clock.waits(), [s(1)]);
    assert_eq!(outcome.stored, complete_through(17));
    let error = outcome.error();
    assert!(
        error.contains("Hugging Face Daily Papers 2026-11-18, page 1"),
        "{error}"
    );
    assert!(error.contains("it is no list of papers"), "{error}");
}

#[test]
fn pages_are_dumps_of_their_day() {
    let server = Server::start([ok(papers(&["2611.00001", "2611.00002"]))]);
    let outcome = pull(
        hf(&server, Some(day(18)), 31),
        FeedState::default(),
        &TestClock::new(),
    );
    let page = outcome.pages.into_iter().next().unwrap();
    let bytes = page.bytes.to_vec();
    // Without its own day the record is of the list's.
    let bytes = String::from_utf8(bytes)
        .unwrap()
        .replace("submittedOnDailyAt", "x");
    let bytes = Box::new(std::io::Cursor::new(bytes));
    let dump = Dump::from_reader(page.name, bytes, &ReadOptions::default()).unwrap();
    let listed: Vec<_> = dump
        .map(|item| match item.unwrap() {
            Item::Paper(record) => (record.paper.id.to_string(), record.paper.listed),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("2611.00001".to_owned(), Some(day(18))),
            ("2611.00002".to_owned(), Some(day(18)))
        ]
    );
}
