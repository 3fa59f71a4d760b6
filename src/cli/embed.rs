//! `akin embed`: vectors only, without a library.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use akin::ingest::{self, JsonLines, Npy, Report, VectorSink};
use clap::{Args, ValueEnum};

use super::args::ModelArgs;
use super::context::Context;
use super::fault::Fault;
use super::output::count;
use super::progress::Bar;
use super::{Outcome, add, args};

/// Embed the papers of dumps, and write the vectors instead of storing them
///
/// One vector a paper, f32, in the order of the dumps. The passage is `title. abstract`.
#[derive(Debug, Args)]
pub(super) struct EmbedArgs {
    /// Dump files; - is stdin
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    /// Where to write; stdout if not given (JSON Lines only)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write [default: by the name of the output, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    format: Option<VectorFormat>,
    #[command(flatten)]
    model: ModelArgs,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VectorFormat {
    /// NumPy: shape (papers, dim); the ids, one a line, beside it in NAME.ids.txt
    Npy,
    /// One object a line: {"id": …, "embedding": […]}
    Jsonl,
}

pub(super) fn run(args: &EmbedArgs, context: &Context) -> Result<Outcome, Fault> {
    let start = Instant::now();
    let bar = Bar::stoppable(context);
    let encoder = context.load(&args.model.origin())?;
    let mut sink = sink(args, encoder.dim())?;
    let sources = args::sources(&args.dumps);
    let report = ingest::embed(&encoder, &sources, &mut *sink, &bar)?;
    add::complain(&report, context);
    summarise(&report, start, context);
    Ok(add::outcome(&report))
}

fn sink(args: &EmbedArgs, dim: usize) -> Result<Box<dyn VectorSink>, Fault> {
    let by_name = |path: &Path| match path.extension() {
        Some(extension) if extension == "npy" => VectorFormat::Npy,
        _ => VectorFormat::Jsonl,
    };
    let named = args.output.as_deref().map(by_name);
    let format = args.format.or(named).unwrap_or(VectorFormat::Jsonl);
    match (format, &args.output) {
        (VectorFormat::Npy, Some(path)) => Ok(Box::new(Npy::create(path, dim)?)),
        (VectorFormat::Npy, None) => {
            Err(Fault::usage("an .npy file wants a name: add -o NAME.npy"))
        }
        (VectorFormat::Jsonl, Some(path)) => Ok(Box::new(JsonLines::create(path)?)),
        (VectorFormat::Jsonl, None) => {
            let out = io::BufWriter::new(io::stdout().lock());
            Ok(Box::new(JsonLines::new(out, "stdout")))
        }
    }
}

fn summarise(report: &Report, start: Instant, context: &Context) {
    let seconds = start.elapsed().as_secs_f64();
    let (n, rate) = (count(report.n_embedded), report.n_embedded as f64 / seconds);
    context.note(&format!(
        "embedded {n} papers in {seconds:.1} s ({rate:.0} papers/s)"
    ));
}
