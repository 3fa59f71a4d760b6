//! A corpus as a library in which every record is a document of its own.
//!
//! In: a dump. Out: a library at a folder, and a [`Corpus`]: the documents' ids as the dump spells
//! them, in the order of their rows. Judgments and runs refer to documents by these ids, so ids are
//! plain text here. Nothing is merged: two documents may have the same text, or ids that elsewhere
//! name one paper. A document that says it was withdrawn counts like any other.
//!
//! Invariants: row n is document n; no two documents have one id. A build that was cut off goes on
//! with the documents that are not stored yet, as long as the dump is the same.

use std::collections::HashMap;
use std::path::Path;

use crate::dump::{Item, ReadOptions, Record, Source, Unit};
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::index::IndexOptions;
use crate::ingest::{self, BATCH_RECORDS, Chunk, Ended, IngestReport};
use crate::library::{Batch, Change, IngestCounts, IngestKey, Library, Writer};
use crate::paper::{Paper, PaperId};
use crate::progress::{Observer, Stage};
use crate::space::{self, Origin};
use crate::vectors::{self, Row};

/// The documents of a corpus by their ids as its dump spells them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    ids: Vec<String>,
    places: HashMap<String, usize>,
}

impl Corpus {
    /// The documents of these ids, in the order of their rows; of two of one id the first counts.
    pub fn new(ids: Vec<String>) -> Corpus {
        let mut places = HashMap::with_capacity(ids.len());
        for (place, id) in ids.iter().enumerate() {
            places.entry(id.clone()).or_insert(place);
        }
        Corpus { ids, places }
    }

    /// The ids, in the order of the rows.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Whether there is a document of this id.
    pub fn has(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The id of the document in a row.
    pub(super) fn id_at(&self, row: Row) -> &str {
        &self.ids[row.0 as usize]
    }

    /// The id by which the library finds a document.
    ///
    /// # Errors
    /// [`Error::UnknownPaper`].
    pub(super) fn key_of(&self, id: &str) -> Result<String> {
        let place = self.places.get(id);
        let place = place.ok_or_else(|| Error::UnknownPaper { id: id.to_owned() })?;
        Ok(paper_id(*place).to_string())
    }
}

/// The id of a document in the library: its position, which is unique.
fn paper_id(place: usize) -> PaperId {
    PaperId::parse(&format!("document-{place}")).expect("it is not empty")
}

/// Builds the library of a corpus at `root`, or continues an interrupted build. The report lists
/// what could not be used.
///
/// # Errors
/// [`Error::Rejected`] if two documents have one id, or the dump is cut off; [`Error::Interrupted`];
/// what [`Dump::open`](crate::dump::Dump::open), [`Writer::commit`] and [`Encoder::embed`] fail with.
pub fn build_corpus(
    root: &Path,
    dump: &Path,
    (encoder, origin): (&Encoder, &Origin),
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<(Corpus, IngestReport)> {
    let mut writer = Writer::open_or_create(root, "akin eval")?;
    space::adopt(&mut writer, encoder, origin)?;
    let run = writer.begin_ingest(&[dump.display().to_string()])?;
    observer.begin(Stage::Embed, None);
    let mut build = Build {
        n_stored: Library::open(root)?.rows()?.len(),
        writer: &mut writer,
        encoder,
        observer,
        run,
        ids: Vec::new(),
        met: HashMap::new(),
        waiting: Vec::new(),
        report: IngestReport::default(),
    };
    build.read(dump)?;
    let Build { ids, report, .. } = build;
    observer.end();
    ingest::build_index(&writer, options, observer)?;
    writer.finish_ingest(run, &report.counts)?;
    Ok((Corpus::new(ids), report))
}

struct Build<'a> {
    writer: &'a mut Writer,
    encoder: &'a Encoder,
    observer: &'a dyn Observer,
    /// The run that is noted in the library.
    run: IngestKey,
    /// Documents that were stored before.
    n_stored: usize,
    ids: Vec<String>,
    /// Where each id was met.
    met: HashMap<String, (u64, Unit)>,
    waiting: Vec<Paper>,
    report: IngestReport,
}

impl Build<'_> {
    fn read(&mut self, path: &Path) -> Result<()> {
        let sources = [Source::from_arg(path)];
        let (options, observer) = (ReadOptions::default(), self.observer);
        let take = |chunk| self.take_chunk(chunk, path);
        match ingest::read_beside(&sources, &options, BATCH_RECORDS, observer, take)? {
            Ended::Whole => Ok(()),
            Ended::Early => Err(Error::Interrupted),
        }
    }

