//! How well a search finds what people judged relevant.
//!
//! In: a [`Task`] (queries and judgments) and a library that holds its corpus. Out: a [`Run`]: the
//! scored papers that each query finds; and of runs, their own or others', each [`Metric`] by query,
//! its [`Mean`] with an interval, and how likely the difference of two is chance.

mod metrics;
mod task;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub use self::metrics::{DEFAULT_METRICS, Mean, Metric, mean, p_value};
pub use self::task::{JudgedQuery, Run, Task, TaskFiles, read_run};

use crate::encoder::{CrossEncoder, Encoder, Role};
use crate::error::Result;
use crate::index::Mode;
use crate::index::lexical::WordQuery;
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};
use crate::search::{self, Answer, Indexes, Matching, Query, RERANK_DEPTH, Rocchio, Target};
use crate::vectors;

/// Judgments of one query: the grade of each paper; above 0 is relevant.
pub type Judgments = BTreeMap<PaperId, i32>;

/// How the queries of a task are asked.
#[derive(Debug, Clone)]
pub struct EvalOptions<'a> {
    /// Papers found for each query.
    pub depth: usize,
    /// Which index finds them.
    pub matching: Matching,
    /// How the index of the embeddings is searched.
    pub mode: Mode,
    /// Whether the queries are papers of the corpus, by their ids: those related to them are found,
    /// they themselves are not.
    pub by_id: bool,
    /// What reads the first papers of each query again.
    pub reranker: Option<&'a CrossEncoder>,
}

/// Asks every judged query of a task.
///
/// # Errors
/// As [`Encoder::embed`] and [`search::answer`]; [`Error::UnknownPaper`](crate::Error::UnknownPaper)
/// for a query that is a paper and not in the library.
pub fn run(
    indexes: &Indexes<'_>,
    encoder: &Encoder,
    task: &Task,
    options: &EvalOptions<'_>,
    observer: &dyn Observer,
) -> Result<Run> {
    observer.begin(Stage::Evaluate, Some(task.queries.len() as u64));
    let mut run = Run::new();
    let scored = |answer: Answer| {
        let hits = answer.hits.into_iter();
        hits.map(|hit| (hit.paper.id, hit.score)).collect()
    };
    let mut query = Query {
        k: match options.reranker {
            Some(_) => options.depth.max(RERANK_DEPTH),
            None => options.depth,
        },
        matching: options.matching,
        mode: options.mode,
        keeps_duplicates: true,
        ..Query::default()
    };
    if options.by_id {
        for judged in &task.queries {
            query.target = Target::Papers {
                like: vec![judged.id.clone()],
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
            if let Some(reranker) = options.reranker {
                search::rerank(reranker, &judged.text, &mut answer)?;
                answer.hits.truncate(options.depth);
            }
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

/// Writes a run as TREC wants it, `query Q0 paper rank score tag`, the queries in a task's order.
///
/// # Errors
/// What the writer fails with.
pub fn write_run(run: &Run, task: &Task, tag: &str, mut out: impl Write) -> io::Result<()> {
    for query in &task.queries {
        let ranking = run.get(&query.id).map_or(&[][..], Vec::as_slice);
        for (idx, (id, score)) in ranking.iter().enumerate() {
            // A run's fields are separated by spaces, which ids may hold.
            let id = id.as_str().replace(char::is_whitespace, "_");
            writeln!(out, "{} Q0 {id} {} {score:?} {tag}", query.id, idx + 1)?;
        }
    }
    out.flush()
}
