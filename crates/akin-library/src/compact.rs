//! Compaction: the rows of replaced and removed papers leave the disk.
//!
//! The live rows are copied, in order, to the next generation. The protocol is in
//! [`Writer::compact`] alone: rows written, rows synced, one transaction that renumbers them, the
//! old file deleted, the database shrunk. A kill leaves the old state before the transaction and
//! the new state after it. Files of another generation may remain; the next compaction deletes
//! them.

use std::path::Path;

use rusqlite::Connection;

use super::folder::dear_bytes;
use super::journal::forget_change;
use super::keys::PaperKey;
use super::layout::{BUSY_TIMEOUT, sync_folder};
use super::record::owner;
use super::space::{ActiveSpace, active_space};
use super::store::draw_identity;
use super::write::Writer;
use akin_base::error::{Error, Result};
use akin_base::paper::TextHash;
use akin_base::progress::{Observer, Stage};
use akin_base::step::{self, Step};
use akin_base::vectors::{Identity, Row, RowFile, RowWriter};

/// Rows between two reports of progress and checks for a requested stop.
const STEP_ROWS: usize = 1024;

/// The result of a compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Rows of the active space, all live.
    pub n_rows: u64,
    /// Dropped rows of replaced and removed papers.
    pub n_dropped: u64,
    /// Bytes of the database and of the row files before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
}

impl Writer {
    /// Drops the active space's rows of replaced and removed papers, deletes leftovers of earlier
    /// writers, and frees unused space in the database.
    ///
    /// Open readers keep the state that they see. Rows get other numbers, so the index must be
    /// rebuilt.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a live row is damaged, and [`Error::Interrupted`] if the observer asks
    /// to stop; neither loses anything. [`Error::Read`], [`Error::Write`], [`Error::Database`].
    pub fn compact(&mut self, observer: &dyn Observer) -> Result<Compaction> {
        let bytes_before = dear_bytes(&self.layout)?;
        // What was removed is to leave the disk, from every table.
        let forget = |db: &mut Connection| {
            let tx = db.transaction()?;
            forget_change(&tx)?;
            tx.commit()
        };
        forget(&mut self.db).map_err(self.layout.database_error())?;
        self.change = None;
        let n_dropped = self.drop_dead_rows(observer)?;
        self.remove_leftovers()?;
        step::reached(Step::LeftoversRemoved);
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        shrink(&self.db, n_dropped > 0).map_err(self.layout.database_error())?;
        Ok(Compaction {
            n_rows: self.space.as_ref().map_or(0, |active| active.n_rows as u64),
            n_dropped,
            bytes_before,
            bytes_after: dear_bytes(&self.layout)?,
        })
    }

    /// Brings the active space to its next generation if any row is dead; returns the number of
    /// dead rows.
    fn drop_dead_rows(&mut self, observer: &dyn Observer) -> Result<u64> {
        let fail = self.layout.database_error();
        let Some(active) = self.space.clone() else {
            return Ok(0);
        };
        let live = live_rows(&self.db, active.key).map_err(&fail)?;
        let n_dead = n_dead_rows(&self.db, active.key).map_err(&fail)?;
        if live.len() == active.n_rows && n_dead == 0 {
            return Ok(0);
        }
        let old = active.open_rows(&self.layout)?;
        self.renew_rows(&active, Some(&old), &live, &[], observer)?;
        Ok(active.n_rows.saturating_sub(live.len()) as u64)
    }

    /// Brings a space to its next generation: the rows of `live` in their order, none for the papers
    /// of `lost`. The old row file is a leftover afterwards.
    pub(super) fn renew_rows(
        &mut self,
        active: &ActiveSpace,
        old: Option<&RowFile>,
        live: &[LiveRow],
        lost: &[PaperKey],
        observer: &dyn Observer,
    ) -> Result<()> {
        let fail = self.layout.database_error();
        let identity = draw_identity(&self.db).map_err(&fail)?;
        let next = ActiveSpace {
            generation: active.generation + 1,
            n_rows: live.len(),
            identity: Some(identity),
            ..active.clone()
        };
        let path = next.rows_path(&self.layout);
        let made = (&*path, next.space.dim, identity);
        let mut rows = copy_rows(old, live, made, observer).inspect_err(|_| {
            // One that cannot be deleted now is a leftover for the next compaction.
            let _ = std::fs::remove_file(&path);
        })?;
        sync_folder(&self.layout.space(&next.space.name))?;
        step::reached(Step::RowsCopied);
        switch(&mut self.db, &next, live, lost).map_err(&fail)?;
        step::reached(Step::Committed);
        rows.note_committed()?;
        self.rows = Some(rows);
        self.space = active_space(&self.db).map_err(&fail)?;
        Ok(())
    }
}

