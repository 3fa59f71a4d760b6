//! Asking a feed's server for a page, politely and patiently.
//!
//! In: an address and [`HttpOptions`]. Out: a [`Fetched`]: the body of a success, or a refusal with the
//! server's explanation.

use std::time::Duration;

use super::refusal::words;
use crate::clock::Clock;
use crate::http::{BodyLimits, Connection, Http, HttpRequest, Policy, Proxy, RequestFailure};
use crate::http::{Retries, TimeLimits, status_words};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest pause that the server has not asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Limits and pauses of requests.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The longest that looking up the host, connecting, and sending may take, each.
    pub connect_timeout: Duration,
    /// The longest silence before an answer begins.
    pub answer_timeout: Duration,
    /// The longest that the rest of an answer may take.
    pub body_timeout: Duration,
    /// The shortest pause between the end of an answer and the next request.
    pub interval: Duration,
    /// The most failed attempts for one address.
    pub max_attempts: u32,
    /// The longest wait for one answer, over all pauses between attempts.
    pub max_wait: Duration,
    /// The largest size of an answer after decompression, in bytes.
    pub max_bytes: u64,
    /// The proxy to use: `http://host:port`.
    pub proxy: Option<String>,
}

impl Default for HttpOptions {
    /// Settings for arXiv, which may take 90 seconds to the first byte and asks for at least three
    /// seconds between requests.
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

/// The answer to a request.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The body of a success.
    Content(Content),
    /// A refusal that another attempt would not change.
    Refused(RequestRefusal),
}

/// The body of a success.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Whether a `Link` header names a next page.
    pub(super) has_next: bool,
}

/// A refused request.
#[derive(Debug)]
pub(super) struct RequestRefusal {
    pub(super) status: u16,
    pub(super) bytes: Vec<u8>,
}

impl RequestRefusal {
    /// The error for a refusal without a special meaning.
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

impl HttpOptions {
    /// The same for the HTTP client.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            limits: TimeLimits {
                connect: self.connect_timeout,
                answer: self.answer_timeout,
                read: self.body_timeout,
                pace: None,
            },
            proxy: self.proxy.clone().map_or(Proxy::Direct, Proxy::At),
            interval: self.interval,
            retries: Retries {
                max_attempts: self.max_attempts,
                first_pause: FIRST_PAUSE,
                longest_pause: LONGEST_PAUSE,
                max_wait: self.max_wait,
            },
        }
    }
}

/// A feed's server, with the clock and the observer of one pull.
pub(super) struct FeedConnection<'a> {
    connection: Connection<'a>,
    options: &'a HttpOptions,
}

impl<'a> FeedConnection<'a> {
    pub(super) fn new(
        http: &'a Http,
        options: &'a HttpOptions,
        clock: &'a dyn Clock,
        observer: &'a dyn Observer,
    ) -> FeedConnection<'a> {
        let connection = Connection {
            http,
            clock,
            observer,
        };
        FeedConnection {
            connection,
            options,
        }
    }

    /// The clock of the pull.
    pub(super) fn clock(&self) -> &dyn Clock {
        self.connection.clock
    }

    /// Asks for `url` until there is a final answer.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if every attempt fails, or the server asks for a pause longer than is
    /// waited; [`Error::BadAnswer`] if the answer is too large; [`Error::Interrupted`].
    pub(super) fn get(&self, url: &str) -> Result<Fetched> {
        self.connection.persist(url, || self.attempt(url))
    }

    fn attempt(&self, url: &str) -> Result<Fetched, RequestFailure> {
        let request = HttpRequest {
            url,
            range: None,
            token: None,
            accepts_gzip: true,
        };
        let answer = self.connection.ask(&request, |_| false)?;
        let status = answer.status;
        if let Some(failure) = self
            .connection
            .passing_failure(&answer, &status_words(status))
        {
            return Err(failure);
        }
        let link = answer
            .headers
            .last()
            .and_then(|headers| headers.get("link"));
        let has_next = link.is_some_and(|link| link.contains("rel=\"next\""));
        let limits = BodyLimits {
            page: "the answer",
            url,
            max_bytes: self.options.max_bytes,
            time: self.options.body_timeout,
        };
        let mut bytes = Vec::new();
        let read = answer
            .body
            .read_to_end(&mut bytes, &limits, self.connection.observer);
        match read {
            Err(RequestFailure::Final(Error::Interrupted)) => Err(Error::Interrupted.into()),
            // What arrived of a refusal is enough.
            _ if !matches!(status, 200..=299) => {
                Ok(Fetched::Refused(RequestRefusal { status, bytes }))
            }
            read => read.map(|()| Fetched::Content(Content { bytes, has_next })),
        }
    }
}

#[cfg(test)]
pub(super) fn back_off(attempt: u32) -> Duration {
    HttpOptions::default().policy().retries.pause(attempt)
}
