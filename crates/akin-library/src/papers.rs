//! Papers by their ids and by their rows.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension};

use super::keys::PaperKey;
use super::read::Library;
use super::record;
use akin_base::error::{Error, Result};
use akin_base::paper::{IdKind, Paper, PaperId, TextHash};
use akin_base::vectors::Row;

/// A paper in the library, with its row in the active space.
#[derive(Debug, Clone)]
pub struct StoredPaper {
    /// Its key.
    pub key: PaperKey,
    /// The paper.
    pub paper: Paper,
    /// Its embedding's row in the active space, if it has one.
    pub row: Option<Row>,
}

impl Library {
    /// The paper whose embedding is in this row of the active space.
    ///
    /// # Errors
    /// [`Error::Damaged`] if no paper claims the row, its record is damaged, or the row is of
    /// another text; [`Error::Database`].
    pub fn paper_at(&self, row: Row) -> Result<Paper> {
        let active = self.active()?;
        let sql = "SELECT json, sum, text_hash FROM embeddings JOIN records USING (paper)
                   WHERE space = ? AND row = ?";
        let ask = || {
            let mut statement = self.db.prepare_cached(sql)?;
            let found = statement.query_row((active.key, row.0), |found| {
                Ok((json_and_sum(found)?, TextHash(found.get(2)?)))
            });
            found.optional()
        };
        let found = ask().map_err(self.layout.database_error())?;
        let ((json, sum), text) = found.ok_or_else(|| {
            let what = format!("no paper claims row {} of {}", row.0, active.space.name);
            Error::damaged(self.layout.database(), what)
        })?;
        let paper = record::from_stored(&self.layout, &json, sum)?;
        let rows = self.rows()?;
        match rows.owner(row)? {
            Some(owner) if owner != record::owner(text) => {
                let what = format!(
                    "row {}, of paper {}, is that of another text",
                    row.0, paper.id
                );
                Err(Error::damaged(rows.path(), what))
            }
            _ => Ok(paper),
        }
    }

