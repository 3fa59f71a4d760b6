//! From dumps to an index: read, embed, store, index what is new or changed.
//!
//! ```text
//! dumps ──► items ──► drafts ──► embeddings ──► commit ──► index
//! thread 1            │ one a paper │              one transaction a batch
//! ```
//!
//! In: an open [`Writer`], an [`Encoder`], [`Source`]s. Out: a [`Report`]. Reading goes on beside
//! embedding; memory is bounded by the channel, not by the dump. `drafts.rs` says which record
//! belongs to which paper, `same_work.rs` when two records under different ids are one;
//! [`rehearse()`] does all but embedding and writing.
//!
//! Invariants: read = stored + changed + unchanged + merged + deleted + rejected. A batch of [`BATCH_RECORDS`] is
//! committed before the next is embedded, so a kill costs at most one batch of embeddings; a
//! requested stop costs none, because what is embedded by then is committed. A record that was
//! taken in once is never embedded again, also when a newer one has superseded it since: running
//! the same dumps again embeds nothing.

mod chunks;
mod drafts;
mod embed;
mod rehearse;
mod same_work;
mod sinks;
mod split;

use std::collections::HashSet;
use std::fmt;

use self::chunks::Chunk;
use self::drafts::{Draft, Drafts, Shelf};
use crate::dump::{Item, ReadOptions, Reason, Rejected, Source};
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::index::{self, IndexOptions};
use crate::library::{Ingest, Library, Writer};
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};
use crate::space::{self, Origin};
use crate::vectors;

pub use self::chunks::BATCH_RECORDS;
pub use self::drafts::Decision;
pub use self::embed::{EmbedOptions, EmbedReport, OpenSink, embed};
pub use self::rehearse::rehearse;
pub use self::same_work::Why;
pub use self::sinks::{
    ArrowStream, Dtype, JsonLines, Npy, Output, ParquetFile, VectorSink, VectorType,
};
pub use self::split::split;

/// How many rejections a report lists, and those that end their dump in any case; all are counted.
pub const MAX_LISTED_REJECTIONS: usize = 1000;

/// Is told of a rejected record, with its dump's name.
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
    /// Is told what became of each record, once it is committed.
    pub on_decision: Option<&'a dyn Fn(&Decision)>,
    /// Is told of each rejected record, with its dump's name.
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

/// What taking in dumps came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Counts of records: read = stored + changed + unchanged + merged + deleted + rejected.
    pub counts: Ingest,
    /// Papers that were embedded.
    pub n_embedded: u64,
    /// Tokens computed for them.
    pub n_tokens: u64,
    /// Papers forgotten because a mirrored dump no longer has them.
    pub n_removed: u64,
    /// The first [`MAX_LISTED_REJECTIONS`] rejected records, with their dump's name.
    pub rejected: Vec<(String, Rejected)>,
    /// Dumps that could not be read at all, and why.
    pub failed: Vec<(String, Error)>,
    /// Whether the run ended early because a stop was requested.
    pub stopped: bool,
}

impl Report {
    /// Whether a dump could not be opened, or not be read to its end.
    pub fn has_unread(&self) -> bool {
        let is_cut = |(_, record): &(String, Rejected)| record.reason.ends_the_dump();
        !self.failed.is_empty() || self.rejected.iter().any(is_cut)
    }

    /// Adds what a later part of the same work came to.
    pub fn absorb(&mut self, other: Report) {
        self.counts = self.counts.plus(&other.counts);
        self.n_embedded += other.n_embedded;
        self.n_tokens += other.n_tokens;
        self.n_removed += other.n_removed;
        self.list(other.rejected, other.failed);
        self.stopped |= other.stopped;
    }

    /// Notes what of a chunk could not be used, up to [`MAX_LISTED_REJECTIONS`] records.
    fn list(&mut self, rejected: Vec<(String, Rejected)>, failed: Vec<(String, Error)>) {
        for (name, record) in rejected {
            if self.rejected.len() < MAX_LISTED_REJECTIONS || record.reason.ends_the_dump() {
                self.rejected.push((name, record));
            }
        }
        self.failed.extend(failed);
    }
}

