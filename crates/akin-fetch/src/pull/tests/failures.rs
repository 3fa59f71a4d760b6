//! Servers and networks that fail, each in its way.

use std::io::Write;

use super::*;
use crate::pull::request::{FeedConnection, back_off};
use akin_testing::server::{Server, Turn, cut, ok, status};

/// The only page of a list.
fn page() -> String {
    list(&[("2611.00001", 18)], "")
}

/// Pulls a list whose first answers fail in some way and whose last is [`page`]: one request a
/// turn, and these waits.
fn recovers(failures: Vec<Turn>, waits: &[Duration]) {
    let n_asked = failures.len() + 1;
    let server = Server::start(failures.into_iter().chain([ok(page())]));
    let clock = TestClock::new();
    let outcome = pull(arxiv(&server), complete_through(16), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(server.queries(), vec!["cs&from=2026-11-16"; n_asked]);
    assert_eq!(clock.waits(), waits);
    assert_eq!(outcome.pages[0].bytes, page().into_bytes());
    assert_eq!(outcome.stored, complete_through(19));
}

/// Pulls a list that fails for good: so many requests, these waits, nothing claimed.
fn fails(script: Vec<Turn>, change: impl FnOnce(&mut PullOptions), waits: &[Duration]) -> Error {
    let n_asked = script.len();
    let server = Server::start(script);
    let mut options = arxiv(&server);
    change(&mut options);
    let clock = TestClock::new();
    let outcome = pull(options, complete_through(16), &clock);
    assert_eq!(server.queries(), vec!["cs&from=2026-11-16"; n_asked]);
    assert_eq!(clock.waits(), waits);
    assert_eq!(outcome.pages, []);
    assert_eq!(outcome.stored, complete_through(16));
    outcome.end.unwrap_err()
}

/// The wait for the next attempt: the pause, and the rest of the distance between requests.
fn paused(attempt: u32) -> Vec<Duration> {
    let pause = back_off(attempt);
    let rest = s(3).saturating_sub(pause);
    [pause, rest]
        .into_iter()
        .filter(|wait| !wait.is_zero())
        .collect()
}

#[test]
fn a_connection_cut_within_the_body_is_tried_again() {
    let cut = |after| cut(page(), after);
    recovers(vec![cut(700)], &paused(0));
    recovers(vec![cut(0), cut(10)], &[paused(0), paused(1)].concat());
}

#[test]
fn a_connection_closed_without_a_word_is_tried_again() {
    recovers(
        vec![Turn::Close, Turn::Close],
        &[paused(0), paused(1)].concat(),
    );
}

#[test]
fn faults_of_the_server_are_tried_again() {
    let fault = |code| status(code, &[], "broken");
    recovers(
        vec![fault(500), fault(502), fault(504)],
        &[paused(0), paused(1), paused(2)].concat(),
    );
}

#[test]
fn a_server_that_stays_broken_is_given_up() {
    let script = (0..6).map(|_| status(500, &[], "broken")).collect();
    let waits: Vec<_> = (0..5).flat_map(paused).collect();
    let error = fails(script, |_| {}, &waits);
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let error = error.to_string();
    assert!(
        error.contains("500 Internal Server Error; attempts: 6"),
        "{error}"
    );
}

#[test]
fn a_wish_to_wait_is_granted() {
    recovers(
        vec![status(429, &[("Retry-After", "7")], "slow down")],
        &[s(7)],
    );
    recovers(vec![status(503, &[("Retry-After", "600")], "")], &[s(600)]);
    let date = [("Retry-After", "Fri, 20 Nov 2026 10:01:30 GMT")];
    recovers(vec![status(503, &date, "")], &[s(90)]);
    // By the server's own clock it is ten seconds.
    let dates = [date[0], ("Date", "Fri, 20 Nov 2026 10:01:20 GMT")];
    recovers(vec![status(503, &dates, "")], &[s(10)]);
    recovers(vec![status(503, &[], "")], &paused(0));
}

#[test]
fn wishes_do_not_use_up_attempts() {
    let wish = || status(503, &[("Retry-After", "100")], "");
    let waits: Vec<_> = (0..10)
        .map(|attempt| s(100).max(back_off(attempt)))
        .collect();
    recovers((0..10).map(|_| wish()).collect(), &waits);
}

#[test]
fn waiting_has_an_end() {
    let limit = |options: &mut PullOptions| options.http.max_wait = s(60);
    let error = fails(
        vec![status(429, &[("Retry-After", "3600")], "")],
        limit,
        &[],
    );
    let words = "429 Too Many Requests; it asks for a pause of 3600 seconds";
    assert!(error.to_string().contains(words), "{error}");
    let wish = || status(503, &[("Retry-After", "25")], "");
    let error = fails(vec![wish(), wish(), wish()], limit, &[s(25), s(25)]);
    assert!(
        error
            .to_string()
            .contains("503 Service Unavailable; attempts: 3"),
        "{error}"
    );
}

#[test]
fn a_refusal_is_final_and_in_the_servers_words() {
    let words = "<html><body><h1>Forbidden</h1> <p>Access denied.</p></body></html>";
    let error = fails(vec![status(403, &[], words)], |_| {}, &[]);
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let error = error.to_string();
    assert!(
        error.ends_with("403 Forbidden: Forbidden Access denied."),
        "{error}"
    );
    let error = fails(vec![status(404, &[], "")], |_| {}, &[]);
    assert!(error.to_string().ends_with("404 Not Found"), "{error}");
}

#[test]
fn a_broken_page_is_asked_for_again() {
    let broken = page().replace("</header>", "");
    recovers(vec![ok(broken)], &[s(3)]);
    recovers(vec![ok("<html>maintenance</html>")], &[s(3)]);
    // Cut where the server had announced no length.
    recovers(vec![ok(&page().as_bytes()[..700])], &[s(3)]);
}

#[test]
fn a_page_that_stays_broken_is_named() {
    let broken = || ok(page().replace("</header>", ""));
    let error = fails(vec![broken(), broken()], |_| {}, &[s(3)]);
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    let error = error.to_string();
    assert!(
        error.starts_with("arXiv cs, page 1 of http://127.0.0.1:"),
        "{error}"
    );
    assert!(error.contains("broken XML at byte"), "{error}");
}

/// A list whose second page comes twice, and again after that.
fn goes_round(second: &str, third: &str) {
    let first = list(&[("2611.00001", 17)], "a");
    let server = Server::start([first, second.into(), third.into(), third.into()].map(ok));
    let clock = TestClock::new();
    let outcome = pull(arxiv(&server), complete_through(16), &clock);
    assert_eq!(
        server.queries(),
        ["cs&from=2026-11-16", "token=a", "token=b", "token=b"]
    );
    assert_eq!(clock.waits(), [s(3); 3]);
    assert_eq!(outcome.pages.len(), 2);
    assert_eq!(outcome.stored, outcome.pages[1].state_after);
    assert!(outcome.stored.is_unfinished());
    let error = outcome.error();
    assert!(error.contains("arXiv cs, page 3"), "{error}");
    assert!(error.contains("it repeats a page"), "{error}");
}

#[test]
fn a_list_that_goes_round_is_ended() {
    let second = list(&[("2611.00002", 18)], "b");
    // The token that was asked with; one from before; other tokens with the same records.
    goes_round(&second, &list(&[("2611.00003", 18)], "b"));
    goes_round(&second, &list(&[("2611.00003", 18)], "a"));
    goes_round(&second, &list(&[("2611.00002", 18)], "c"));
    goes_round(&second, &list(&[("2611.00001", 17)], "c"));
}

#[test]
fn a_page_that_repeats_once_is_mended_by_asking_again() {
    let second = list(&[("2611.00002", 18)], "b");
    let script = [
        list(&[("2611.00001", 17)], "a"),
        second.clone(),
        second,
        page(),
    ];
    let last = list(&[("2611.00009", 19)], "");
    let script = script.into_iter().take(3).chain([last]);
    let server = Server::start(script.map(ok));
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    outcome.end.as_ref().unwrap();
    assert_eq!(
        server.queries(),
        ["cs&from=2026-11-16", "token=a", "token=b", "token=b"]
    );
    assert_eq!(outcome.pages.len(), 3);
}

#[test]
fn too_large_an_answer_is_refused() {
    let limit = |options: &mut PullOptions| options.http.max_bytes = 500;
    let error = fails(vec![ok(page())], limit, &[]);
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(
        error.to_string().contains("larger than 500 bytes"),
        "{error}"
    );
}

fn gzipped(body: &str) -> Turn {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body.as_bytes()).unwrap();
    status(
        200,
        &[("Content-Encoding", "gzip")],
        encoder.finish().unwrap(),
    )
}

