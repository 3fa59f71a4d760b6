//! The last change of a library, and how it is taken back.
//!
//! A *change* is all that one writer does to papers between its opening and its end: a run of `add`,
//! a removal, a split. In: the papers as they were before they were first touched, which `journal.rs`
//! keeps. Out: [`LastChange`], which [`Writer::undo`] takes
//! back.
//!
//! ```text
//! papers with keys above `after`   new: they are removed
//! papers in `undo_papers` …        touched: they are put back as they were
//! rows of either                   dead, and live again where a paper with their text is back
//! ```
//!
//! Invariants:
//! - What is kept is committed in the transaction of what it describes, so a kill loses neither
//!   without the other.
//! - New papers cost nothing. Each paper that was there before costs a copy of its record, once. Past
//!   a number of them nothing is kept, and the change cannot be taken back.
//! - One change is kept: the next one replaces it, and a compaction forgets it.
//! - A change that was cut off and is begun once more by the same command is one change.
//!
//! The runs of `add` in `ingests`, follows and what was sent of them stay as they are.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::journal::{KEPT, forget_change};
use super::keys::PaperKey;
use super::read::Library;
use super::store::{forget, revive_rows};
use super::write::Writer;
use akin_base::error::Result;
use akin_base::paper::PaperId;
use akin_base::step::{self, Step};

/// Removed papers that are named.
const MOST_NAMED: usize = 3;

/// The last change of a library's papers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastChange {
    /// The command that made it, such as `akin add`.
    pub command: String,
    /// What the command was given: the names of dumps, or some of the removed papers' ids.
    pub names: Vec<String>,
    /// When it began.
    pub begun: Timestamp,
    /// Papers that it stored.
    pub n_new: u64,
    /// Papers that it changed, and that are still there.
    pub n_changed: u64,
    /// Papers that it removed, or that became part of others.
    pub n_gone: u64,
    /// Whether it can be taken back: not if too many papers were changed.
    pub is_kept: bool,
}

impl Library {
    /// The last change, if there is one that has not been taken back.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn last_change(&self) -> Result<Option<LastChange>> {
        last_change(&self.db).map_err(self.layout.database_error())
    }
}

impl Writer {
    /// The last change, if there is one that has not been taken back.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn last_change(&self) -> Result<Option<LastChange>> {
        last_change(&self.db).map_err(self.layout.database_error())
    }

    /// Whether what this writer has changed so far can be taken back.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn is_change_kept(&self) -> Result<bool> {
        if self.change.is_none() {
            return Ok(true);
        }
        let sql = "SELECT is_kept FROM last_change";
        let kept = self.db.query_row(sql, [], |row| row.get(0));
        kept.map_err(self.layout.database_error())
    }

    /// Takes the last change back, in one transaction, and returns it; `None` if there is none that
    /// can be taken back. Indexes are to be updated afterwards.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn undo(&mut self) -> Result<Option<LastChange>> {
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        let change = last_change(&tx).map_err(&fail)?;
        let Some(change) = change.filter(|change| change.is_kept) else {
            return Ok(None);
        };
        take_back(&tx).map_err(&fail)?;
        forget_change(&tx).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        self.change = None;
        step::reached(Step::Committed);
        Ok(Some(change))
    }

    /// Begins this writer's change inside of its transaction, unless it has begun.
    pub(super) fn begin_change(&mut self) -> rusqlite::Result<()> {
        if self.change.is_some() {
            return Ok(());
        }
        let names = serde_json::to_string(&self.names).expect("names are plain data");
        let db = &self.db;
        // Of this writer, before it rolled a batch back; or of one that was cut off.
        let sql = "SELECT begun FROM last_change WHERE command = ? AND names = ? AND NOT finished";
        let unfinished: Option<String> = db
            .query_row(sql, (&self.holder, &names), |row| row.get(0))
            .optional()?;
        let begun = match unfinished {
            Some(begun) => begun,
            None => {
                let begun = Timestamp::now().to_string();
                forget_change(db)?;
                let sql = "INSERT INTO last_change
                    SELECT ?, ?, ?, 0, coalesce(max(key), 0), 0, 1 FROM papers";
                db.execute(sql, (&self.holder, &names, &begun))?;
                begun
            }
        };
        self.change = Some(begun);
        Ok(())
    }

    /// Notes that the command of this writer's change came to its end.
    pub(super) fn finish_change(&self) -> rusqlite::Result<()> {
        if self.change.is_some() {
            self.db.execute("UPDATE last_change SET finished = 1", [])?;
        }
        Ok(())
    }
}

