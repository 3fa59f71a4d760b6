//! A library as its one writer sees it.
//!
//! The commit protocol is in [`Writer::commit`] and nowhere else: rows appended, rows synced,
//! one transaction that counts them.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::lists::{store_listing, store_votes};
use super::lock::WriterLock;
use super::read::{ActiveSpace, active_space};
use super::record::{self, Columns};
use super::schema;
use super::{BUSY_TIMEOUT, Layout, PaperKey, SourceRecord, Space};
use akin_base::error::{Error, Result};
use akin_base::paper::{Authority, Notice, Paper, PaperId, TextHash, Votes};
use akin_base::step::{self, Step};
use akin_base::vectors::{Identity, Owner, Row, RowWriter};

/// A library, open for writing; there is at most one at any time.
#[derive(Debug)]
pub struct Writer {
    pub(super) layout: Layout,
    pub(super) db: Connection,
    pub(super) space: Option<ActiveSpace>,
    pub(super) rows: Option<RowWriter>,
    /// The owners of the embeddings that what is staged waits for.
    staged: Vec<Owner>,
    _lock: WriterLock,
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
    /// The records that it was made of, at least one.
    pub sources: Vec<SourceRecord>,
    /// Whether the user says that it was not withdrawn, whatever a record says.
    pub is_restored: bool,
    /// Papers that this one takes the place of: their ids, days and records become its own.
    pub absorbed: Vec<PaperKey>,
    /// Whether it gets a new embedding; where not, the one that is there stays, unless the paper is
    /// [withdrawn](Notice::Withdrawn): then it goes.
    pub wants_embedding: bool,
}

impl Change {
    /// A new paper, made of these records, that gets no embedding yet.
    pub fn new(paper: Paper, sources: Vec<SourceRecord>) -> Change {
        Change {
            key: None,
            paper,
            record_hashes: Vec::new(),
            forgets_earlier_records: false,
            listed: Vec::new(),
            sources,
            is_restored: false,
            absorbed: Vec::new(),
            wants_embedding: false,
        }
    }
}

/// What happens to papers and records in one [commit](Writer::commit).
#[derive(Debug, Default)]
pub struct Batch {
    /// Papers to store or to change.
    pub changes: Vec<Change>,
    /// Days of papers that are otherwise unchanged.
    pub listings: Vec<(PaperKey, Date)>,
    /// Votes of papers that are otherwise unchanged.
    pub votes: Vec<(PaperKey, Votes)>,
    /// Papers to forget.
    pub removed: Vec<PaperKey>,
    /// Ids that are never to be merged again.
    pub splits: Vec<(PaperId, PaperId)>,
}

impl Batch {
    /// The passages, by `passage_of`, of the papers that want an embedding.
    pub fn passages(&self, passage_of: impl Fn(&Paper) -> String) -> Vec<String> {
        let wanting = self.changes.iter().filter(|change| change.wants_embedding);
        wanting.map(|change| passage_of(&change.paper)).collect()
    }
}

/// What one run of `add` has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestCounts {
    /// Records read.
    pub n_read: u64,
    /// Papers stored that were not there.
    pub n_stored: u64,
    /// Papers changed.
    pub n_changed: u64,
    /// Records that said nothing new.
    pub n_unchanged: u64,
    /// Records that became part of a paper that another source had brought.
    pub n_merged: u64,
    /// Records that said a paper is gone, which it now is.
    pub n_deleted: u64,
    /// Records rejected.
    pub n_rejected: u64,
    /// Passages cut to the token limit.
    pub n_truncated: u64,
    /// Of the papers stored, those kept apart from another work that has their id.
    pub n_kept_apart: u64,
    /// Of the papers stored or changed, those that say that they were withdrawn.
    pub n_withdrawn: u64,
}

