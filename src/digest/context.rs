//! What all follows of a digest need: the library with its indexes, the day, and what arrived lately.
//!
//! In: an open library. Out: a [`DigestContext`]. Recent arrivals are read once, when a follow first
//! needs them.
//!
//! Invariant: a library and a day give the same arrivals, in the order of their keys.

use std::cell::OnceCell;

use fixedbitset::FixedBitSet;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::encoder::Encoder;
use crate::error::Result;
use crate::library::{Filter, Library, PaperKey};
use crate::search::Indexes;
use crate::vectors::Row;

/// Days whose arrivals are recent.
pub(super) const RECENT_DAYS: i32 = 28;
/// Recent arrivals that a paper is compared with; of more, an evenly spaced sample.
const MOST_RECENT: usize = 5000;

/// An open library with its indexes, and what all follows need.
#[derive(Debug)]
pub struct DigestContext<'a> {
    indexes: &'a Indexes<'a>,
    pub(super) encoder: Option<&'a Encoder>,
    /// Rows that live; `None` if all do.
    living: Option<FixedBitSet>,
    n_living: usize,
    today: Date,
    /// The papers that arrived lately, once they are needed.
    recent: OnceCell<Vec<KeyAndRow>>,
}

impl<'a> DigestContext<'a> {
    /// Looks at a library, on a day. Without an encoder, only follows without a text can be asked.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`](crate::Error::LibraryEmpty), [`Error::Database`](crate::Error::Database).
    pub fn new(
        indexes: &'a Indexes<'a>,
        encoder: Option<&'a Encoder>,
        today: Date,
    ) -> Result<DigestContext<'a>> {
        let living = indexes.library.allowed(&Filter::default())?;
        let n_rows = indexes.library.rows()?.len();
        let n_living = living.as_ref().map_or(n_rows, |rows| rows.count_ones(..));
        Ok(DigestContext {
            indexes,
            encoder,
            living,
            n_living,
            today,
            recent: OnceCell::new(),
        })
    }

    /// The library.
    pub fn library(&self) -> &'a Library {
        self.indexes.library
    }

    /// Its indexes.
    pub(super) fn indexes(&self) -> &'a Indexes<'a> {
        self.indexes
    }

    /// The day on which it looks.
    pub(super) fn today(&self) -> Date {
        self.today
    }

    /// Rows that live; `None` if all do.
    pub(super) fn living(&self) -> Option<&FixedBitSet> {
        self.living.as_ref()
    }

    /// Number of papers that can be found.
    pub(super) fn n_living(&self) -> usize {
        self.n_living
    }

    /// The papers that arrived lately, in the order of their keys; of many, a sample.
    pub(super) fn recent(&self) -> Result<&[KeyAndRow]> {
        if let Some(recent) = self.recent.get() {
            return Ok(recent);
        }
        let recent = recent_arrivals(self.library(), self.today)?;
        Ok(self.recent.get_or_init(|| recent))
    }
}

/// A paper and the row of its embedding.
pub(super) type KeyAndRow = (PaperKey, Row);

/// The papers that arrived lately, as of a day, in the order of their keys.
pub(super) fn recent_arrivals(library: &Library, today: Date) -> Result<Vec<KeyAndRow>> {
    let first = today.saturating_sub((RECENT_DAYS - 1).days());
    let keys = sample(library.arrived_between(first, today)?);
    let rows = library.rows_of_keys(&keys)?;
    let pairs = keys.into_iter().zip(rows);
    Ok(pairs.filter_map(|(key, row)| Some((key, row?.0))).collect())
}

/// At most [`MOST_RECENT`] of the elements, evenly spaced.
pub(super) fn sample<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(MOST_RECENT).max(1);
    all.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_arrivals_evenly_spaced_ones_are_taken() {
        assert_eq!(sample(vec![1, 2, 3]), [1, 2, 3]);
        let some = sample((0..12_000).collect());
        assert_eq!(some.len(), 4000);
        assert_eq!(some[..3], [0, 3, 6]);
    }
}