    /// Adds the documents that were read; returns whether to continue.
    fn take_chunk(&mut self, chunk: Chunk, path: &Path) -> Result<bool> {
        if let Some((_, error)) = chunk.failed.into_iter().next() {
            return Err(error);
        }
        self.report.counts.n_read += (chunk.items.len() + chunk.rejected.len()) as u64;
        for (item, place) in chunk.items {
            match item {
                Item::Paper(record) => self.take(*record, place, path)?,
                // Anything that is not a document is skipped.
                _ => self.report.counts.n_unchanged += 1,
            }
        }
        for (name, rejected) in chunk.rejected {
            if rejected.reason.ends_the_dump() {
                return Err(Error::Rejected {
                    path: path.to_owned(),
                    what: rejected.to_string(),
                });
            }
            self.report.counts.n_rejected += 1;
            if self.report.unused.rejected.len() < ingest::MAX_LISTED_REJECTIONS {
                self.report.unused.rejected.push((name, rejected));
            }
        }
        if let Some(share) = chunk.share_read.filter(|share| *share > 0.0) {
            let n_read = self.report.counts.n_read as f64;
            self.observer.estimate((n_read / share) as u64);
        }
        self.store()?;
        Ok(true)
    }

    /// Takes a document in.
    fn take(&mut self, record: Record, at: (u64, Unit), path: &Path) -> Result<()> {
        let id = record.given_id.trim().to_owned();
        if let Some((line, unit)) = self.met.insert(id.clone(), at) {
            return Err(Error::Rejected {
                path: path.to_owned(),
                what: format!(
                    "{} {} (id {id:?}): {unit} {line} has the same id",
                    at.1, at.0
                ),
            });
        }
        let place = self.ids.len();
        self.ids.push(id);
        if place < self.n_stored {
            self.observer.advance(1);
            return Ok(());
        }
        self.waiting.push(Paper {
            id: paper_id(place),
            aliases: Vec::new(),
            notice: None,
            raw: None,
            ..record.paper
        });
        Ok(())
    }

    /// Embeds and stores the documents that wait.
    fn store(&mut self) -> Result<()> {
        let papers = std::mem::take(&mut self.waiting);
        if papers.is_empty() {
            return Ok(());
        }
        let recipe = self.encoder.recipe();
        let passages: Vec<String> = papers.iter().map(|p| recipe.passage_of(p)).collect();
        let embedded = self
            .encoder
            .embed(&passages, Role::Passage, self.observer)?;
        let vectors: Option<Vec<Vec<f32>>> = embedded.vectors.into_iter().collect();
        let mut vectors = vectors.ok_or(Error::Interrupted)?;
        vectors.iter_mut().for_each(|v| vectors::normalize(v));
        let counts = &mut self.report.counts;
        counts.n_stored += papers.len() as u64;
        counts.n_truncated += embedded.truncated.iter().filter(|cut| **cut).count() as u64;
        self.report.n_embedded += papers.len() as u64;
        self.report.n_tokens += embedded.n_tokens;
        let batch = Batch {
            changes: papers.into_iter().map(new_paper).collect(),
            ..Batch::default()
        };
        let counts: IngestCounts = self.report.counts;
        self.writer.commit(&batch, &vectors, (self.run, &counts))?;
        if self.observer.stop_requested() {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }
}

fn new_paper(paper: Paper) -> Change {
    Change {
        wants_embedding: true,
        ..Change::new(paper, Vec::new())
    }
}
