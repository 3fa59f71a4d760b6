//! Asking a server: requests at an interval, redirects, and repeated attempts.
//!
//! Redirects are followed here, so that a token never leaves its origin and the headers of each are
//! seen. No error names the address that a redirect leads to: it can be signed.

use std::cell::Cell;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::debug;

use super::address;
use super::body::HttpBody;
use super::failure::{Again, RequestFailure, unreachable};
use super::headers::Headers;
use super::retries::{Attempts, Retries};
use super::transport::{AnswerPart, Proxy, Sent, TimeLimits, Transport, TransportError};
use crate::clock::Clock;
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// The most redirects that are followed for one request.
const MAX_REDIRECTS: usize = 10;

/// How polite and how patient requests are.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) limits: TimeLimits,
    pub(crate) proxy: Proxy,
    /// The shortest time between the end of an attempt and the next.
    pub(crate) interval: Duration,
    pub(crate) retries: Retries,
}

/// Asks servers.
#[derive(Debug)]
pub(crate) struct Http {
    transport: Transport,
    interval: Duration,
    retries: Retries,
    /// When the last attempt ended.
    last: Cell<Option<Timestamp>>,
    /// Whether any server has answered yet.
    has_answered: Cell<bool>,
}

/// [`Http`] with the clock and the observer of one task.
#[derive(Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) http: &'a Http,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) observer: &'a dyn Observer,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) url: &'a str,
    /// The header `Range`.
    pub(crate) range: Option<&'a str>,
    /// An access token, for the origin of `url` alone.
    pub(crate) token: Option<&'a str>,
    /// Whether the answer may be compressed.
    pub(crate) accepts_gzip: bool,
}

/// An answer of any status, with its body still to be read.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// The headers of the redirects that led here, and then its own; never empty.
    pub(crate) headers: Vec<Headers>,
    pub(crate) body: HttpBody,
}

impl Http {
    /// Prepares to ask for addresses below `base`. If that is https, no redirect leads to http.
    ///
    /// # Errors
    /// [`Error::BadPull`] if the proxy's address is invalid.
    pub(crate) fn new(policy: &Policy, base: &str) -> Result<Http> {
        let https_only = address::is_https(base);
        Ok(Http {
            transport: Transport::new(&policy.limits, &policy.proxy, https_only)?,
            interval: policy.interval,
            retries: policy.retries,
            last: Cell::new(None),
            has_answered: Cell::new(false),
        })
    }
}

impl Connection<'_> {
    /// Repeats `attempt` until it succeeds, fails for good, or patience ends.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if patience ends; [`Error::Interrupted`]; a final failure's error.
    pub(crate) fn persist<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut() -> Result<T, RequestFailure>,
    ) -> Result<T> {
        let mut so_far = Attempts::default();
        loop {
            self.pause(self.rest_of_interval())?;
            let outcome = attempt();
            self.http.last.set(Some(self.clock.now()));
            let again = match outcome {
                Ok(done) => return Ok(done),
                Err(RequestFailure::Final(error)) => return Err(error),
                Err(RequestFailure::Again(again)) => again,
            };
            let pause = self.http.retries.next_pause(&mut so_far, &again);
            let pause = pause.map_err(|reason| unreachable(url, reason))?;
            debug!(url, seconds = pause.as_secs_f64(), "waiting to ask again");
            self.pause(pause)?;
        }
    }

    /// Asks, and follows redirects until an answer is none, or `is_enough` for the caller.
    ///
    /// # Errors
    /// There is no answer, or a redirect leads nowhere.
    pub(crate) fn ask(
        &self,
        request: &HttpRequest<'_>,
        is_enough: impl Fn(&[Headers]) -> bool,
    ) -> Result<HttpAnswer, RequestFailure> {
        let unusable = |reason: &str| RequestFailure::unreachable(request.url, reason);
        let mut url = request.url.to_owned();
        let mut headers = Vec::new();
        for _ in 0..=MAX_REDIRECTS {
            let start = Instant::now();
            let (status, own, body) = self.ask_once(request, &url)?;
            // Where a redirect leads can be signed: only the request's own address is logged.
            debug!(
                url = request.url,
                range = request.range,
                status,
                seconds = start.elapsed().as_secs_f64(),
                "a server answered"
            );
            let location = own.get("location").map(str::to_owned);
            headers.push(own);
            let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
            if !is_redirect || is_enough(&headers) {
                return Ok(HttpAnswer {
                    status,
                    headers,
                    body,
                });
            }
            url = location
                .and_then(|location| address::resolve(&url, &location))
                .ok_or_else(|| unusable("it redirects to no usable address"))?;
        }
        Err(unusable("it redirects in circles"))
    }

    /// Asks at one address, and follows nothing.
    fn ask_once(
        &self,
        request: &HttpRequest<'_>,
        url: &str,
    ) -> Result<(u16, Headers, HttpBody), RequestFailure> {
        let is_at_home = address::same_origin(url, request.url);
        let incoming = self.http.transport.send(Sent {
            url: url.to_owned(),
            range: request.range.map(str::to_owned),
            token: request.token.filter(|_| is_at_home).map(str::to_owned),
            accepts_gzip: request.accepts_gzip,
        });
        match incoming.next(self.observer, None)? {
            AnswerPart::Head(status, headers) => {
                self.http.has_answered.set(true);
                Ok((status, headers, HttpBody::new(incoming)))
            }
            // A user who is offline should learn it at once.
            AnswerPart::Failed(TransportError::UnknownHost) if !self.http.has_answered.get() => {
                let reason = "the host is not known; is this machine online?";
                Err(RequestFailure::unreachable(request.url, reason))
            }
            AnswerPart::Failed(TransportError::UnknownHost) => {
                Err(RequestFailure::cut("the host is not known"))
            }
            AnswerPart::Failed(TransportError::Final(reason)) => {
                Err(RequestFailure::unreachable(request.url, reason))
            }
            AnswerPart::Failed(TransportError::Passing(reason)) => Err(RequestFailure::cut(reason)),
            AnswerPart::Chunk(_) | AnswerPart::End => Err(RequestFailure::cut("it has no head")),
        }
    }

    /// The failure that an answer of this status is, if the same request may succeed later.
    pub(crate) fn passing_failure(
        &self,
        answer: &HttpAnswer,
        status_words: &str,
    ) -> Option<RequestFailure> {
        let is_wish = matches!(answer.status, 429 | 503);
        if !is_wish && !matches!(answer.status, 408 | 425 | 500..=599) {
            return None;
        }
        let own = answer.headers.last();
        Some(RequestFailure::Again(Again {
            reason: format!("it answered {status_words}"),
            asked: own.and_then(|headers| headers.pause(self.clock.now())),
            is_wish,
            has_gained: false,
        }))
    }

    /// The time until the next attempt may be made.
    fn rest_of_interval(&self) -> Duration {
        let Some(last) = self.http.last.get() else {
            return Duration::ZERO;
        };
        let since = Duration::try_from(self.clock.now().duration_since(last));
        // It is negative if the clock was put back.
        self.http.interval.saturating_sub(since.unwrap_or_default())
    }

    /// Waits.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if a stop is requested.
    pub(crate) fn pause(&self, wait: Duration) -> Result<()> {
        if !wait.is_zero() {
            self.clock.sleep(wait, self.observer);
        }
        self.go_on()
    }

    /// Checks whether to go on.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if a stop is requested.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        Ok(())
    }
}
