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

use super::Library;
use akin_base::error::Result;
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
    pub(super) fn of(rows: &RowFile) -> Option<LostCommits> {
        LostCommits::among(rows.n_committed(), rows.len())
    }

    /// Where so many rows were committed, as far as that can be read, and so many are known.
    fn among(noted: Option<usize>, n_known: usize) -> Option<LostCommits> {
        match noted {
            None => Some(LostCommits::Unknown),
            Some(n) => (n > n_known).then(|| LostCommits::Rows((n - n_known) as u64)),
        }
    }
}

impl Library {
    /// Holds the rows that were committed against those that the database knows.
    ///
    /// A writer may commit more at any time, and notes that in the file after it. So a transaction that
    /// begins after the note was read knows of all that it counts.
    pub(super) fn look_for_lost_commits(&mut self) -> Result<()> {
        let Ok(rows) = self.rows() else {
            return Ok(());
        };
        if LostCommits::of(&rows).is_none() {
            return Ok(());
        }
        let (identity, noted) = (rows.identity(), rows.n_committed());
        self.begin_again()?;
        self.map_rows()?;
        let Ok(rows) = self.rows() else {
            return Ok(());
        };
        if rows.identity() == identity {
            // A count that could not be read may have been half written.
            let noted = noted.or_else(|| rows.n_committed());
            self.lost_commits = LostCommits::among(noted, rows.len());
        }
        Ok(())
    }

    /// What the rows say of commits that the database knew nothing of when it was opened.
    pub fn lost_commits(&self) -> Option<LostCommits> {
        self.lost_commits
    }
}