impl IngestCounts {
    /// The counts of two parts together.
    #[must_use]
    pub fn plus(&self, other: &IngestCounts) -> IngestCounts {
        IngestCounts {
            n_read: self.n_read + other.n_read,
            n_stored: self.n_stored + other.n_stored,
            n_changed: self.n_changed + other.n_changed,
            n_unchanged: self.n_unchanged + other.n_unchanged,
            n_merged: self.n_merged + other.n_merged,
            n_deleted: self.n_deleted + other.n_deleted,
            n_rejected: self.n_rejected + other.n_rejected,
            n_truncated: self.n_truncated + other.n_truncated,
            n_kept_apart: self.n_kept_apart + other.n_kept_apart,
            n_withdrawn: self.n_withdrawn + other.n_withdrawn,
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

    /// Stores a batch with its embeddings: all of it, or after a kill at any instant nothing of it.
    /// It is [`stage`](Writer::stage) and [`commit_staged`](Writer::commit_staged) in one.
    ///
    /// # Errors
    /// As those two.
    pub fn commit(
        &mut self,
        batch: &Batch,
        embeddings: &[Vec<f32>],
        ingest: (i64, &IngestCounts),
    ) -> Result<()> {
        self.stage(batch)?;
        self.commit_staged(embeddings, ingest)
    }

    /// Stores all of a batch but its embeddings, in a transaction that stays open: what was staged
    /// is seen by this writer's [lookups](Writer::lookup) and by nobody else.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::LibraryEmpty`] if embeddings are wanted and there is no space.
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
        self.db.execute_batch("BEGIN IMMEDIATE").map_err(&fail)?;
        if let Err(error) = store_batch(&self.db, self.space.as_ref(), batch) {
            let error = fail(error);
            self.unstage()?;
            return Err(error);
        }
        self.staged = owners;
        step::reached(Step::Staged);
        Ok(())
    }

    /// Ends what [`stage`](Writer::stage) began: appends the embeddings, shape `[dim]` each, those
    /// of the changes that want one in their order, and commits. After an error nothing is staged.
    ///
    /// `ingest` is the run's key and its counts with this batch included.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Database`].
    pub fn commit_staged(
        &mut self,
        embeddings: &[Vec<f32>],
        ingest: (i64, &IngestCounts),
    ) -> Result<()> {
        let outcome = self.complete(embeddings, ingest);
        if outcome.is_err() {
            // What went wrong first is what matters; closing the database rolls back as well.
            let _ = self.unstage();
        }
        outcome
    }

    /// Takes back what was staged.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn unstage(&mut self) -> Result<()> {
        self.staged.clear();
        if self.db.is_autocommit() {
            return Ok(());
        }
        let fail = self.layout.database_error();
        self.db.execute_batch("ROLLBACK").map_err(fail)
    }

    fn complete(&mut self, embeddings: &[Vec<f32>], ingest: (i64, &IngestCounts)) -> Result<()> {
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

    /// Appends embeddings with their owners and syncs them.
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

    /// Notes that a run of `add` begins; the key is for [`Writer::commit`].
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn begin_ingest(&mut self, dumps: &[String]) -> Result<i64> {
        let names = serde_json::to_string(dumps).expect("names are plain data");
        let sql = "INSERT INTO ingests VALUES (NULL, ?, NULL, ?, 0, 0, 0, 0, 0, 0, 0, 0)";
        self.db
            .execute(sql, (Timestamp::now().to_string(), names))
            .map_err(self.layout.database_error())?;
        Ok(self.db.last_insert_rowid())
    }

    /// Notes that a run of `add` is complete.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn finish_ingest(&mut self, key: i64, counts: &IngestCounts) -> Result<()> {
        let finish = |db: &Connection| {
            store_counts(db, key, counts)?;
            let sql = "UPDATE ingests SET finished = ? WHERE key = ?";
            db.execute(sql, (Timestamp::now().to_string(), key))
        };
        finish(&self.db).map_err(self.layout.database_error())?;
        Ok(())
    }

    /// How far a feed has been pulled, as [`Writer::set_pull_state`] was told.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn pull_state(&self, feed: &str) -> Result<Option<String>> {
        let sql = "SELECT state FROM pulls WHERE feed = ?";
        let state = self.db.query_row(sql, [feed], |row| row.get(0)).optional();
        state.map_err(self.layout.database_error())
    }

    /// Notes how far a feed has been pulled.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn set_pull_state(&mut self, feed: &str, state: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO pulls VALUES (?, ?)";
        let stored = self.db.execute(sql, (feed, state));
        stored.map_err(self.layout.database_error())?;
        Ok(())
    }

    /// Forgets papers: they are never returned again, and a dump that has them stores them anew.
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
    db.pragma_update(None, "foreign_keys", true)
}

