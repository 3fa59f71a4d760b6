//! A library as its one writer sees it.
//!
//! The commit protocol is in [`Writer::commit`] and nowhere else: rows appended, rows synced,
//! one transaction that counts them.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::filter::{authors_column, categories_column};
use super::lock::WriterLock;
use super::read::{ActiveSpace, active_space, key_of, parse_record};
use super::schema;
use super::{BUSY_TIMEOUT, Layout, PaperKey, Space};
use crate::error::{Error, Result};
use crate::paper::{Paper, TextHash};
use crate::vectors::{Row, RowWriter};

/// A library, open for writing; there is at most one at any time.
#[derive(Debug)]
pub struct Writer {
    pub(super) layout: Layout,
    pub(super) db: Connection,
    pub(super) space: Option<ActiveSpace>,
    pub(super) rows: Option<RowWriter>,
    _lock: WriterLock,
}

/// How a record stands to what the library holds.
#[derive(Debug)]
pub enum Standing {
    /// No paper of this id.
    New,
    /// This very record has been taken in before; it may have been superseded since.
    Seen(PaperKey),
    /// The paper is there, the record is not known.
    Known {
        /// The paper's key.
        key: PaperKey,
        /// The paper as the library has it.
        paper: Box<Paper>,
        /// The text hash that its embedding in the active space was made at, if it has one.
        embedded_at: Option<TextHash>,
    },
}

/// One paper to store or to change.
#[derive(Debug)]
pub struct Change {
    /// The paper's key; `None` for a new paper.
    pub key: Option<PaperKey>,
    /// The paper as it is to be.
    pub paper: Paper,
    /// Fingerprints of the records that it was made from.
    pub record_hashes: Vec<TextHash>,
    /// Whether records taken in earlier count as unknown from now on, so that one of them that
    /// comes again is taken in again.
    pub forgets_earlier_records: bool,
    /// The days in whose lists it stood.
    pub listed: Vec<Date>,
    /// The new embedding; `None` where the one there is stays.
    pub embedding: Option<Vec<f32>>,
}

/// What one run of `add` has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingest {
    /// Records read.
    pub n_read: u64,
    /// Papers stored that were not there.
    pub n_stored: u64,
    /// Papers changed.
    pub n_changed: u64,
    /// Records that said nothing new.
    pub n_unchanged: u64,
    /// Records rejected.
    pub n_rejected: u64,
    /// Passages cut to the token limit.
    pub n_truncated: u64,
}

impl Ingest {
    /// The counts of two parts together.
    #[must_use]
    pub fn plus(&self, other: &Ingest) -> Ingest {
        Ingest {
            n_read: self.n_read + other.n_read,
            n_stored: self.n_stored + other.n_stored,
            n_changed: self.n_changed + other.n_changed,
            n_unchanged: self.n_unchanged + other.n_unchanged,
            n_rejected: self.n_rejected + other.n_rejected,
            n_truncated: self.n_truncated + other.n_truncated,
        }
    }
}

impl Writer {
    /// Opens the library at `root` for writing, or creates one in a missing or empty folder.
    /// `holder` is how this process is called in the messages that others get meanwhile.
    ///
    /// # Errors
    /// [`Error::LibraryBusy`], [`Error::NotALibrary`], [`Error::LibraryNewer`],
    /// [`Error::Damaged`], [`Error::Database`], [`Error::Write`].
    pub fn open_or_create(root: &Path, holder: &str) -> Result<Writer> {
        let layout = Layout::of(root);
        if !layout.database().exists() && holds_other_files(root, &layout)? {
            return Err(Error::NotALibrary {
                path: root.to_owned(),
            });
        }
        std::fs::create_dir_all(root).map_err(Error::write(root))?;
        let lock = WriterLock::take(&layout, holder)?;
        let fail = layout.database_error();
        let mut db = Connection::open(layout.database()).map_err(&fail)?;
        schema::version(&db, &layout)?;
        configure(&db).map_err(&fail)?;
        schema::create(&mut db, &layout)?;
        sync_folder(root)?;
        let space = active_space(&db).map_err(&fail)?;
        Ok(Writer {
            layout,
            db,
            space,
            rows: None,
            _lock: lock,
        })
    }

    /// Opens the library at `root` for writing; it is not created.
    ///
    /// # Errors
    /// [`Error::LibraryMissing`], and as [`Writer::open_or_create`].
    pub fn open(root: &Path, holder: &str) -> Result<Writer> {
        if !Layout::of(root).database().is_file() {
            return Err(Error::LibraryMissing {
                path: root.to_owned(),
            });
        }
        Writer::open_or_create(root, holder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.layout.root
    }

    /// The space that embeddings are stored in; `None` before [`Writer::create_space`].
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref().map(|active| &active.space)
    }