#[test]
fn compressed_answers_are_read() {
    let server = Server::start([gzipped(&page())]);
    let outcome = pull(arxiv(&server), complete_through(16), &TestClock::new());
    assert_eq!(outcome.pages[0].bytes, page().into_bytes());
}

#[test]
fn the_size_that_counts_is_the_one_after_decompression() {
    let body = format!("{}{}", page(), " ".repeat(1 << 20));
    let limit = |options: &mut PullOptions| options.http.max_bytes = 100_000;
    let error = fails(vec![gzipped(&body)], limit, &[]);
    assert!(
        error.to_string().contains("larger than 100000 bytes"),
        "{error}"
    );
}

#[test]
fn a_moved_address_is_followed() {
    let target = Server::start([ok(page())]);
    let there = target.address("/oai?verb=ListRecords&cs&moved");
    let server = Server::start([status(301, &[("Location", &there)], "moved")]);
    let clock = TestClock::new();
    let outcome = pull(arxiv(&server), complete_through(16), &clock);
    outcome.end.as_ref().unwrap();
    assert_eq!(server.queries(), ["cs&from=2026-11-16"]);
    assert_eq!(target.queries(), ["cs&moved"]);
    assert_eq!(clock.waits(), [Duration::ZERO; 0]);
}

#[test]
fn encryption_is_not_given_up() {
    let server = Server::start([]);
    let mut options = arxiv(&server);
    let Feed::Arxiv(feed) = &mut options.feed else {
        unreachable!()
    };
    feed.base = "https://127.0.0.1/oai".to_owned();
    let clock = TestClock::new();
    let pull = Pull::new(options, FeedState::default(), &clock).unwrap();
    let connection = FeedConnection::new(&pull.http, &pull.options, &clock, &Unobserved);
    let answer = connection.get(&server.address("/moved"));
    assert!(matches!(answer, Err(Error::Unreachable { .. })));
    assert_eq!(server.targets(), [""; 0]);
    assert_eq!(clock.waits(), [Duration::ZERO; 0]);
}

