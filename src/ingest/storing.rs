//! From dumps to stored papers that are found by their words.
//!
//! In: an open [`Writer`] and [`Source`]s. Out: an [`IngestReport`] in which nothing is embedded.
//!
//! Invariants: papers are committed at least every [`COMMIT_EVERY`] while records come, and at once
//! when none is ready. Decisions are passed on once they are committed.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tracing::debug;

use super::decision::Decision;
use super::pending_batch::PendingBatch;
use super::{IngestOptions, IngestReport, Readings, chunks, lexical, noted_names, pending_of};
use crate::dump::Source;
use crate::error::{Error, Result};
use crate::ingest::chunks::{BATCH_RECORDS, Chunk, Ended};
use crate::library::{Batch, IngestCounts, IngestKey, Library, Writer};
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};

/// How long stored papers wait for their commit.
const COMMIT_EVERY: Duration = Duration::from_millis(500);

/// Takes in dumps, in their order, and embeds nothing: afterwards the papers are found by their
/// words.
///
/// # Errors
/// What [`Writer::stage`], [`Writer::commit_staged`] and
/// [`update_lexical`](super::update_lexical) fail with; of a strict run,
/// [`Error::Rejected`] or why a dump cannot be read. Otherwise a dump that cannot be read is not an
/// error, nor is a requested stop; both are in the report.
pub fn store(
    writer: &mut Writer,
    sources: &[Source],
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<IngestReport> {
    let key = writer.begin_ingest(&noted_names(sources))?;
    let may_claim = writer.lookup().has_unclaimed()?;
    observer.begin(Stage::Read, None);
    let mut run = Storing {
        readings: Readings {
            may_claim,
            is_mirrored: options.mirror,
            ..Readings::default()
        },
        key,
        writer,
        options,
        observer,
        report: IngestReport {
            run: Some(key),
            ..IngestReport::default()
        },
        seen: options.mirror.then(HashSet::new),
        staged: None,
    };
    let read =
        chunks::read_and_wait(
            sources,
            &options.read,
            BATCH_RECORDS,
            observer,
            |chunk| match chunk {
                Some(chunk) => run.take_in(chunk),
                None => run.commit().map(|()| true),
            },
        );
    // What came before an error is kept.
    let committed = run.commit();
    observer.end();
    run.report.stopped |= read? == Ended::Early;
    committed?;
    // Papers past the end of a truncated dump may still be in it.
    if options.mirror && !run.report.stopped && !run.report.unused.has_unread() {
        run.forget_unseen()?;
    }
    let mut report = run.report;
    if report.stopped {
        return Ok(report);
    }
    match lexical::update_lexical(writer, observer) {
        Err(Error::Interrupted) => report.stopped = true,
        indexed => {
            indexed?;
            writer.finish_ingest(key, &report.counts)?;
        }
    }
    Ok(report)
}

/// A run at work.
struct Storing<'a> {
    key: IngestKey,
    writer: &'a mut Writer,
    readings: Readings,
    options: &'a IngestOptions<'a>,
    observer: &'a dyn Observer,
    report: IngestReport,
    /// The ids met so far, if papers that are not met should be deleted.
    seen: Option<HashSet<PaperId>>,
    staged: Option<Staged>,
}

/// Batches that are stored and not yet committed.
struct Staged {
    since: Instant,
    counts: IngestCounts,
    decisions: Vec<Decision>,
}

impl Storing<'_> {
    /// Takes in one chunk; whether to go on.
    fn take_in(&mut self, mut chunk: Chunk) -> Result<bool> {
        if chunk.has_no_record() {
            if self.options.strict {
                chunks::refuse(&mut chunk)?;
            }
            // Nothing is committed for files that are not dumps: there may be many.
            self.report.unused.take_from(&mut chunk);
            return Ok(true);
        }
        let lookup = self.writer.lookup();
        let readings = &mut self.readings;
        let pending = pending_of(&lookup, &mut chunk, readings, self.options, self.observer)?;
        let Some(mut pending) = pending else {
            self.report.stopped = true;
            return Ok(false);
        };
        if let Some(seen) = &mut self.seen {
            seen.extend(std::mem::take(&mut pending.met));
        }
        self.report.unused.take_from(&mut chunk);
        let counts = self.stage(pending)?;
        self.observer.advance(counts.n_read);
        let n_staged = self
            .staged
            .as_ref()
            .map_or(0, |staged| staged.counts.n_read);
        let n_read = self.report.counts.n_read + n_staged;
        if let Some(total) = chunks::estimate(n_read, chunk.share_read) {
            self.observer.estimate(total);
        }
        let is_due = |staged: &Staged| staged.since.elapsed() >= COMMIT_EVERY;
        if self.staged.as_ref().is_some_and(is_due) {
            self.commit()?;
        }
        self.report.stopped = self.observer.stop_requested();
        Ok(!self.report.stopped)
    }

    /// Stores a batch in the open transaction; returns its counts.
    fn stage(&mut self, mut pending: PendingBatch) -> Result<IngestCounts> {
        let mut counts = pending.counts;
        let mut decisions = std::mem::take(&mut pending.decisions);
        let mut batch = Batch {
            changes: Vec::new(),
            ..std::mem::take(&mut pending.batch)
        };
        for pending in pending.take() {
            let (mut change, of_change, decided) = pending.into_parts();
            // A mirror holds what the dump says now, even if the dump returns to an earlier state.
            change.forgets_earlier_records = self.seen.is_some();
            batch.changes.push(change);
            counts = counts.plus(&of_change);
            decisions.extend(decided);
        }
        self.writer.stage(&batch)?;
        let staged = self.staged.get_or_insert_with(|| Staged {
            since: Instant::now(),
            counts: IngestCounts::default(),
            decisions: Vec::new(),
        });
        staged.counts = staged.counts.plus(&counts);
        if self.options.on_decision.is_some() {
            staged.decisions.extend(decisions);
        }
        Ok(counts)
    }

    /// Commits what is staged.
    fn commit(&mut self) -> Result<()> {
        let Some(staged) = self.staged.take() else {
            return Ok(());
        };
        let counts = self.report.counts.plus(&staged.counts);
        self.writer.commit_staged(&[], (self.key, &counts))?;
        debug!(n_read = counts.n_read, "committed papers");
        self.report.counts = counts;
        self.options.tell(&staged.decisions);
        Ok(())
    }

    fn forget_unseen(&mut self) -> Result<()> {
        let seen = self.seen.take().unwrap_or_default();
        let library = Library::open(self.writer.path())?;
        let mut gone = Vec::new();
        for id in library.ids()?.iter().filter(|id| !seen.contains(id)) {
            let stored = library.find(id.as_str())?;
            if !stored
                .paper
                .aliases
                .iter()
                .any(|alias| seen.contains(alias))
            {
                gone.push(stored.key);
            }
        }
        drop(library);
        self.writer.remove(&gone)?;
        self.report.n_removed = gone.len() as u64;
        Ok(())
    }
}
