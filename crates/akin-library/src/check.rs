//! Checks that a library's database and rows are sound: reads everything and compares it.
//!
//! In: an open library. Out: [`Findings`], each fault with its place. Nothing is repaired here. The
//! index is not checked: it is cheap to rebuild and checks itself.

use std::path::Path;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::columns::Columns;
use super::finding::{Fault, Finding};
use super::folder::orphans;
use super::lock::holder;
use super::lost_commits::LostCommits;
use super::read::Library;
use super::record;
use super::space::ActiveSpace;
use super::write::Writer;
use akin_base::error::{Error, Result};
use akin_base::paper::{PaperId, TextHash};
use akin_base::progress::{Observer, Stage};
use akin_base::vectors::{HEADER_BYTES, Row, RowFile, dot, stride_bytes};

/// The largest deviation of a stored embedding's length from 1. Rounding to f16 changes each number
/// by at most 1/2048 of it, and the length by less.
const LENGTH_TOLERANCE: f32 = 1e-2;

/// Papers between two reports of progress and checks for a requested stop.
const STEP_PAPERS: u64 = 1024;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// Number of papers in the library.
    pub n_papers: u64,
    /// Live rows that were read.
    pub n_rows_read: u64,
    /// Papers without an embedding of their present text: they are no fault, and found by their
    /// words. Withdrawn papers need none.
    pub n_unembedded: u64,
    /// Rows of replaced and removed papers. They are no fault; [`Writer::compact`] drops them.
    pub n_dead_rows: u64,
    /// Bytes of dead rows, and of rows past the count that a kill left behind.
    pub reclaimable_bytes: u64,
    /// The present writer, if any. Leftovers are then not reported, since they may be its work.
    pub writer: Option<String>,
    /// The faults found.
    pub list: Vec<Finding>,
}

impl Library {
    /// Reads the active space's papers and rows, and checks that they agree.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the observer asks to stop; [`Error::Database`] or [`Error::Read`]
    /// if reading fails for another reason than damage.
    pub fn check(&self, observer: &dyn Observer) -> Result<Findings> {
        self.check_beside(|| holder(&self.layout), observer)
    }

    /// Checks the library; `other_writer` names the present writer, if any.
    fn check_beside(
        &self,
        other_writer: impl Fn() -> Option<String>,
        observer: &dyn Observer,
    ) -> Result<Findings> {
        let mut findings = Findings::default();
        let check = |findings: &mut Findings| {
            self.check_contents(findings, observer)?;
            self.check_folder(other_writer, findings)
        };
        let what = match check(&mut findings) {
            Err(Error::Damaged { what, .. }) => what,
            other => return other.map(|()| findings),
        };
        let fault = Fault::Database { what };
        let finding = Finding::of_file(&self.layout.database(), fault);
        findings.list.push(finding);
        Ok(findings)
    }

    /// The finding that the database has lost changes of papers.
    pub fn finding_of_lost_changes(&self) -> Finding {
        Finding::of_file(&self.layout.database(), Fault::ChangesLost)
    }

    fn check_contents(&self, findings: &mut Findings, observer: &dyn Observer) -> Result<()> {
        self.check_database(findings)?;
        let status = self.status()?;
        findings.n_papers = status.n_papers;
        findings.n_dead_rows = status.n_dead_rows;
        if let Ok(active) = self.active() {
            let n_live = status.n_rows.saturating_sub(status.n_dead_rows);
            observer.begin(Stage::Check, Some(n_live));
            let rows = self.rows_or_finding(active, findings);
            let mut claims = RowClaims::new(self, active)?;
            self.check_papers(active, rows.as_deref(), &mut claims, findings, observer)?;
            claims.finish(&self.layout.database(), findings);
            findings.reclaimable_bytes = self.reclaimable_bytes(active, status.n_dead_rows);
            observer.end();
        }
        self.check_unembedded(findings)
    }

