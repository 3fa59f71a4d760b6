//! Commits that the database has lost: its journal was damaged, and SQLite passes over what it cannot read.
//!
//! ```text
//! rows committed, as their file notes it ──┐
//!                                          ├──► fewer in the database than in the file: lost
//! rows that the database counts ───────────┘
//! ```
//!
//! In: a library's row file. Out: [`LostCommits`]. Only commits of embeddings are noted there.
//!
//! Invariant: the note comes after its commit, so a transaction that begins after the note was read knows
//! of all that it counts, and no writer at work is taken for a loss.

use akin_base::vectors::RowFile;

/// Rows that were committed, of papers that the database does not know: its journal was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostCommits {
    /// So many rows at least.
    Rows(u64),
    /// The count of committed rows is damaged, so that nobody can tell.
    Unknown,
}

impl LostCommits {
    pub(super) fn in_rows(rows: &RowFile) -> Option<LostCommits> {
        LostCommits::among(rows.n_committed(), rows.len())
    }

    /// Where so many rows were committed, as far as that can be read, and so many are known.
    pub(super) fn among(noted: Option<usize>, n_known: usize) -> Option<LostCommits> {
        match noted {
            None => Some(LostCommits::Unknown),
            Some(n) => (n > n_known).then(|| LostCommits::Rows((n - n_known) as u64)),
        }
    }
}
