//! How well a search finds what people judged relevant.
//!
//! In: a [`Task`] (queries and judgments) and a library that holds its corpus. Out: a [`Ranking`]
//! for each query: the papers found, and its [`Scores`] under the field's metrics.
//!
//! Reads BEIR folders (`corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`); writes TREC run files.

mod beir;
mod metrics;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub use self::beir::Task;
pub use self::metrics::{Scores, mean};

use crate::encoder::{Encoder, Role};
use crate::error::Result;
use crate::index::{Index, Mode};
use crate::library::Library;
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};
use crate::search::{self, Query};
use crate::vectors;

/// How many papers are found for each query: as many as the deepest metric looks at.
pub const DEPTH: usize = 100;

/// Judgments of one query: the grade of each paper; above 0 is relevant.
pub type Judgments = BTreeMap<PaperId, i32>;

/// What one query found.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// The query's id.
    pub query_id: String,
    /// Papers found, closest first, with their similarities.
    pub found: Vec<(PaperId, f32)>,
    /// How well that matches the judgments.
    pub scores: Scores,
}

/// Answers every judged query of a task, and scores the answers.
///
/// # Errors
/// As [`Encoder::embed`] and [`search::similar`].
pub fn run(
    library: &Library,
    index: &Index,
    encoder: &Encoder,
    task: &Task,
    mode: Mode,
    observer: &dyn Observer,
) -> Result<Vec<Ranking>> {
    let texts: Vec<&str> = task
        .queries
        .iter()
        .map(|query| query.text.as_str())
        .collect();
    let embedded = encoder.embed(&texts, Role::Query, &crate::progress::Unobserved)?;
    observer.begin(Stage::Evaluate, Some(texts.len() as u64));
    let mut rankings = Vec::with_capacity(texts.len());
    for (query, vector) in task.queries.iter().zip(embedded.vectors) {
        let mut vector = vector.expect("an unobserved embedding is never stopped");
        vectors::normalize(&mut vector);
        let asked = Query {
            k: DEPTH,
            mode,
            ..Query::default()
        };
        let answer = search::similar(library, index, &vector, &asked)?;
        let found: Vec<(PaperId, f32)> = answer
            .hits
            .into_iter()
            .map(|hit| (hit.paper.id, hit.similarity))
            .collect();
        let ids: Vec<&PaperId> = found.iter().map(|(id, _)| id).collect();
        rankings.push(Ranking {
            query_id: query.id.clone(),
            scores: Scores::of(&ids, &query.judgments),
            found,
        });
        observer.advance(1);
    }
    observer.end();
    Ok(rankings)
}

/// Writes rankings as a TREC run: `query Q0 paper rank similarity tag`.
///
/// # Errors
/// What the writer fails with.
pub fn write_trec_run(rankings: &[Ranking], tag: &str, mut out: impl Write) -> io::Result<()> {
    for ranking in rankings {
        for (idx, (id, similarity)) in ranking.found.iter().enumerate() {
            let query_id = &ranking.query_id;
            // A run's fields are separated by spaces, which ids may hold.
            let id = id.as_str().replace(char::is_whitespace, "_");
            writeln!(out, "{query_id} Q0 {id} {} {similarity:.6} {tag}", idx + 1)?;
        }
    }
    out.flush()
}
