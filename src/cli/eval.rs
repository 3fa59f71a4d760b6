//! `akin eval`: how well the search finds what people judged relevant.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use akin::Error;
use akin::eval::{self, Ranking, Scores, Task};
use akin::index::{IndexOptions, Mode};
use akin::ingest;
use akin::library::Writer;
use clap::Args;
use serde_json::json;

use super::args::{ModeArgs, ModelArgs};
use super::context::Context;
use super::fault::Fault;
use super::progress::Bar;
use super::{Outcome, cache, output};

/// Measure the search on a BEIR folder: nDCG@10, Recall@100, MRR@10
///
/// The folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv. The corpus's embeddings are
/// kept in the cache folder.
#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// BEIR folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Which judgments: qrels/SPLIT.tsv
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: String,
    /// Write the rankings as a TREC run file
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &EvalArgs, context: &Context) -> Result<Outcome, Fault> {
    let task = Task::read_beir(&args.folder, &args.split)?;
    if task.queries.is_empty() {
        return Err(Fault::usage(format!(
            "{}: no query has a relevant paper in qrels/{}.tsv",
            args.folder.display(),
            args.split
        )));
    }
    let bar = Bar::stoppable(context);
    let mode = args.mode.mode();
    let cached = cache::library_of(&task.corpus, &args.model, context)?;
    if mode == Mode::Graph {
        let writer = Writer::open(&cached.root, "akin eval --graph")?;
        ingest::build_index(&writer, &IndexOptions::eager(), &bar)?;
    }
    let (library, index) = context.open(&cached.root)?;
    let encoder = cached.encoder(&library, context)?;
    let rankings = eval::run(&library, &index, &encoder, &task, mode, &bar)?;
    if let Some(path) = &args.run {
        let file = File::create(path).map_err(Error::write(path))?;
        eval::write_trec_run(&rankings, "akin", BufWriter::new(file))
            .map_err(Error::write(path))?;
    }
    print(&rankings, context)?;
    Ok(Outcome::Done)
}

fn print(rankings: &[Ranking], context: &Context) -> std::io::Result<()> {
    let scores: Vec<Scores> = rankings.iter().map(|ranking| ranking.scores).collect();
    let mean = eval::mean(&scores);
    let mut out = anstream::stdout().lock();
    if context.json {
        let summary = json!({
            "queries": rankings.len(),
            "ndcg@10": mean.ndcg_at_10,
            "recall@100": mean.recall_at_100,
            "mrr@10": mean.mrr_at_10,
        });
        output::json_line(&mut out, &summary)?;
    } else {
        writeln!(out, "queries     {}", rankings.len())?;
        writeln!(out, "nDCG@10     {:.4}", mean.ndcg_at_10)?;
        writeln!(out, "Recall@100  {:.4}", mean.recall_at_100)?;
        writeln!(out, "MRR@10      {:.4}", mean.mrr_at_10)?;
    }
    out.flush()
}
