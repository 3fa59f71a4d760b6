//! How the records of a dump are obtained: cut out of its bytes one by one, or read by a reader of
//! their own.
//!
//! Invariant: every call gives one record, or what is wrong in its place; at most one record of
//! [`MAX_LINE_BYTES`] is held.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::record::{DumpContext, Item};
use crate::reject::{Rejected, Rejection, Unit};
use crate::source::bytes::Bytes;

/// The longest record that is read, in bytes; longer ones are skipped and rejected.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// What the next place of a dump holds.
#[derive(Debug)]
pub(crate) enum Framed {
    /// A record, in the buffer.
    Record,
    /// Something else, whose start is in the buffer; reading can go on.
    Bad(Rejection),
    /// The dump cannot be read on.
    Failed(io::Error),
    /// The dump stops inside a record.
    Unfinished,
    /// Nothing is left.
    End,
}

/// Cuts a stream of bytes into records.
pub(crate) trait Frame: Send {
    /// Reads the next record into `buffer`.
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed;

    /// The place of the last record, or of a failure.
    fn place(&self) -> (u64, Unit);

    /// Notes what surrounds the last record.
    fn set_context(&self, _: &mut DumpContext) {}

    /// Whether the dump ends with the last record, which may have been cut off.
    fn may_be_cut(&self) -> bool {
        false
    }
}

/// Reads records whose bytes are not contiguous.
pub(crate) trait ReadItems: Send {
    /// The next item, or the rejection in its place.
    fn next_item(&mut self) -> Option<Result<Item, Rejected>>;

    /// The place of the last item.
    fn place(&self) -> (u64, Unit);

    /// The day of the list as the dump writes it, if its year is not known.
    fn day_without_year(&self) -> Option<&str> {
        None
    }
}

/// A dump whose format is known, before its records are read.
pub(crate) struct OpenDump {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Bytes,
    pub(crate) context: DumpContext,
    /// As in [`ReadOptions::columns`](crate::ReadOptions::columns).
    pub(crate) columns: Vec<(String, String)>,
    /// Whether `bytes` come out of a decoder.
    pub(crate) compressed: bool,
    /// Counts the bytes read from the dump as stored.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    pub(crate) read_bytes: Arc<AtomicU64>,
    /// The size of a plain file.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    pub(crate) total_bytes: Option<u64>,
}
