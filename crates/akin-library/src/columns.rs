//! The columns of `papers`, which repeat what filters ask for from a paper's record.
//!
//! [`Library::check`](crate::Library::check) compares them with the records: SQLite has no checksums.

use rusqlite::Connection;

use super::filter::{authors_column, categories_column};
use super::keys::PaperKey;
use super::record;
use akin_base::paper::{Paper, title_key};

/// The columns of `papers` that are made from a paper's record.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) id: String,
    pub(super) text_hash: [u8; 16],
    pub(super) date: Option<String>,
    pub(super) categories: String,
    pub(super) authors: String,
    pub(super) title_key: Option<i64>,
    pub(super) notice: Option<String>,
}

impl Columns {
    pub(super) fn new(paper: &Paper) -> Columns {
        Columns {
            id: paper.id.as_str().to_owned(),
            text_hash: paper.text_hash().0,
            date: paper.date().map(|date| date.to_string()),
            categories: categories_column(&paper.categories),
            authors: authors_column(&paper.authors),
            title_key: Some(title_key(&paper.title)),
            notice: paper.notice.map(|notice| notice.to_string()),
        }
    }

    /// Reads them from the first columns of a row.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
        Ok(Columns {
            id: row.get(0)?,
            text_hash: row.get(1)?,
            date: row.get(2)?,
            categories: row.get(3)?,
            authors: row.get(4)?,
            title_key: row.get(5)?,
            notice: row.get(6)?,
        })
    }

    /// The name of the first column that differs.
    pub(super) fn difference(&self, other: &Columns) -> Option<&'static str> {
        let same = [
            ("id", self.id == other.id),
            ("text_hash", self.text_hash == other.text_hash),
            ("date", self.date == other.date),
            ("categories", self.categories == other.categories),
            ("authors", self.authors == other.authors),
            ("title_key", self.title_key == other.title_key),
            ("notice", self.notice == other.notice),
        ];
        same.into_iter()
            .find(|(_, same)| !same)
            .map(|(name, _)| name)
    }
}

/// Writes the columns of a stored or a new paper.
pub(super) fn store_columns(
    db: &Connection,
    key: Option<PaperKey>,
    columns: Columns,
) -> rusqlite::Result<PaperKey> {
    let sql = "INSERT INTO papers
               (key, id, text_hash, date, categories, authors, title_key, notice)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (key) DO UPDATE SET id = excluded.id, text_hash = excluded.text_hash,
               date = excluded.date, categories = excluded.categories,
               authors = excluded.authors, title_key = excluded.title_key,
               notice = excluded.notice RETURNING key";
    let values = (
        key.map(|key| key.0),
        columns.id,
        columns.text_hash,
        columns.date,
        columns.categories,
        columns.authors,
        columns.title_key,
        columns.notice,
    );
    let mut statement = db.prepare_cached(sql)?;
    statement.query_row(values, |row| row.get(0)).map(PaperKey)
}

/// Rebuilds the columns that differ from their record; returns the number of such papers.
pub(super) fn renew_columns(db: &Connection) -> rusqlite::Result<u64> {
    let sql =
        "SELECT id, papers.text_hash, date, categories, authors, title_key, notice, json, sum,
               key FROM papers JOIN records ON records.paper = key";
    let mut statement = db.prepare(sql)?;
    let mut papers = statement.query([])?;
    let mut differing = Vec::new();
    while let Some(row) = papers.next()? {
        let json: String = row.get(7)?;
        let Ok(paper) = record::parse(&json, row.get(8)?) else {
            continue;
        };
        let right = Columns::new(&paper);
        if Columns::read(row).ok().as_ref() != Some(&right) {
            differing.push((PaperKey(row.get(9)?), right));
        }
    }
    let n_differing = differing.len() as u64;
    for (key, columns) in differing {
        store_columns(db, Some(key), columns)?;
    }
    Ok(n_differing)
}
