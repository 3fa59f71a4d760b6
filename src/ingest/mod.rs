//! From dumps to an index: read, embed, store, index what is new or changed.
//!
//! ```text
//! dumps ──► items ──► pending papers ──► embeddings ──► commit ──► index
//!        reader     caller     encoder       caller          the threads
//! ```
//!
//! In: an open [`Writer`], an [`Encoder`], [`Source`]s. Out: a [`IngestReport`]. Three batches are
//! in progress at a time: one is matched with papers, one is embedded, one is committed. They bound
//! memory; the size of the dump does not. `pending_batch.rs` says which record belongs to which
//! paper (`pending.rs`). `same_work.rs` says when two records are of one work, and `merging.rs`
//! which paper they make. [`rehearse()`] does all but embedding and writing.
//!
//! Invariants: read = stored + changed + unchanged + merged + deleted + rejected. A batch of
//! [`BATCH_RECORDS`] (more on a GPU) is committed as soon as it is embedded. So a kill costs at
//! most one batch of embeddings, and the part of the next one that was embedded during the commit.
//! A requested stop costs none: what is embedded by then is committed. A record that was added once
//! is never embedded again, even if a newer one has superseded it: running the same dumps again
//! embeds nothing.

mod chunks;
mod decision;
mod embed;
mod encoding;
mod indexing;
mod lexical;
mod merging;
mod missing;
mod pending;
mod pending_batch;
mod rehearse;
mod report;
mod restore;
mod same_work;
mod sinks;
mod split;
mod switch;

use std::collections::HashSet;
use std::{fmt, thread};

use tracing::debug;

use self::encoding::{EncoderThreads, Length};
use self::pending_batch::{KnownPapers, PendingBatch, Reading};
use crate::dump::{Item, ReadOptions, Rejected, Rejection, Source};
use crate::encoder::{Encoder, Recipe};
use crate::error::Result;
use crate::index::IndexOptions;
use crate::library::{Batch, IngestCounts, IngestKey, Library, Writer};
use crate::paper::{Authority, Collection, PaperId};
use crate::progress::{Observer, Stage};
use crate::space::{self, Origin};

/// Names of dumps that are noted of one run, at most.
const MAX_NOTED_NAMES: usize = 1_000;

pub use self::chunks::{BATCH_RECORDS, Omission};
pub(crate) use self::chunks::{Chunk, Ended, read_beside};
pub use self::decision::Decision;
pub use self::embed::{EmbedOptions, OpenSink, embed};
pub use self::encoding::Effort;
pub use self::indexing::{build_index, settle_index};
pub use self::lexical::{has_all_words, update_lexical};
pub use self::missing::embed_missing;
pub use self::rehearse::rehearse;
pub use self::report::{EmbedReport, IngestReport, MAX_LISTED_REJECTIONS, Unused};
pub use self::restore::restore;
pub use self::same_work::Why;
pub use self::sinks::{
    ArrowStream, Dtype, JsonLines, Npy, Output, ParquetFile, VectorSink, VectorType, WRITER,
};
pub use self::split::split;
pub use self::switch::{Switched, switch};

/// Called with each rejected record and its dump's name.
pub type OnRejected<'a> = &'a dyn Fn(&str, &Rejected);

/// How dumps are taken in.
#[derive(Default)]
pub struct IngestOptions<'a> {
    /// Whether papers that are in none of the dumps are forgotten.
    pub mirror: bool,
    /// Whether the first rejected record, or dump that cannot be read, is an error. What was
    /// committed before it stays.
    pub strict: bool,
    /// How the dumps are read.
    pub read: ReadOptions,
    /// How the index is built.
    pub index: IndexOptions,
    /// Called with the decision on each record, once it is committed.
    pub on_decision: Option<&'a dyn Fn(&Decision)>,
    /// Called with each rejected record and its dump's name.
    pub on_rejected: Option<OnRejected<'a>>,
}

impl IngestOptions<'_> {
    fn tell(&self, decisions: &[Decision]) {
        if let Some(told) = self.on_decision {
            decisions.iter().for_each(told);
        }
    }
}

impl fmt::Debug for IngestOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("IngestOptions");
        shown.field("mirror", &self.mirror);
        shown.field("strict", &self.strict);
        shown.field("read", &self.read);
        shown.field("index", &self.index);
        shown.finish_non_exhaustive()
    }
}

