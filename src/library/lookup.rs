//! Questions that an ingest asks of a library, record by record: which papers have these ids or
//! this title, what is known of them, whether this very record has been taken in before.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::read::key_of;
use super::record;
use super::{Layout, Library, PaperKey, Writer};
use crate::error::Result;
use crate::paper::{Paper, PaperId, TextHash};

/// Papers of one title that are looked at: beyond, the title says nothing.
const MAX_NAMESAKES: usize = 32;

/// What can be looked up in a library, by its writer and by its readers.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    layout: &'a Layout,
    db: &'a Connection,
    /// The active space; 0 before the first paper.
    space: i64,
}

/// A paper as the library has it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its key.
    pub key: PaperKey,
    /// The paper.
    pub paper: Paper,
    /// The records that it was merged from, the first to speak first; none if it is one record.
    pub sources: Vec<SourceRecord>,
    /// The text hash that its embedding in the active space was made at, if it has one.
    pub embedded_at: Option<TextHash>,
}

/// One of several records that a paper was merged from.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// The record, under its own id.
    pub paper: Paper,
    /// Why it was taken for the same work as the first; empty for the first.
    pub why: String,
    /// When it was merged.
    pub merged: String,
}

impl SourceRecord {
    /// A record that is merged now; `why` is empty for the first of its paper.
    pub fn new(paper: Paper, why: String) -> SourceRecord {
        let merged = Timestamp::now().to_string();
        SourceRecord { paper, why, merged }
    }
}

impl Writer {
    /// What can be looked up in the library.
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            layout: &self.layout,
            db: &self.db,
            space: self.space.as_ref().map_or(0, |active| active.key),
        }
    }
}

impl Library {
    /// What can be looked up in the library.
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            layout: &self.layout,
            db: &self.db,
            space: self.space.as_ref().map_or(0, |active| active.key),
        }
    }
}

impl Lookup<'_> {
    /// The paper that has this id, as its own or as an alias.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), as all questions here.
    pub fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>> {
        key_of(self.db, id).map_err(self.layout.database_error())
    }

    /// Whether a record has been taken in for this paper; it may have been superseded since.
    ///
    /// # Errors
    /// As [`Lookup::key_of`].
    pub fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool> {
        let ask = || {
            let sql = "SELECT 1 FROM record_hashes WHERE paper = ? AND hash = ?";
            self.db.prepare_cached(sql)?.exists((key.0, record_hash.0))
        };
        ask().map_err(self.layout.database_error())
    }

    /// The papers whose title has this [key](crate::paper::title_key), the oldest first; none
    /// where there are so many that the title says nothing.
    ///
    /// # Errors
    /// As [`Lookup::key_of`].
    pub fn with_title(&self, title_key: i64) -> Result<Vec<PaperKey>> {
        let ask = || {
            let sql = "SELECT key FROM papers WHERE title_key = ? ORDER BY key LIMIT ?";
            let mut statement = self.db.prepare_cached(sql)?;
            let keys = statement.query_map((title_key, MAX_NAMESAKES + 1), |row| row.get(0))?;
            keys.map(|key| key.map(PaperKey))
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let keys = ask().map_err(self.layout.database_error())?;
        Ok(if keys.len() > MAX_NAMESAKES {
            Vec::new()
        } else {
            keys
        })
    }

    /// Whether two ids were taken apart by hand.
    ///
    /// # Errors
    /// As [`Lookup::key_of`].
    pub fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool> {
        let pair = (one.min(other).as_str(), one.max(other).as_str());
        let ask = || {
            let sql = "SELECT 1 FROM splits WHERE a = ? AND b = ?";
            self.db.prepare_cached(sql)?.exists(pair)
        };
        ask().map_err(self.layout.database_error())
    }

    /// A paper with the records that it was merged from.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if a record cannot be read; as
    /// [`Lookup::key_of`].
    pub fn known(&self, key: PaperKey) -> Result<Known> {
        let fail = self.layout.database_error();
        let (json, sum, embedded_at) = self.record_and_hash(key).map_err(&fail)?;
        Ok(Known {
            key,
            paper: record::from_stored(self.layout, &json, sum)?,
            sources: self.sources(key)?,
            embedded_at: embedded_at.map(TextHash),
        })
    }

    /// The records that a paper was merged from, the first to speak first; none if it is one
    /// record.
    ///
    /// # Errors
    /// As [`Lookup::known`].
    pub fn sources(&self, key: PaperKey) -> Result<Vec<SourceRecord>> {
        let ask = || {
            let sql = "SELECT json, sum, why, merged FROM sources WHERE paper = ? ORDER BY place";
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map([key.0], |row| {
                let record: (String, u32) = (row.get(0)?, row.get(1)?);
                Ok((record, row.get(2)?, row.get(3)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = ask().map_err(self.layout.database_error())?;
        let source = |((json, sum), why, merged): ((String, u32), String, String)| {
            let paper = record::from_stored(self.layout, &json, sum)?;
            Ok(SourceRecord { paper, why, merged })
        };
        rows.into_iter().map(source).collect()
    }

    fn record_and_hash(&self, key: PaperKey) -> rusqlite::Result<(String, u32, Option<[u8; 16]>)> {
        let sql = "SELECT json, sum, text_hash FROM records LEFT JOIN embeddings
                   ON embeddings.paper = records.paper AND embeddings.space = ?
                   WHERE records.paper = ?";
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement.query_row((self.space, key.0), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        found
            .optional()?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)
    }
}
