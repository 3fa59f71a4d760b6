//! The encoder on threads of its own: it embeds one batch while the next is tokenized and others
//! are read, looked up and written.
//!
//! In: passages, a batch at a time. Out: their [`Embedded`] in the same order. The encoder's idle
//! time between its batches is measured: the encoder should be the only limit of a run.
//! [`commit_whole`] is for a batch on its own.

use std::thread::Scope;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::indexing::build_index;
use crate::encoder::{Embedded, Encoder, Role};
use crate::error::{Error, Result};
use crate::index::IndexOptions;
use crate::library::{Batch, IngestCounts, Writer};
use crate::paper::Paper;
use crate::progress::Observer;
use crate::vectors;

/// Batches that wait before each step.
const WAITING: usize = 1;

/// Length of the embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// As the model makes them.
    Own,
    /// 1, as a library holds them.
    One,
}

impl Length {
    fn of(self, embedded: Embedded) -> Embedded {
        match self {
            Length::Own => embedded,
            Length::One => normalised(embedded),
        }
    }
}

/// An encoder at work on its own threads, until this is dropped.
pub(super) struct EncoderThreads {
    to_encoder: Sender<Vec<String>>,
    from_encoder: Receiver<Result<(Embedded, Effort)>>,
}

/// How long an encoder computed, and how long it waited between batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Computing.
    pub busy: Duration,
    /// Having nothing to compute, between the first batch and the last.
    pub idle: Duration,
}

impl Effort {
    /// The share of the time in which there was nothing to compute, 0 to 1.
    pub fn idle_share(&self) -> f64 {
        let total = (self.busy + self.idle).as_secs_f64();
        self.idle.as_secs_f64() / total.max(f64::MIN_POSITIVE)
    }

    pub(super) fn plus(self, other: Effort) -> Effort {
        Effort {
            busy: self.busy + other.busy,
            idle: self.idle + other.idle,
        }
    }
}

impl EncoderThreads {
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        encoder: &'scope Encoder,
        observer: &'scope dyn Observer,
        length: Length,
    ) -> EncoderThreads {
        let (to_encoder, passages) = bounded::<Vec<String>>(WAITING);
        let (to_body, encodings) = bounded(WAITING);
        let (outcomes, from_encoder) = bounded(WAITING);
        scope.spawn(move || {
            for passages in passages {
                if to_body
                    .send(encoder.encode(&passages, Role::Passage))
                    .is_err()
                {
                    return;
                }
            }
        });
        scope.spawn(move || {
            let mut free_since = None;
            for encodings in encodings {
                let start = Instant::now();
                let is_work = encodings.as_ref().is_ok_and(|texts| !texts.is_empty());
                let embedded = encodings.and_then(|texts| encoder.embed_encoded(&texts, observer));
                let mut effort = Effort::default();
                if is_work {
                    let end = Instant::now();
                    effort.busy = end - start;
                    effort.idle = start - free_since.unwrap_or(start);
                    free_since = Some(end);
                }
                let finished = embedded.map(|embedded| (length.of(embedded), effort));
                if outcomes.send(finished).is_err() {
                    return;
                }
            }
        });
        EncoderThreads {
            to_encoder,
            from_encoder,
        }
    }

    /// Passes a batch to the encoder; waits while others have not begun.
    pub(super) fn send(&self, passages: Vec<String>) {
        let sent = self.to_encoder.send(passages);
        sent.expect("the encoder's threads live as long as its channels");
    }

    /// The embeddings of the earliest batch that was sent and not yet received.
    ///
    /// # Errors
    /// As [`Encoder::embed`].
    pub(super) fn receive(&self) -> Result<(Embedded, Effort)> {
        let received = self.from_encoder.recv();
        received.expect("the encoder's threads live as long as its channels")
    }
}

/// Embeds, commits and indexes one batch on its own, as a run over sources with these names. Without
/// an encoder, its papers are left for a later run to embed. Returns its papers.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asked to stop before all were embedded; what
/// [`Encoder::embed`], [`Writer::commit`] and [`index::update`](crate::index::update) fail with.
pub(super) fn commit_whole(
    writer: &mut Writer,
    encoder: Option<&Encoder>,
    mut batch: Batch,
    names: &[String],
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Vec<Paper>> {
    let vectors = match encoder {
        Some(encoder) => embed_whole(encoder, &batch, observer)?,
        None => Vec::new(),
    };
    for change in &mut batch.changes {
        change.wants_embedding &= encoder.is_some();
    }
    let run = writer.begin_ingest(names)?;
    writer.commit(&batch, &vectors, (run, &IngestCounts::default()))?;
    writer.finish_ingest(run, &IngestCounts::default())?;
    build_index(writer, options, observer)?;
    let changes = batch.changes.into_iter();
    Ok(changes.map(|change| change.paper).collect())
}

/// The embeddings of a batch, shape `[dim]` each, normalised.
fn embed_whole(encoder: &Encoder, batch: &Batch, observer: &dyn Observer) -> Result<Vec<Vec<f32>>> {
    let passages = batch.passages(|paper| encoder.recipe().passage_of(paper));
    let embedded = encoder.embed(&passages, Role::Passage, observer)?;
    let vectors: Option<Vec<_>> = normalised(embedded).vectors.into_iter().collect();
    vectors.ok_or(Error::Interrupted)
}

fn normalised(mut embedded: Embedded) -> Embedded {
    for vector in embedded.vectors.iter_mut().flatten() {
        vectors::normalize(vector);
    }
    embedded
}
