//! From dumps to an index: read, store and index the words of what is new or changed, then embed
//! it.
//!
//! ```text
//! dumps ──► items ──► pending papers ──► commits ──► words      `store`
//! papers without an embedding, newest first ──► commits ──► index   `embed_stored`
//! ```
//!
//! In: an open [`Writer`], an [`Encoder`], [`Source`]s. Out: a [`IngestReport`]. All papers can be
//! found by their words before the first one is embedded. Memory holds one batch of records or two
//! of texts; the size of the dump does not count. `storing.rs` reads and stores, `missing.rs`
//! embeds. `pending_batch.rs` says which record belongs to which paper (`pending.rs`).
//! `same_work.rs` says when two records are of one work, and `merging.rs` which paper they make.
//! [`rehearse()`] does all but embedding and writing.
//!
//! Invariants: read = stored + changed + unchanged + merged + deleted + rejected. A kill costs the
//! records of the last second at most, and one batch of embeddings of [`BATCH_RECORDS`] (more on a
//! GPU). A requested stop costs none: what is read or embedded by then is committed. What a run
//! leaves without an embedding, the next one embeds. Nothing is embedded twice: running the same
//! dumps again embeds nothing.

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
mod storing;
mod switch;
mod taking;
mod vector_files;

use std::fmt;

use self::pending_batch::{KnownPapers, PendingBatch, Reading};
use crate::dump::{Item, ReadOptions, Rejected, Rejection, Source};
use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::IndexOptions;
use crate::library::Writer;
use crate::paper::{Authority, Collection};
use crate::progress::Observer;
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
pub use self::missing::{Filled, embed_missing};
pub use self::rehearse::rehearse;
pub use self::report::{EmbedReport, IngestReport, MAX_LISTED_REJECTIONS, Unused};
pub use self::restore::restore;
pub use self::same_work::Why;
pub use self::sinks::{
    ArrowStream, Dtype, JsonLines, Npy, Output, ParquetFile, VectorSink, VectorType, WRITER,
};
pub use self::split::split;
pub use self::storing::store;
pub use self::switch::{Switched, switch};
pub use self::taking::{TakenVectors, take_vectors};
pub use self::vector_files::VectorFile;

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

/// Takes in dumps, in their order: [`store`], then [`embed_stored`].
///
/// # Errors
/// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if the library was embedded with another
/// model; as those two.
pub fn run(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    sources: &[Source],
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<IngestReport> {
    space::adopt(writer, encoder, origin)?;
    let mut report = store(writer, sources, options, observer)?;
    if report.counts.n_read == 0 && !report.unused.failed.is_empty() {
        // Who names a file that cannot be read does not wait for the papers of earlier runs.
        return Ok(report);
    }
    embed_stored(
        writer,
        encoder,
        origin,
        &options.index,
        &mut report,
        observer,
    )?;
    Ok(report)
}

/// Embeds all papers of a library that have no embedding yet, the newest first, and brings the
/// index up to them. Adds to the report of the run that stored papers, or to an empty one. Does
/// nothing after a run that was stopped.
///
/// # Errors
/// [`Error::SpaceMismatch`](crate::Error::SpaceMismatch) if the library was embedded with another
/// model; as [`embed_missing`] and [`build_index`]. A requested stop is not an error; it is in the
/// report.
pub fn embed_stored(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    index: &IndexOptions,
    report: &mut IngestReport,
    observer: &dyn Observer,
) -> Result<()> {
    if report.stopped {
        return Ok(());
    }
    space::adopt(writer, encoder, origin)?;
    let filled = embed_missing(writer, encoder, observer)?;
    report.take_filled(&filled);
    if !report.stopped {
        build_index(writer, index, observer)?;
    }
    if let Some(key) = report.run {
        writer.finish_ingest(key, &report.counts)?;
    }
    Ok(())
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
