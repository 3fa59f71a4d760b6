//! Lists of arXiv: windows, tokens, going on, starting again.

use super::*;
use crate::pull::state::{OaiList, ResumptionToken, UnfinishedPull, Window};
use akin_dump::{Dump, Item, ReadOptions};
use akin_testing::server::{Server, ok, status};

/// The token of a page as arXiv makes it.
const TOKEN: &str = "verb%3DListRecords%26from%3D2026-11-18%26skip%3D2";

/// [`TOKEN`] in an address.
const ESCAPED: &str = "token=verb%253DListRecords%2526from%253D2026-11-18%2526skip%253D2";

/// A list of three pages.
fn three_pages() -> [String; 3] {
    [
        list(&[("2611.00001", 17), ("2611.00002", 18)], TOKEN),
        list(&[("2611.00003", 18), ("2611.00004", 19)], "6460044|2001"),
        list(&[("2611.00005", 20)], ""),
    ]
}

/// The next page of this token, at the state of a pull that began on a day of November.
fn in_list(token: &str, expires: Option<&str>, reached: i8) -> FeedState {
    FeedState {
        complete_through: Some(day(16)),
        unfinished: Some(UnfinishedPull::List(OaiList {
            asked: Window {
                from: Some(day(16)),
                until: None,
            },
            from: Some(day(16)),
            token: Some(ResumptionToken {
                text: token.to_owned(),
                expires: expires.map(|moment| moment.parse().unwrap()),
            }),
            reached: Some(day(reached)),
            highest: Some(day(reached)),
            answered: Some(day(20)),
            n_pages: 1,
            ..OaiList::default()
        })),
    }
}

