//! Papers by key, for the lexical index: which there are, whether they have changed, and which row
//! belongs to which.
//!
//! A paper's *stamp* is the checksum of its record. The [`PapersState`] of a library differs after
//! every change of a record, between libraries, and between two histories of one library.

use std::path::PathBuf;

use fixedbitset::FixedBitSet;
use rusqlite::{OptionalExtension, params_from_iter};

use super::filter::Filter;
use super::keys::PaperKey;
use super::read::Library;
use super::record;
use akin_base::error::Result;
use akin_base::paper::Paper;
use akin_base::vectors::Row;

/// Up to this number of papers are looked up one by one; beyond that the table is scanned.
const LOOKED_FOR: usize = 2000;

/// Identifies a state of the papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PapersState {
    /// Number of changes of records.
    pub changes: u64,
    /// A random number drawn at the last change.
    pub mark: i64,
}

/// Where the embedding of a paper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperPlace {
    /// Its row in the active space, if it is embedded there.
    pub row: Option<Row>,
    /// The stamp of its record.
    pub stamp: u32,
}

impl Library {
    /// The folder of the lexical index.
    pub fn lexical_dir(&self) -> PathBuf {
        self.layout.lexical()
    }

    /// The present state of the papers.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn state(&self) -> Result<PapersState> {
        let sql = "SELECT changes, mark FROM state";
        let state = self.db.query_row(sql, [], |row| {
            Ok(PapersState {
                changes: row.get(0)?,
                mark: row.get(1)?,
            })
        });
        state.map_err(self.layout.database_error())
    }

    /// The library's random number, drawn when it was created.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn number(&self) -> Result<i64> {
        let sql = "SELECT number FROM state";
        let number = self.db.query_row(sql, [], |row| row.get(0));
        number.map_err(self.layout.database_error())
    }

    /// The key and the stamp of every paper but the withdrawn, ordered by key.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn stamps(&self) -> Result<Vec<(PaperKey, u32)>> {
        let list = || {
            let sql = "SELECT paper, sum FROM records INDEXED BY record_sums WHERE paper NOT IN
                (SELECT key FROM papers WHERE notice = 'withdrawn') ORDER BY paper";
            let mut statement = self.db.prepare(sql)?;
            let stamps = statement.query_map([], |row| Ok((PaperKey(row.get(0)?), row.get(1)?)))?;
            stamps.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The paper with this key, its stamp, and its row in the active space; `None` if there is no
    /// such paper.
    ///
    /// # Errors
    /// [`Error::Damaged`](akin_base::Error::Damaged), [`Error::Database`](akin_base::Error::Database).
    pub fn paper(&self, key: PaperKey) -> Result<Option<(Paper, u32, Option<Row>)>> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        let ask = || {
            let sql = "SELECT json, sum, row FROM records
                LEFT JOIN embeddings ON space = ? AND embeddings.paper = records.paper
                WHERE records.paper = ?";
            let mut statement = self.db.prepare_cached(sql)?;
            let found = statement.query_row((space, key.0), |row| {
                let row_number: Option<u32> = row.get(2)?;
                Ok((row.get::<_, String>(0)?, row.get(1)?, row_number.map(Row)))
            });
            found.optional()
        };
        let found = ask().map_err(self.layout.database_error())?;
        let paper = |(json, sum, row): (String, u32, Option<Row>)| {
            Ok((record::from_stored(&self.layout, &json, sum)?, sum, row))
        };
        found.map(paper).transpose()
    }

    /// The paper of each of these rows of the active space.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn keys_of(&self, rows: &[Row]) -> Result<Vec<Option<PaperKey>>> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        let ask = || {
            let sql = "SELECT paper FROM embeddings WHERE space = ? AND row = ?";
            let mut statement = self.db.prepare_cached(sql)?;
            let mut key = |row: &Row| {
                let found = statement.query_row((space, row.0), |found| found.get(0));
                found.optional().map(|key| key.map(PaperKey))
            };
            rows.iter().map(&mut key).collect::<rusqlite::Result<_>>()
        };
        ask().map_err(self.layout.database_error())
    }

    /// The row of each of these papers in the active space, and its stamp; `None` for a paper
    /// without a row, or an unknown key.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn rows_of_keys(&self, keys: &[PaperKey]) -> Result<Vec<Option<(Row, u32)>>> {
        let places = self.places_of_keys(keys)?.into_iter();
        Ok(places
            .map(|place| place.and_then(|place| Some((place.row?, place.stamp))))
            .collect())
    }

    /// The row of each of these papers in the active space, if it has one, and its stamp; `None`
    /// for an unknown key.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn places_of_keys(&self, keys: &[PaperKey]) -> Result<Vec<Option<PaperPlace>>> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        let ask = || {
            let sql = "SELECT row, sum FROM records INDEXED BY record_sums
                LEFT JOIN embeddings ON embeddings.paper = records.paper AND space = ?2
                WHERE records.paper = ?1";
            let mut statement = self.db.prepare_cached(sql)?;
            let mut row = |key: &PaperKey| {
                let found = statement.query_row((key.0, space), |found| {
                    let row: Option<u32> = found.get(0)?;
                    Ok(PaperPlace {
                        row: row.map(Row),
                        stamp: found.get(1)?,
                    })
                });
                found.optional()
            };
            keys.iter().map(&mut row).collect::<rusqlite::Result<_>>()
        };
        ask().map_err(self.layout.database_error())
    }

    /// The keys of the papers that pass a filter; `None` if all do.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn allowed_keys(&self, filter: &Filter) -> Result<Option<FixedBitSet>> {
        if filter.is_empty() {
            return Ok(None);
        }
        let (condition, values) = filter.sql();
        let list = || {
            let sql = format!("SELECT key FROM papers WHERE {condition}");
            let mut statement = self.db.prepare(&sql)?;
            let keys = statement.query_map(params_from_iter(values), |row| row.get::<_, u64>(0))?;
            let keys = keys.map(|key| key.map(|key| key as usize));
            keys.collect::<rusqlite::Result<FixedBitSet>>()
        };
        list().map(Some).map_err(self.layout.database_error())
    }

    /// Whether a paper passes a filter that a search may find, embedded or not.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn passes_any(&self, filter: &Filter) -> Result<bool> {
        let (condition, values) = filter.sql();
        let ask = || {
            let sql = format!(
                "SELECT 1 FROM papers WHERE notice IS NOT 'withdrawn' AND {condition} LIMIT 1"
            );
            self.db.prepare(&sql)?.exists(params_from_iter(values))
        };
        ask().map_err(self.layout.database_error())
    }

    /// The rows in the active space of the papers with these keys.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn rows_among(&self, keys: &FixedBitSet) -> Result<FixedBitSet> {
        let Some(active) = &self.space else {
            return Ok(FixedBitSet::new());
        };
        let mut rows = FixedBitSet::with_capacity(active.n_rows);
        if keys.count_ones(..) <= LOOKED_FOR {
            let keys: Vec<PaperKey> = keys.ones().map(|key| PaperKey(key as i64)).collect();
            let found = self.rows_of_keys(&keys)?.into_iter().flatten();
            found
                .filter(|(row, _)| row.idx() < active.n_rows)
                .for_each(|(row, _)| {
                    rows.insert(row.idx());
                });
            return Ok(rows);
        }
        let mut go_through = || {
            let mut statement = self
                .db
                .prepare("SELECT paper, row FROM embeddings WHERE space = ?")?;
            let mut found = statement.query([active.key])?;
            while let Some(pair) = found.next()? {
                let (key, row): (u64, u32) = (pair.get(0)?, pair.get(1)?);
                if keys.contains(key as usize) && (row as usize) < active.n_rows {
                    rows.insert(row as usize);
                }
            }
            rusqlite::Result::Ok(())
        };
        go_through().map_err(self.layout.database_error())?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testdata::{add, library_of, remove};
    use super::*;

    #[test]
    fn the_state_is_another_one_after_every_change_of_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let state = || Library::open(dir.path()).unwrap().state().unwrap();
        let stamps = || Library::open(dir.path()).unwrap().stamps().unwrap();
        let (first, before) = (state(), stamps());
        assert_eq!(before.len(), 3);
        add(&mut writer, "p1", 1);
        let changed = state();
        assert_ne!(changed, first);
        let differing = stamps().iter().zip(&before).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 1);
        remove(&mut writer, &["p0"]);
        assert!(state() != changed && state() != first);
        assert_eq!(stamps().len(), 2);
        let run = writer.begin_ingest(&[]).unwrap();
        let now = state();
        writer
            .finish_ingest(run, &super::super::IngestCounts::default())
            .unwrap();
        assert_eq!(state(), now, "nothing was changed");
    }

    #[test]
    fn keys_and_rows_are_each_others() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 5);
        remove(&mut writer, &["p1"]);
        add(&mut writer, "p2", 1);
        let library = Library::open(dir.path()).unwrap();
        let stamps = library.stamps().unwrap();
        let keys: Vec<PaperKey> = stamps.iter().map(|(key, _)| *key).collect();
        let found = library.rows_of_keys(&keys).unwrap();
        let rows: Vec<Row> = found.iter().map(|found| found.unwrap().0).collect();
        assert_eq!(rows, [0, 5, 3, 4].map(Row));
        let sums = found.iter().map(|found| found.unwrap().1);
        assert!(sums.eq(stamps.iter().map(|(_, stamp)| *stamp)));
        let back = library.keys_of(&rows).unwrap();
        assert!(back.into_iter().eq(keys.iter().copied().map(Some)));
        assert_eq!(library.keys_of(&[Row(1), Row(99)]).unwrap(), [None, None]);
        assert_eq!(library.rows_of_keys(&[PaperKey(99)]).unwrap(), [None]);
        let (paper, stamp, row) = library.paper(keys[1]).unwrap().unwrap();
        assert_eq!(
            (paper.id.as_str(), stamp, row),
            ("p2", stamps[1].1, Some(Row(5)))
        );
        let all: FixedBitSet = keys.iter().map(|key| key.0 as usize).collect();
        let rows: Vec<usize> = library.rows_among(&all).unwrap().ones().collect();
        assert_eq!(rows, [0, 3, 4, 5]);
    }
}