pub(super) fn insert_space(
    tx: &Transaction,
    space: &Space,
    (generation, identity): (i64, Identity),
    answers: bool,
) -> rusqlite::Result<()> {
    if answers {
        tx.execute("UPDATE spaces SET active = 0", [])?;
    }
    tx.execute(
        "INSERT INTO spaces VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (
            &space.name,
            space.fingerprint,
            space.dim,
            &space.recipe,
            &space.source,
            generation,
            answers,
            identity,
        ),
    )?;
    Ok(())
}

/// Stores all of a batch but the bytes of its embeddings, whose rows will follow those that count.
fn store_batch(
    db: &Connection,
    active: Option<&ActiveSpace>,
    batch: &Batch,
) -> rusqlite::Result<()> {
    forget(db, &batch.removed)?;
    let mut next_row = active.map_or(0, |active| active.n_rows);
    for change in &batch.changes {
        let key = store_paper(db, change)?;
        if let (Some(active), true) = (active, change.wants_embedding) {
            let row = Row(u32::try_from(next_row).expect("fewer than 2^32 rows"));
            store_row(db, active.key, key, row, change.paper.text_hash())?;
            next_row += 1;
        }
    }
    for &(paper, date) in &batch.listings {
        store_listing(db, paper, date)?;
    }
    for (paper, votes) in &batch.votes {
        store_votes(db, *paper, votes)?;
    }
    for (one, other) in &batch.splits {
        let sql = "INSERT OR IGNORE INTO splits VALUES (?, ?)";
        let pair = (one.min(other).as_str(), one.max(other).as_str());
        db.prepare_cached(sql)?.execute(pair)?;
    }
    Ok(())
}

/// Deletes papers; their rows are dead.
fn forget(db: &Connection, keys: &[PaperKey]) -> rusqlite::Result<()> {
    for key in keys {
        kill_rows(db, *key)?;
        let mut delete = db.prepare_cached("DELETE FROM papers WHERE key = ?")?;
        delete.execute([key.0])?;
    }
    Ok(())
}

fn kill_rows(db: &Connection, key: PaperKey) -> rusqlite::Result<()> {
    let sql = "INSERT INTO dead_rows SELECT space, row FROM embeddings WHERE paper = ?";
    db.prepare_cached(sql)?.execute([key.0])?;
    Ok(())
}

fn store_paper(db: &Connection, change: &Change) -> rusqlite::Result<PaperKey> {
    let paper = &change.paper;
    let (json, sum) = record::to_stored(paper);
    // It may go by the id of one that becomes part of it.
    for other in &change.absorbed {
        db.prepare_cached("UPDATE papers SET id = '@#' || key WHERE key = ?")?
            .execute([other.0])?;
    }
    let key = store_columns(db, change.key, Columns::of(paper))?;
    // A paper of one source says whose word it is; of several, `sources` does.
    let only = match &change.sources[..] {
        [only] => Some(only),
        _ => None,
    };
    let collection = only.map_or("", |source| &source.collection);
    let authority = only.map_or_else(Authority::default, |source| source.authority);
    db.prepare_cached(
        "INSERT OR REPLACE INTO records (paper, json, sum, collection, authority, restored)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        key.0,
        json,
        sum,
        collection,
        authority.to_string(),
        change.is_restored,
    ))?;
    if change.forgets_earlier_records {
        db.prepare_cached("DELETE FROM record_hashes WHERE paper = ?")?
            .execute([key.0])?;
    }
    absorb(db, key, &change.absorbed)?;
    for hash in &change.record_hashes {
        db.prepare_cached("INSERT OR IGNORE INTO record_hashes VALUES (?, ?)")?
            .execute((key.0, hash.0))?;
    }
    if change.key.is_some() {
        db.prepare_cached("DELETE FROM aliases WHERE paper = ?")?
            .execute([key.0])?;
    }
    for alias in &paper.aliases {
        db.prepare_cached("INSERT OR IGNORE INTO aliases VALUES (?, ?)")?
            .execute((alias.as_str(), key.0))?;
    }
    for &date in &change.listed {
        store_listing(db, key, date)?;
    }
    store_sources(db, key, change)?;
    if paper.notice == Some(Notice::Withdrawn) {
        kill_rows(db, key)?;
        db.prepare_cached("DELETE FROM embeddings WHERE paper = ?")?
            .execute([key.0])?;
    }
    Ok(key)
}

