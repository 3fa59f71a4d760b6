//! The HTTP client that [`hub`](crate::hub) and [`pull`](crate::pull) share: polite and patient.
//!
//! ```text
//! Connection::persist ──► attempt ──► ask ──► one request a hop ──► Answer, Body
//! retries.rs              the caller          transport.rs (ureq)   body.rs
//! ```
//!
//! In: addresses and a [`Policy`]. Out: an [`HttpAnswer`] of any status, or a [`RequestFailure`], which
//! says whether another attempt is worth it. What an answer means is left to the caller.
//!
//! Invariants: attempts are one at a time and an interval apart. The total wait is bounded. A
//! requested stop ends any wait, also for a silent server. A token goes to its own origin only, and
//! https never leads to http. Only `transport.rs` knows ureq.

mod address;
mod body;
mod connection;
mod failure;
mod headers;
mod pace;
mod retries;
mod transport;

pub(crate) use self::address::is_http;
pub(crate) use self::body::BodyLimits;
pub(crate) use self::connection::{Connection, Http, HttpAnswer, HttpRequest, Policy};
pub(crate) use self::failure::RequestFailure;
pub(crate) use self::headers::Headers;
pub(crate) use self::pace::Pace;
pub(crate) use self::retries::Retries;
pub(crate) use self::transport::{Proxy, TimeLimits, status_words};
