//! A library as a reader sees it: one consistent state, from opening to dropping.
//!
//! A reader holds one SQLite transaction; a writer at work neither blocks it nor shows in it.
//! Row files are read up to the count of that same transaction. The row file is mapped when the
//! library is opened: a compaction deletes it later, and what is mapped stays.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use jiff::civil::Date;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params_from_iter};

use super::lost_commits::LostCommits;
use super::record;
use super::schema;
use super::{BUSY_TIMEOUT, Filter, Layout, PaperKey, Space, filter};
use akin_base::error::{Error, Result};
use akin_base::paper::{IdKind, Paper, PaperId, TextHash};
use akin_base::vectors::{Identity, Row, RowFile};

/// A library, open for reading.
#[derive(Debug)]
pub struct Library {
    pub(super) layout: Layout,
    pub(super) db: Connection,
    pub(super) space: Option<ActiveSpace>,
    rows: OnceCell<Arc<RowFile>>,
    pub(super) lost_commits: Option<LostCommits>,
}

/// A space, usually the one that answers, with what of it counts.
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
    /// Reads a row of the answer to [`read_space`].
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

    /// Opens its rows that count.
    pub(super) fn open_rows(&self, layout: &Layout) -> Result<RowFile> {
        let rows = RowFile::open(&self.rows_path(layout), self.space.dim, self.n_rows)?;
        rows.ensure_is(self.identity)?;
        Ok(rows)
    }

    /// Opens as many of its rows that count as are left.
    pub(super) fn open_rows_left(&self, layout: &Layout) -> Result<RowFile> {
        let rows = RowFile::open_left(&self.rows_path(layout), self.space.dim, self.n_rows)?;
        rows.ensure_is(self.identity)?;
        Ok(rows)
    }

    /// What an index of its rows bears.
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

/// What a library holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Papers.
    pub n_papers: u64,
    /// Rows of the active space that count, dead ones included.
    pub n_rows: u64,
    /// Rows of the active space whose paper was replaced or removed.
    pub n_dead_rows: u64,
    /// The earliest and the latest date of a paper.
    pub dates: Option<(String, String)>,
    /// Bytes of the database with its write-ahead log.
    pub database_bytes: u64,
    /// Bytes of the row file.
    pub rows_bytes: u64,
    /// When the last `add` ended, if one ever did.
    pub last_ingest: Option<String>,
}

impl Library {
    /// Opens the library at `root` as it stands now; it is not created.
    ///
    /// # Errors
    /// [`Error::LibraryMissing`], [`Error::LibraryNewer`], [`Error::LibraryOlder`],
    /// [`Error::Damaged`], [`Error::Database`].
    pub fn open(root: &Path) -> Result<Library> {
        let layout = Layout::of(root);
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

    /// Begins the transaction that all of this reader's questions are asked in.
    fn begin(&mut self) -> Result<()> {
        let fail = self.layout.database_error();
        self.db.execute_batch("BEGIN").map_err(&fail)?;
        self.space = active_space(&self.db).map_err(&fail)?;
        Ok(())
    }

    /// Maps the row file that the transaction speaks of.
    ///
    /// A compaction may have deleted it since: then a new transaction speaks of another. A file
    /// that cannot be mapped although no compaction did it is left for [`Library::rows`] to
    /// complain of: a library without its rows still shows its papers.
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

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.layout.root
    }