    /// Creates a space and makes it the active one.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Database`].
    pub fn create_space(&mut self, space: Space) -> Result<()> {
        const GENERATION: i64 = 0;
        let folder = self.layout.space(&space.name);
        std::fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
        let path = self.layout.rows(&space.name, GENERATION);
        self.rows = Some(RowWriter::create(&path, space.dim)?);
        for folder in folder.ancestors().take(3) {
            sync_folder(folder)?;
        }
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        insert_space(&tx, &space, GENERATION).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        self.space = active_space(&self.db).map_err(&fail)?;
        Ok(())
    }

    /// How a record stands to what the library holds.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn standing(&self, record: &Paper, record_hash: TextHash) -> Result<Standing> {
        let fail = self.layout.database_error();
        let Some(key) = key_of(&self.db, &record.id).map_err(&fail)? else {
            return Ok(Standing::New);
        };
        if self.has_seen(key, record_hash).map_err(&fail)? {
            return Ok(Standing::Seen(key));
        }
        let (json, embedded_at) = self.record_and_hash(key).map_err(&fail)?;
        Ok(Standing::Known {
            key,
            paper: Box::new(parse_record(&self.layout, &json)?),
            embedded_at: embedded_at.map(TextHash),
        })
    }

    fn has_seen(&self, key: PaperKey, hash: TextHash) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT 1 FROM record_hashes WHERE paper = ? AND hash = ?")?
            .exists((key.0, hash.0))
    }

    fn record_and_hash(&self, key: PaperKey) -> rusqlite::Result<(String, Option<[u8; 16]>)> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        self.db
            .prepare_cached(
                "SELECT json, text_hash FROM records LEFT JOIN embeddings
                 ON embeddings.paper = records.paper AND embeddings.space = ?
                 WHERE records.paper = ?",
            )?
            .query_row((space, key.0), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Stores a batch: all of it, or after a kill at any instant nothing of it.
    ///
    /// `listings` are the days of papers that are otherwise unchanged. `ingest` is the run's key
    /// and its counts with this batch included.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Database`]; [`Error::LibraryEmpty`] if there are embeddings and
    /// no space.
    pub fn commit(
        &mut self,
        changes: &[Change],
        listings: &[(PaperKey, Date)],
        ingest: (i64, &Ingest),
    ) -> Result<()> {
        let rows = self.append(changes)?;
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        let store = || {
            for (change, row) in changes.iter().zip(rows) {
                let key = store_paper(&tx, change)?;
                if let (Some(row), Some(active)) = (row, &self.space) {
                    store_row(&tx, active.key, key, row, change.paper.text_hash())?;
                }
            }
            for &(paper, date) in listings {
                store_listing(&tx, paper, date)?;
            }
            store_counts(&tx, ingest.0, ingest.1)?;
            if let (Some(active), Some(rows)) = (&self.space, &self.rows) {
                let sql = "UPDATE spaces SET n_rows = ? WHERE key = ?";
                tx.execute(sql, (rows.len(), active.key))?;
            }
            rusqlite::Result::Ok(())
        };
        store().map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        if let (Some(active), Some(rows)) = (&mut self.space, &self.rows) {
            active.n_rows = rows.len();
        }
        Ok(())
    }

    /// Appends the embeddings of a batch and syncs them; which row each change got.
    fn append(&mut self, changes: &[Change]) -> Result<Vec<Option<Row>>> {
        if changes.iter().all(|change| change.embedding.is_none()) {
            return Ok(vec![None; changes.len()]);
        }
        let Some(active) = &self.space else {
            return Err(Error::LibraryEmpty {
                path: self.layout.root.clone(),
            });
        };
        let rows = match &mut self.rows {
            Some(rows) if rows.len() == active.n_rows => rows,
            stale => {
                let path = self.layout.rows(&active.space.name, active.generation);
                stale.insert(RowWriter::open(&path, active.space.dim, active.n_rows)?)
            }
        };
        let mut appended = Vec::with_capacity(changes.len());
        for change in changes {
            let row = change
                .embedding
                .as_deref()
                .map(|vector| rows.append(vector));
            appended.push(row.transpose()?);
        }
        rows.sync()?;
        Ok(appended)
    }

    /// Notes that a run of `add` begins; the key is for [`Writer::commit`].
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn begin_ingest(&mut self, dumps: &[String]) -> Result<i64> {
        let names = serde_json::to_string(dumps).expect("names are plain data");
        let sql = "INSERT INTO ingests VALUES (NULL, ?, NULL, ?, 0, 0, 0, 0, 0, 0)";
        self.db
            .execute(sql, (Timestamp::now().to_string(), names))
            .map_err(self.layout.database_error())?;
        Ok(self.db.last_insert_rowid())
    }

    /// Notes that a run of `add` is complete.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn finish_ingest(&mut self, key: i64, counts: &Ingest) -> Result<()> {
        let finish = |db: &Connection| {
            store_counts(db, key, counts)?;
            let sql = "UPDATE ingests SET finished = ? WHERE key = ?";
            db.execute(sql, (Timestamp::now().to_string(), key))
        };
        finish(&self.db).map_err(self.layout.database_error())?;
        Ok(())
    }

    /// Forgets papers: they are never returned again, and a dump that has them stores them anew.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn remove(&mut self, keys: &[PaperKey]) -> Result<()> {
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        let forget = || {
            for key in keys {
                tx.prepare_cached(
                    "INSERT INTO dead_rows SELECT space, row FROM embeddings WHERE paper = ?",
                )?
                .execute([key.0])?;
                tx.prepare_cached("DELETE FROM papers WHERE key = ?")?
                    .execute([key.0])?;
            }
            rusqlite::Result::Ok(())
        };
        forget().map_err(&fail)?;
        tx.commit().map_err(&fail)
    }
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)
}

