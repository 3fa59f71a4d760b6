//! From dumps to an index: read, embed, store, index what is new or changed.
//!
//! ```text
//! dumps ──► records ──► drafts ──► embeddings ──► commit ──► index
//! thread 1              │ standing to the library │ one transaction a batch
//! ```
//!
//! In: an open [`Writer`], an [`Encoder`], [`Source`]s. Out: a [`Report`]. Reading goes on beside
//! embedding; memory is bounded by the channel, not by the dump.
//!
//! Invariants: read = stored + changed + unchanged + rejected. A batch of [`BATCH_RECORDS`] is
//! committed before the next is embedded, so a kill costs at most one batch of embeddings; a
//! requested stop costs none, because what is embedded by then is committed. A record that was
//! taken in once is never embedded again, also when a newer one has superseded it since: running
//! the same dumps again embeds nothing.

mod chunks;
mod embed;
mod sinks;

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use self::chunks::Chunk;
use crate::dump::{Rejected, Source};
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::index::{self, IndexOptions};
use crate::library::{Change, Ingest, Library, PaperKey, Standing, Writer};
use crate::paper::{Paper, PaperId, TextHash};
use crate::progress::{Observer, Stage};
use crate::space::{self, Origin};
use crate::vectors;

pub use self::chunks::BATCH_RECORDS;
pub use self::embed::{EmbedOptions, EmbedReport, OpenSink, embed};
pub use self::sinks::{
    ArrowStream, Dtype, JsonLines, Npy, Output, ParquetFile, VectorSink, VectorType,
};

/// How many rejections a report lists, and those that end their dump in any case; all are counted.
pub const MAX_LISTED_REJECTIONS: usize = 1000;

/// How dumps are taken in.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// Whether papers that are in none of the dumps are forgotten.
    pub mirror: bool,
    /// How the index is built.
    pub index: IndexOptions,
}