    /// The space that answers; `None` before the first paper.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref().map(|active| &active.space)
    }

    /// 32 bytes that an index of the active space bears: other ones for other rows, even of one model.
    pub fn index_mark(&self) -> Option<[u8; 32]> {
        self.space.as_ref().map(ActiveSpace::index_mark)
    }

    /// The folder of the active space's index, which is of no use with rows of another generation.
    pub fn index_dir(&self) -> Option<PathBuf> {
        let active = self.space.as_ref()?;
        Some(self.layout.index(&active.space.name, active.generation))
    }

    /// The rows of the active space.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`] before the first paper; as [`RowFile::open`].
    pub fn rows(&self) -> Result<Arc<RowFile>> {
        if let Some(rows) = self.rows.get() {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(self.active()?.open_rows(&self.layout)?);
        Ok(Arc::clone(self.rows.get_or_init(|| rows)))
    }

    /// The rows of the active space that pass the filter and are not dead; `None` if all do.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`], [`Error::Database`].
    pub fn allowed(&self, filter: &Filter) -> Result<Option<FixedBitSet>> {
        let active = self.active()?;
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

    /// The paper whose embedding is in this row of the active space.
    ///
    /// # Errors
    /// [`Error::Damaged`] if no paper claims the row, its record is damaged, or the row is that of
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

    /// The dates of the papers whose embeddings are in these rows of the active space; `None` for one
    /// without a date.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`], [`Error::Database`].
    pub fn dates(&self, rows: &[Row]) -> Result<Vec<Option<Date>>> {
        let space = self.active()?.key;
        let ask = || {
            let sql = "SELECT date FROM embeddings JOIN papers ON papers.key = embeddings.paper
                       WHERE space = ? AND row = ?";
            let mut statement = self.db.prepare_cached(sql)?;
            let mut date = |row: &Row| -> rusqlite::Result<Option<Date>> {
                let text = statement.query_row((space, row.0), |found| found.get(0));
                let text: Option<String> = text.optional()?.flatten();
                Ok(text.and_then(|text| text.parse().ok()))
            };
            rows.iter().map(&mut date).collect::<rusqlite::Result<_>>()
        };
        ask().map_err(self.layout.database_error())
    }

    /// The paper that answers to this spelling of an id.
    ///
    /// An id of a collection may stand without it where that names one paper only.
    ///
    /// # Errors
    /// [`Error::UnknownPaper`]; [`Error::AmbiguousId`] if several papers answer to it;
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

    /// The key of the paper that answers to this spelling of an id, be its record damaged or not.
    ///
    /// # Errors
    /// As [`Library::find`].
    pub fn key(&self, spelling: &str) -> Result<PaperKey> {
        let unknown = || Error::UnknownPaper {
            id: spelling.to_owned(),
        };
        self.key_of_spelling(spelling)?.ok_or_else(unknown)
    }

    /// The key of the paper that answers to this spelling of an id, if any does.
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

    /// The papers that have this id in any collection, with the id, in the order of their keys.
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
        let is_plain = match is_short {
            true => matches!(self.key_of_spelling(&shown), Ok(Some(_))),
            false => true,
        };
        Ok(if is_plain {
            shown
        } else {
            id.qualified().to_owned()
        })
    }

    /// The papers that are not found because a record says that they were withdrawn: id and title.
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

    /// The days in whose lists a paper stood, earliest first.
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

    /// Every paper's id, in the order of first storing.
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

    /// Counts and sizes.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn status(&self) -> Result<Status> {
        let fail = self.layout.database_error();
        let ask = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, u64>(0));
        let dates = self
            .db
            .query_row("SELECT min(date), max(date) FROM papers", [], |row| {
                Ok(row.get::<_, Option<String>>(0)?.zip(row.get(1)?))
            });
        let last = self
            .db
            .query_row("SELECT max(finished) FROM ingests", [], |row| row.get(0));
        let active = self.space.as_ref();
        let dead = "SELECT count(*) FROM dead_rows JOIN spaces ON key = space AND active";
        let rows = active.map(|active| active.rows_path(&self.layout));
        let database = self.layout.database();
        let bytes = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
        Ok(Status {
            n_papers: ask("SELECT count(*) FROM papers").map_err(&fail)?,
            n_rows: active.map_or(0, |a| a.n_rows as u64),
            n_dead_rows: ask(dead).map_err(&fail)?,
            dates: dates.map_err(&fail)?,
            database_bytes: bytes(&database) + bytes(&database.with_extension("db-wal")),
            rows_bytes: rows.as_deref().map_or(0, bytes),
            last_ingest: last.map_err(&fail)?,
        })
    }

    pub(super) fn active(&self) -> Result<&ActiveSpace> {
        self.space.as_ref().ok_or_else(|| Error::LibraryEmpty {
            path: self.layout.root.clone(),
        })
    }
}

/// Connects read-only; in a folder that cannot be written and that no writer has left work in,
/// SQLite is told that nothing changes, because it could not make its own files there.
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

pub(super) fn active_space(db: &Connection) -> rusqlite::Result<Option<ActiveSpace>> {
    db.query_row(&read_space("active"), [], ActiveSpace::read)
        .optional()
}

/// The question that [`ActiveSpace::read`] reads the answer of.
pub(super) fn read_space(condition: &str) -> String {
    let columns = "key, name, fingerprint, dim, recipe, source, generation, n_rows, rows_identity";
    format!("SELECT {columns} FROM spaces WHERE {condition}")
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

#[cfg(test)]
mod tests {
    use super::super::testdata::{library_of, remove, vector};
    use super::*;
    use akin_base::progress::Unobserved;

    #[test]
    fn a_reader_whose_rows_are_deleted_before_it_maps_them_sees_the_state_after() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let layout = Layout::of(dir.path());
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
