//! HTTP GET with patience: the only file that knows ureq.
//!
//! In: an address. Out: an [`Fetched`], either the body of a success or a refusal in the server's
//! words. Between the two: a distance to the last request, time limits, redirects, gzip, a limit
//! on size, pauses as long as the server asks for (429, 503, `Retry-After`), and new attempts after
//! other errors of the server and after cut connections.
//!
//! Invariants: requests are [`HttpOptions::interval`] apart, one at a time; what is waited for one
//! answer is at most [`HttpOptions::max_wait`]; a requested stop is seen while waiting and while
//! the server is silent. Nothing is read from the environment, proxies included.

use std::io::Read;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use ureq::http::{HeaderMap, StatusCode, header};

use super::clock::Clock;
use super::server_words::{http_date, retry_after, words};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// How servers see us.
const USER_AGENT: &str = concat!(
    "akin/",
    env!("CARGO_PKG_VERSION"),
    " (semantic search over scientific papers)"
);

/// How often a stop is looked for while the server is silent.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest pause that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// How patient and how polite requests are.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The longest that finding the host and connecting to it may take.
    pub connect_timeout: Duration,
    /// The longest silence before an answer begins.
    pub answer_timeout: Duration,
    /// The longest that the rest of an answer may take.
    pub body_timeout: Duration,
    /// The shortest time between the end of an answer and the next request.
    pub interval: Duration,
    /// How often an address is asked for at most when attempts fail.
    pub max_attempts: u32,
    /// The most that is waited in all for one answer, beside the server's silence.
    pub max_wait: Duration,
    /// The most bytes of an answer, after decompression.
    pub max_bytes: u64,
    /// The proxy to go through: `http://host:port`.
    pub proxy: Option<String>,
}

impl Default for HttpOptions {
    /// Made for arXiv, whose first byte can take a minute and a half, and which asks for at least
    /// three seconds between requests.
    fn default() -> HttpOptions {
        HttpOptions {
            connect_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(150),
            body_timeout: Duration::from_secs(300),
            interval: Duration::from_secs(3),
            max_attempts: 6,
            max_wait: Duration::from_secs(30 * 60),
            max_bytes: 64 << 20,
            proxy: None,
        }
    }
}

/// What an address came to.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The body of a success.
    Content(Content),
    /// A request that is not worth repeating.
    Refused(RequestRefusal),
}

/// The body of a success.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Whether a `Link` header names a next page.
    pub(super) has_next: bool,
}

/// A request that the server does not grant.
#[derive(Debug)]
pub(super) struct RequestRefusal {
    pub(super) status: u16,
    pub(super) bytes: Vec<u8>,
}

impl RequestRefusal {
    /// The error that it is where it has no better meaning.
    pub(super) fn into_error(self, url: &str) -> Error {
        let status = status_words(self.status);
        let words = words(&self.bytes);
        Error::Refused {
            url: url.to_owned(),
            answer: if words.is_empty() {
                status
            } else {
                format!("{status}: {words}")
            },
        }
    }
}

/// Asks servers.
#[derive(Debug)]
pub(super) struct Http {
    agent: ureq::Agent,
    options: HttpOptions,
    /// When the last answer ended.
    last: Option<Timestamp>,
    /// Whether any server has answered yet.
    has_answered: bool,
}

/// What one attempt came to.
enum Reply {
    Answered(Response),
    /// The connection failed; whether another attempt may fare better, and what was said.
    Failed {
        is_final: bool,
        reason: String,
    },
    /// The host has no address.
    NoHost,
}

/// An answer of whatever status.
struct Response {
    status: u16,
    headers: Headers,
    bytes: Vec<u8>,
    /// Why the body is not whole.
    cut: Option<Cut>,
}

/// The headers that matter.
struct Headers {
    retry_after: Option<String>,
    date: Option<String>,
    has_next: bool,
}

/// Why a body is not whole.
enum Cut {
    TooLarge,
    Failed(String),
}

/// Why the address is asked for again.
struct Again {
    reason: String,
    /// How long the server wants to be left alone.
    asked: Option<Duration>,
    /// Whether it is the server's wish, and counts against the waiting alone.
    is_wish: bool,
}