/// Takes in dumps, in their order.
///
/// # Errors
/// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if the library was embedded with another model; what
/// [`Writer::commit`], [`Encoder::embed`] and [`index::update`](crate::index::update) fail with. A dump that cannot be
/// read is not an error; it is in the report.
pub fn run(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    sources: &[Source],
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<IngestReport> {
    space::adopt(writer, encoder, origin)?;
    let key = writer.begin_ingest(&noted_names(sources))?;
    observer.begin(Stage::Embed, None);
    let may_claim = writer.lookup().has_unclaimed()?;
    let report = thread::scope(|scope| {
        let mut run = Ingesting {
            readings: Readings {
                may_claim,
                is_mirrored: options.mirror,
                ..Readings::default()
            },
            key,
            writer,
            encoding: EncoderThreads::start(scope, encoder, observer, Length::One),
            recipe: encoder.recipe(),
            options,
            observer,
            report: IngestReport::default(),
            seen: options.mirror.then(HashSet::new),
            waiting: None,
        };
        let n_records = chunks::batch_records(encoder);
        let read = chunks::read_beside(sources, &options.read, n_records, observer, |chunk| {
            run.take_in(chunk)
        });
        // What came before an error is kept.
        let finished = run.finish_waiting();
        observer.end();
        run.report.stopped |= read? == Ended::Early;
        finished?;
        // Papers past the end of a truncated dump may still be in it.
        if options.mirror && !run.report.stopped && !run.report.unused.has_unread() {
            run.forget_unseen()?;
        }
        Result::Ok(run.report)
    })?;
    if !report.stopped {
        build_index(writer, &options.index, observer)?;
        writer.finish_ingest(key, &report.counts)?;
    }
    Ok(report)
}

/// The names that are noted of a run's dumps: every commit writes them again.
fn noted_names(sources: &[Source]) -> Vec<String> {
    let noted = sources.iter().take(MAX_NOTED_NAMES).map(Source::to_string);
    let n_more = sources.len().saturating_sub(MAX_NOTED_NAMES);
    let more = (n_more > 0).then(|| format!("{n_more} more"));
    noted.chain(more).collect()
}

/// The dumps as they are read, one after another.
#[derive(Default)]
struct Readings {
    /// The one that is read, and its place among the dumps.
    current: Option<(usize, Reading)>,
    /// Whether the library has papers of no known collection.
    may_claim: bool,
    is_mirrored: bool,
}

impl Readings {
    /// The dump that a chunk is of.
    fn of(&mut self, chunk: &Chunk) -> &mut Reading {
        let (collection, place) = chunk.collection.clone().unwrap_or_else(|| {
            let none = Collection {
                name: String::new(),
                authority: Authority::default(),
                is_feed: false,
            };
            (none, usize::MAX)
        });
        if self.current.as_ref().is_none_or(|(at, _)| *at != place) {
            let reading = Reading::new(collection, self.may_claim, self.is_mirrored);
            self.current = Some((place, reading));
        }
        let (_, reading) = self.current.as_mut().expect("set where it was not");
        reading
    }
}

/// The changes from a chunk's items; `None` if the observer requests a stop before the last of
/// them. Adds unusable items to the chunk's rejections.
///
/// # Errors
/// Of a strict run, [`Error::Rejected`](crate::Error::Rejected) or why a dump cannot be read.
fn pending_of(
    papers: &dyn KnownPapers,
    chunk: &mut Chunk,
    readings: &mut Readings,
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<Option<PendingBatch>> {
    let mut pending = PendingBatch::default();
    let reading = readings.of(chunk);
    for (item, place) in chunk.items.drain(..) {
        if observer.stop_requested() {
            return Ok(None);
        }
        match item {
            Item::Paper(record) => pending.add(papers, reading, record.paper)?,
            Item::Deletion(id) => pending.delete(papers, reading, id)?,
            Item::Abstract { id, text } => {
                if !pending.add_abstract(papers, reading, &id, text)? {
                    let rejected = Rejected {
                        line: place.0,
                        unit: place.1,
                        excerpt: String::new(),
                        id: Some(id.to_string()),
                        reason: Rejection::NoPaper,
                    };
                    chunk.rejected.push((chunk.name.clone(), rejected));
                }
            }
        }
    }
    if options.strict {
        chunks::refuse(chunk)?;
    }
    if let Some(told) = options.on_rejected {
        chunk
            .rejected
            .iter()
            .for_each(|(name, rejected)| told(name, rejected));
    }
    pending.counts.n_read += chunk.rejected.len() as u64;
    pending.counts.n_rejected += chunk.rejected.len() as u64;
    Ok(Some(pending))
}

/// A run at work. While the encoder embeds a batch, the one before it is committed and the one
/// after it is read and pending_of.
struct Ingesting<'a> {
    key: IngestKey,
    writer: &'a mut Writer,
    readings: Readings,
    encoding: EncoderThreads,
    recipe: &'a Recipe,
    options: &'a IngestOptions<'a>,
    observer: &'a dyn Observer,
    report: IngestReport,
    /// The ids met so far, if papers that are not met should be deleted.
    seen: Option<HashSet<PaperId>>,
    waiting: Option<Waiting>,
}

/// A batch that is staged while its papers are embedded.
struct Waiting {
    batch: Batch,
    /// How each change's records count, and what became of them.
    outcomes: Vec<(IngestCounts, Vec<Decision>)>,
    /// The same for records that change nothing.
    counts: IngestCounts,
    decisions: Vec<Decision>,
}

impl Ingesting<'_> {
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
        let next = Waiting::new(pending, self.seen.is_some());
        let passages = next.batch.passages(|paper| self.recipe.passage_of(paper));
        self.encoding.send(passages);
        self.observer.advance(next.n_read_without_embedding());
        self.finish_waiting()?;
        if self.report.stopped {
            return Ok(false);
        }
        self.writer.stage(&next.batch)?;
        let n_read = self.report.counts.n_read + next.n_read();
        if let Some(total) = chunks::estimate(n_read, chunk.share_read) {
            self.observer.estimate(total);
        }
        self.waiting = Some(next);
        self.report.stopped = self.observer.stop_requested();
        Ok(!self.report.stopped)
    }

    /// Commits the batch that waits for its embeddings, if there is one. What a requested stop
    /// kept from being embedded is dropped.
    fn finish_waiting(&mut self) -> Result<()> {
        let Some(mut waiting) = self.waiting.take() else {
            return Ok(());
        };
        let (embedded, effort) = self.encoding.receive()?;
        if embedded.vectors.contains(&None) {
            self.report.stopped = true;
            self.writer.unstage()?;
            waiting.keep(&embedded.vectors);
            self.writer.stage(&waiting.batch)?;
        }
        let kept = embedded.vectors.into_iter().zip(embedded.truncated);
        let (vectors, truncated): (Vec<Vec<f32>>, Vec<bool>) = kept
            .filter_map(|(vector, is_cut)| Some((vector?, is_cut)))
            .unzip();
        let mut counts = self.report.counts.plus(&waiting.counts());
        counts.n_truncated += truncated.iter().filter(|is_cut| **is_cut).count() as u64;
        self.writer.commit_staged(&vectors, (self.key, &counts))?;
        debug!(
            n_read = counts.n_read,
            n_embedded = vectors.len(),
            encoder_seconds = effort.busy.as_secs_f64(),
            "committed a batch"
        );
        self.report.counts = counts;
        self.report.n_embedded += vectors.len() as u64;
        self.report.n_tokens += embedded.n_tokens;
        self.report.encoding = self.report.encoding.plus(effort);
        self.options.tell(&waiting.decisions);
        for (_, decisions) in &waiting.outcomes {
            self.options.tell(decisions);
        }
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

impl Waiting {
    /// A mirror holds what the dump says now, even if the dump returns to an earlier state.
    fn new(mut pending: PendingBatch, is_mirror: bool) -> Waiting {
        let (mut changes, mut outcomes) = (Vec::new(), Vec::new());
        for pending in pending.take() {
            let (mut change, counts, decisions) = pending.into_parts();
            change.forgets_earlier_records = is_mirror;
            changes.push(change);
            outcomes.push((counts, decisions));
        }
        Waiting {
            batch: Batch {
                changes,
                ..pending.batch
            },
            outcomes,
            counts: pending.counts,
            decisions: pending.decisions,
        }
    }

    fn counts(&self) -> IngestCounts {
        let counts = self.outcomes.iter().map(|(counts, _)| counts);
        counts.fold(self.counts, |sum, counts| sum.plus(counts))
    }

    fn n_read(&self) -> u64 {
        self.counts().n_read
    }

    /// Records whose progress the encoder does not tell.
    fn n_read_without_embedding(&self) -> u64 {
        let wanting = self.batch.changes.iter();
        let n_wanted = wanting.filter(|change| change.wants_embedding).count();
        self.n_read().saturating_sub(n_wanted as u64)
    }

    /// Drops the papers that need an embedding and have none in `vectors`.
    fn keep(&mut self, vectors: &[Option<Vec<f32>>]) {
        let mut vectors = vectors.iter();
        let changes = std::mem::take(&mut self.batch.changes);
        let outcomes = std::mem::take(&mut self.outcomes);
        for (change, outcome) in changes.into_iter().zip(outcomes) {
            if !change.wants_embedding || vectors.next().is_some_and(Option::is_some) {
                self.batch.changes.push(change);
                self.outcomes.push(outcome);
            }
        }
    }
}
