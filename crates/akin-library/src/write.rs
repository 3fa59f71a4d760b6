//! A library as its one writer sees it.
//!
//! In: a [`Batch`] with its embeddings. Out: all of it on the disk, or none. The commit protocol is
//! in [`Writer::commit`] and nowhere else: rows appended, rows synced, one transaction that counts
//! them.

use std::path::Path;

use rusqlite::Connection;

use super::batch::{Batch, IngestCounts};
use super::keys::{IngestKey, PaperKey};
use super::layout::{BUSY_TIMEOUT, Layout, sync_folder};
use super::lock::WriterLock;
use super::record;
use super::schema;
use super::space::{ActiveSpace, Space, active_space};
use super::store::{forget, store_batch, store_counts};
use akin_base::error::{Error, Result};
use akin_base::step::{self, Step};
use akin_base::vectors::{Owner, RowWriter};

/// Pages that a writer holds in memory, in KiB: papers come in any order of their ids and titles.
const CACHE_KIB: i64 = 64 << 10;

/// A library, open for writing; there is at most one at any time.
#[derive(Debug)]
pub struct Writer {
    pub(super) layout: Layout,
    pub(super) db: Connection,
    pub(super) space: Option<ActiveSpace>,
    pub(super) rows: Option<RowWriter>,
    /// The owners of the embeddings that the staged batches wait for.
    staged: Vec<Owner>,
    _lock: WriterLock,
}

impl Writer {
    /// Opens the library at `root` for writing, or creates one in a missing or empty folder.
    /// `holder` names this process in the messages that other processes show meanwhile.
    ///
    /// # Errors
    /// [`Error::LibraryBusy`], [`Error::NotALibrary`], [`Error::LibraryNewer`],
    /// [`Error::Damaged`], [`Error::Database`], [`Error::Write`].
    pub fn open_or_create(root: &Path, holder: &str) -> Result<Writer> {
        let layout = Layout::new(root);
        let database = layout.database().metadata();
        let holds_something = database.as_ref().is_ok_and(|database| database.len() > 0);
        if !holds_something && layout.holds_other_files()? {
            return Err(match database {
                Ok(_) => layout.emptied(),
                Err(_) => Error::NotALibrary {
                    path: root.to_owned(),
                },
            });
        }
        std::fs::create_dir_all(root).map_err(Error::write(root))?;
        let lock = WriterLock::take(&layout, holder)?;
        let fail = layout.database_error();
        let mut db = Connection::open(layout.database()).map_err(&fail)?;
        schema::version(&db, &layout)?;
        configure(&db).map_err(&fail)?;
        schema::bring_up(&mut db, &layout)?;
        sync_folder(root)?;
        let space = active_space(&db).map_err(&fail)?;
        Ok(Writer {
            layout,
            db,
            space,
            rows: None,
            staged: Vec::new(),
            _lock: lock,
        })
    }

    /// Opens the library at `root` for writing. Never creates one.
    ///
    /// # Errors
    /// [`Error::LibraryMissing`], and as [`Writer::open_or_create`].
    pub fn open(root: &Path, holder: &str) -> Result<Writer> {
        if !Layout::new(root).database().is_file() {
            return Err(Error::LibraryMissing {
                path: root.to_owned(),
            });
        }
        Writer::open_or_create(root, holder)
    }

    /// The library's folder.
    pub fn path(&self) -> &Path {
        &self.layout.root
    }