/// A live row.
#[derive(Debug, Clone, Copy)]
pub(super) struct LiveRow {
    pub(super) paper: PaperKey,
    pub(super) row: Row,
    /// The hash of its text.
    pub(super) text: TextHash,
}

/// The live rows of a space, in order.
fn live_rows(db: &Connection, space: i64) -> rusqlite::Result<Vec<LiveRow>> {
    let sql = "SELECT paper, row, text_hash FROM embeddings WHERE space = ? ORDER BY row";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([space], |found| {
        Ok(LiveRow {
            paper: PaperKey(found.get(0)?),
            row: Row(found.get(1)?),
            text: TextHash(found.get(2)?),
        })
    })?;
    rows.collect()
}

fn n_dead_rows(db: &Connection, space: i64) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM dead_rows WHERE space = ?";
    db.query_row(sql, [space], |row| row.get(0))
}

/// Writes the live rows to a new file, and syncs it.
fn copy_rows(
    old: Option<&RowFile>,
    live: &[LiveRow],
    (path, dim, identity): (&Path, usize, Identity),
    observer: &dyn Observer,
) -> Result<RowWriter> {
    observer.begin(Stage::Compact, Some(live.len() as u64));
    let mut rows = RowWriter::create(path, dim, identity)?;
    let mut vector = vec![0.0; dim];
    for step in live.chunks(STEP_ROWS) {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        for live in step {
            let old = old.expect("rows that live are in a file");
            // f16 to f32 and back is exact.
            old.read_into(live.row, &mut vector)?;
            let owner = old.owner(live.row)?.unwrap_or(owner(live.text));
            rows.append(&vector, owner)?;
        }
        observer.advance(step.len() as u64);
    }
    rows.sync()?;
    observer.end();
    Ok(rows)
}

/// Makes `next` the state of its space, the rows of `live` numbered in their order; the papers of
/// `lost` have none.
fn switch(
    db: &mut Connection,
    next: &ActiveSpace,
    live: &[LiveRow],
    lost: &[PaperKey],
) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    for paper in lost {
        let sql = "DELETE FROM embeddings WHERE space = ? AND paper = ?";
        tx.prepare_cached(sql)?.execute((next.key, paper.0))?;
    }
    {
        // In this order no row is given a number that another one still has.
        let sql = "UPDATE embeddings SET row = ? WHERE space = ? AND paper = ?";
        let mut renumber = tx.prepare(sql)?;
        for (number, live) in live.iter().enumerate() {
            if number != live.row.idx() {
                renumber.execute((number, next.key, live.paper.0))?;
            }
        }
    }
    tx.execute("DELETE FROM dead_rows WHERE space = ?", [next.key])?;
    tx.execute(
        "UPDATE spaces SET generation = ?, n_rows = ?, rows_identity = ? WHERE key = ?",
        (next.generation, next.n_rows, next.identity, next.key),
    )?;
    tx.commit()
}