fn last_change(db: &Connection) -> rusqlite::Result<Option<LastChange>> {
    let sql = "SELECT command, names, begun, is_kept,
        (SELECT count(*) FROM papers WHERE key > after),
        (SELECT count(*) FROM undo_papers WHERE EXISTS
            (SELECT 1 FROM papers WHERE papers.key = undo_papers.key AND papers.key <= after)),
        n_touched FROM last_change";
    let found = db.query_row(sql, [], |row| {
        let (names, begun): (String, String) = (row.get(1)?, row.get(2)?);
        let (n_changed, n_touched): (u64, u64) = (row.get(5)?, row.get(6)?);
        Ok(LastChange {
            command: row.get(0)?,
            names: serde_json::from_str(&names).unwrap_or_default(),
            begun: begun.parse().unwrap_or_default(),
            n_new: row.get(4)?,
            n_changed,
            n_gone: n_touched.saturating_sub(n_changed),
            is_kept: row.get(3)?,
        })
    });
    let Some(mut change) = found.optional()? else {
        return Ok(None);
    };
    if change.names.is_empty() {
        change.names = removed(db)?;
    }
    Ok(Some(change))
}

/// The ids of the first papers that the last change removed.
fn removed(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT id FROM undo_papers WHERE NOT EXISTS
        (SELECT 1 FROM papers WHERE papers.key = undo_papers.key) ORDER BY key LIMIT ?";
    let mut statement = db.prepare(sql)?;
    let ids = statement.query_map([MOST_NAMED], |row| row.get::<_, String>(0))?;
    ids.map(|id| id.map(|id| PaperId::from_stored(&id).to_string()))
        .collect()
}

