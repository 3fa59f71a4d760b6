//! Why a request came to nothing, and whether to repeat it.

use std::time::Duration;

use akin_base::error::Error;

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum RequestFailure {
    /// It would fail again.
    Final(Error),
    /// Another attempt may succeed.
    Again(Again),
}

/// Why the request is repeated.
#[derive(Debug)]
pub(crate) struct Again {
    pub(super) reason: String,
    /// The pause that the server asks for.
    pub(super) asked: Option<Duration>,
    /// Whether the server asks for patience: that uses up waiting time, but no attempt.
    pub(super) is_wish: bool,
    /// Whether part of the answer was received and kept.
    pub(super) has_gained: bool,
}

impl RequestFailure {
    /// The connection failed; another attempt may succeed.
    pub(crate) fn cut(reason: impl ToString) -> RequestFailure {
        RequestFailure::Again(Again {
            reason: reason.to_string(),
            asked: None,
            is_wish: false,
            has_gained: false,
        })
    }

    /// The address cannot be used, now or later.
    pub(super) fn unreachable(url: &str, reason: impl ToString) -> RequestFailure {
        RequestFailure::Final(unreachable(url, reason))
    }

    /// The same failure; `has_gained` says whether part of the answer was received and kept.
    pub(crate) fn after_gain(mut self, has_gained: bool) -> RequestFailure {
        if let RequestFailure::Again(again) = &mut self {
            again.has_gained = has_gained;
        }
        self
    }
}

impl From<Error> for RequestFailure {
    fn from(error: Error) -> RequestFailure {
        RequestFailure::Final(error)
    }
}

/// The error for a server that gives no answer.
pub(super) fn unreachable(url: &str, reason: impl ToString) -> Error {
    Error::Unreachable {
        url: url.to_owned(),
        reason: reason.to_string(),
    }
}