#[test]
fn a_server_that_never_answers_is_left() {
    let impatient = |options: &mut PullOptions| {
        options.http.answer_timeout = Duration::from_millis(50);
        options.http.max_attempts = 2;
    };
    let error = fails(vec![Turn::Silence, Turn::Silence], impatient, &paused(0));
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("attempts: 2"), "{error}");
}

#[test]
fn a_stop_is_seen_while_the_server_is_silent() {
    let server = Server::start([Turn::Silence]);
    let clock = TestClock::new();
    let mut pull = Pull::new(arxiv(&server), complete_through(16), &clock).unwrap();
    // Before the first request it is not asked for yet.
    let error = pull.next_page(&StopAfter::looks(2)).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(pull.state(), &complete_through(16));
}

#[test]
fn a_stop_while_waiting_is_no_more_than_that() {
    let server = Server::start([status(503, &[("Retry-After", "600")], ""), ok(page())]);
    let clock = TestClock::new();
    let mut pull = Pull::new(arxiv(&server), complete_through(16), &clock).unwrap();
    struct StopWhenWaited<'a>(&'a std::sync::Mutex<bool>);
    impl Observer for StopWhenWaited<'_> {
        fn stop_requested(&self) -> bool {
            *self.0.lock().unwrap()
        }
    }
    let stop = std::sync::Mutex::new(false);
    struct Stopping<'a>(&'a TestClock, &'a std::sync::Mutex<bool>);
    impl Clock for Stopping<'_> {
        fn now(&self) -> Timestamp {
            self.0.now()
        }
        fn sleep(&self, wait: Duration, observer: &dyn Observer) {
            self.0.sleep(wait, observer);
            *self.1.lock().unwrap() = true;
        }
    }
    let stopping = Stopping(&clock, &stop);
    pull.clock = &stopping;
    let error = pull.next_page(&StopWhenWaited(&stop)).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(clock.waits(), [s(600)]);
    // The same pull goes on with the same page.
    *stop.lock().unwrap() = false;
    pull.clock = &clock;
    assert_eq!(
        pull.next_page(&Unobserved).unwrap().unwrap().bytes,
        page().into_bytes()
    );
    assert_eq!(server.queries(), ["cs&from=2026-11-16"; 2]);
}

#[test]
fn a_proxy_without_an_address_is_refused() {
    let server = Server::start([]);
    let mut options = arxiv(&server);
    options.http.proxy = Some("::".to_owned());
    let error = Pull::new(options, FeedState::default(), &TestClock::new()).unwrap_err();
    assert!(matches!(error, Error::BadPull { .. }), "{error}");
}

#[test]
fn an_unknown_host_is_told_at_once() {
    let mut options = PullOptions::new(Feed::arxiv(None));
    let Feed::Arxiv(feed) = &mut options.feed else {
        unreachable!()
    };
    // No name is that long: nobody has to be asked for it.
    feed.base = format!("http://{}.invalid/oai", "x".repeat(64));
    let clock = TestClock::new();
    let outcome = pull(options, FeedState::default(), &clock);
    let error = outcome.error();
    assert!(error.contains("is this machine online?"), "{error}");
    assert_eq!(clock.waits(), [Duration::ZERO; 0]);
}
