//! A library as a reader sees it: one consistent state, from opening to dropping.
//!
//! In: the folder of a library. Out: a [`Library`], whose questions are in `papers.rs`, `lists.rs`,
//! `stamps.rs`, `follows.rs` and others. A reader holds one SQLite transaction; a writer at work
//! neither blocks it nor shows in it. Row files are read up to the count of that transaction. The
//! row file is mapped when the library is opened: a compaction may delete it later, but what is
//! mapped stays.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::filter::{self, Filter};
use super::layout::{BUSY_TIMEOUT, Layout};
use super::lost_commits::LostCommits;
use super::schema;
use super::space::{ActiveSpace, Space, active_space};
use akin_base::error::{Error, Result};
use akin_base::vectors::RowFile;

/// A library, open for reading.
#[derive(Debug)]
pub struct Library {
    pub(super) layout: Layout,
    pub(super) db: Connection,
    pub(super) space: Option<ActiveSpace>,
    rows: OnceCell<Arc<RowFile>>,
    pub(super) lost_commits: Option<LostCommits>,
}

impl Library {
    /// Opens the library at `root` in its present state. Never creates one.
    ///
    /// # Errors
    /// [`Error::LibraryMissing`], [`Error::LibraryNewer`], [`Error::LibraryOlder`],
    /// [`Error::Damaged`], [`Error::Database`].
    pub fn open(root: &Path) -> Result<Library> {
        let layout = Layout::new(root);
        let missing = || Error::LibraryMissing {
            path: root.to_owned(),
        };
        if !layout.database().is_file() {
            return Err(missing());
        }
        let db = connect(&layout)?;
        filter::add_functions(&db).map_err(layout.database_error())?;
        match schema::version(&db, &layout)? {
            0 if layout.holds_other_files()? => return Err(layout.emptied()),
            0 => return Err(missing()),
            schema::FORMAT_VERSION => {}
            found => {
                return Err(Error::LibraryOlder {
                    path: root.to_owned(),
                    found,
                });
            }
        }
        let mut library = Library {
            layout,
            db,
            space: None,
            rows: OnceCell::new(),
            lost_commits: None,
        };
        library.begin()?;
        library.map_rows()?;
        library.look_for_lost_commits()?;
        Ok(library)
    }

    /// Begins the transaction of all this reader's queries.
    fn begin(&mut self) -> Result<()> {
        let fail = self.layout.database_error();
        self.db.execute_batch("BEGIN").map_err(&fail)?;
        self.space = active_space(&self.db).map_err(&fail)?;
        Ok(())
    }

    /// Maps the row file that the transaction names.
    ///
    /// A compaction may have deleted it since; a new transaction then names another. If the file
    /// cannot be mapped for another reason, [`Library::rows`] reports it: a library without its
    /// rows still shows its papers.
    pub(super) fn map_rows(&mut self) -> Result<()> {
        let generation = |library: &Library| {
            let active = library.space.as_ref();
            active.map(|active| (active.key, active.generation))
        };
        let mut tried = None;
        while self.rows().is_err() && generation(self) != tried {
            tried = generation(self);
            self.begin_again()?;
        }
        Ok(())
    }

    pub(super) fn begin_again(&mut self) -> Result<()> {
        self.rows = OnceCell::new();
        let ended = self.db.execute_batch("ROLLBACK");
        ended.map_err(self.layout.database_error())?;
        self.begin()
    }

    /// The library's folder.
    pub fn path(&self) -> &Path {
        &self.layout.root
    }