fn insert_space(tx: &Transaction, space: &Space, generation: i64) -> rusqlite::Result<()> {
    tx.execute("UPDATE spaces SET active = 0", [])?;
    tx.execute(
        "INSERT INTO spaces VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 1)",
        (
            &space.name,
            space.fingerprint,
            space.dim,
            &space.recipe,
            &space.source,
            generation,
        ),
    )?;
    Ok(())
}

fn store_paper(tx: &Transaction, change: &Change) -> rusqlite::Result<PaperKey> {
    let paper = &change.paper;
    let json = serde_json::to_string(paper).expect("a paper is plain data");
    let key: i64 = tx
        .prepare_cached(
            "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET text_hash = excluded.text_hash,
             date = excluded.date, categories = excluded.categories, authors = excluded.authors
             RETURNING key",
        )?
        .query_row(
            (
                change.key.map(|key| key.0),
                paper.id.as_str(),
                paper.text_hash().0,
                paper.date().map(|date| date.to_string()),
                categories_column(&paper.categories),
                authors_column(&paper.authors),
            ),
            |row| row.get(0),
        )?;
    tx.prepare_cached("INSERT OR REPLACE INTO records VALUES (?, ?)")?
        .execute((key, json))?;
    if change.forgets_earlier_records {
        tx.prepare_cached("DELETE FROM record_hashes WHERE paper = ?")?
            .execute([key])?;
    }
    for hash in &change.record_hashes {
        tx.prepare_cached("INSERT OR IGNORE INTO record_hashes VALUES (?, ?)")?
            .execute((key, hash.0))?;
    }
    for alias in &paper.aliases {
        tx.prepare_cached("INSERT OR IGNORE INTO aliases VALUES (?, ?)")?
            .execute((alias.as_str(), key))?;
    }
    for &date in &change.listed {
        store_listing(tx, PaperKey(key), date)?;
    }
    Ok(PaperKey(key))
}

fn store_row(
    tx: &Transaction,
    space: i64,
    key: PaperKey,
    row: Row,
    text_hash: TextHash,
) -> rusqlite::Result<()> {
    let old: Option<u32> = tx
        .prepare_cached("SELECT row FROM embeddings WHERE space = ? AND paper = ?")?
        .query_row((space, key.0), |row| row.get(0))
        .optional()?;
    if let Some(old) = old {
        tx.prepare_cached("INSERT INTO dead_rows VALUES (?, ?)")?
            .execute((space, old))?;
    }
    tx.prepare_cached("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)")?
        .execute((space, key.0, row.0, text_hash.0))?;
    Ok(())
}

fn store_listing(tx: &Transaction, paper: PaperKey, date: Date) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO listings VALUES (?, ?)")?
        .execute((date.to_string(), paper.0))?;
    Ok(())
}

fn store_counts(db: &Connection, key: i64, counts: &Ingest) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE ingests SET n_read = ?, n_stored = ?, n_changed = ?, n_unchanged = ?,
         n_rejected = ?, n_truncated = ? WHERE key = ?",
    )?
    .execute((
        counts.n_read,
        counts.n_stored,
        counts.n_changed,
        counts.n_unchanged,
        counts.n_rejected,
        counts.n_truncated,
        key,
    ))?;
    Ok(())
}

/// Whether a folder without a database holds anything but what creating a library may have left.
fn holds_other_files(root: &Path, layout: &Layout) -> Result<bool> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Error::read(root)(e)),
    };
    for entry in entries {
        if entry.map_err(Error::read(root))?.path() != layout.lock() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts a folder's entries on the disk, where the system knows such a thing.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(Error::write(path))?;
    }
    Ok(())
}
