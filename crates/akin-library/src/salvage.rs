//! Repair: rebuilds columns from records, and drops damaged rows, whose papers can then be embedded
//! again.
//!
//! Sound rows are written under the next generation, as by a compaction (`compact.rs`). Papers with
//! damaged rows have no embedding afterwards. Nothing more is lost, since a damaged row is never
//! searched.

use std::collections::HashMap;

use rusqlite::Connection;

use super::check::fault_of_row;
use super::columns::renew_columns;
use super::compact::LiveRow;
use super::keys::PaperKey;
use super::lost_commits::LostCommits;
use super::write::Writer;
use akin_base::error::Result;
use akin_base::paper::TextHash;
use akin_base::progress::Observer;
use akin_base::vectors::{Row, RowWriter};

impl Writer {
    /// Rebuilds the columns that differ from their paper's record. Where the record is damaged, the
    /// columns stay.
    ///
    /// Returns the number of papers with such columns.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database), [`Error::Damaged`](akin_base::Error::Damaged).
    pub fn renew_columns(&mut self) -> Result<u64> {
        let renew = |db: &mut Connection| {
            let tx = db.transaction()?;
            let n_renewed = renew_columns(&tx)?;
            tx.commit()?;
            Ok(n_renewed)
        };
        renew(&mut self.db).map_err(self.layout.database_error())
    }

    /// Drops the faulty rows of the active space: damaged, past the end of their file, of another
    /// text, or claimed by two papers. Their papers have no embedding afterwards. Rows get other
    /// numbers, so the index must be rebuilt.
    ///
    /// Returns the number of papers that lost their row; without any, nothing changes.
    ///
    /// # Errors
    /// [`Error::Interrupted`](akin_base::Error::Interrupted) if the observer asks to stop; nothing
    /// changes then. [`Error::Write`](akin_base::Error::Write),
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn salvage(&mut self, observer: &dyn Observer) -> Result<u64> {
        let Some(active) = self.space.clone() else {
            return Ok(0);
        };
        let claims = || {
            let sql = "SELECT paper, row, embeddings.text_hash,
                              embeddings.text_hash = papers.text_hash FROM embeddings
                       JOIN papers ON papers.key = paper WHERE space = ? ORDER BY row";
            let mut statement = self.db.prepare(sql)?;
            let claims = statement.query_map([active.key], |claim| {
                let live = LiveRow {
                    paper: PaperKey(claim.get(0)?),
                    row: Row(claim.get(1)?),
                    text: TextHash(claim.get(2)?),
                };
                Ok((live, claim.get(3)?))
            })?;
            claims.collect::<rusqlite::Result<Vec<(LiveRow, bool)>>>()
        };
        let claims = claims().map_err(self.layout.database_error())?;
        let mut n_claims: HashMap<Row, u32> = HashMap::new();
        for (live, _) in &claims {
            *n_claims.entry(live.row).or_default() += 1;
        }
        let rows = active.open_rows_left(&self.layout).ok();
        let mut vector = vec![0.0; active.space.dim];
        let mut is_good = |live: &LiveRow| {
            let read = rows.as_ref();
            let claim = (live.row, live.text);
            n_claims[&live.row] == 1
                && read.is_some_and(|rows| fault_of_row(rows, claim, &mut vector).is_none())
        };
        let (mut good, mut lost) = (Vec::new(), Vec::new());
        for (live, is_of_text) in claims {
            if is_of_text && is_good(&live) {
                good.push(live);
            } else {
                lost.push(live.paper);
            }
        }
        if lost.is_empty() {
            return Ok(0);
        }
        self.renew_rows(&active, rows.as_ref(), &good, &lost, observer)?;
        self.remove_leftovers()?;
        Ok(lost.len() as u64)
    }

    /// Cuts off committed rows whose papers the database has lost, and corrects the count of
    /// committed rows. Returns the loss; without any, nothing changes.
    ///
    /// # Errors
    /// As [`RowWriter::open`]; [`Error::Write`](akin_base::Error::Write).
    pub fn forget_lost_commits(&mut self) -> Result<Option<LostCommits>> {
        let Some(active) = &self.space else {
            return Ok(None);
        };
        let lost = LostCommits::in_rows(&active.open_rows(&self.layout)?);
        if lost.is_some() {
            let path = active.rows_path(&self.layout);
            let (dim, n_rows) = (active.space.dim, active.n_rows);
            let mut rows = RowWriter::open(&path, dim, n_rows, active.identity)?;
            rows.note_committed()?;
            rows.sync()?;
            self.rows = Some(rows);
        }
        Ok(lost)
    }

    /// The commits that the database has lost, according to the row file.
    pub fn lost_commits(&self) -> Option<LostCommits> {
        LostCommits::in_rows(&self.space.as_ref()?.open_rows(&self.layout).ok()?)
    }

    /// The papers without an embedding of their present text in this writer's space, the newest by
    /// date first; those without a date come last. Withdrawn papers need none.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn unembedded(&self) -> Result<Vec<PaperKey>> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        let list = || {
            let sql = "SELECT key FROM papers WHERE notice IS NOT 'withdrawn' AND NOT EXISTS
                (SELECT 1 FROM embeddings WHERE space = ? AND paper = papers.key
                 AND embeddings.text_hash = papers.text_hash)
                ORDER BY date IS NULL, date DESC, key";
            let mut statement = self.db.prepare(sql)?;
            let keys = statement.query_map([space], |row| row.get(0).map(PaperKey))?;
            keys.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(self.layout.database_error())
    }
}
