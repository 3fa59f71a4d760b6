//! Several spaces in one library: one is active, others are filled beside it or kept.
//!
//! A writer stores embeddings in one space, usually the active one. [`Writer::turn_to`] and
//! [`Writer::create_space_beside`] choose another, which readers do not see until
//! [`Writer::activate`] makes it active, in one transaction. A space has its own rows and index, so
//! an earlier space can be used again as it was. Papers stored or changed since are
//! [missing](Writer::unembedded) in it.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::keys::PaperKey;
use super::layout::sync_folder;
use super::read::Library;
use super::record::owner;
use super::space::{ActiveSpace, Space, active_space, read_space};
use super::store::{draw_identity, insert_space, store_row};
use super::write::Writer;
use akin_base::error::{Error, Result};
use akin_base::paper::TextHash;
use akin_base::step::{self, Step};
use akin_base::vectors::{Owner, Row, RowFile, RowWriter};

/// The generation of a new space's rows.
const FIRST_GENERATION: i64 = 0;

/// A space of a library, with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceStatus {
    /// The space.
    pub space: Space,
    /// Papers with an embedding of their present text in it.
    pub n_papers: u64,
    /// Whether it is the active space.
    pub is_active: bool,
}

/// The rows of a space, active or not.
#[derive(Debug)]
pub struct SpaceRows {
    /// The folder of its index.
    pub index_dir: PathBuf,
    /// The mark of its index.
    pub index_mark: [u8; 32],
    /// Its rows.
    pub rows: Arc<RowFile>,
}

impl Library {
    /// All spaces, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn spaces(&self) -> Result<Vec<SpaceStatus>> {
        let active = self.space.as_ref().map(|active| active.key);
        let list = || {
            let sql = "SELECT count(*) FROM embeddings JOIN papers ON papers.key = paper
                       WHERE space = ? AND embeddings.text_hash = papers.text_hash";
            let mut count = self.db.prepare(sql)?;
            let of_space = |stored: ActiveSpace| {
                Ok(SpaceStatus {
                    n_papers: count.query_row([stored.key], |row| row.get(0))?,
                    is_active: Some(stored.key) == active,
                    space: stored.space,
                })
            };
            let spaces = spaces_where(&self.db, "true ORDER BY key", [])?;
            spaces
                .into_iter()
                .map(of_space)
                .collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }
}

impl Writer {
    /// Creates a space and makes it active.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Database`].
    pub fn create_space(&mut self, space: Space) -> Result<()> {
        self.create(&space, true)
    }

    /// Creates a space for this writer to fill while another one is active. The first space of a
    /// library becomes active itself.
    ///
    /// # Errors
    /// As [`Writer::create_space`].
    pub fn create_space_beside(&mut self, space: Space) -> Result<()> {
        let answers = self.space.is_none();
        self.create(&space, answers)?;
        self.turn_to(&space.fingerprint)?;
        Ok(())
    }

    fn create(&mut self, space: &Space, answers: bool) -> Result<()> {
        let folder = self.layout.space(&space.name);
        std::fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
        let path = self.layout.rows(&space.name, FIRST_GENERATION);
        let fail = self.layout.database_error();
        let identity = draw_identity(&self.db).map_err(&fail)?;
        self.rows = Some(RowWriter::create(&path, space.dim, identity)?);
        for folder in folder.ancestors().take(3) {
            sync_folder(folder)?;
        }
        step::reached(Step::SpaceMade);
        let tx = self.db.transaction().map_err(&fail)?;
        insert_space(&tx, space, (FIRST_GENERATION, identity), answers).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        step::reached(Step::Committed);
        self.space = active_space(&self.db).map_err(&fail)?;
        Ok(())
    }

