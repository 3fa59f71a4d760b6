//! One request, in a thread of its own. The only file that knows ureq.
//!
//! In: an address and headers. Out: an [`Incoming`] answer, as messages: its head, then its body in
//! chunks. Redirects are answers like any other. The thread lets its reader look for a requested
//! stop while the server is silent. An abandoned thread ends with its time limits.
//!
//! Nothing is read from the environment, except with [`Proxy::System`].

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::StatusCode;

use super::failure::RequestFailure;
use super::headers::Headers;
use super::pace::{Pace, Paced};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// The `User-Agent` header.
const USER_AGENT: &str = concat!(
    "akin/",
    env!("CARGO_PKG_VERSION"),
    " (semantic search over scientific papers)"
);
/// Interval at which a requested stop is looked for while the server is silent.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The largest chunk of a body.
const CHUNK_BYTES: usize = 1 << 16;
/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// The longest that looking up the host, connecting, and sending may take, each.
    pub(crate) connect: Duration,
    /// The longest silence before an answer begins.
    pub(crate) answer: Duration,
    /// The longest silence within an answer.
    pub(crate) read: Duration,
    /// The slowest pace of an answer, if that is limited.
    pub(crate) pace: Option<Pace>,
}

/// The proxy to use.
#[derive(Debug, Clone)]
pub(crate) enum Proxy {
    /// None.
    Direct,
    /// The one at this address, `http://host:port`.
    At(String),
    /// The one in the environment (`HTTPS_PROXY` and its like).
    System,
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Transport {
    agent: ureq::Agent,
    pace: Option<Pace>,
}

/// What is sent with a request.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) url: String,
    pub(super) range: Option<String>,
    /// Sent as `Authorization: Bearer`.
    pub(super) token: Option<String>,
    /// Whether the answer may be compressed.
    pub(super) accepts_gzip: bool,
}

/// A part of an answer.
pub(super) enum AnswerPart {
    Head(u16, Headers),
    Chunk(Vec<u8>),
    End,
    Failed(TransportError),
}

/// Why there is no answer, or no more of it.
pub(super) enum TransportError {
    /// The host has no address.
    UnknownHost,
    /// The same request would fail the same way.
    Final(String),
    /// Another attempt may succeed.
    Passing(String),
}

/// An answer that is arriving.
#[derive(Debug)]
pub(super) struct Incoming {
    receiver: Receiver<AnswerPart>,
}

impl Transport {
    /// Prepares to send requests. With `https_only`, others fail.
    ///
    /// # Errors
    /// [`Error::BadPull`] if the proxy's address is invalid.
    pub(super) fn new(limits: &TimeLimits, proxy: &Proxy, https_only: bool) -> Result<Transport> {
        let proxy = match proxy {
            Proxy::Direct => None,
            Proxy::System => ureq::Proxy::try_from_env(),
            Proxy::At(address) => {
                Some(ureq::Proxy::new(address).map_err(|error| Error::BadPull {
                    reason: format!("the proxy's address: {error}"),
                })?)
            }
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .proxy(proxy)
            .https_only(https_only)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_send_request(Some(limits.connect))
            .timeout_recv_response(Some(limits.answer))
            .timeout_per_read(Some(limits.answer.max(limits.read)))
            .build();
        Ok(Transport {
            agent: config.new_agent(),
            pace: limits.pace,
        })
    }

    /// Sends a request.
    pub(super) fn send(&self, sent: Sent) -> Incoming {
        let (agent, pace) = (self.agent.clone(), self.pace);
        let (sender, receiver) = mpsc::sync_channel(CHUNKS_AHEAD);
        let failed = sender.clone();
        let ask = move || {
            let end = match receive(&agent, &sent, pace, &sender) {
                Ok(()) => AnswerPart::End,
                Err(error) => AnswerPart::Failed(error),
            };
            // After a stop nobody listens.
            let _ = sender.send(end);
        };
        if let Err(error) = thread::Builder::new().name("http".to_owned()).spawn(ask) {
            let _ = failed.send(AnswerPart::Failed(TransportError::Passing(
                error.to_string(),
            )));
        }
        Incoming { receiver }
    }
}

impl Incoming {
    /// Waits for the next part, until a moment if one is given.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if a stop is requested; a failure that may pass if it is too late.
    pub(super) fn next(
        &self,
        observer: &dyn Observer,
        until: Option<Instant>,
    ) -> Result<AnswerPart, RequestFailure> {
        loop {
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(RequestFailure::cut("it takes too long"));
            }
            match self.receiver.recv_timeout(LOOK_EVERY) {
                Ok(part) => return Ok(part),
                Err(RecvTimeoutError::Timeout) if observer.stop_requested() => {
                    return Err(Error::Interrupted.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(RequestFailure::cut("the request ended without an answer"));
                }
            }
        }
    }
}

/// Sends a request and passes the answer on, part by part.
fn receive(
    agent: &ureq::Agent,
    sent: &Sent,
    pace: Option<Pace>,
    sender: &SyncSender<AnswerPart>,
) -> Result<(), TransportError> {
    let mut request = agent.get(&sent.url);
    if !sent.accepts_gzip {
        request = request.header("Accept-Encoding", "identity");
    }
    if let Some(range) = &sent.range {
        request = request.header("Range", range);
    }
    if let Some(token) = &sent.token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let (head, body) = request.call().map_err(TransportError::from)?.into_parts();
    let text = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let part = AnswerPart::Head(head.status.as_u16(), Headers::new(text));
    if sender.send(part).is_err() {
        return Ok(());
    }
    match pace {
        Some(pace) => pass_on(Paced::new(body.into_reader(), pace), sender),
        None => pass_on(body.into_reader(), sender),
    }
}

/// Passes a body on, chunk by chunk.
fn pass_on(mut body: impl Read, sender: &SyncSender<AnswerPart>) -> Result<(), TransportError> {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        match body.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(n) => chunk.truncate(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(TransportError::Passing(error.to_string())),
        }
        if sender.send(AnswerPart::Chunk(chunk)).is_err() {
            return Ok(());
        }
    }
}

impl From<ureq::Error> for TransportError {
    fn from(error: ureq::Error) -> TransportError {
        use ureq::Error::{BadUri, Http, InvalidProxyUrl, LargeResponseHeader};
        use ureq::Error::{HostNotFound, Io, RequireHttpsOnly, Rustls, Tls};
        match &error {
            HostNotFound => TransportError::UnknownHost,
            // Systems report it in an error that has no kind of its own.
            Io(io) if io.to_string().starts_with("failed to lookup address") => {
                TransportError::UnknownHost
            }
            BadUri(_)
            | Http(_)
            | InvalidProxyUrl
            | LargeResponseHeader(..)
            | RequireHttpsOnly(_)
            | Rustls(_)
            | Tls(_) => TransportError::Final(error.to_string()),
            _ => TransportError::Passing(error.to_string()),
        }
    }
}

/// `404 Not Found`.
pub(crate) fn status_words(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}