/// Takes in dumps, in their order.
///
/// # Errors
/// [`Error::SpaceMismatch`] if the library was embedded with another model; what
/// [`Writer::commit`], [`Encoder::embed`] and [`index::update`] fail with. A dump that cannot be
/// read is no error but in the report.
pub fn run(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    sources: &[Source],
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<Report> {
    space::adopt(writer, encoder, origin)?;
    let names: Vec<String> = sources.iter().map(Source::to_string).collect();
    let mut run = Run {
        key: writer.begin_ingest(&names)?,
        writer,
        encoder,
        options,
        observer,
        report: Report::default(),
        seen: options.mirror.then(HashSet::new),
    };
    observer.begin(Stage::Embed, None);
    chunks::read_beside(sources, &options.read, |chunk| run.take_in(chunk))?;
    observer.end();
    if options.mirror && !run.report.stopped && run.report.failed.is_empty() {
        run.forget_unseen()?;
    }
    let Run { key, report, .. } = run;
    if !report.stopped {
        build_index(writer, &options.index, observer)?;
        writer.finish_ingest(key, &report.counts)?;
    }
    Ok(report)
}

/// Brings a library's index up to its rows.
///
/// # Errors
/// As [`index::update`].
pub fn build_index(writer: &Writer, options: &IndexOptions, observer: &dyn Observer) -> Result<()> {
    let library = Library::open(writer.path())?;
    let (Some(space), Some(dir)) = (library.space(), library.index_dir()) else {
        return Ok(());
    };
    index::update(
        &dir,
        &space.fingerprint,
        &*library.rows()?,
        options,
        observer,
    )?;
    Ok(())
}

/// What the items of a chunk come to. What cannot be used is added to what the chunk rejects.
///
/// # Errors
/// Of a strict run, [`Error::Rejected`] or why a dump cannot be read.
fn drafted(shelf: &dyn Shelf, chunk: &mut Chunk, options: &IngestOptions<'_>) -> Result<Drafts> {
    let mut drafts = Drafts::default();
    for (item, place) in chunk.items.drain(..) {
        match item {
            Item::Paper(record) => drafts.add(shelf, record.paper)?,
            Item::Deletion(id) => drafts.delete(shelf, id)?,
            Item::Abstract { id, text } => {
                if !drafts.add_abstract(shelf, &id, text)? {
                    let rejected = Rejected {
                        line: place.0,
                        unit: place.1,
                        excerpt: String::new(),
                        id: Some(id.to_string()),
                        reason: Reason::NoPaper,
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
    drafts.counts.n_read += chunk.rejected.len() as u64;
    drafts.counts.n_rejected += chunk.rejected.len() as u64;
    Ok(drafts)
}

/// A run at work.
struct Run<'a> {
    key: i64,
    writer: &'a mut Writer,
    encoder: &'a Encoder,
    options: &'a IngestOptions<'a>,
    observer: &'a dyn Observer,
    report: Report,
    /// The ids met so far, where papers that are not met are to be forgotten.
    seen: Option<HashSet<PaperId>>,
}

impl Run<'_> {
    /// Takes in one chunk; whether to go on.
    fn take_in(&mut self, chunk: Chunk) -> Result<bool> {
        if chunk.is_empty() {
            return Ok(true);
        }
        let share_read = chunk.share_read;
        self.commit_chunk(chunk)?;
        if let Some(total) = chunks::estimate(self.report.counts.n_read, share_read) {
            self.observer.estimate(total);
        }
        self.report.stopped = self.observer.stop_requested();
        Ok(!self.report.stopped)
    }

    fn commit_chunk(&mut self, mut chunk: Chunk) -> Result<()> {
        if let Some(seen) = &mut self.seen {
            seen.extend(chunk.ids());
        }
        let mut drafts = drafted(&self.writer.lookup(), &mut chunk, self.options)?;
        self.report.list(chunk.rejected, chunk.failed);
        self.observer.advance(drafts.counts.n_read);

        let mut taken = drafts.take();
        self.embed(&mut taken)?;
        let mut counts = self.report.counts.plus(&drafts.counts);
        let mut decisions = drafts.decisions;
        for draft in taken {
            counts = counts.plus(&draft.counts);
            decisions.extend(draft.decisions);
            drafts.batch.changes.push(draft.change);
        }
        // A mirror holds what the dump says now, also where that is what it once said before.
        let is_mirror = self.seen.is_some();
        for change in &mut drafts.batch.changes {
            change.forgets_earlier_records = is_mirror;
        }
        self.writer.commit(&drafts.batch, (self.key, &counts))?;
        self.report.counts = counts;
        self.options.tell(&decisions);
        Ok(())
    }

    /// Embeds what needs it; drafts that a requested stop kept from it are dropped.
    fn embed(&mut self, drafts: &mut Vec<Draft>) -> Result<()> {
        let (wanting, ready): (Vec<Draft>, Vec<Draft>) =
            drafts.drain(..).partition(Draft::needs_embedding);
        self.observer
            .advance(ready.iter().map(|draft| draft.counts.n_read).sum());
        drafts.extend(ready);
        let passages: Vec<String> = wanting.iter().map(|d| d.change.paper.passage()).collect();
        let embedded = self
            .encoder
            .embed(&passages, Role::Passage, self.observer)?;
        self.report.n_tokens += embedded.n_tokens;
        let outcome = embedded.vectors.into_iter().zip(embedded.truncated);
        for (mut draft, (vector, truncated)) in wanting.into_iter().zip(outcome) {
            if let Some(mut vector) = vector {
                vectors::normalize(&mut vector);
                draft.change.embedding = Some(vector);
                draft.counts.n_truncated = u64::from(truncated);
                self.report.n_embedded += 1;
                drafts.push(draft);
            }
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