fn take_back(db: &Connection) -> rusqlite::Result<()> {
    let touched = "SELECT key FROM papers WHERE key > (SELECT after FROM last_change)
        UNION SELECT papers.key FROM papers JOIN undo_papers ON undo_papers.key = papers.key";
    let touched: Vec<PaperKey> = db
        .prepare(touched)?
        .query_map([], |row| row.get(0).map(PaperKey))?
        .collect::<rusqlite::Result<_>>()?;
    forget(db, &touched)?;
    for (table, _) in KEPT {
        db.execute(
            &format!("INSERT INTO {table} SELECT * FROM undo_{table}"),
            [],
        )?;
    }
    db.execute_batch(
        "DELETE FROM splits WHERE EXISTS
            (SELECT 1 FROM undo_splits WHERE undo_splits.a = splits.a AND undo_splits.b = splits.b);
         DELETE FROM pulls WHERE feed IN (SELECT feed FROM undo_pulls);
         INSERT INTO pulls (feed, state) SELECT feed, state FROM undo_pulls WHERE state NOT NULL;",
    )?;
    let back: Vec<PaperKey> = db
        .prepare("SELECT key FROM undo_papers")?
        .query_map([], |row| row.get(0).map(PaperKey))?
        .collect::<rusqlite::Result<_>>()?;
    back.iter().try_for_each(|key| revive_rows(db, *key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::testdata::{add, library_of, remove, state};
    use super::*;
    use akin_base::progress::Unobserved;

    /// Every row of every table that a change touches, and the findings of a check.
    fn all(root: &Path) -> (BTreeMap<String, Vec<String>>, usize) {
        let library = Library::open(root).unwrap();
        let tables = KEPT.iter().map(|(table, _)| *table);
        let mut rows = BTreeMap::new();
        for table in tables.chain(["splits", "pulls"]) {
            let mut statement = library
                .db
                .prepare(&format!("SELECT * FROM {table}"))
                .unwrap();
            let n_columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| {
                let values = (0..n_columns).map(|column| row.get_ref(column));
                let values: rusqlite::Result<Vec<_>> = values.collect();
                Ok(format!("{:?}", values?))
            };
            let found = statement.query_map([], row).unwrap();
            let mut found: Vec<String> = found.map(Result::unwrap).collect();
            found.sort();
            rows.insert(table.to_owned(), found);
        }
        drop(library);
        let writer = Writer::open(root, "a test").unwrap();
        let findings = writer.check(&Unobserved).unwrap();
        (rows, findings.list.len())
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Writer), counts: (u64, u64, u64)) {
        let dir = tempfile::tempdir().unwrap();
        drop(library_of(dir.path(), 6));
        let before = (all(dir.path()), state(dir.path()));
        assert_eq!(before.0.1, 0);
        let mut writer = Writer::open(dir.path(), "akin add").unwrap();
        change(&mut writer);
        drop(writer);
        assert_ne!(state(dir.path()), before.1);
        let mut writer = Writer::open(dir.path(), "akin undo").unwrap();
        let kept = writer.last_change().unwrap().unwrap();
        let undone = writer.undo().unwrap().unwrap();
        assert_eq!(undone, kept);
        assert_eq!((undone.n_new, undone.n_changed, undone.n_gone), counts);
        assert_eq!(undone.command, "akin add");
        assert_eq!(writer.undo().unwrap(), None);
        assert_eq!(writer.last_change().unwrap(), None);
        drop(writer);
        assert_eq!((all(dir.path()), state(dir.path())), before);
    }

    #[test]
    fn new_changed_and_removed_papers_are_as_they_were() {
        check(|writer| add(writer, "new", 0), (1, 0, 0));
        check(|writer| add(writer, "p3", 1), (0, 1, 0));
        check(|writer| remove(writer, &["p0", "p5"]), (0, 0, 2));
        check(
            |writer| {
                add(writer, "new", 0);
                add(writer, "p1", 1);
                add(writer, "p1", 2);
                add(writer, "new", 3);
                remove(writer, &["p2"]);
            },
            (1, 1, 1),
        );
    }

    #[test]
    fn a_key_that_is_used_twice_is_the_first_papers() {
        check(
            |writer| {
                remove(writer, &["p5"]);
                add(writer, "new", 0);
                add(writer, "newer", 0);
            },
            (1, 1, 0),
        );
    }

    #[test]
    fn the_next_change_replaces_the_last_and_a_compaction_forgets_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(library_of(dir.path(), 3));
        for id in ["one", "two"] {
            let mut writer = Writer::open(dir.path(), "akin add").unwrap();
            add(&mut writer, id, 0);
            let run = writer.begin_ingest(&[]).unwrap();
            writer.finish_ingest(run, &Default::default()).unwrap();
        }
        let mut writer = Writer::open(dir.path(), "akin add").unwrap();
        assert_eq!(writer.undo().unwrap().unwrap().n_new, 1);
        assert!(state(dir.path()).contains_key("one"));
        assert!(!state(dir.path()).contains_key("two"));
        remove(&mut writer, &["one"]);
        writer.compact(&Unobserved).unwrap();
        assert_eq!(writer.undo().unwrap(), None);
        assert!(!state(dir.path()).contains_key("one"));
    }

    #[test]
    fn a_run_that_was_cut_off_and_begun_once_more_is_one_change() {
        let dir = tempfile::tempdir().unwrap();
        drop(library_of(dir.path(), 1));
        for id in ["one", "two"] {
            let mut writer = Writer::open(dir.path(), "akin add").unwrap();
            add(&mut writer, id, 0);
        }
        let mut writer = Writer::open(dir.path(), "akin undo").unwrap();
        assert_eq!(writer.undo().unwrap().unwrap().n_new, 2);
        assert_eq!(state(dir.path()).len(), 1);
    }

    #[test]
    fn a_text_that_comes_back_has_its_embedding() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        let before = state(dir.path());
        let paper = Library::open(dir.path()).unwrap().find("p1").unwrap().paper;
        remove(&mut writer, &["p1"]);
        assert_eq!(state(dir.path()).len(), 2);
        let run = writer.begin_ingest(&[]).unwrap();
        let batch = super::super::Batch {
            changes: vec![super::super::Change::new(paper, Vec::new())],
            ..Default::default()
        };
        writer
            .commit(&batch, &[], (run, &Default::default()))
            .unwrap();
        assert_eq!(state(dir.path()), before);
        drop(writer);
        assert_eq!(all(dir.path()).1, 0);
    }
}
