//! What a library holds, in numbers.

use std::path::Path;

use super::read::Library;
use akin_base::error::Result;

/// Counts and sizes of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Number of papers.
    pub n_papers: u64,
    /// Committed rows of the active space, dead ones included.
    pub n_rows: u64,
    /// Rows of the active space whose paper was replaced or removed.
    pub n_dead_rows: u64,
    /// The earliest and the latest date of a paper.
    pub dates: Option<(String, String)>,
    /// Bytes of the database and its write-ahead log.
    pub database_bytes: u64,
    /// Bytes of the row file.
    pub rows_bytes: u64,
    /// When the last `add` ended, if any did.
    pub last_ingest: Option<String>,
}

impl Library {
    /// Counts and sizes.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn status(&self) -> Result<Status> {
        let fail = self.layout.database_error();
        let ask = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, u64>(0));
        let dates = self
            .db
            .query_row("SELECT min(date), max(date) FROM papers", [], |row| {
                Ok(row.get::<_, Option<String>>(0)?.zip(row.get(1)?))
            });
        let last = self
            .db
            .query_row("SELECT max(finished) FROM ingests", [], |row| row.get(0));
        let active = self.space.as_ref();
        let dead = "SELECT count(*) FROM dead_rows JOIN spaces ON key = space AND active";
        let rows = active.map(|active| active.rows_path(&self.layout));
        let database = self.layout.database();
        let bytes = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
        Ok(Status {
            n_papers: ask("SELECT count(*) FROM papers").map_err(&fail)?,
            n_rows: active.map_or(0, |a| a.n_rows as u64),
            n_dead_rows: ask(dead).map_err(&fail)?,
            dates: dates.map_err(&fail)?,
            database_bytes: bytes(&database) + bytes(&database.with_extension("db-wal")),
            rows_bytes: rows.as_deref().map_or(0, bytes),
            last_ingest: last.map_err(&fail)?,
        })
    }
}
