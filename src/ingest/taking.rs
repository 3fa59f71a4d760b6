//! Vectors that were computed elsewhere, as the embeddings of a library's papers.
//!
//! ```text
//! ids ──► papers that lack an embedding ──► a sample, embedded here and compared ──► commits
//! ```
//!
//! In: a [`VectorFile`] and the encoder of the library. Out: rows of the library's space.
//!
//! Invariants: no vector is stored before the sample has been compared. A vector is only used for a
//! paper all of whose records have its text: what was embedded elsewhere is one record's text.

use std::collections::HashSet;

use super::report::IngestReport;
use super::vector_files::{VectorFile, bad};
use crate::dump::repaired_arxiv_number;
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::library::{Library, PaperKey, Writer};
use crate::paper::{Notice, Paper, TextHash};
use crate::progress::{Observer, Stage, Unobserved};
use crate::space::{self, Origin};
use crate::vectors::{dot, normalize};

/// Papers of a file that are embedded here and compared.
const SAMPLE: usize = 16;

/// The least cosine of a vector and the one that is computed here. Int8 keeps 0.998 and more.
const LEAST_COSINE: f32 = 0.99;

/// Vectors that are committed together.
const BATCH_VECTORS: usize = 4096;

/// Unknown ids that are named.
const UNKNOWN_NAMED: usize = 5;

/// The result of taking the vectors of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenVectors {
    /// Vectors in the file.
    pub n_read: u64,
    /// Vectors that are embeddings now.
    pub n_stored: u64,
    /// Vectors of papers that have an embedding already, or need none.
    pub n_known: u64,
    /// Vectors of papers that were merged from records of different texts.
    pub n_merged: u64,
    /// Vectors of no paper of the library.
    pub n_unknown: u64,
    /// The first of their ids.
    pub unknown: Vec<String>,
}

/// Takes the vectors of a file as the embeddings of those papers that have none.
///
/// # Errors
/// [`Error::BadVectors`] if they are not of the encoder's space; as [`space::adopt`],
/// [`Encoder::embed`] and [`Writer::store_embeddings`]. A requested stop is not an error; it is in
/// the report.
pub fn take_vectors(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    file: &VectorFile,
    report: &mut IngestReport,
    observer: &dyn Observer,
) -> Result<TakenVectors> {
    file.ensure_is_of(encoder)?;
    space::adopt(writer, encoder, origin)?;
    let mut taken = TakenVectors::default();
    let places = papers_of(writer, file, encoder.dim(), &mut taken)?;
    compare(writer, encoder, file, &places)?;
    let n_usable = places.iter().flatten().count();
    observer.begin(Stage::Embed, Some(n_usable as u64));
    let mut places = places.into_iter();
    let mut batch = (Vec::new(), Vec::new());
    file.each(|_, mut vector| {
        if let Some(Some(paper)) = places.next() {
            normalize(&mut vector);
            batch.0.push(paper);
            batch.1.push(vector);
        }
        if batch.0.len() == BATCH_VECTORS {
            store(writer, &mut batch, &mut taken, observer)?;
            report.stopped |= observer.stop_requested();
        }
        Ok(!report.stopped)
    })?;
    store(writer, &mut batch, &mut taken, observer)?;
    observer.end();
    report.n_taken += taken.n_stored;
    Ok(taken)
}

/// Papers with the hashes of their texts, and their vectors.
type VectorBatch = (Vec<(PaperKey, TextHash)>, Vec<Vec<f32>>);

fn store(
    writer: &mut Writer,
    (papers, vectors): &mut VectorBatch,
    taken: &mut TakenVectors,
    observer: &dyn Observer,
) -> Result<()> {
    if papers.is_empty() {
        return Ok(());
    }
    writer.store_embeddings(papers, vectors)?;
    taken.n_stored += papers.len() as u64;
    observer.advance(papers.len() as u64);
    papers.clear();
    vectors.clear();
    Ok(())
}

