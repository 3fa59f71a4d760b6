//! Lookups of an ingest, for each record: papers by id or title, what is known of them, and whether
//! the record is already taken in.

use rusqlite::Connection;

use super::keys::PaperKey;
use super::layout::Layout;
use super::papers::key_of;
use super::read::Library;
use super::record;
use super::source_record::SourceRecord;
use super::write::Writer;
use akin_base::error::Result;
use akin_base::paper::{Authority, Paper, PaperId, TextHash};

/// Lookups in a library, for its writer and its readers.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    layout: &'a Layout,
    db: &'a Connection,
    /// The active space; 0 before the first paper.
    space: i64,
}

/// A paper in the library, with the records that it was made from.
#[derive(Debug, Clone)]
pub struct KnownPaper {
    /// Its key.
    pub key: PaperKey,
    /// The paper.
    pub paper: Paper,
    /// The records that it was made from; never empty.
    pub sources: Vec<SourceRecord>,
    /// Whether the user has overruled a record that says it was withdrawn.
    pub is_restored: bool,
    /// The hash of the text whose embedding the active space has, if any.
    pub embedded_at: Option<TextHash>,
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
    /// [`Error::Database`](akin_base::Error::Database), as all questions here.
    pub fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>> {
        key_of(self.db, id).map_err(self.layout.database_error())
    }

    /// Whether a record has been taken in for this paper, even if it was superseded since.
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

    /// At most `n` papers whose title has this [key](akin_base::paper::title_key), the oldest
    /// first.
    ///
    /// # Errors
    /// As [`Lookup::key_of`].
    pub fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>> {
        let ask = || {
            let sql = "SELECT key FROM papers WHERE title_key = ? ORDER BY key LIMIT ?";
            let mut statement = self.db.prepare_cached(sql)?;
            let keys = statement.query_map((title_key, n), |row| row.get(0))?;
            keys.map(|key| key.map(PaperKey))
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        ask().map_err(self.layout.database_error())
    }

    /// Whether the user has split these two ids.
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
    /// [`Error::Damaged`](akin_base::Error::Damaged) if a record cannot be read; as
    /// [`Lookup::key_of`].
    pub fn known(&self, key: PaperKey) -> Result<KnownPaper> {
        let fail = self.layout.database_error();
        let stored = self.stored(key).map_err(&fail)?;
        let paper = record::from_stored(self.layout, &stored.json, stored.sum)?;
        let mut sources = self.merged_sources(key)?;
        if sources.is_empty() {
            sources.push(SourceRecord {
                collection: stored.collection,
                authority: Authority::from_name(&stored.authority),
                paper: paper.clone(),
                why: String::new(),
                merged: String::new(),
            });
        }
        Ok(KnownPaper {
            key,
            paper,
            sources,
            is_restored: stored.is_restored,
            embedded_at: stored.embedded_at.map(TextHash),
        })
    }

    /// Whether there are papers of unknown collection, from an older library.
    ///
    /// # Errors
    /// As [`Lookup::key_of`].
    pub fn has_unclaimed(&self) -> Result<bool> {
        let ask = || {
            let sql = "SELECT 1 FROM records INDEXED BY records_without_collection
                       WHERE collection = '' AND NOT EXISTS
                       (SELECT 1 FROM sources WHERE sources.paper = records.paper
                        AND sources.collection <> '') LIMIT 1";
            self.db.prepare_cached(sql)?.exists([])
        };
        ask().map_err(self.layout.database_error())
    }

    /// The records that a paper was merged from; none if it is one record.
    fn merged_sources(&self, key: PaperKey) -> Result<Vec<SourceRecord>> {
        let ask = || {
            let sql = "SELECT json, sum, collection, authority, why, merged FROM sources
                       WHERE paper = ? ORDER BY place";
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map([key.0], |row| {
                let record: (String, u32) = (row.get(0)?, row.get(1)?);
                let of: (String, String) = (row.get(2)?, row.get(3)?);
                Ok((record, of, row.get(4)?, row.get(5)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = ask().map_err(self.layout.database_error())?;
        let source =
            |((json, sum), (collection, authority), why, merged): (_, (_, String), _, _)| {
                let json: String = json;
                Ok(SourceRecord {
                    paper: record::from_stored(self.layout, &json, sum)?,
                    collection,
                    authority: Authority::from_name(&authority),
                    why,
                    merged,
                })
            };
        rows.into_iter().map(source).collect()
    }

    fn stored(&self, key: PaperKey) -> rusqlite::Result<StoredRecord> {
        let sql = "SELECT json, sum, collection, authority, restored, text_hash FROM records
                   LEFT JOIN embeddings
                   ON embeddings.paper = records.paper AND embeddings.space = ?
                   WHERE records.paper = ?";
        let mut statement = self.db.prepare_cached(sql)?;
        statement.query_row((self.space, key.0), |row| {
            Ok(StoredRecord {
                json: row.get(0)?,
                sum: row.get(1)?,
                collection: row.get(2)?,
                authority: row.get(3)?,
                is_restored: row.get(4)?,
                embedded_at: row.get(5)?,
            })
        })
    }
}

/// A line of `records`, with the text hash of the embedding.
struct StoredRecord {
    json: String,
    sum: u32,
    collection: String,
    authority: String,
    is_restored: bool,
    embedded_at: Option<[u8; 16]>,
}
