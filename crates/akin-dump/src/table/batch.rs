//! Batches of rows: how far they may grow, and why none follows.

use std::path::Path;
use std::{fmt, io};

use akin_base::caught;
use akin_base::error::{Error, Result};

use crate::reject::Rejection;
use crate::source::expansion::Bomb;

/// What a batch or the pages of a column may become, however few bytes they are read from.
const FREE_BYTES: usize = 64 << 20;

/// Number of bytes that one byte of a batch or a page may become, beyond those. Text of papers
/// shrinks to a third.
const MAX_RATIO: usize = 32;

/// Memory that is given without a question.
const SMALL_BYTES: usize = 16 << 20;

/// Why no batch follows, though one should.
pub(super) enum BatchEnd {
    Cut,
    Failed(io::Error),
    Unreadable(String),
    Bomb(Bomb),
}

impl BatchEnd {
    pub(super) fn unreadable(what: &str) -> BatchEnd {
        BatchEnd::Unreadable(what.to_owned())
    }

    pub(super) fn no_memory(n_bytes: usize) -> BatchEnd {
        let n_mb = n_bytes.div_ceil(1_000_000);
        BatchEnd::Unreadable(format!("{n_mb} MB of memory are not there to decode it"))
    }

    pub(super) fn from_read(error: io::Error) -> BatchEnd {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => BatchEnd::Cut,
            _ => BatchEnd::Failed(error),
        }
    }

    pub(super) fn reason(self, compressed: bool) -> Rejection {
        match self {
            BatchEnd::Cut => Rejection::Cut,
            BatchEnd::Failed(error) => Rejection::from_read(&error, compressed),
            BatchEnd::Unreadable(message) => Rejection::ReadFailed { message },
            BatchEnd::Bomb(bomb) => Rejection::Bomb {
                message: bomb.to_string(),
            },
        }
    }
}

impl From<Bomb> for BatchEnd {
    fn from(bomb: Bomb) -> BatchEnd {
        BatchEnd::Bomb(bomb)
    }
}

impl fmt::Display for BatchEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchEnd::Cut => f.write_str("it breaks off"),
            BatchEnd::Failed(error) => error.fmt(f),
            BatchEnd::Unreadable(message) => f.write_str(message),
            BatchEnd::Bomb(bomb) => bomb.fmt(f),
        }
    }
}

/// Runs a decoder; on damaged bytes those of Arrow and Parquet may panic.
pub(super) fn decoded<T, E: fmt::Display>(
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, BatchEnd> {
    match caught::run(decode) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(BatchEnd::Unreadable(error.to_string())),
        Err(said) => Err(BatchEnd::Unreadable(format!(
            "it cannot be decoded: {said}"
        ))),
    }
}

/// The limit for this number of bytes when they are decoded.
pub(super) fn grown_limit(n_bytes: usize) -> usize {
    n_bytes.saturating_mul(MAX_RATIO).saturating_add(FREE_BYTES)
}

/// Whether this much memory is available, as far as that is known beforehand: a decoder without it
/// would end the process.
pub(super) fn is_available(n_bytes: usize) -> bool {
    n_bytes <= SMALL_BYTES || Vec::<u8>::new().try_reserve_exact(n_bytes).is_ok()
}

pub(super) fn unfit(path: &Path) -> impl FnOnce(String) -> Error {
    let path = path.to_owned();
    move |reason| Error::Columns { path, reason }
}
