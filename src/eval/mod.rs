//! How well a search finds what people judged relevant.
//!
//! In: a [`Task`] (queries and judgments) and a [`Corpus`] with its library. Out: a [`Run`]: the
//! scored documents that each query finds. For any runs, also those of other systems: each
//! [`Metric`] by query, its [`Mean`] with a confidence interval, and the p-value of a difference.
//!
//! Invariant: documents have the same ids in the corpus, in judgments and in runs, letter by
//! letter; nothing is merged.

mod corpus;
mod metrics;
mod task;

use std::collections::HashSet;
use std::io::{self, Write};

pub use self::corpus::{Corpus, build_corpus};
pub use self::metrics::{DEFAULT_METRICS, Judgments, Mean, Metric, mean, p_value};
pub use self::task::{JudgedQuery, Run, Task, TaskFiles, read_run};

use crate::encoder::{CrossEncoder, Encoder, Role};
use crate::error::Result;
use crate::index::Mode;
use crate::index::lexical::WordQuery;
use crate::progress::{Observer, Stage};
use crate::search::{self, Answer, Hit, Indexes, Matching, Query, RERANK_DEPTH, Rocchio, Target};
use crate::vectors;

/// How the queries of a task are asked.
#[derive(Debug, Clone)]
pub struct EvalOptions<'a> {
    /// Documents found for each query.
    pub depth: usize,
    /// Which index finds them.
    pub matching: Matching,
    /// How the index of the embeddings is searched.
    pub mode: Mode,
    /// Whether the queries are documents of the corpus, by their ids: those related to them are found,
    /// they themselves are not.
    pub by_id: bool,
    /// Whether to leave out the document with a query's own id, if the queries are texts.
    pub exclude_self: bool,
    /// What reads the first papers of each query again.
    pub reranker: Option<&'a CrossEncoder>,
}

/// Asks every judged query of a task in the library of its corpus.
///
/// # Errors
/// As [`Encoder::embed`] and [`search::answer`];
/// [`Error::UnknownPaper`](crate::Error::UnknownPaper) for a query that should be a document but is
/// not.
pub fn run(
    indexes: &Indexes<'_>,
    encoder: &Encoder,
    corpus: &Corpus,
    task: &Task,
    options: &EvalOptions<'_>,
    observer: &dyn Observer,
) -> Result<Run> {
    observer.begin(Stage::Evaluate, Some(task.queries.len() as u64));
    let mut run = Run::new();
    let scored = |answer: Answer| {
        let hits = answer.hits.into_iter();
        // A corpus is embedded as a whole.
        let scored = |hit: Hit| Some((corpus.id_at(hit.row?).to_owned(), hit.score));
        hits.filter_map(scored).collect()
    };
    let mut query = Query {
        k: match options.reranker {
            Some(_) => options.depth.max(RERANK_DEPTH),
            None => options
                .depth
                .saturating_add(usize::from(options.exclude_self)),
        },
        matching: options.matching,
        mode: options.mode,
        keeps_duplicates: true,
        ..Query::default()
    };
    if options.by_id {
        for judged in &task.queries {
            query.target = Target::Papers {
                like: vec![corpus.key_of(&judged.id)?],
                draft: None,
                unlike: Vec::new(),
                weights: Rocchio::default(),
            };
            let answer = match options.reranker {
                Some(reranker) => search::answer_reranked(indexes, None, reranker, &query)?,
                None => search::answer(indexes, None, &query)?,
            };
            run.insert(judged.id.clone(), scored(answer));
            observer.advance(1);
        }
    } else {
        let texts: Vec<&str> = task
            .queries
            .iter()
            .map(|query| query.text.as_str())
            .collect();
        let embedded = encoder.embed(&texts, Role::Query, &crate::progress::Unobserved)?;
        for (judged, vector) in task.queries.iter().zip(embedded.vectors) {
            let mut vector = vector.expect("an unobserved embedding is never stopped");
            vectors::normalize(&mut vector);
            let words = WordQuery::of_text(&judged.text);
            let mut answer = search::similar(indexes, Some(&vector), &words, &query)?;
            if options.exclude_self {
                let is_other = |hit: &Hit| hit.row.is_none_or(|row| corpus.id_at(row) != judged.id);
                answer.hits.retain(is_other);
            }
            if let Some(reranker) = options.reranker {
                search::rerank(reranker, &judged.text, &mut answer)?;
            }
            answer.hits.truncate(options.depth);
            run.insert(judged.id.clone(), scored(answer));
            observer.advance(1);
        }
    }
    observer.end();
    Ok(run)
}

/// A metric of each query of a task, in its order; a query that a run has not is 0.
pub fn values(metric: Metric, run: &Run, task: &Task) -> Vec<f64> {
    let value = |query: &JudgedQuery| {
        let ranking = run.get(&query.id).map_or(&[][..], Vec::as_slice);
        metric.of(ranking, &query.judgments)
    };
    task.queries.iter().map(value).collect()
}

/// Leaves the document with each query's own id out of a run.
pub fn exclude_self(run: &mut Run) {
    for (query, ranking) in run {
        ranking.retain(|(id, _)| id != query);
    }
}

/// The judged documents that a corpus has not.
pub fn n_judged_elsewhere(task: &Task, corpus: &Corpus) -> usize {
    let judged = task.queries.iter().flat_map(|query| query.judgments.keys());
    let elsewhere: HashSet<&String> = judged.filter(|id| !corpus.has(id)).collect();
    elsewhere.len()
}

/// Writes a run in TREC's format, `query Q0 document rank score tag`, the queries in a task's
/// order. Spaces are between the fields, or tabs if ids hold spaces.
///
/// # Errors
/// What the writer fails with; [`io::ErrorKind::InvalidData`] if an id holds a tab or a line end.
pub fn write_run(run: &Run, task: &Task, tag: &str, mut out: impl Write) -> io::Result<()> {
    let rankings = || {
        let ranking = |query: &JudgedQuery| run.get(&query.id).map_or(&[][..], Vec::as_slice);
        task.queries
            .iter()
            .map(move |query| (&query.id, ranking(query)))
    };
    let ids = rankings().flat_map(|(query, ranking)| {
        let found = ranking.iter().map(|(id, _)| id);
        std::iter::once(query).chain(found)
    });
    let mut gap = ' ';
    for id in ids.filter(|id| id.contains(char::is_whitespace)) {
        if id.contains(['\t', '\n', '\r']) {
            let what = format!("a run cannot hold the id {id:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        gap = '\t';
    }
    for (query, ranking) in rankings() {
        for (idx, (id, score)) in ranking.iter().enumerate() {
            let rank = idx + 1;
            writeln!(
                out,
                "{query}{gap}Q0{gap}{id}{gap}{rank}{gap}{score:?}{gap}{tag}"
            )?;
        }
    }
    out.flush()
}