impl Http {
    /// Makes ready to ask for addresses below `base`. Where that one is encrypted, no redirect
    /// leads to one that is not.
    ///
    /// # Errors
    /// [`Error::BadPull`] if the proxy's address cannot be understood.
    pub(super) fn new(options: HttpOptions, base: &str) -> Result<Http> {
        let proxy = options.proxy.as_deref().map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|error| Error::BadPull {
            reason: format!("the proxy's address: {error}"),
        })?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .proxy(proxy)
            .https_only(base.starts_with("https://"))
            .timeout_resolve(Some(options.connect_timeout))
            .timeout_connect(Some(options.connect_timeout))
            .timeout_send_request(Some(options.connect_timeout))
            .timeout_recv_response(Some(options.answer_timeout))
            .timeout_recv_body(Some(options.body_timeout))
            .build();
        Ok(Http {
            agent: config.new_agent(),
            options,
            last: None,
            has_answered: false,
        })
    }

    /// Asks for `url` until there is an answer that stays.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if no attempt came to an answer, or the server wants to be left
    /// alone for longer than is waited; [`Error::BadAnswer`] if it is too large;
    /// [`Error::Interrupted`].
    pub(super) fn get(
        &mut self,
        url: &str,
        clock: &dyn Clock,
        observer: &dyn Observer,
    ) -> Result<Fetched> {
        let mut waited = Duration::ZERO;
        let mut n_failed = 0;
        for attempt in 0.. {
            self.keep_interval(clock, observer)?;
            let reply = self.attempt(url, observer);
            self.last = Some(clock.now());
            let again = match self.judge(url, reply?, clock.now())? {
                Ok(answer) => return Ok(answer),
                Err(again) => again,
            };
            n_failed += u32::from(!again.is_wish);
            let pause = again.asked.unwrap_or_default().max(back_off(attempt));
            if n_failed >= self.options.max_attempts || waited + pause > self.options.max_wait {
                return Err(self.give_up(url, attempt + 1, &again));
            }
            waited += pause;
            sleep(pause, clock, observer)?;
        }
        Err(unreachable(url, "it was never asked".to_owned()))
    }

    /// Waits until the last answer is long enough ago.
    fn keep_interval(&self, clock: &dyn Clock, observer: &dyn Observer) -> Result<()> {
        let since = self.last.map(|last| clock.now().duration_since(last));
        let since = since.and_then(|since| Duration::try_from(since).ok());
        let rest = match since {
            Some(since) => self.options.interval.saturating_sub(since),
            // Nothing asked yet, or the clock was put back.
            None if self.last.is_none() => Duration::ZERO,
            None => self.options.interval,
        };
        sleep(rest, clock, observer)
    }

    /// Asks once, in a thread of its own, so that a stop need not wait for a silent server. A
    /// thread that is left behind ends with its time limits.
    fn attempt(&self, url: &str, observer: &dyn Observer) -> Result<Reply> {
        let (agent, url) = (self.agent.clone(), url.to_owned());
        let max_bytes = self.options.max_bytes;
        let (sender, receiver) = mpsc::channel();
        let ask = move || {
            // Nobody listens any more after a stop.
            let _ = sender.send(ask_once(&agent, &url, max_bytes));
        };
        if let Err(error) = thread::Builder::new().name("pull".to_owned()).spawn(ask) {
            return Ok(failed(error));
        }
        loop {
            match receiver.recv_timeout(LOOK_EVERY) {
                Ok(reply) => return Ok(reply),
                Err(RecvTimeoutError::Timeout) if observer.stop_requested() => {
                    return Err(Error::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(failed("the request ended without an answer"));
                }
            }
        }
    }

    /// What a reply means: an answer that stays, or why to ask again.
    fn judge(&mut self, url: &str, reply: Reply, now: Timestamp) -> Result<Result<Fetched, Again>> {
        let response = match reply {
            Reply::Failed {
                is_final: true,
                reason,
            } => return Err(unreachable(url, reason)),
            // Whoever is offline should be told at once.
            Reply::NoHost if !self.has_answered => {
                let reason = "the host is not known; is this machine online?";
                return Err(unreachable(url, reason.to_owned()));
            }
            Reply::Failed { reason, .. } => return Ok(Err(Again::failed(reason))),
            Reply::NoHost => return Ok(Err(Again::failed("the host is not known".to_owned()))),
            Reply::Answered(response) => response,
        };
        self.has_answered = true;
        if !matches!(response.status, 200..=299) {
            return Ok(response.refusal(now));
        }
        match response.cut {
            None => Ok(Ok(Fetched::Content(Content {
                bytes: response.bytes,
                has_next: response.headers.has_next,
            }))),
            Some(Cut::Failed(reason)) => Ok(Err(Again::failed(reason))),
            Some(Cut::TooLarge) => Err(Error::BadAnswer {
                page: "the answer".to_owned(),
                url: url.to_owned(),
                reason: format!("it is larger than {} bytes", self.options.max_bytes),
            }),
        }
    }

    /// The error after the last attempt.
    fn give_up(&self, url: &str, n_attempts: u32, again: &Again) -> Error {
        let reason = match again.asked {
            Some(asked) if asked > self.options.max_wait => format!(
                "{}; it asks for a pause of {} seconds, more than is waited here",
                again.reason,
                asked.as_secs()
            ),
            _ => format!("{}; attempts: {n_attempts}", again.reason),
        };
        unreachable(url, reason)
    }
}

