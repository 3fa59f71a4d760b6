//! Vectors only: dumps to a file or a stream of embeddings, without a library.
//!
//! In: sources and an encoder. Out: one embedding a paper to a [`VectorSink`], in the order of the
//! dumps, under the id as the dump spells it. Nothing is merged: a dump that has a paper twice
//! gets two vectors.

use std::thread;

use super::chunks::{self, Chunk, Ended, refuse};
use super::encoding::{EncoderThreads, Length};
use super::report::EmbedReport;
use super::sinks::VectorSink;
use crate::dump::{Format, Item, ReadOptions, Record, Source};
use crate::encoder::{Encoder, Recipe};
use crate::error::{Error, Result};
use crate::progress::{Observer, Stage};

/// How dumps are embedded.
#[derive(Debug, Clone, Default)]
pub struct EmbedOptions {
    /// Whether the first rejected record, or dump that cannot be read, is an error.
    pub strict: bool,
    /// How the dumps are read.
    pub read: ReadOptions,
}

/// Makes the sink, once the format of the first dump that can be read is known.
pub type OpenSink<'a> = &'a mut dyn FnMut(Format) -> Result<Box<dyn VectorSink>>;

/// Embeds every paper of the dumps into the sink that `open_sink` makes. Where no dump can be read,
/// no sink is made. An empty standard input is not a fault: a filter without input has nothing to
/// do.
///
/// # Errors
/// What the encoder or the sink fail with, and with [`EmbedOptions::strict`] [`Error::Rejected`] or
/// why a dump cannot be read. Otherwise, a dump that cannot be read is in the report.
pub fn embed(
    encoder: &Encoder,
    sources: &[Source],
    open_sink: OpenSink<'_>,
    options: &EmbedOptions,
    observer: &dyn Observer,
) -> Result<EmbedReport> {
    observer.begin(Stage::Embed, None);
    let n_records = chunks::batch_records(encoder);
    let (mut sink, report) = thread::scope(|scope| {
        let mut run = EmbedRun {
            encoding: EncoderThreads::start(scope, encoder, observer, Length::Own),
            recipe: encoder.recipe(),
            options,
            observer,
            sink: None,
            waiting: None,
            report: EmbedReport::default(),
        };
        let mut is_input_empty = false;
        let read = chunks::read_beside(sources, &options.read, n_records, observer, |mut chunk| {
            is_input_empty |= drop_empty_input(&mut chunk, sources);
            if let (None, Some(format)) = (&run.sink, chunk.format) {
                run.sink = Some(open_sink(format)?);
            }
            run.take_in(chunk)?;
            Ok(true)
        });
        // What came before an error is written.
        let finished = run.finish_waiting();
        let ended = read?;
        finished?;
        if ended == Ended::Early {
            return Err(Error::Interrupted);
        }
        if is_input_empty && run.sink.is_none() && run.report.unused.failed.is_empty() {
            run.sink = Some(open_sink(Format::JsonRecords)?);
        }
        Result::Ok((run.sink, run.report))
    })?;
    observer.end();
    if let Some(sink) = &mut sink {
        sink.finish()?;
    }
    Ok(report)
}

/// Takes from a chunk that the standard input was empty; whether it was.
fn drop_empty_input(chunk: &mut Chunk, sources: &[Source]) -> bool {
    let input = Source::Stdin.to_string();
    let is_empty = |(name, error): &(String, Error)| {
        *name == input && matches!(error, Error::EmptyDump { .. })
    };
    let n_before = chunk.failed.len();
    if sources.contains(&Source::Stdin) {
        chunk.failed.retain(|failed| !is_empty(failed));
    }
    chunk.failed.len() < n_before
}

/// An embedding at work. While one batch is embedded, the one before it is written and the one after it is
/// read.
struct EmbedRun<'a> {
    encoding: EncoderThreads,
    recipe: &'a Recipe,
    options: &'a EmbedOptions,
    observer: &'a dyn Observer,
    sink: Option<Box<dyn VectorSink>>,
    /// The ids of the batch that is being embedded.
    waiting: Option<Vec<String>>,
    report: EmbedReport,
}

impl EmbedRun<'_> {
    fn take_in(&mut self, mut chunk: Chunk) -> Result<()> {
        if self.options.strict {
            refuse(&mut chunk)?;
        }
        let n_rejected = chunk.rejected.len() as u64;
        self.report.n_rejected += n_rejected;
        self.report.n_read += n_rejected + chunk.items.len() as u64;
        self.report.unused.take_from(&mut chunk);
        self.observer.advance(n_rejected);
        let n_items = chunk.items.len();
        let paper = |(item, _)| match item {
            Item::Paper(record) => Some(*record),
            _ => None,
        };
        let records: Vec<Record> = chunk.items.into_iter().filter_map(paper).collect();
        // An item that is not a paper has no vector.
        self.report.n_without_paper += (n_items - records.len()) as u64;
        self.embed(records)?;
        if let Some(total) = chunks::estimate(self.report.n_read, chunk.share_read) {
            self.observer.estimate(total);
        }
        Ok(())
    }

    fn embed(&mut self, records: Vec<Record>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let passages = records.iter().map(|r| self.recipe.passage_of(&r.paper));
        self.encoding.send(passages.collect());
        self.finish_waiting()?;
        self.waiting = Some(records.into_iter().map(|r| r.given_id).collect());
        Ok(())
    }

    /// Writes the batch that is being embedded, if there is one.
    fn finish_waiting(&mut self) -> Result<()> {
        let Some(ids) = self.waiting.take() else {
            return Ok(());
        };
        let (embedded, effort) = self.encoding.receive()?;
        if self.observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let n_truncated = embedded.truncated.iter().filter(|cut| **cut).count();
        self.report.n_tokens += embedded.n_tokens;
        self.report.encoding = self.report.encoding.plus(effort);
        self.report.n_truncated += n_truncated as u64;
        let vectors: Option<Vec<_>> = embedded.vectors.into_iter().collect();
        let vectors = vectors.ok_or(Error::Interrupted)?;
        if let Some(sink) = &mut self.sink {
            sink.put(&ids, &vectors)?;
        }
        self.report.n_embedded += ids.len() as u64;
        Ok(())
    }
}