/// Frees the database's unused pages, and empties its log.
fn shrink(db: &Connection, is_changed: bool) -> rusqlite::Result<()> {
    let n_free: u64 = db.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    if is_changed || n_free > 0 {
        db.execute_batch("VACUUM")?;
    }
    // Where a reader needs the log, the last to close the database empties it.
    db.busy_timeout(std::time::Duration::ZERO)?;
    let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    db.busy_timeout(BUSY_TIMEOUT)?;
    match emptied {
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::super::filter::Filter;
    use super::super::read::Library;
    use super::super::testdata::{DIM, add, library_of, remove, state, vector};
    use super::*;
    use akin_base::progress::Unobserved;

    /// Names in the folder of the test space.
    fn files(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root.join("spaces/test")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Twelve papers of which one was replaced and three were removed: four dead rows of 13.
    fn worn(root: &Path) -> Writer {
        let mut writer = library_of(root, 12);
        add(&mut writer, "p4", 1);
        remove(&mut writer, &["p0", "p7", "p11"]);
        writer
    }

    #[test]
    fn the_rows_that_live_keep_their_numbers_order_and_values() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = worn(dir.path());
        let before = state(dir.path());
        let done = writer.compact(&Unobserved).unwrap();
        assert_eq!((done.n_rows, done.n_dropped), (9, 4));
        assert!(done.bytes_after < done.bytes_before, "{done:?}");
        assert_eq!(state(dir.path()), before);
        assert_eq!(files(dir.path()), ["vectors-1.f16"]);

        let library = Library::open(dir.path()).unwrap();
        assert_eq!(library.rows().unwrap().len(), 9);
        assert_eq!(library.status().unwrap().n_dead_rows, 0);
        assert_eq!(library.allowed(&Filter::default()).unwrap(), None);
        let row = |id| library.find(id).unwrap().row.unwrap();
        assert_eq!(row("p1"), Row(0));
        assert_eq!(row("p10"), Row(7));
        assert_eq!(row("p4"), Row(8), "it was embedded last");
        assert!(library.find("p7").is_err());
        assert!(library.index_dir().unwrap().ends_with("index-1"));
    }

    #[test]
    fn nothing_to_drop_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 5);
        let done = writer.compact(&Unobserved).unwrap();
        assert_eq!((done.n_rows, done.n_dropped), (5, 0));
        assert_eq!(files(dir.path()), ["vectors-0.f16"]);
        let empty = tempfile::tempdir().unwrap();
        let mut writer = Writer::open_or_create(empty.path(), "a test").unwrap();
        assert_eq!(writer.compact(&Unobserved).unwrap().n_rows, 0);
    }

    #[test]
    fn papers_are_added_and_dropped_after_a_compaction_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = worn(dir.path());
        writer.compact(&Unobserved).unwrap();
        add(&mut writer, "new", 0);
        drop(writer);
        let mut writer = Writer::open(dir.path(), "a test").unwrap();
        add(&mut writer, "newer", 0);
        remove(&mut writer, &["p1"]);
        let before = state(dir.path());
        assert_eq!(before["new"], vector("new", 0));
        assert_eq!(writer.compact(&Unobserved).unwrap().n_dropped, 1);
        assert_eq!(state(dir.path()), before);
        assert_eq!(files(dir.path()), ["vectors-2.f16"]);
        remove(&mut writer, &["new", "newer"]);
        let ids: Vec<String> = state(dir.path()).into_keys().collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        remove(&mut writer, &ids);
        assert_eq!(writer.compact(&Unobserved).unwrap().n_rows, 0);
        assert_eq!(state(dir.path()).len(), 0);
    }

    #[test]
    fn what_a_kill_leaves_is_deleted_by_the_next_compaction() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = worn(dir.path());
        let before = state(dir.path());
        let space = dir.path().join("spaces/test");
        // Before the transaction: a part of the next generation.
        fs::write(space.join("vectors-1.f16"), "half a row").unwrap();
        assert_eq!(state(dir.path()), before);
        // After it: the rows and the index of the last one.
        let old = fs::read(space.join("vectors-0.f16")).unwrap();
        assert_eq!(writer.compact(&Unobserved).unwrap().n_dropped, 4);
        fs::write(space.join("vectors-0.f16"), old).unwrap();
        fs::create_dir(space.join("index-0")).unwrap();
        fs::write(space.join("index-0/manifest.json"), "{}").unwrap();
        assert_eq!(state(dir.path()), before);
        assert_eq!(writer.compact(&Unobserved).unwrap().n_dropped, 0);
        assert_eq!(files(dir.path()), ["vectors-1.f16"]);
        assert_eq!(state(dir.path()), before);
    }

    #[test]
    fn a_damaged_row_is_named_and_not_copied() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = worn(dir.path());
        let path = dir.path().join("spaces/test/vectors-0.f16");
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() - 2 * akin_base::vectors::stride_bytes(DIM) - 1;
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let library = Library::open(dir.path()).unwrap();
        assert!(library.rows().unwrap().row(Row(10)).is_err());
        let error = writer.compact(&Unobserved).unwrap_err().to_string();
        assert!(
            error.contains("vectors-0.f16") && error.contains("row 10"),
            "{error}"
        );
        assert_eq!(files(dir.path()), ["vectors-0.f16"]);
        assert_eq!(library.status().unwrap().n_rows, 13);
        // A dead row may be damaged: nobody wants it.
        remove(&mut writer, &["p10"]);
        assert_eq!(writer.compact(&Unobserved).unwrap().n_dropped, 5);
    }

    /// Asks to stop once it has been asked so often.
    struct StopsAt(usize, AtomicUsize);

    impl Observer for StopsAt {
        fn stop_requested(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed) >= self.0
        }
    }

    #[test]
    fn a_stop_loses_nothing_whenever_it_comes() {
        let mut was_refused = [false, false];
        for n_asked in 0..5 {
            let dir = tempfile::tempdir().unwrap();
            let mut writer = worn(dir.path());
            let before = state(dir.path());
            let outcome = writer.compact(&StopsAt(n_asked, AtomicUsize::new(0)));
            let is_stopped = matches!(outcome, Err(Error::Interrupted));
            assert!(is_stopped || outcome.is_ok(), "{outcome:?}");
            was_refused[usize::from(is_stopped)] = true;
            assert_eq!(state(dir.path()), before);
            assert_eq!(files(dir.path()).len(), 1);
            assert_eq!(writer.compact(&Unobserved).unwrap().n_rows, 9);
            assert_eq!(state(dir.path()), before);
        }
        assert_eq!(was_refused, [true, true]);
    }

    #[test]
    fn a_reader_keeps_what_it_saw_when_it_opened() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = worn(dir.path());
        let reader = Library::open(dir.path()).unwrap();
        writer.compact(&Unobserved).unwrap();
        add(&mut writer, "new", 0);
        let row = reader.find("p10").unwrap().row.unwrap();
        assert_eq!(row, Row(10));
        assert_eq!(
            reader.rows().unwrap().vector(row).unwrap(),
            vector("p10", 0)
        );
        assert_eq!(reader.paper_at(row).unwrap().id.as_str(), "p10");
        assert_eq!(reader.status().unwrap().n_dead_rows, 4);
        assert!(reader.find("new").is_err());
    }

    #[test]
    fn a_library_can_be_opened_at_any_instant_of_a_compaction() {
        const N_COMPACTIONS: usize = 30;
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let is_over = AtomicBool::new(false);
        let n_seen = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut generations = std::collections::HashSet::new();
                while !is_over.load(Ordering::Relaxed) {
                    let library = Library::open(dir.path()).unwrap();
                    let rows = library.rows().unwrap();
                    let row = library.find("p1").unwrap().row.unwrap();
                    assert_eq!(rows.vector(row).unwrap(), vector("p1", 0));
                    generations.insert(library.index_dir());
                }
                generations.len()
            });
            for _ in 0..N_COMPACTIONS {
                add(&mut writer, "another", 0);
                remove(&mut writer, &["another"]);
                assert_eq!(writer.compact(&Unobserved).unwrap().n_dropped, 1);
            }
            is_over.store(true, Ordering::Relaxed);
            reader.join().unwrap()
        });
        assert!(n_seen > 0);
    }

    #[test]
    fn a_library_without_its_rows_opens_and_says_so_when_they_are_wanted() {
        let dir = tempfile::tempdir().unwrap();
        drop(library_of(dir.path(), 3));
        fs::remove_file(dir.path().join("spaces/test/vectors-0.f16")).unwrap();
        let library = Library::open(dir.path()).unwrap();
        assert_eq!(library.status().unwrap().n_papers, 3);
        let error = library.rows().unwrap_err().to_string();
        assert!(error.contains("vectors-0.f16"), "{error}");
    }
}
