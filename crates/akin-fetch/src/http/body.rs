//! The body of an answer, read in chunks or as a whole.

use std::time::{Duration, Instant};

use super::failure::RequestFailure;
use super::transport::{AnswerPart, Incoming, TransportError};
use akin_base::error::Error;
use akin_base::progress::Observer;

/// The body of an answer, still to be read.
#[derive(Debug)]
pub(crate) struct HttpBody {
    incoming: Incoming,
}

/// The most that is read of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits<'a> {
    /// What the body is, in error messages.
    pub(crate) page: &'a str,
    /// Where it comes from.
    pub(crate) url: &'a str,
    /// The most bytes, after decompression.
    pub(crate) max_bytes: u64,
    /// The longest that it may take.
    pub(crate) time: Duration,
}

impl HttpBody {
    pub(super) fn new(incoming: Incoming) -> HttpBody {
        HttpBody { incoming }
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// The connection failed, or a stop is requested.
    pub(crate) fn next_chunk(
        &mut self,
        observer: &dyn Observer,
    ) -> Result<Option<Vec<u8>>, RequestFailure> {
        self.next_until(observer, None)
    }

    fn next_until(
        &mut self,
        observer: &dyn Observer,
        until: Option<Instant>,
    ) -> Result<Option<Vec<u8>>, RequestFailure> {
        match self.incoming.next(observer, until)? {
            AnswerPart::Chunk(chunk) => Ok(Some(chunk)),
            AnswerPart::Failed(TransportError::Passing(reason) | TransportError::Final(reason)) => {
                Err(RequestFailure::cut(reason))
            }
            AnswerPart::Failed(TransportError::UnknownHost)
            | AnswerPart::Head(..)
            | AnswerPart::End => Ok(None),
        }
    }

    /// Appends all of it to `bytes`, which keeps what arrived before a failure.
    ///
    /// # Errors
    /// [`Error::BadAnswer`] if it is too large; a failure that may pass if it takes too long or the
    /// connection fails; [`Error::Interrupted`].
    pub(crate) fn read_to_end(
        mut self,
        bytes: &mut Vec<u8>,
        limits: &BodyLimits<'_>,
        observer: &dyn Observer,
    ) -> Result<(), RequestFailure> {
        let until = Instant::now().checked_add(limits.time);
        while let Some(chunk) = self.next_until(observer, until)? {
            if observer.stop_requested() {
                return Err(Error::Interrupted.into());
            }
            if (bytes.len() + chunk.len()) as u64 > limits.max_bytes {
                return Err(RequestFailure::Final(Error::BadAnswer {
                    page: limits.page.to_owned(),
                    url: limits.url.to_owned(),
                    reason: format!("it is larger than {} bytes", limits.max_bytes),
                }));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    }
}