/// Writes the columns of a paper that is there, or of a new one.
pub(super) fn store_columns(
    db: &Connection,
    key: Option<PaperKey>,
    columns: Columns,
) -> rusqlite::Result<PaperKey> {
    let sql = "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?)
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

/// Gives what belongs to other papers to `key`, and deletes them.
fn absorb(db: &Connection, key: PaperKey, others: &[PaperKey]) -> rusqlite::Result<()> {
    for other in others {
        for sql in [
            "INSERT OR IGNORE INTO record_hashes SELECT ?1, hash FROM record_hashes WHERE paper = ?2",
            "INSERT OR IGNORE INTO listings SELECT date, ?1 FROM listings WHERE paper = ?2",
            "UPDATE aliases SET paper = ?1 WHERE paper = ?2",
        ] {
            db.prepare_cached(sql)?.execute((key.0, other.0))?;
        }
    }
    forget(db, others)
}

/// Writes the records that a paper was made of in place of those there are; a single one that is the
/// paper is not written twice.
fn store_sources(db: &Connection, key: PaperKey, change: &Change) -> rusqlite::Result<()> {
    if change.key.is_some() {
        db.prepare_cached("DELETE FROM sources WHERE paper = ?")?
            .execute([key.0])?;
    }
    if let [only] = &change.sources[..]
        && only.paper == change.paper
    {
        return Ok(());
    }
    for (place, source) in change.sources.iter().enumerate() {
        let (json, sum) = record::to_stored(&source.paper);
        let values = (
            key.0,
            place,
            &source.collection,
            source.authority.to_string(),
            json,
            sum,
            &source.why,
            &source.merged,
        );
        let sql =
            "INSERT INTO sources (paper, place, collection, authority, json, sum, why, merged)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        db.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

pub(super) fn store_row(
    db: &Connection,
    space: i64,
    key: PaperKey,
    row: Row,
    text_hash: TextHash,
) -> rusqlite::Result<()> {
    let old: Option<u32> = db
        .prepare_cached("SELECT row FROM embeddings WHERE space = ? AND paper = ?")?
        .query_row((space, key.0), |row| row.get(0))
        .optional()?;
    if let Some(old) = old {
        db.prepare_cached("INSERT INTO dead_rows VALUES (?, ?)")?
            .execute((space, old))?;
    }
    db.prepare_cached("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)")?
        .execute((space, key.0, row.0, text_hash.0))?;
    Ok(())
}

fn store_counts(db: &Connection, key: i64, counts: &IngestCounts) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE ingests SET n_read = ?, n_stored = ?, n_changed = ?, n_unchanged = ?,
         n_merged = ?, n_deleted = ?, n_rejected = ?, n_truncated = ? WHERE key = ?",
    )?
    .execute((
        counts.n_read,
        counts.n_stored,
        counts.n_changed,
        counts.n_unchanged,
        counts.n_merged,
        counts.n_deleted,
        counts.n_rejected,
        counts.n_truncated,
        key,
    ))?;
    Ok(())
}

/// Draws what a row file is to be known by.
pub(super) fn draw_identity(db: &Connection) -> rusqlite::Result<Identity> {
    db.query_row("SELECT randomblob(16)", [], |row| row.get(0))
}

/// Puts a folder's entries on the disk, where the system knows such a thing.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(Error::write(path))?;
        step::synced(path);
    }
    Ok(())
}