    /// Runs SQLite's own checks.
    fn check_database(&self, findings: &mut Findings) -> Result<()> {
        let ask = || {
            let mut said = Vec::new();
            let mut statement = self.db.prepare("PRAGMA integrity_check")?;
            for line in statement.query_map([], |row| row.get::<_, String>(0))? {
                let what = line?;
                if what != "ok" {
                    said.push(Fault::Database { what });
                }
            }
            let mut statement = self.db.prepare("PRAGMA foreign_key_check")?;
            let dangling = statement.query_map([], |row| {
                let (table, parent) = (row.get(0)?, row.get(2)?);
                Ok(Fault::Dangling { table, parent })
            })?;
            for fault in dangling {
                said.push(fault?);
            }
            rusqlite::Result::Ok(said)
        };
        let said = ask().map_err(self.layout.database_error())?;
        let path = self.layout.database();
        let finding = |fault| Finding::of_file(&path, fault);
        findings.list.extend(said.into_iter().map(finding));
        Ok(())
    }

    fn rows_or_finding(
        &self,
        active: &ActiveSpace,
        findings: &mut Findings,
    ) -> Option<Arc<RowFile>> {
        let found = self.rows();
        if let Err(error) = &found {
            let what = match error {
                Error::Damaged { what, .. } => what.clone(),
                Error::Read { source, .. } => format!("it cannot be read ({source})"),
                other => other.to_string(),
            };
            let path = active.rows_path(&self.layout);
            let finding = Finding::of_file(&path, Fault::Rows { what });
            findings.list.push(finding);
            return active.open_rows_left(&self.layout).ok().map(Arc::new);
        }
        if let Some(lost) = self.lost_commits() {
            let fault = match lost {
                LostCommits::Rows(n_rows) => Fault::CommitsLost { n_rows },
                LostCommits::Unknown => Fault::CommittedUnknown,
            };
            let path = match lost {
                LostCommits::Rows(_) => self.layout.database(),
                LostCommits::Unknown => active.rows_path(&self.layout),
            };
            findings.list.push(Finding::of_file(&path, fault));
        }
        found.ok()
    }

