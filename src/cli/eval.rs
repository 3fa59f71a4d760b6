//! `akin eval`: how well the search finds what people judged relevant.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use akin::encoder::CrossEncoder;
use akin::eval::{self, DEFAULT_METRICS, EvalOptions, Metric, Run, Task, TaskFiles};
use akin::files::{self, Unfinished};
use akin::index::{IndexOptions, Mode};
use akin::library::Writer;
use akin::{Error, ingest};
use clap::Args;
use serde_json::{Map, Value, json};

use super::args::{MatchingArgs, ModeArgs, ModelArgs, RerankArgs};
use super::claim::{Claim, OutputKind};
use super::context::{Context, LEFT_OUT};
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::{corpora, layout, terminal};

/// Number of papers per query for a metric without a cutoff, as in TREC.
const WHOLE_DEPTH: usize = 1000;

/// Measure how well the search finds what people judged relevant
///
/// The folder is one of BEIR: corpus.jsonl, queries.jsonl and qrels/test.tsv. --corpus, --queries
/// and --qrels name other files, also TREC topics and qrels. The corpus's embeddings are kept in
/// the cache folder. Metrics are those of trec_eval, with their mean over the queries and its 95 %
/// bootstrap interval.
///
/// Documents keep the ids of the corpus, the judgments and the runs, letter by letter. Each record
/// is a document: nothing is merged. What would count twice is refused.
#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// BEIR folder
    #[arg(value_name = "FOLDER", required_unless_present_all = ["corpus", "queries", "qrels"])]
    folder: Option<PathBuf>,
    /// Which judgments: qrels/SPLIT.tsv
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: String,
    /// The papers, in any format that `akin add` reads
    #[arg(long, value_name = "DUMP")]
    corpus: Option<PathBuf>,
    /// The queries: JSON Lines with _id and text, TREC topics, or lines of id, tab, text
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// The judgments: query, paper, grade (BEIR) or query, 0, paper, grade (TREC)
    #[arg(long, value_name = "FILE")]
    qrels: Option<PathBuf>,
    /// The queries are papers: find what is related to each, leaving out itself
    #[arg(long)]
    by_id: bool,
    /// Leave the document with the query's own id out of all results and runs: in ArguAna and Quora
    /// the queries are documents of the corpus
    #[arg(long)]
    exclude_self: bool,
    /// What to measure: nDCG@K, Recall@K, MRR@K, P@K, MAP; can be repeated [default: nDCG@10,
    /// Recall@100, MRR@10, MAP, P@10]
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<Metric>,
    /// Write the results as a TREC run
    ///
    /// A run that akin wrote there earlier is replaced; akin recognises it by its last column. Any
    /// other file is refused.
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Let --run replace a file that is not a run from akin
    #[arg(long, requires = "run")]
    force: bool,
    /// Measure this TREC run instead of searching
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    score: Option<PathBuf>,
    /// Compare with this TREC run, query by query: its mean, the difference, and p, the probability
    /// of such a difference between equally good runs
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    rerank: RerankArgs,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    model: ModelArgs,
}

impl EvalArgs {
    fn files(&self) -> TaskFiles {
        let folder = self.folder.clone().unwrap_or_default();
        let of_beir = TaskFiles::of_beir(&folder, &self.split);
        TaskFiles {
            corpus: self.corpus.clone().unwrap_or(of_beir.corpus),
            queries: self.queries.clone().unwrap_or(of_beir.queries),
            qrels: self.qrels.clone().unwrap_or(of_beir.qrels),
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        if self.metrics.is_empty() {
            DEFAULT_METRICS.to_vec()
        } else {
            self.metrics.clone()
        }
    }

    fn options<'a>(&self, reranker: Option<&'a CrossEncoder>) -> EvalOptions<'a> {
        let depths = self.metrics().into_iter();
        let depths = depths.map(|metric| metric.depth().unwrap_or(WHOLE_DEPTH));
        EvalOptions {
            depth: depths.max().unwrap_or(WHOLE_DEPTH),
            matching: self.matching.matching(),
            mode: self.mode.mode(),
            by_id: self.by_id,
            exclude_self: self.exclude_self,
            reranker,
        }
    }
}