    /// The active space; `None` before the first paper.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref().map(|active| &active.space)
    }

    /// The 32-byte mark of an index of the active space. It differs for other rows, even of the
    /// same model.
    pub fn index_mark(&self) -> Option<[u8; 32]> {
        self.space.as_ref().map(ActiveSpace::index_mark)
    }

    /// The folder of the active space's index, for rows of this generation only.
    pub fn index_dir(&self) -> Option<PathBuf> {
        let active = self.space.as_ref()?;
        Some(self.layout.index(&active.space.name, active.generation))
    }

    /// The rows of the active space; none before the first paper is embedded.
    ///
    /// # Errors
    /// As [`RowFile::open`].
    pub fn rows(&self) -> Result<Arc<RowFile>> {
        if let Some(rows) = self.rows.get() {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(match &self.space {
            Some(active) => active.open_rows(&self.layout)?,
            None => RowFile::empty(&self.layout.root)?,
        });
        Ok(Arc::clone(self.rows.get_or_init(|| rows)))
    }

    /// The live rows of the active space that pass the filter; `None` if all rows do.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn allowed(&self, filter: &Filter) -> Result<Option<FixedBitSet>> {
        let Some(active) = &self.space else {
            return Ok((!filter.is_empty()).then(FixedBitSet::new));
        };
        let fail = self.layout.database_error();
        if filter.is_empty() {
            let dead = self.rows_of("SELECT row FROM dead_rows WHERE space = ?", active, vec![]);
            let dead = dead.map_err(fail)?;
            if dead.is_empty() {
                return Ok(None);
            }
            let mut allowed = FixedBitSet::with_capacity(active.n_rows);
            allowed.insert_range(..);
            dead.into_iter().for_each(|row| allowed.set(row, false));
            return Ok(Some(allowed));
        }
        let (condition, values) = filter.sql();
        let sql = format!(
            "SELECT embeddings.row FROM papers CROSS JOIN embeddings
             ON embeddings.space = ? AND embeddings.paper = papers.key WHERE {condition}"
        );
        let mut allowed = FixedBitSet::with_capacity(active.n_rows);
        let rows = self.rows_of(&sql, active, values).map_err(fail)?;
        rows.into_iter().for_each(|row| allowed.insert(row));
        Ok(Some(allowed))
    }

    fn rows_of(
        &self,
        sql: &str,
        active: &ActiveSpace,
        values: Vec<rusqlite::types::Value>,
    ) -> rusqlite::Result<Vec<usize>> {
        let values = std::iter::once(active.key.into()).chain(values);
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, u32>(0))?;
        let rows = rows.map(|row| row.map(|row| row as usize));
        // What is past the count cannot be returned; `Library::check` names it.
        rows.filter(|row| !matches!(row, Ok(row) if *row >= active.n_rows))
            .collect()
    }

    /// Compares the committed rows with those that the database knows.
    ///
    /// A writer may commit more at any time, and then notes it in the file. So a transaction that
    /// begins after the note was read knows all rows that it counts.
    pub(super) fn look_for_lost_commits(&mut self) -> Result<()> {
        let Ok(rows) = self.rows() else {
            return Ok(());
        };
        if LostCommits::in_rows(&rows).is_none() {
            return Ok(());
        }
        let (identity, noted) = (rows.identity(), rows.n_committed());
        self.begin_again()?;
        self.map_rows()?;
        let Ok(rows) = self.rows() else {
            return Ok(());
        };
        if rows.identity() == identity {
            // A count that could not be read may have been half written.
            let noted = noted.or_else(|| rows.n_committed());
            self.lost_commits = LostCommits::among(noted, rows.len());
        }
        Ok(())
    }

    /// The commits that the database had lost when it was opened, according to the row file.
    pub fn lost_commits(&self) -> Option<LostCommits> {
        self.lost_commits
    }

    pub(super) fn active(&self) -> Result<&ActiveSpace> {
        self.space.as_ref().ok_or_else(|| Error::LibraryEmpty {
            path: self.layout.root.clone(),
        })
    }
}

/// Connects read-only. In a read-only folder without a write-ahead log the database is opened as
/// immutable, since SQLite cannot create its files there.
fn connect(layout: &Layout) -> Result<Connection> {
    let path = layout.database();
    let fail = layout.database_error();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&path, flags).map_err(&fail)?;
    db.busy_timeout(BUSY_TIMEOUT).map_err(&fail)?;
    db.pragma_update(None, "cell_size_check", true)
        .map_err(&fail)?;
    let probe = db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    match probe {
        Ok(()) => Ok(db),
        Err(_) if !path.with_extension("db-wal").exists() && is_readable(&path) => {
            let whole = path.canonicalize().map_err(Error::read(&path))?;
            let escaped = whole
                .to_string_lossy()
                .replace('%', "%25")
                .replace('?', "%3f")
                .replace('#', "%23");
            let uri = format!("file:{escaped}?immutable=1");
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).map_err(fail)
        }
        Err(source) => Err(fail(source)),
    }
}

fn is_readable(path: &Path) -> bool {
    std::fs::File::open(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::testdata::{library_of, remove, vector};
    use super::*;
    use akin_base::progress::Unobserved;
    use akin_base::vectors::Row;

    #[test]
    fn a_reader_whose_rows_are_deleted_before_it_maps_them_sees_the_state_after() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let layout = Layout::new(dir.path());
        let mut reader = Library {
            db: connect(&layout).unwrap(),
            layout,
            space: None,
            rows: OnceCell::new(),
            lost_commits: None,
        };
        reader.begin().unwrap();
        assert_eq!(reader.active().unwrap().generation, 0);
        for (generation, id) in [(1, "p0"), (2, "p1")] {
            remove(&mut writer, &[id]);
            writer.compact(&Unobserved).unwrap();
            assert_eq!(writer.space.as_ref().unwrap().generation, generation);
        }
        reader.map_rows().unwrap();
        assert_eq!(reader.active().unwrap().generation, 2);
        let row = reader.find("p2").unwrap().row.unwrap();
        assert_eq!(row, Row(0));
        assert_eq!(reader.rows().unwrap().vector(row).unwrap(), vector("p2", 0));
        assert!(reader.find("p0").is_err());
    }
}