    /// The space that embeddings are stored in; `None` before [`Writer::create_space`].
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref().map(|active| &active.space)
    }

    /// Stores a batch with its embeddings. A kill at any instant leaves all of it or none. It is
    /// [`stage`](Writer::stage) and [`commit_staged`](Writer::commit_staged) in one.
    ///
    /// # Errors
    /// As those two.
    pub fn commit(
        &mut self,
        batch: &Batch,
        embeddings: &[Vec<f32>],
        ingest: (IngestKey, &IngestCounts),
    ) -> Result<()> {
        self.stage(batch)?;
        self.commit_staged(embeddings, ingest)
    }

    /// Stores all of a batch but its embeddings, in a transaction that stays open; further batches
    /// may follow in it. Only this writer's [lookups](Writer::lookup) see it.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::LibraryEmpty`] if a change needs an embedding and there is no
    /// space.
    pub fn stage(&mut self, batch: &Batch) -> Result<()> {
        let wanting = batch.changes.iter().filter(|change| change.wants_embedding);
        let owners: Vec<Owner> = wanting
            .map(|change| record::owner(change.paper.text_hash()))
            .collect();
        if !owners.is_empty() && self.space.is_none() {
            return Err(Error::LibraryEmpty {
                path: self.layout.root.clone(),
            });
        }
        let fail = self.layout.database_error();
        if self.db.is_autocommit() {
            self.db.execute_batch("BEGIN IMMEDIATE").map_err(&fail)?;
        }
        if let Err(error) = store_batch(&self.db, self.space.as_ref(), batch, self.staged.len()) {
            let error = fail(error);
            self.unstage()?;
            return Err(error);
        }
        self.staged.extend(owners);
        step::reached(Step::Staged);
        Ok(())
    }

    /// Appends the embeddings of the staged batches, shape `[dim]` each, in the order of their
    /// changes, and commits. After an error nothing is staged.
    ///
    /// `ingest` is the key of the run, and its counts including these batches.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Database`].
    pub fn commit_staged(
        &mut self,
        embeddings: &[Vec<f32>],
        ingest: (IngestKey, &IngestCounts),
    ) -> Result<()> {
        let outcome = self.complete(embeddings, ingest);
        if outcome.is_err() {
            // What went wrong first is what matters; closing the database rolls back as well.
            let _ = self.unstage();
        }
        outcome
    }

    /// Rolls the staged batches back.
    fn unstage(&mut self) -> Result<()> {
        self.staged.clear();
        if self.db.is_autocommit() {
            return Ok(());
        }
        let fail = self.layout.database_error();
        self.db.execute_batch("ROLLBACK").map_err(fail)
    }

    fn complete(
        &mut self,
        embeddings: &[Vec<f32>],
        ingest: (IngestKey, &IngestCounts),
    ) -> Result<()> {
        let owners = std::mem::take(&mut self.staged);
        self.append(embeddings, &owners)?;
        let complete = || {
            store_counts(&self.db, ingest.0, ingest.1)?;
            if let (Some(active), Some(rows)) = (&self.space, &self.rows) {
                let sql = "UPDATE spaces SET n_rows = ? WHERE key = ?";
                self.db.execute(sql, (rows.len(), active.key))?;
            }
            self.db.execute_batch("COMMIT")
        };
        complete().map_err(self.layout.database_error())?;
        step::reached(Step::Committed);
        if let (Some(active), Some(rows)) = (&mut self.space, &mut self.rows) {
            active.n_rows = rows.len();
            rows.note_committed()?;
        }
        Ok(())
    }

    /// Appends embeddings with their owners, and syncs them.
    pub(super) fn append(&mut self, embeddings: &[Vec<f32>], owners: &[Owner]) -> Result<()> {
        assert_eq!(embeddings.len(), owners.len(), "an embedding each");
        let Some(active) = self.space.as_ref().filter(|_| !embeddings.is_empty()) else {
            return Ok(());
        };
        let rows = match &mut self.rows {
            Some(rows) if rows.len() == active.n_rows => rows,
            stale => {
                let path = active.rows_path(&self.layout);
                let (dim, n_rows) = (active.space.dim, active.n_rows);
                stale.insert(RowWriter::open(&path, dim, n_rows, active.identity)?)
            }
        };
        for (embedding, owner) in embeddings.iter().zip(owners) {
            rows.append(embedding, *owner)?;
        }
        rows.sync()?;
        step::reached(Step::RowsSynced);
        Ok(())
    }

    /// Removes papers. They are never returned again; a dump that has them stores them as new
    /// papers.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn remove(&mut self, keys: &[PaperKey]) -> Result<()> {
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        forget(&tx, keys).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        step::reached(Step::Committed);
        Ok(())
    }
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cell_size_check", true)?;
    // Negative: in KiB.
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    db.pragma_update(None, "foreign_keys", true)
}