impl Response {
    /// What an answer without success means.
    fn refusal(self, now: Timestamp) -> Result<Fetched, Again> {
        let is_wish = matches!(self.status, 429 | 503);
        if !is_wish && !matches!(self.status, 408 | 425 | 500..=599) {
            return Ok(Fetched::Refused(RequestRefusal {
                status: self.status,
                bytes: self.bytes,
            }));
        }
        let headers = &self.headers;
        // The server's own clock, where it shows it: ours may be wrong.
        let now = headers.date.as_deref().and_then(http_date).unwrap_or(now);
        let asked = headers.retry_after.as_deref();
        Err(Again {
            reason: format!("it answered {}", status_words(self.status)),
            asked: asked.and_then(|asked| retry_after(asked, now)),
            is_wish,
        })
    }
}

impl Again {
    fn failed(reason: String) -> Again {
        Again {
            reason,
            asked: None,
            is_wish: false,
        }
    }
}

/// Waits; a stop ends it.
fn sleep(wait: Duration, clock: &dyn Clock, observer: &dyn Observer) -> Result<()> {
    if !wait.is_zero() {
        clock.sleep(wait, observer);
    }
    if observer.stop_requested() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Asks and reads the whole answer.
fn ask_once(agent: &ureq::Agent, url: &str, max_bytes: u64) -> Reply {
    let response = match agent.get(url).call() {
        Ok(response) => response,
        Err(error) if is_host_unknown(&error) => return Reply::NoHost,
        Err(error) => {
            return Reply::Failed {
                is_final: is_final(&error),
                reason: error.to_string(),
            };
        }
    };
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut limited = body.into_reader().take(max_bytes.saturating_add(1));
    let cut = match limited.read_to_end(&mut bytes) {
        Err(error) => Some(Cut::Failed(error.to_string())),
        Ok(_) if bytes.len() as u64 > max_bytes => Some(Cut::TooLarge),
        Ok(_) => None,
    };
    Reply::Answered(Response {
        status: parts.status.as_u16(),
        headers: Headers::of(&parts.headers),
        bytes,
        cut,
    })
}

impl Headers {
    fn of(headers: &HeaderMap) -> Headers {
        let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        Headers {
            retry_after: text(header::RETRY_AFTER),
            date: text(header::DATE),
            has_next: text(header::LINK).is_some_and(|link| link.contains("rel=\"next\"")),
        }
    }
}

fn failed(reason: impl ToString) -> Reply {
    Reply::Failed {
        is_final: false,
        reason: reason.to_string(),
    }
}

/// Whether the host has no address. Systems say so in an error that has no kind of its own.
fn is_host_unknown(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.to_string().starts_with("failed to lookup address"),
        _ => false,
    }
}

/// Whether the same request would fail the same way.
fn is_final(error: &ureq::Error) -> bool {
    use ureq::Error::{BadUri, Http, InvalidProxyUrl, LargeResponseHeader, RedirectFailed};
    use ureq::Error::{RequireHttpsOnly, Rustls, Tls, TooManyRedirects};
    matches!(
        error,
        BadUri(_)
            | Http(_)
            | InvalidProxyUrl
            | LargeResponseHeader(..)
            | RedirectFailed
            | RequireHttpsOnly(_)
            | Rustls(_)
            | Tls(_)
            | TooManyRedirects
    )
}

fn unreachable(url: &str, reason: String) -> Error {
    Error::Unreachable {
        url: url.to_owned(),
        reason,
    }
}

/// The pause before the attempt after attempt number `attempt`, counted from 0: twice as long each
/// time, and longer by up to a quarter so that those who failed together do not return together.
pub(super) fn back_off(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(1 << attempt.min(16))
        .min(LONGEST_PAUSE);
    let spread = attempt.wrapping_add(1).wrapping_mul(0x9E37_79B1) >> 24;
    pause + pause * spread / 1024
}

/// `404 Not Found`.
fn status_words(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        for attempt in 0..40 {
            let plain = FIRST_PAUSE * (1 << attempt.min(10));
            let plain = plain.min(LONGEST_PAUSE);
            assert!((plain..plain + plain / 4).contains(&back_off(attempt)));
        }
        let spread = |attempt| back_off(attempt).as_millis() % 1000;
        assert_ne!(spread(0), spread(6));
    }
}