/// The paper that each vector of a file is to be the embedding of, if any.
fn papers_of(
    writer: &Writer,
    file: &VectorFile,
    dim: usize,
    taken: &mut TakenVectors,
) -> Result<Vec<Option<(PaperKey, TextHash)>>> {
    let library = Library::open(writer.path())?;
    let (mut places, mut met) = (Vec::new(), HashSet::new());
    file.each(|id, vector| {
        if vector.len() != dim {
            let what = format!("they have {} numbers, and the model {dim}", vector.len());
            return Err(bad(file.path(), &what));
        }
        taken.n_read += 1;
        places.push(paper_of(writer, &library, id, taken, &mut met)?);
        Ok(true)
    })?;
    if taken.n_read == 0 {
        return Err(bad(file.path(), "it holds no vectors"));
    }
    Ok(places)
}

fn paper_of(
    writer: &Writer,
    library: &Library,
    id: &str,
    taken: &mut TakenVectors,
    met: &mut HashSet<PaperKey>,
) -> Result<Option<(PaperKey, TextHash)>> {
    let found = library.find(id).or_else(|error| {
        // Ids are as the dump spells them; an add repairs those that became numbers.
        let repaired = repaired_arxiv_number(id).ok_or(error)?;
        library.find(&repaired)
    });
    let key = match found {
        Ok(stored) => stored.key,
        Err(Error::UnknownPaper { .. } | Error::AmbiguousId { .. }) => {
            taken.n_unknown += 1;
            if taken.unknown.len() < UNKNOWN_NAMED {
                taken.unknown.push(id.to_owned());
            }
            return Ok(None);
        }
        Err(other) => return Err(other),
    };
    let known = writer.lookup().known(key)?;
    let hash = known.paper.text_hash();
    let needs_none = known.paper.notice == Some(Notice::Withdrawn);
    if needs_none || known.embedded_at == Some(hash) || !met.insert(key) {
        taken.n_known += 1;
        return Ok(None);
    }
    let passage = known.paper.passage();
    let has_it = |paper: &Paper| paper.passage() == passage;
    if !known.sources.iter().all(|source| has_it(&source.paper)) {
        taken.n_merged += 1;
        return Ok(None);
    }
    Ok(Some((key, hash)))
}

/// Embeds a sample of the papers, evenly spread, and compares it with the vectors of the file.
fn compare(
    writer: &Writer,
    encoder: &Encoder,
    file: &VectorFile,
    places: &[Option<(PaperKey, TextHash)>],
) -> Result<()> {
    let usable: Vec<usize> = (0..places.len())
        .filter(|at| places[*at].is_some())
        .collect();
    let n = SAMPLE.min(usable.len());
    let sample: HashSet<usize> = (0..n).map(|i| usable[i * usable.len() / n]).collect();
    let (mut at, mut ids, mut theirs, mut passages) = (0, Vec::new(), Vec::new(), Vec::new());
    file.each(|id, vector| {
        if let (true, Some((key, _))) = (sample.contains(&at), places[at]) {
            let paper = writer.lookup().known(key)?.paper;
            passages.push(encoder.recipe().passage_of(&paper));
            ids.push(id.to_owned());
            theirs.push(vector);
        }
        at += 1;
        Ok(ids.len() < n)
    })?;
    let ours = encoder.embed(&passages, Role::Passage, &Unobserved)?;
    for ((id, mut their), our) in ids.iter().zip(theirs).zip(ours.vectors) {
        let mut our = our.expect("an unobserved embedding is never stopped");
        normalize(&mut their);
        normalize(&mut our);
        let cosine = dot(&their, &our);
        if cosine.is_nan() || cosine < LEAST_COSINE {
            let what = format!(
                "the vector of {id:?} has a cosine of {cosine:.3} with the one that {} computes \
                 here; at least {LEAST_COSINE} is expected. Another model, recipe or text was \
                 embedded",
                encoder.recipe().describe()
            );
            return Err(bad(file.path(), &what));
        }
    }
    Ok(())
}