pub(super) fn run(args: &EvalArgs, context: &Context) -> Result<Outcome, Failure> {
    let files = args.files();
    if let Some(path) = &args.run {
        let named = [&args.score, &args.against].into_iter().flatten().cloned();
        let read = [&files.corpus, &files.queries, &files.qrels].map(PathBuf::clone);
        let claim = Claim {
            kind: OutputKind::Run,
            force: args.force,
            inputs: &named.chain(read).collect::<Vec<_>>(),
        };
        claim.check(path, context)?;
    }
    let task = Task::read(&files)?;
    if task.queries.is_empty() {
        return Err(Failure::usage(format!(
            "no query of {} has a relevant paper in {}",
            files.queries.display(),
            files.qrels.display()
        )));
    }
    let read = |path: &PathBuf| -> Result<Run, Failure> {
        let mut run = eval::read_run(path)?;
        if args.exclude_self {
            eval::exclude_self(&mut run);
        }
        Ok(run)
    };
    // Before the search, which is long.
    let other = args.against.as_ref().map(read).transpose()?;
    let found = match &args.score {
        Some(path) => read(path)?,
        None => search(args, &task, context)?,
    };
    if let Some(path) = &args.run {
        write_run(path, &found, &task).map_err(Error::write(path))?;
    }
    let measured = args.metrics().into_iter();
    let measured: Vec<Measured> = measured
        .map(|metric| Measured::new(metric, &task, &found, other.as_ref()))
        .collect();
    print(&measured, task.queries.len(), context)?;
    Ok(Outcome::Done)
}

fn write_run(path: &Path, run: &Run, task: &Task) -> io::Result<()> {
    let write = |out: &mut dyn Write| eval::write_run(run, task, "akin", out);
    if files::is_special(path) {
        let mut out = BufWriter::new(terminal::Outside::open(path)?);
        return write(&mut out).and_then(|()| out.flush());
    }
    let mut file = Unfinished::begin(path)?;
    write(&mut file)?;
    file.finish()
}

/// Asks every query over the corpus's library in the cache.
fn search(args: &EvalArgs, task: &Task, context: &Context) -> Result<Run, Failure> {
    let bar = Bar::stoppable(context);
    let reranker = context.load_reranker(&args.rerank)?;
    let options = args.options(reranker.as_ref());
    let mut cached = corpora::corpus_of(&task.corpus, &args.model, context)?;
    let n_elsewhere = eval::n_judged_elsewhere(task, &cached.corpus);
    if n_elsewhere > 0 {
        let n = layout::counted(n_elsewhere as u64, "judged document");
        context.note(&format!("not in the corpus: {n}"));
    }
    if options.mode == Mode::Graph {
        let writer = Writer::open(&cached.root, "akin eval --graph")?;
        ingest::build_index(&writer, &IndexOptions::eager(), &bar)?;
    }
    let opened = context.open(&cached.root, LEFT_OUT)?;
    let encoder = cached.take_encoder(&opened.library, context)?;
    Ok(eval::run(
        &opened.indexes(),
        &encoder,
        &cached.corpus,
        task,
        &options,
        &bar,
    )?)
}

/// A metric over all queries.
struct Measured {
    metric: Metric,
    mean: eval::Mean,
    /// The mean of the compared run, and the p-value of the difference.
    against: Option<(f64, f64)>,
}

impl Measured {
    fn new(metric: Metric, task: &Task, run: &Run, other: Option<&Run>) -> Measured {
        let values = eval::values(metric, run, task);
        let against = other.map(|other| {
            let others = eval::values(metric, other, task);
            (eval::mean(&others).mean, eval::p_value(&values, &others))
        });
        Measured {
            metric,
            mean: eval::mean(&values),
            against,
        }
    }
}

fn print(measured: &[Measured], n_queries: usize, context: &Context) -> io::Result<()> {
    let mut out = terminal::stdout();
    if context.json {
        let mut summary = Map::new();
        summary.insert("queries".to_owned(), n_queries.into());
        for Measured {
            metric,
            mean,
            against,
        } in measured
        {
            let name = metric.to_string().to_lowercase();
            summary.insert(
                format!("{name}_interval"),
                json!([mean.interval.0, mean.interval.1]),
            );
            if let Some((other, p)) = against {
                summary.insert(format!("{name}_against"), json!(other));
                summary.insert(format!("{name}_p"), json!(p));
            }
            summary.insert(name, json!(mean.mean));
        }
        layout::json_line(&mut out, &Value::Object(summary))?;
        return out.flush();
    }
    writeln!(out, "{:<11} {n_queries}", "queries")?;
    for Measured {
        metric,
        mean,
        against,
    } in measured
    {
        let (low, high) = mean.interval;
        let name = metric.to_string();
        write!(out, "{name:<11} {:.4}  {low:.4} to {high:.4}", mean.mean)?;
        if let Some((other, p)) = against {
            // As it is shown, so that it is never -0.
            let difference = layout::rounded(mean.mean - other, 4) + 0.0;
            write!(out, "  against {other:.4}: {difference:+.4}, p {p:.4}")?;
        }
        writeln!(out)?;
    }
    out.flush()
}