    /// Stores embeddings in the space with this fingerprint from now on; returns whether there is
    /// one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn turn_to(&mut self, fingerprint: &[u8; 32]) -> Result<bool> {
        let spaces = spaces_where(&self.db, "fingerprint = ?", [*fingerprint]);
        let spaces = spaces.map_err(self.layout.database_error())?;
        let Some(found) = spaces.into_iter().next() else {
            return Ok(false);
        };
        let is_another = self
            .space
            .as_ref()
            .is_none_or(|space| space.key != found.key);
        if is_another {
            self.rows = None;
        }
        self.space = Some(found);
        Ok(true)
    }

    /// Makes the space that this writer fills the active one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn activate(&mut self) -> Result<()> {
        let Some(space) = &self.space else {
            return Ok(());
        };
        let sql = "UPDATE spaces SET active = (key = ?)";
        let switched = self.db.execute(sql, [space.key]);
        switched.map_err(self.layout.database_error())?;
        step::reached(Step::Committed);
        Ok(())
    }

    /// Stores embeddings, shape `[dim]` each, of papers that are otherwise unchanged. A kill at any
    /// instant leaves all of them or none.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`] without a space, [`Error::Write`], [`Error::Database`].
    pub fn store_embeddings(
        &mut self,
        papers: &[(PaperKey, TextHash)],
        embeddings: &[Vec<f32>],
    ) -> Result<()> {
        let Some(space) = self.space.clone() else {
            return Err(Error::LibraryEmpty {
                path: self.layout.root.clone(),
            });
        };
        let owners: Vec<Owner> = papers.iter().map(|(_, text)| owner(*text)).collect();
        self.append(embeddings, &owners)?;
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        let n_rows = space.n_rows + papers.len();
        let store = || {
            for ((key, text_hash), row) in papers.iter().zip(space.n_rows..) {
                let row = Row(u32::try_from(row).expect("fewer than 2^32 rows"));
                store_row(&tx, space.key, *key, row, *text_hash)?;
            }
            tx.execute(
                "UPDATE spaces SET n_rows = ? WHERE key = ?",
                (n_rows, space.key),
            )
        };
        store().map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        step::reached(Step::Committed);
        if let (Some(space), Some(rows)) = (&mut self.space, &mut self.rows) {
            space.n_rows = n_rows;
            rows.note_committed()?;
        }
        Ok(())
    }

    /// The rows of the space that this writer fills, for its index.
    ///
    /// # Errors
    /// As [`RowFile::open`]; [`Error::LibraryEmpty`] without a space.
    pub fn space_rows(&self) -> Result<SpaceRows> {
        let Some(space) = &self.space else {
            return Err(Error::LibraryEmpty {
                path: self.layout.root.clone(),
            });
        };
        Ok(SpaceRows {
            index_dir: self.layout.index(&space.space.name, space.generation),
            index_mark: space.index_mark(),
            rows: Arc::new(space.open_rows(&self.layout)?),
        })
    }
}

fn spaces_where(
    db: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<ActiveSpace>> {
    let mut statement = db.prepare(&read_space(condition))?;
    let spaces = statement.query_map(values, ActiveSpace::read)?;
    spaces.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testdata::library_of;
    use super::*;

    fn space(name: &str, dim: usize) -> Space {
        let mut fingerprint = [7; 32];
        fingerprint[..name.len()].copy_from_slice(name.as_bytes());
        Space {
            name: name.to_owned(),
            fingerprint,
            dim,
            recipe: "{}".to_owned(),
            source: "{}".to_owned(),
        }
    }

    fn hashes(writer: &Writer) -> Vec<(PaperKey, TextHash)> {
        let hash = |key| (key, writer.lookup().known(key).unwrap().paper.text_hash());
        writer.unembedded().unwrap().into_iter().map(hash).collect()
    }

    #[test]
    fn a_space_is_filled_beside_the_one_that_answers() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let old = writer.space().unwrap().clone();
        writer.create_space_beside(space("second", 2)).unwrap();
        assert_eq!(writer.space().unwrap().name, "second");
        let answering = || {
            Library::open(dir.path())
                .unwrap()
                .space()
                .unwrap()
                .name
                .clone()
        };
        assert_eq!(answering(), old.name);

        let missing = hashes(&writer);
        assert_eq!(missing.len(), 3);
        let vectors = vec![vec![0.6, 0.8]; 3];
        writer
            .store_embeddings(&missing[..2], &vectors[..2])
            .unwrap();
        drop(writer);
        let mut writer = Writer::open(dir.path(), "a test").unwrap();
        assert_eq!(writer.unembedded().unwrap(), [], "the old one has all");
        assert!(writer.turn_to(&space("second", 2).fingerprint).unwrap());
        assert!(!writer.turn_to(&[9; 32]).unwrap());
        let missing = hashes(&writer);
        assert_eq!(missing.len(), 1, "two are there");
        writer.store_embeddings(&missing, &vectors[..1]).unwrap();
        assert_eq!(writer.space_rows().unwrap().rows.len(), 3);
        assert_eq!(answering(), old.name);

        writer.activate().unwrap();
        assert_eq!(answering(), "second");
        let library = Library::open(dir.path()).unwrap();
        assert_eq!(library.rows().unwrap().vector(Row(2)).unwrap().len(), 2);
        let of_each = |s: &SpaceStatus| (s.space.name.clone(), s.n_papers, s.is_active);
        let all: Vec<_> = library.spaces().unwrap().iter().map(of_each).collect();
        assert_eq!(
            all,
            [(old.name.clone(), 3, false), ("second".to_owned(), 3, true)]
        );

        writer.turn_to(&old.fingerprint).unwrap();
        assert_eq!(writer.unembedded().unwrap(), []);
        writer.activate().unwrap();
        assert_eq!(answering(), old.name);
    }
}
