//! A paper as it is stored: its record in JSON with a checksum, and the columns that are made of it.
//!
//! SQLite has no checksums: a bit that flips in a record or a column would be believed. The record
//! has its own, and the columns are held against the record by [`Library::check`].
//!
//! [`Library::check`]: super::Library::check

use super::Layout;
use super::filter::{authors_column, categories_column};
use akin_base::error::{Error, Result};
use akin_base::paper::{Paper, TextHash, title_key};
use akin_base::vectors::Owner;

/// What the row of an embedding of a text names as its owner.
pub(super) fn owner(text: TextHash) -> Owner {
    *text.0.first_chunk().expect("a text's hash has 16 bytes")
}

/// A record as it is stored: JSON, and the CRC-32 of its bytes.
pub(super) fn to_stored(paper: &Paper) -> (String, u32) {
    let json = serde_json::to_string(paper).expect("a paper is plain data");
    let sum = crc32fast::hash(json.as_bytes());
    (json, sum)
}

/// The paper of a stored record.
///
/// # Errors
/// [`Error::Damaged`] if the checksum does not hold, or it is no record.
pub(super) fn from_stored(layout: &Layout, json: &str, sum: u32) -> Result<Paper> {
    parse(json, sum)
        .map_err(|what| Error::damaged(layout.database(), format!("a paper's record: {what}")))
}

/// The same, or in words why it is none.
pub(super) fn parse(json: &str, sum: u32) -> Result<Paper, String> {
    if crc32fast::hash(json.as_bytes()) != sum {
        return Err("it does not match its checksum".to_owned());
    }
    serde_json::from_str(json).map_err(|e| e.to_string())
}

/// The columns of `papers` that are made of a paper's record.
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
    pub(super) fn of(paper: &Paper) -> Columns {
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

    /// Reads them from a row whose first columns they are, in their order.
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
