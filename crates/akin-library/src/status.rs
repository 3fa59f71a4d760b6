//! What a library holds, in numbers.

use std::path::Path;

use super::read::Library;
use akin_base::error::Result;

/// Counts rows of the active space whose paper was replaced or removed.
const DEAD_ROWS: &str = "SELECT count(*) FROM dead_rows JOIN spaces ON key = space AND active";

/// Counts and sizes of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Number of papers.
    pub n_papers: u64,
    /// Papers that search may find: all but the withdrawn.
    pub n_searchable: u64,
    /// Of these, papers with an embedding of their present text in the active space.
    pub n_embedded: u64,
    /// Committed rows of the active space, dead ones included.
    pub n_rows: u64,
    /// Rows of the active space whose paper was replaced or removed.
    pub n_dead_rows: u64,
    /// The earliest and the latest date of a paper.
    pub dates: Option<(String, String)>,
    /// The first and the last day whose list contained a paper.
    pub listed: Option<(String, String)>,
    /// Bytes of the database and its write-ahead log.
    pub database_bytes: u64,
    /// Bytes of the row file.
    pub rows_bytes: u64,
    /// When the last `add` ended, if any did.
    pub last_ingest: Option<String>,
}

impl Library {
    /// Number of rows of the active space that belong to a paper.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn n_live_rows(&self) -> Result<u64> {
        let dead = self.db.query_row(DEAD_ROWS, [], |row| row.get::<_, u64>(0));
        let n_rows = self.space.as_ref().map_or(0, |active| active.n_rows as u64);
        Ok(n_rows.saturating_sub(dead.map_err(self.layout.database_error())?))
    }

    /// Number of papers that search may find: all but the withdrawn.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn n_searchable(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM papers WHERE notice IS NOT 'withdrawn'";
        let found = self.db.query_row(sql, [], |row| row.get(0));
        found.map_err(self.layout.database_error())
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn status(&self) -> Result<Status> {
        let fail = self.layout.database_error();
        let ask = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, u64>(0));
        let days = |table: &str| {
            let sql = format!("SELECT min(date), max(date) FROM {table}");
            self.db.query_row(&sql, [], |row| {
                Ok(row.get::<_, Option<String>>(0)?.zip(row.get(1)?))
            })
        };
        let last = self
            .db
            .query_row("SELECT max(finished) FROM ingests", [], |row| row.get(0));
        let active = self.space.as_ref();
        let embedded = "SELECT count(*) FROM papers JOIN embeddings ON paper = papers.key
            AND space = (SELECT key FROM spaces WHERE active)
            WHERE notice IS NOT 'withdrawn' AND embeddings.text_hash = papers.text_hash";
        let rows = active.map(|active| active.rows_path(&self.layout));
        let database = self.layout.database();
        let bytes = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
        Ok(Status {
            n_papers: ask("SELECT count(*) FROM papers").map_err(&fail)?,
            n_searchable: self.n_searchable()?,
            n_embedded: ask(embedded).map_err(&fail)?,
            n_rows: active.map_or(0, |a| a.n_rows as u64),
            n_dead_rows: ask(DEAD_ROWS).map_err(&fail)?,
            dates: days("papers").map_err(&fail)?,
            listed: days("listings").map_err(&fail)?,
            database_bytes: bytes(&database) + bytes(&database.with_extension("db-wal")),
            rows_bytes: rows.as_deref().map_or(0, bytes),
            last_ingest: last.map_err(&fail)?,
        })
    }
}
