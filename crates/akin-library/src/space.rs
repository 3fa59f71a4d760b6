//! A space: the embeddings of one model with one recipe, as the database describes it.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use super::layout::Layout;
use akin_base::error::Result;
use akin_base::vectors::{Identity, RowFile};

/// A model with its recipe, as the library stores it.
///
/// `recipe` and `source` are JSON that the library only stores for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Folder name under `spaces/`.
    pub name: String,
    /// 32 bytes, equal for spaces whose embeddings can be compared.
    pub fingerprint: [u8; 32],
    /// The number of dimensions of an embedding.
    pub dim: usize,
    /// The recipe, for the caller.
    pub recipe: String,
    /// The source of the model, for the caller.
    pub source: String,
}

/// A space, usually the active one, with its row count.
#[derive(Debug, Clone)]
pub(super) struct ActiveSpace {
    pub(super) key: i64,
    pub(super) space: Space,
    pub(super) generation: i64,
    pub(super) n_rows: usize,
    /// Of the row file.
    pub(super) identity: Option<Identity>,
}

impl ActiveSpace {
    /// Reads a result row of [`read_space`].
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<ActiveSpace> {
        Ok(ActiveSpace {
            key: row.get(0)?,
            space: Space {
                name: row.get(1)?,
                fingerprint: row.get(2)?,
                dim: row.get(3)?,
                recipe: row.get(4)?,
                source: row.get(5)?,
            },
            generation: row.get(6)?,
            n_rows: row.get(7)?,
            identity: row.get(8)?,
        })
    }

    /// Opens its committed rows.
    pub(super) fn open_rows(&self, layout: &Layout) -> Result<RowFile> {
        let rows = RowFile::open(&self.rows_path(layout), self.space.dim, self.n_rows)?;
        rows.ensure_is(self.identity)?;
        Ok(rows)
    }

    /// Opens those of its committed rows that the file still holds.
    pub(super) fn open_rows_left(&self, layout: &Layout) -> Result<RowFile> {
        let rows = RowFile::open_left(&self.rows_path(layout), self.space.dim, self.n_rows)?;
        rows.ensure_is(self.identity)?;
        Ok(rows)
    }

    /// The mark of an index of its rows.
    pub(super) fn index_mark(&self) -> [u8; 32] {
        match self.identity {
            None => self.space.fingerprint,
            Some(identity) => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&self.space.fingerprint).update(&identity);
                *hasher.finalize().as_bytes()
            }
        }
    }

    /// The file of its rows.
    pub(super) fn rows_path(&self, layout: &Layout) -> PathBuf {
        layout.rows(&self.space.name, self.generation)
    }
}

pub(super) fn active_space(db: &Connection) -> rusqlite::Result<Option<ActiveSpace>> {
    db.query_row(&read_space("active"), [], ActiveSpace::read)
        .optional()
}

/// The query whose rows [`ActiveSpace::read`] reads.
pub(super) fn read_space(condition: &str) -> String {
    let columns = "key, name, fingerprint, dim, recipe, source, generation, n_rows, rows_identity";
    format!("SELECT {columns} FROM spaces WHERE {condition}")
}