#[test]
fn a_list_is_read_page_by_page() {
    let server = Server::start(three_pages().map(ok));
    let clock = TestClock::new();
    let outcome = pull(arxiv(&server), FeedState::default(), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(server.queries(), ["cs", ESCAPED, "token=6460044%7C2001"]);
    assert_eq!(clock.waits(), [s(3), s(3)]);
    assert_eq!(
        outcome.names(),
        ["arXiv cs, page 1", "arXiv cs, page 2", "arXiv cs, page 3"]
    );
    let bytes: Vec<_> = outcome
        .pages
        .iter()
        .map(|page| page.bytes.clone())
        .collect();
    assert_eq!(bytes, three_pages().map(String::into_bytes));
    assert_eq!(outcome.pages[1].n_records, 2);
    assert!(outcome.pages[1].state_after.is_unfinished());
    // The day of the answers was not over.
    assert_eq!(outcome.stored, complete_through(19));
    for asked in server.asked() {
        let agent = asked.agent.unwrap();
        assert!(agent.starts_with("akin/"), "{agent}");
    }
}

#[test]
fn the_window_and_the_form_are_asked_for() {
    let server = Server::start([ok(list(&[("2611.00001", 3)], ""))]);
    let mut options = arxiv_window(&server, Some(day(1)), Some(day(5)));
    let Feed::Arxiv(feed) = &mut options.feed else {
        unreachable!()
    };
    feed.set = Some("physics:hep-ex".to_owned());
    feed.prefix = "arXivRaw".to_owned();
    assert_eq!(options.feed.key(), "arxiv arXivRaw physics:hep-ex");
    let outcome = pull(options, FeedState::default(), &TestClock::new());
    assert_eq!(
        server.targets(),
        [
            "/oai?verb=ListRecords&metadataPrefix=arXivRaw&set=physics%3Ahep-ex\
          &from=2026-11-01&until=2026-11-05"
        ]
    );
    assert_eq!(outcome.stored, complete_through(5));
}

#[test]
fn what_is_new_starts_with_the_last_complete_day() {
    let server = Server::start([ok(list(&[("2611.00001", 19)], ""))]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    assert_eq!(server.queries(), ["cs&from=2026-11-16"]);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn a_window_behind_a_gap_claims_nothing() {
    let server = Server::start([ok(list(&[("2611.00001", 18)], ""))]);
    let options = arxiv_window(&server, Some(day(18)), None);
    let outcome = pull(options, complete_through(3), &TestClock::new());
    assert_eq!(server.queries(), ["cs&from=2026-11-18"]);
    assert_eq!(outcome.pages.len(), 1);
    assert_eq!(outcome.stored, complete_through(3));
}

#[test]
fn an_old_answer_of_a_cache_claims_only_its_own_days() {
    let records = record("2611.00001", day(15));
    let first = "<resumptionToken>t</resumptionToken>";
    let cached = oai_on(
        day(17),
        &format!("<ListRecords>{records}{first}</ListRecords>"),
    );
    let server = Server::start([ok(cached), ok(list(&[("2611.00002", 19)], ""))]);
    let outcome = pull(arxiv(&server), complete_through(14), &TestClock::new());
    assert_eq!(outcome.stored, complete_through(16));
}

#[test]
fn a_server_ahead_of_time_is_not_believed() {
    let page = oai_on(
        day(29),
        &format!("<ListRecords>{}</ListRecords>", record("a", day(20))),
    );
    let server = Server::start([ok(page)]);
    let outcome = pull(arxiv(&server), complete_through(14), &TestClock::new());
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn no_records_is_a_complete_list() {
    let none = oai_error(
        "noRecordsMatch",
        "The combination of values gives an empty list.",
    );
    let server = Server::start([ok(none)]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    outcome.end.as_ref().unwrap();
    assert_eq!(outcome.names(), [""; 0]);
    assert_eq!(server.queries(), ["cs&from=2026-11-16"]);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn the_length_of_the_list_is_told() {
    let token = "<resumptionToken cursor=\"0\" completeListSize=\"1090\">t</resumptionToken>";
    let records = record("2611.00001", day(18));
    let first = oai(&format!("<ListRecords>{records}{token}</ListRecords>"));
    let server = Server::start([ok(first)]);
    let outcome = pull_pages(arxiv(&server), FeedState::default(), &TestClock::new(), 1);
    assert_eq!(outcome.pages[0].n_expected, Some(1090));
}

#[test]
fn a_pull_killed_after_any_page_is_gone_on_with() {
    for killed_after in 0..3 {
        let pages = three_pages();
        let server = Server::start(pages.clone().map(ok));
        let before = pull_pages(
            arxiv(&server),
            FeedState::default(),
            &TestClock::new(),
            killed_after,
        );
        let after = pull(arxiv(&server), before.stored, &TestClock::new());
        after.end.unwrap();
        assert_eq!(server.queries(), ["cs", ESCAPED, "token=6460044%7C2001"]);
        let taken = before.pages.into_iter().chain(after.pages);
        let taken: Vec<_> = taken.map(|page| page.bytes).collect();
        assert_eq!(taken, pages.map(String::into_bytes));
    }
}

#[test]
fn a_stop_between_pages_asks_for_nothing_more() {
    let server = Server::start(three_pages().map(ok));
    let clock = TestClock::new();
    let mut first = Pull::new(arxiv(&server), FeedState::default(), &clock).unwrap();
    let page = first.next_page(&Unobserved).unwrap().unwrap();
    let stopped = first.next_page(&StopAfter::looks(0)).unwrap_err();
    assert!(matches!(stopped, Error::Interrupted), "{stopped}");
    assert_eq!(server.queries(), ["cs"]);
    assert_eq!(clock.waits(), [Duration::ZERO; 0]);
    assert_eq!(first.state(), &page.state_after);
    let after = pull(arxiv(&server), kept(first.state()), &clock);
    after.end.unwrap();
    assert_eq!(server.queries(), ["cs", ESCAPED, "token=6460044%7C2001"]);
    assert_eq!(after.stored, complete_through(19));
}

#[test]
fn a_page_taken_in_but_not_stored_comes_again() {
    let pages = three_pages();
    let server = Server::start([0, 1, 1, 2].map(|at| ok(pages[at].clone())));
    let before = pull_pages(arxiv(&server), FeedState::default(), &TestClock::new(), 2);
    // The kill came before the state of the second page was stored.
    let stored = kept(&before.pages[0].state_after);
    let after = pull(arxiv(&server), stored, &TestClock::new());
    after.end.unwrap();
    assert_eq!(after.pages[0], before.pages[1]);
    assert_eq!(
        server.queries(),
        ["cs", ESCAPED, ESCAPED, "token=6460044%7C2001"]
    );
}

#[test]
fn a_list_begun_days_ago_is_followed_by_what_is_new() {
    let server = Server::start([
        ok(list(&[("2611.00003", 18), ("2611.00004", 19)], "")),
        ok(list(&[("2611.00005", 24)], "").replace("2026-11-20T09", "2026-11-25T09")),
    ]);
    let clock = TestClock::at("2026-11-25T10:00:00Z");
    let outcome = pull(arxiv(&server), in_list("t", None, 18), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(server.queries(), ["token=t", "cs&from=2026-11-19"]);
    assert_eq!(outcome.names(), ["arXiv cs, page 2", "arXiv cs, page 1"]);
    assert_eq!(outcome.stored, complete_through(24));
}

#[test]
fn another_window_leaves_the_list_behind() {
    let server = Server::start([ok(list(&[("2611.00001", 2)], ""))]);
    let options = arxiv_window(&server, Some(day(1)), Some(day(2)));
    let outcome = pull(options, in_list("t", None, 18), &TestClock::new());
    assert_eq!(server.queries(), ["cs&from=2026-11-01&until=2026-11-02"]);
    assert_eq!(outcome.stored, complete_through(16));
}

#[test]
fn a_forgotten_token_starts_from_the_last_page() {
    let server = Server::start([
        ok(list(&[("2611.00001", 17), ("2611.00002", 18)], "a")),
        ok(list(&[("2611.00003", 18), ("2611.00004", 19)], "b")),
        ok(oai_error(
            "badResumptionToken",
            "The token is invalid or expired.",
        )),
        ok(list(&[("2611.00002", 18), ("2611.00003", 18)], "c")),
        ok(list(&[("2611.00004", 19), ("2611.00005", 19)], "")),
    ]);
    let clock = TestClock::new();
    let outcome = pull(arxiv(&server), complete_through(16), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(
        server.queries(),
        [
            "cs&from=2026-11-16",
            "token=a",
            "token=b",
            "cs&from=2026-11-18",
            "token=c"
        ]
    );
    assert_eq!(clock.waits(), [s(3); 4]);
    assert_eq!(outcome.pages.len(), 4);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn a_list_without_order_starts_from_its_beginning() {
    let server = Server::start([
        ok(list(&[("2611.00001", 19), ("2611.00002", 17)], "a")),
        ok(oai_error("badResumptionToken", "")),
        ok(list(&[("2611.00001", 19), ("2611.00002", 17)], "b")),
        ok(list(&[("2611.00003", 17)], "")),
    ]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    outcome.end.as_ref().unwrap();
    let first = "cs&from=2026-11-16";
    assert_eq!(server.queries(), [first, "token=a", first, "token=b"]);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn a_server_that_always_forgets_is_given_up() {
    let forgets = || ok(oai_error("badResumptionToken", "It has expired."));
    let page = |token| ok(list(&[("2611.00001", 18), ("2611.00002", 18)], token));
    let server = Server::start([
        page("a"),
        forgets(),
        page("b"),
        forgets(),
        page("c"),
        forgets(),
        page("d"),
        forgets(),
    ]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    let again = "cs&from=2026-11-18";
    assert_eq!(
        server.queries(),
        [
            "cs&from=2026-11-16",
            "token=a",
            again,
            "token=b",
            again,
            "token=c",
            again,
            "token=d"
        ]
    );
    assert!(outcome.stored.is_unfinished());
    assert_eq!(outcome.stored.complete_through, Some(day(16)));
    let error = outcome.error();
    assert!(error.contains("arXiv cs, page 5"), "{error}");
    assert!(error.contains("forgets where the list was"), "{error}");
    assert!(error.contains("It has expired."), "{error}");
}

#[test]
fn a_list_without_order_is_not_started_for_ever() {
    let pass = |n: usize| {
        [
            ok(list(&[("2611.00001", 17)], &format!("a{n}"))),
            ok(list(
                &[("2611.00002", 16), ("2611.00003", 19)],
                &format!("b{n}"),
            )),
            ok(list(&[("2611.00004", 18)], &format!("c{n}"))),
            ok(oai_error("badResumptionToken", "")),
        ]
    };
    let server = Server::start((0..4).flat_map(pass));
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    assert_eq!(server.queries().len(), 16);
    assert_eq!(server.queries()[12], "cs&from=2026-11-16");
    assert_eq!(outcome.stored.complete_through, Some(day(16)));
    assert!(outcome.error().contains("forgets where the list was"));
}

#[test]
fn a_token_that_leads_to_nothing_is_doubted_once() {
    let none = || ok(oai_error("noRecordsMatch", "There are none."));
    let server = Server::start([
        ok(list(&[("2611.00001", 17), ("2611.00002", 18)], "a")),
        ok(list(&[("2611.00003", 19)], "b")),
        none(),
        ok(list(&[("2611.00003", 19)], "b")),
        none(),
    ]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    outcome.end.as_ref().unwrap();
    let again = "cs&from=2026-11-19";
    let asked = ["cs&from=2026-11-16", "token=a", "token=b", again, "token=b"];
    assert_eq!(server.queries(), asked);
    assert_eq!(outcome.stored, complete_through(19));
}

#[test]
fn an_expired_token_may_be_refused_in_any_words() {
    let server = Server::start([
        status(400, &[], "Bad Request"),
        ok(list(&[("2611.00001", 18)], "")),
    ]);
    let state = in_list("t", Some("2026-11-20T00:00:00Z"), 18);
    let outcome = pull(arxiv(&server), state, &TestClock::new());
    outcome.end.as_ref().unwrap();
    assert_eq!(server.queries()[..2], ["token=t", "cs&from=2026-11-18"]);
}

#[test]
fn a_token_that_is_still_good_may_not() {
    let server = Server::start([status(400, &[], "Bad Request")]);
    let state = in_list("t", Some("2026-11-21T00:00:00Z"), 18);
    let outcome = pull(arxiv(&server), state.clone(), &TestClock::new());
    assert_eq!(server.queries(), ["token=t"]);
    assert_eq!(outcome.stored, state);
    assert!(matches!(outcome.end, Err(Error::Refused { .. })));
}

#[test]
fn errors_of_the_protocol_are_told_in_the_servers_words() {
    for turn in [200, 400] {
        let words = oai_error("badArgument", "The set\n 'xyz' is not known.");
        let server = Server::start([status(turn, &[], words)]);
        let clock = TestClock::new();
        let outcome = pull(arxiv(&server), complete_through(16), &clock);
        assert_eq!(server.queries(), ["cs&from=2026-11-16"]);
        assert_eq!(clock.waits(), [Duration::ZERO; 0]);
        let error = outcome.error();
        assert!(
            error.contains("badArgument: The set 'xyz' is not known."),
            "{error}"
        );
    }
}

#[test]
fn an_empty_window_is_refused_before_anything_is_asked() {
    let server = Server::start([]);
    let options = arxiv_window(&server, Some(day(5)), Some(day(4)));
    let clock = TestClock::new();
    let error = Pull::new(options, FeedState::default(), &clock).unwrap_err();
    assert!(matches!(error, Error::BadPull { .. }), "{error}");
    assert_eq!(server.targets(), [""; 0]);
}

#[test]
fn pages_are_dumps() {
    let server = Server::start(three_pages().map(ok));
    let outcome = pull(arxiv(&server), FeedState::default(), &TestClock::new());
    let mut ids = Vec::new();
    for page in outcome.pages {
        let bytes = Box::new(std::io::Cursor::new(page.bytes));
        let dump = Dump::from_reader(page.name, bytes, &ReadOptions::default()).unwrap();
        for item in dump {
            match item.unwrap() {
                Item::Paper(record) => ids.push(record.paper.id.to_string()),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        ids,
        [
            "2611.00001",
            "2611.00002",
            "2611.00003",
            "2611.00004",
            "2611.00005"
        ]
    );
}