    /// Reads every paper's record and row.
    fn check_papers(
        &self,
        active: &ActiveSpace,
        rows: Option<&RowFile>,
        claims: &mut RowClaims,
        findings: &mut Findings,
        observer: &dyn Observer,
    ) -> Result<()> {
        let fail = self.layout.database_error();
        let database = self.layout.database();
        let sql =
            "SELECT papers.id, papers.text_hash, date, categories, authors, title_key, notice,
                   json, sum, embeddings.text_hash, embeddings.row FROM embeddings
                   JOIN papers ON papers.key = embeddings.paper
                   LEFT JOIN records ON records.paper = embeddings.paper
                   WHERE embeddings.space = ? ORDER BY embeddings.row";
        let mut statement = self.db.prepare(sql).map_err(&fail)?;
        let mut papers = statement.query([active.key]).map_err(&fail)?;
        let mut vector = vec![0.0; active.space.dim];
        while let Some(found) = papers.next().map_err(&fail)? {
            let parts = || Ok((found.get(9)?, found.get(10)?));
            let (embedded_at, row): ([u8; 16], u32) = parts().map_err(&fail)?;
            let columns = match columns_or_finding(found, &database, &fail)? {
                Ok(columns) => columns,
                Err(finding) => {
                    claims.claim(Row(row));
                    findings.list.push(finding);
                    continue;
                }
            };
            let (row, paper) = (Row(row), paper_id(&columns.id));
            let of_paper = |path: &Path, row, fault| Finding {
                path: path.to_owned(),
                row,
                paper: Some(paper.clone()),
                fault,
            };
            let of_record = fault_of_record(found, &columns).map_err(&fail)?;
            let is_outdated = embedded_at != columns.text_hash;
            findings.n_unembedded += u64::from(is_outdated);
            findings
                .list
                .extend(of_record.map(|fault| of_paper(&database, None, fault)));
            let (is_first, fault) = claims.claim(row);
            findings
                .list
                .extend(fault.map(|fault| of_paper(&database, Some(row), fault)));
            if let Some(rows) = rows.filter(|_| is_first) {
                let claim = (row, TextHash(embedded_at));
                let fault = fault_of_row(rows, claim, &mut vector);
                findings
                    .list
                    .extend(fault.map(|fault| of_paper(rows.path(), Some(row), fault)));
                findings.n_rows_read += 1;
                if findings.n_rows_read.is_multiple_of(STEP_PAPERS) {
                    observer.advance(STEP_PAPERS);
                    if observer.stop_requested() {
                        return Err(Error::Interrupted);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the records of papers without an embedding; withdrawn papers need none.
    fn check_unembedded(&self, findings: &mut Findings) -> Result<()> {
        let space = self.space.as_ref().map_or(0, |active| active.key);
        let sql = "SELECT id, papers.text_hash, date, categories, authors, title_key, notice,
                   json, sum FROM papers LEFT JOIN records ON records.paper = papers.key
                   WHERE NOT EXISTS (SELECT 1 FROM embeddings WHERE space = ? AND paper = key)
                   ORDER BY key";
        let read = || {
            let mut statement = self.db.prepare(sql)?;
            let mut papers = statement.query([space])?;
            let (mut found, mut n_unembedded) = (Vec::new(), 0);
            while let Some(row) = papers.next()? {
                let columns = Columns::read(row)?;
                let of_record = fault_of_record(row, &columns)?;
                n_unembedded += u64::from(columns.notice.as_deref() != Some("withdrawn"));
                found.extend(of_record.map(|fault| (paper_id(&columns.id), fault)));
            }
            rusqlite::Result::Ok((found, n_unembedded))
        };
        let (found, n_unembedded) = read().map_err(self.layout.database_error())?;
        findings.n_unembedded += n_unembedded;
        let finding = |(paper, fault)| Finding {
            path: self.layout.database(),
            row: None,
            paper: Some(paper),
            fault,
        };
        findings.list.extend(found.into_iter().map(finding));
        Ok(())
    }

    /// Bytes of dead rows and of rows past the count.
    fn reclaimable_bytes(&self, active: &ActiveSpace, n_dead_rows: u64) -> u64 {
        let stride = match self.rows() {
            Ok(rows) => rows.stride(),
            Err(_) => stride_bytes(active.space.dim),
        } as u64;
        let wanted = HEADER_BYTES as u64 + active.n_rows as u64 * stride;
        let found = active.rows_path(&self.layout).metadata();
        let past_count = found.map_or(0, |meta| meta.len().saturating_sub(wanted));
        n_dead_rows * stride + past_count
    }

    fn check_folder(
        &self,
        other_writer: impl Fn() -> Option<String>,
        findings: &mut Findings,
    ) -> Result<()> {
        // What another process has committed since this library was opened is no orphan.
        let now = Library::open(&self.layout.root)?;
        let mut orphans = orphans(&self.layout, &now.db)?;
        if orphans.iter().any(|orphan| orphan.is_leftover) {
            findings.writer = other_writer();
        }
        orphans.retain(|orphan| {
            !orphan.is_leftover || (findings.writer.is_none() && orphan.path.exists())
        });
        let orphans = orphans.into_iter().map(Finding::of_orphan);
        findings.list.extend(orphans);
        Ok(())
    }
}

impl Writer {
    /// [`Library::check`] by the writer itself, so that leftovers are reported.
    ///
    /// # Errors
    /// As [`Library::open`] and [`Library::check`].
    pub fn check(&self, observer: &dyn Observer) -> Result<Findings> {
        Library::open(self.path())?.check_beside(|| None, observer)
    }
}

/// The rows of a space that are claimed or dead.
struct RowClaims {
    live: FixedBitSet,
    dead: FixedBitSet,
    n_rows: usize,
    dead_past_end: Vec<Row>,
}

impl RowClaims {
    fn new(library: &Library, active: &ActiveSpace) -> Result<RowClaims> {
        let list = || {
            let sql = "SELECT row FROM dead_rows WHERE space = ?";
            let mut statement = library.db.prepare(sql)?;
            let rows = statement.query_map([active.key], |row| row.get(0).map(Row))?;
            rows.collect::<rusqlite::Result<Vec<Row>>>()
        };
        let mut dead_past_end = list().map_err(library.layout.database_error())?;
        let n_rows = active.n_rows;
        let mut dead = FixedBitSet::with_capacity(n_rows);
        dead_past_end.retain(|row| {
            let is_past_end = row.idx() >= n_rows;
            if !is_past_end {
                dead.insert(row.idx());
            }
            is_past_end
        });
        Ok(RowClaims {
            live: FixedBitSet::with_capacity(n_rows),
            dead,
            n_rows,
            dead_past_end,
        })
    }

    /// Records a paper's claim of a row. Returns whether it is the first valid one, and its fault.
    fn claim(&mut self, row: Row) -> (bool, Option<Fault>) {
        let n_rows = self.n_rows;
        if row.idx() >= n_rows {
            (false, Some(Fault::RowPastEnd { n_rows }))
        } else if self.live.put(row.idx()) {
            (false, Some(Fault::RowClaimedTwice))
        } else if self.dead.contains(row.idx()) {
            (true, Some(Fault::RowLiveAndDead))
        } else {
            (true, None)
        }
    }

    /// Reports unclaimed rows, once every paper has claimed its own.
    fn finish(mut self, database: &Path, findings: &mut Findings) {
        let n_rows = self.n_rows;
        let of_row = |row, fault| Finding {
            path: database.to_owned(),
            row: Some(row),
            paper: None,
            fault,
        };
        let past_end = self.dead_past_end.into_iter();
        let past_end = past_end.map(|row| of_row(row, Fault::RowPastEnd { n_rows }));
        findings.list.extend(past_end);
        self.live.union_with(&self.dead);
        self.live.toggle_range(..);
        let number = |row| Row(u32::try_from(row).expect("rows are numbered in 32 bits"));
        let unclaimed = self.live.ones().map(number);
        let unclaimed = unclaimed.map(|row| of_row(row, Fault::RowUnclaimed));
        findings.list.extend(unclaimed);
    }
}

/// What is wrong with a row that is to be of this text, if anything is.
pub(super) fn fault_of_row(
    rows: &RowFile,
    (row, text): (Row, TextHash),
    vector: &mut [f32],
) -> Option<Fault> {
    if row.idx() >= rows.len() {
        return Some(Fault::RowMissing);
    }
    if rows.read_into(row, vector).is_err() {
        return Some(Fault::RowDamaged);
    }
    if matches!(rows.owner(row), Ok(Some(owner)) if owner != record::owner(text)) {
        return Some(Fault::RowOutdated);
    }
    if vector.iter().any(|x| !x.is_finite()) {
        return Some(Fault::RowNotFinite);
    }
    let length = dot(vector, vector).sqrt();
    let is_off = (length - 1.0).abs() > LENGTH_TOLERANCE;
    is_off.then_some(Fault::RowLength { length })
}

/// The columns of a paper; where they cannot be read, what is wrong with them.
fn columns_or_finding(
    row: &rusqlite::Row<'_>,
    database: &Path,
    fail: impl Fn(rusqlite::Error) -> Error,
) -> Result<std::result::Result<Columns, Finding>> {
    let error = match Columns::read(row) {
        Ok(columns) => return Ok(Ok(columns)),
        Err(error) => error,
    };
    let stored = || Ok((row.get::<_, String>(7)?, row.get(8)?));
    let record = stored().map_or_else(
        |e: rusqlite::Error| Err(e.to_string()),
        |(json, sum)| record::parse(&json, sum),
    );
    // A record that can be read says whose columns they are, and what they are to be.
    match (record, fail(error)) {
        (Ok(paper), Error::Damaged { .. }) => Ok(Err(Finding {
            path: database.to_owned(),
            row: None,
            paper: Some(paper.id),
            fault: Fault::Column {
                column: "(unreadable)",
            },
        })),
        (_, error) => Err(error),
    }
}

fn fault_of_record(row: &rusqlite::Row<'_>, columns: &Columns) -> rusqlite::Result<Option<Fault>> {
    let stored: (Option<String>, Option<u32>) = (row.get(7)?, row.get(8)?);
    let what = match stored {
        (Some(json), Some(sum)) => match record::parse(&json, sum) {
            Ok(paper) => {
                let differs = columns.difference(&Columns::new(&paper));
                return Ok(differs.map(|column| Fault::Column { column }));
            }
            Err(what) => what,
        },
        _ => "it is not there".to_owned(),
    };
    Ok(Some(Fault::Record { what }))
}

/// An id as it is stored; one that is none is shown under its hash.
fn paper_id(stored: &str) -> PaperId {
    PaperId::from_stored(stored)
}

#[cfg(test)]
mod tests;