    /// The dates of papers; `None` for an unknown key and for a paper without one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn dates(&self, keys: &[Option<PaperKey>]) -> Result<Vec<Option<Date>>> {
        let ask = || {
            let mut statement = self
                .db
                .prepare_cached("SELECT date FROM papers WHERE key = ?")?;
            let mut date = |key: &Option<PaperKey>| -> rusqlite::Result<Option<Date>> {
                let Some(key) = key else { return Ok(None) };
                let text = statement.query_row([key.0], |found| found.get(0));
                let text: Option<String> = text.optional()?.flatten();
                Ok(text.and_then(|text| text.parse().ok()))
            };
            keys.iter().map(&mut date).collect::<rusqlite::Result<_>>()
        };
        ask().map_err(self.layout.database_error())
    }

    /// Finds a paper by any spelling of one of its ids.
    ///
    /// The collection of a local id may be left out if the rest names only one paper.
    ///
    /// # Errors
    /// [`Error::UnknownPaper`]; [`Error::AmbiguousId`] if several papers have it;
    /// [`Error::Database`].
    pub fn find(&self, spelling: &str) -> Result<StoredPaper> {
        let fail = self.layout.database_error();
        let key = self.key(spelling)?;
        let sql = "SELECT json, sum FROM records WHERE paper = ?";
        let (json, sum) = self
            .db
            .query_row(sql, [key.0], json_and_sum)
            .map_err(&fail)?;
        let space_key = self.space.as_ref().map_or(0, |active| active.key);
        let sql = "SELECT row FROM embeddings WHERE space = ? AND paper = ?";
        let row: Option<u32> = self
            .db
            .query_row(sql, [space_key, key.0], |r| r.get(0))
            .optional()
            .map_err(&fail)?;
        Ok(StoredPaper {
            key,
            paper: record::from_stored(&self.layout, &json, sum)?,
            row: row.map(Row),
        })
    }

    /// The key of the paper with this spelling of an id, even if its record is damaged.
    ///
    /// # Errors
    /// As [`Library::find`].
    pub fn key(&self, spelling: &str) -> Result<PaperKey> {
        let unknown = || Error::UnknownPaper {
            id: spelling.to_owned(),
        };
        self.key_of_spelling(spelling)?.ok_or_else(unknown)
    }

    /// The key of the paper with this spelling of an id, if there is one.
    fn key_of_spelling(&self, spelling: &str) -> Result<Option<PaperKey>> {
        let fail = self.layout.database_error();
        let text = spelling.trim();
        let exact = [
            PaperId::parse(text),
            Some(PaperId::from_stored(text)),
            Some(PaperId::from_stored(&format!("@{text}"))),
            // Keys of BibTeX entries before ids belonged to collections.
            Some(PaperId::from_stored(&format!("bibtex:{text}"))),
        ];
        for id in exact.into_iter().flatten() {
            if let Some(key) = key_of(&self.db, &id).map_err(&fail)? {
                return Ok(Some(key));
            }
        }
        let mut found = self.with_local_id(text)?;
        if let Some(id) = PaperId::of_kind(IdKind::Pmid, text)
            && let Some(key) = key_of(&self.db, &id).map_err(&fail)?
        {
            found.push((key, id));
        }
        found.dedup_by_key(|(key, _)| *key);
        match &found[..] {
            [] => Ok(None),
            [(key, _)] => Ok(Some(*key)),
            several => Err(Error::AmbiguousId {
                id: text.to_owned(),
                ids: several
                    .iter()
                    .map(|(_, id)| id.qualified().to_owned())
                    .collect(),
            }),
        }
    }

    /// The papers with this id in any collection, with the whole id, in the order of their keys.
    fn with_local_id(&self, bare: &str) -> Result<Vec<(PaperKey, PaperId)>> {
        let list = || {
            let sql = "SELECT key, id FROM papers
                       WHERE substr(id, 1, 1) = '@' AND substr(id, instr(id, '#') + 1) = ?1
                       UNION ALL SELECT paper, alias FROM aliases
                       WHERE substr(alias, 1, 1) = '@' AND substr(alias, instr(alias, '#') + 1) = ?1
                       ORDER BY 1";
            let mut statement = self.db.prepare_cached(sql)?;
            let found = statement.query_map([bare], |row| {
                let id: String = row.get(1)?;
                Ok((PaperKey(row.get(0)?), PaperId::from_stored(&id)))
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The shortest spelling of an id that [finds](Library::find) its paper here.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn spelling_of(&self, id: &PaperId) -> Result<String> {
        let shown = id.to_string();
        let is_short = id.is_local() && shown != id.qualified();
        let is_plain = !is_short || matches!(self.key_of_spelling(&shown), Ok(Some(_)));
        Ok(if is_plain {
            shown
        } else {
            id.qualified().to_owned()
        })
    }

    /// The withdrawn papers, which no search finds: id and title.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn withdrawn(&self) -> Result<Vec<(PaperId, String)>> {
        let list = || {
            let sql = "SELECT id, json_extract(json, '$.title') FROM papers
                       JOIN records ON records.paper = key WHERE notice = 'withdrawn' ORDER BY key";
            let mut statement = self.db.prepare(sql)?;
            let found = statement.query_map([], |row| {
                let id: String = row.get(0)?;
                let title: Option<String> = row.get(1)?;
                Ok((PaperId::from_stored(&id), title.unwrap_or_default()))
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The days whose lists contained a paper, earliest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn listings(&self, key: PaperKey) -> Result<Vec<String>> {
        let list = || {
            let sql = "SELECT date FROM listings WHERE paper = ? ORDER BY date";
            let mut statement = self.db.prepare_cached(sql)?;
            let dates = statement.query_map([key.0], |row| row.get(0))?;
            dates.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// Every paper's id, in the order in which they were first stored.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn ids(&self) -> Result<Vec<PaperId>> {
        let list = || {
            let mut statement = self.db.prepare("SELECT id FROM papers ORDER BY key")?;
            let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
            ids.collect::<rusqlite::Result<Vec<String>>>()
        };
        let ids = list().map_err(self.layout.database_error())?;
        Ok(ids.iter().map(|id| PaperId::from_stored(id)).collect())
    }
}

pub(super) fn key_of(db: &Connection, id: &PaperId) -> rusqlite::Result<Option<PaperKey>> {
    let sql = "SELECT key FROM papers WHERE id = ?1
               UNION ALL SELECT paper FROM aliases WHERE alias = ?1 LIMIT 1";
    let key = db
        .prepare_cached(sql)?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(key.map(PaperKey))
}

fn json_and_sum(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, u32)> {
    Ok((row.get(0)?, row.get(1)?))
}
