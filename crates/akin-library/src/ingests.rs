//! Runs of `add`, and how far feeds have been pulled.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::batch::IngestCounts;
use super::journal::keep_pull;
use super::keys::IngestKey;
use super::store::store_counts;
use super::write::Writer;
use akin_base::error::Result;

impl Writer {
    /// Records the start of a run of `add`; its key is for [`Writer::commit`].
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn begin_ingest(&mut self, dumps: &[String]) -> Result<IngestKey> {
        if self.names.is_empty() {
            self.names = dumps.to_vec();
        }
        let names = serde_json::to_string(dumps).expect("names are plain data");
        let sql = "INSERT INTO ingests (started, dumps, n_read, n_stored, n_changed, n_unchanged,
                   n_rejected, n_truncated) VALUES (?, ?, 0, 0, 0, 0, 0, 0)";
        self.db
            .execute(sql, (Timestamp::now().to_string(), names))
            .map_err(self.layout.database_error())?;
        Ok(IngestKey(self.db.last_insert_rowid()))
    }

    /// Records the end of a run of `add`.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn finish_ingest(&mut self, key: IngestKey, counts: &IngestCounts) -> Result<()> {
        let finish = |db: &Connection| {
            store_counts(db, key, counts)?;
            let sql = "UPDATE ingests SET finished = ? WHERE key = ?";
            db.execute(sql, (Timestamp::now().to_string(), key.0))
        };
        let finished = finish(&self.db).and_then(|_| self.finish_change());
        finished.map_err(self.layout.database_error())
    }

    /// The state that [`Writer::set_pull_state`] stored for a feed.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn pull_state(&self, feed: &str) -> Result<Option<String>> {
        let sql = "SELECT state FROM pulls WHERE feed = ?";
        let state = self.db.query_row(sql, [feed], |row| row.get(0)).optional();
        state.map_err(self.layout.database_error())
    }

    /// Stores how far a feed has been pulled.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn set_pull_state(&mut self, feed: &str, state: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO pulls (feed, state) VALUES (?, ?)";
        let fail = self.layout.database_error();
        let is_changing = self.change.is_some();
        let store = |db: &mut Connection| {
            let tx = db.transaction()?;
            if is_changing {
                keep_pull(&tx, feed)?;
            }
            tx.execute(sql, (feed, state))?;
            tx.commit()
        };
        store(&mut self.db).map_err(fail)
    }
}
