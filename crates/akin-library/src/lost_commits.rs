//! Commits that the database has lost: its journal was damaged, and SQLite skips what it cannot
//! read.
//!
//! ```text
//! rows committed, as their file notes it ──┐
//!                                          ├──► fewer in the database than in the file: lost
//! rows that the database counts ───────────┘
//! ```
//!
//! In: a library's row file. Out: [`LostCommits`]. Only commits of embeddings are noted there.
//!
//! Invariant: the note is written after its commit. So a transaction that begins after reading the
//! note knows all rows counted there, and a writer at work never looks like a loss.

use akin_base::vectors::RowFile;

/// Committed rows of papers that the database does not know: its journal was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostCommits {
    /// At least this number of rows.
    Rows(u64),
    /// An unknown number: the count of committed rows is damaged.
    Unknown,
}

impl LostCommits {
    pub(super) fn in_rows(rows: &RowFile) -> Option<LostCommits> {
        LostCommits::among(rows.n_committed(), rows.len())
    }

    /// The loss, given the number of rows committed, if it can be read, and the number known.
    pub(super) fn among(noted: Option<usize>, n_known: usize) -> Option<LostCommits> {
        match noted {
            None => Some(LostCommits::Unknown),
            Some(n) => (n > n_known).then(|| LostCommits::Rows((n - n_known) as u64)),
        }
    }
}
