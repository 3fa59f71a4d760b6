//! A contiguous range of a space's rows: what one segment covers.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A contiguous range of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    /// The first row.
    pub(super) first: u32,
    /// Number of rows.
    pub(super) n_rows: u32,
}

impl Span {
    /// The rows, by number.
    pub(super) fn rows(self) -> Range<u32> {
        self.first..self.first + self.n_rows
    }

    /// The name of the segment's file.
    pub(super) fn file_name(self) -> String {
        format!("segment-{}-{}.graph", self.first, self.n_rows)
    }
}