/// What taking in dumps came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Counts of records: read = stored + changed + unchanged + rejected.
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
    options: &IngestOptions,
    observer: &dyn Observer,
) -> Result<Report> {
    space::adopt(writer, encoder, origin)?;
    let names: Vec<String> = sources.iter().map(Source::to_string).collect();
    let mut run = Run {
        key: writer.begin_ingest(&names)?,
        writer,
        encoder,
        observer,
        report: Report::default(),
        seen: options.mirror.then(HashSet::new),
    };
    observer.begin(Stage::Embed, None);
    chunks::read_beside(sources, |chunk| run.take_in(chunk))?;
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

/// One paper of a batch, as all records of the batch together make it.
struct Draft {
    change: Change,
    /// The text hash that the library's embedding was made at.
    embedded_at: Option<TextHash>,
    /// What its records count as, once it is committed.
    counts: Ingest,
}

/// What a batch of records comes to, before anything is embedded.
#[derive(Default)]
struct Drafts {
    drafts: Vec<Draft>,
    by_id: HashMap<PaperId, usize>,
    listings: Vec<(PaperKey, Date)>,
    counts: Ingest,
}

impl Drafts {
    fn add(&mut self, writer: &Writer, record: Paper) -> Result<()> {
        let hash = record.record_hash();
        if let Some(&at) = self.by_id.get(&record.id) {
            self.drafts[at].join(record, hash);
            return Ok(());
        }
        let draft = match writer.standing(&record, hash)? {
            Standing::Seen(key) => {
                self.counts.n_read += 1;
                self.counts.n_unchanged += 1;
                self.listings.extend(record.listed.map(|date| (key, date)));
                return Ok(());
            }
            Standing::New => Draft::of(None, record, hash, None),
            Standing::Known {
                key,
                paper,
                embedded_at,
            } => {
                let listed = record.listed;
                let mut draft = Draft::of(Some(key), joined(*paper, record), hash, embedded_at);
                draft.change.listed = listed.into_iter().collect();
                draft
            }
        };
        let paper = &draft.change.paper;
        for id in paper.aliases.iter().chain([&paper.id]) {
            self.by_id.insert(id.clone(), self.drafts.len());
        }
        self.drafts.push(draft);
        Ok(())
    }
}

impl Draft {
    fn of(
        key: Option<PaperKey>,
        paper: Paper,
        hash: TextHash,
        embedded_at: Option<TextHash>,
    ) -> Draft {
        let counts = Ingest {
            n_read: 1,
            n_stored: u64::from(key.is_none()),
            n_changed: u64::from(key.is_some()),
            ..Ingest::default()
        };
        let change = Change {
            key,
            record_hashes: vec![hash],
            forgets_earlier_records: false,
            listed: paper.listed.into_iter().collect(),
            paper,
            embedding: None,
        };
        Draft {
            change,
            embedded_at,
            counts,
        }
    }

    /// Takes in another record of the same paper.
    fn join(&mut self, record: Paper, hash: TextHash) {
        self.counts.n_read += 1;
        self.change.listed.extend(record.listed);
        if self.change.record_hashes.contains(&hash) {
            self.counts.n_unchanged += 1;
            return;
        }
        self.counts.n_changed += 1;
        self.change.record_hashes.push(hash);
        let paper = self.change.paper.clone();
        self.change.paper = joined(paper, record);
    }

    fn needs_embedding(&self) -> bool {
        self.embedded_at != Some(self.change.paper.text_hash())
    }
}

/// A stored paper with one more record of it: the newer of the two speaks first, the stored id
/// stays.
fn joined(stored: Paper, record: Paper) -> Paper {
    let id = stored.id.clone();
    let other_id = (record.id != id).then(|| record.id.clone());
    let mut paper = if record.is_older_than(&stored) {
        record.superseded_by(stored)
    } else {
        stored.superseded_by(record)
    };
    paper.id = id;
    let known = |alias: &PaperId| paper.aliases.contains(alias) || *alias == paper.id;
    if let Some(other) = other_id.filter(|other| !known(other)) {
        paper.aliases.push(other);
    }
    paper
}

/// A run at work.
struct Run<'a> {
    key: i64,
    writer: &'a mut Writer,
    encoder: &'a Encoder,
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

    fn commit_chunk(&mut self, chunk: Chunk) -> Result<()> {
        let n_rejected = chunk.rejected.len() as u64;
        self.report.list(chunk.rejected, chunk.failed);
        let mut batch = Drafts::default();
        if let Some(seen) = &mut self.seen {
            let ids =
                |paper: &Paper| [&paper.aliases[..], std::slice::from_ref(&paper.id)].concat();
            seen.extend(chunk.records.iter().flat_map(|record| ids(&record.paper)));
        }
        for record in chunk.records {
            batch.add(self.writer, record.paper)?;
        }
        batch.counts.n_read += n_rejected;
        batch.counts.n_rejected += n_rejected;
        self.observer.advance(batch.counts.n_read);

        self.embed(&mut batch.drafts)?;
        let mut counts = self.report.counts.plus(&batch.counts);
        for draft in &batch.drafts {
            counts = counts.plus(&draft.counts);
        }
        let mut changes: Vec<Change> = batch.drafts.into_iter().map(|draft| draft.change).collect();
        // A mirror holds what the dump says now, also where that is what it once said before.
        let is_mirror = self.seen.is_some();
        for change in &mut changes {
            change.forgets_earlier_records = is_mirror;
        }
        self.writer
            .commit(&changes, &batch.listings, (self.key, &counts))?;
        self.report.counts = counts;
        Ok(())
    }

    /// Embeds what needs it; drafts that a requested stop kept from it are dropped.
    fn embed(&mut self, drafts: &mut Vec<Draft>) -> Result<()> {
        let (wanting, ready): (Vec<Draft>, Vec<Draft>) =
            drafts.drain(..).partition(Draft::needs_embedding);
        self.observer.advance(ready.len() as u64);
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
