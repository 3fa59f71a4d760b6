//! `akin embed`: vectors only, without a library; also the filter that other engines run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use akin::dump::{Format, Source};
use akin::files;
use akin::ingest::{
    self, ArrowStream, Dtype, EmbedOptions, EmbedReport, JsonLines, Npy, Output, ParquetFile,
    VectorSink, VectorType,
};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::{self, ModelArgs};
use super::claim::{self, Claim, OutputKind};
use super::context::Context;
use super::fault::Failure;
use super::layout::{self, counted};
use super::outcome::Outcome;
use super::progress::Bar;
use super::{add, terminal};

/// Embed the papers of dumps, and write the vectors
///
/// Writes one vector a paper, in the order of the dumps, under the id as it was given. Nothing else
/// goes to stdout; with --json and an output, a summary does. The passage is `title. abstract`;
/// records of nothing but an id and a text are embedded as they are. With - as the dump and no
/// output, akin is a filter: JSON Lines to JSON Lines, or Arrow stream to Arrow stream.
///
/// Exit codes are 0 if every record was embedded, and 1 if some were rejected, each listed on
/// stderr. The code is 2 if something failed or a dump could not be read to its end. A file appears
/// under its name only when it is whole.
#[derive(Debug, Args)]
pub(super) struct EmbedArgs {
    /// Dump files; - is stdin
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    /// Where to write [default: stdout, for JSON Lines and Arrow streams]
    ///
    /// Vectors that akin wrote there earlier are replaced. akin recognises them by their beginning,
    /// Parquet and Arrow also by akin's name in them, .npy by its .ids.txt with the same number of
    /// ids. Any other file is refused.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Let --output replace files that are not vectors from akin
    #[arg(long, requires = "output")]
    force: bool,
    /// Output format; --format is the same [default: by the output's extension, .npy, .parquet, .arrow
    /// or .arrows]. Otherwise it is jsonl; on stdout, arrow if the dump is an Arrow stream
    #[arg(long, alias = "format", value_name = "FORMAT")]
    output_format: Option<VectorFormat>,
    /// What a number is written as
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    dtype: DtypeArg,
    /// Fail with exit code 2 at the first record that is rejected
    #[arg(long)]
    strict: bool,
    /// Take the dumps for this format instead of telling it from their content
    #[arg(long, value_name = "FORMAT", value_parser = args::dump_format())]
    dump_format: Option<String>,
    #[command(flatten)]
    columns: args::ColumnArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VectorFormat {
    /// One object a line: {"id": …, "embedding": […]}
    Jsonl,
    /// Arrow IPC stream: id (string), embedding (list of N numbers)
    Arrow,
    /// Parquet file: the same columns
    Parquet,
    /// NumPy: shape (papers, dim); the ids, one a line, beside it in NAME.ids.txt
    Npy,
}

/// What a number is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DtypeArg {
    /// 32-bit floats
    F32,
    /// 16-bit floats: half the bytes, three digits
    F16,
}

pub(super) fn run(args: &EmbedArgs, context: &Context) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let asked = args.asked_format()?;
    let sources = args::sources(&args.dumps);
    args.claim(asked, &sources, context)?;
    let bar = Bar::stoppable(context);
    let encoder = context.load(&args.model.origin(&context.hub)?)?;
    let options = EmbedOptions {
        strict: args.strict,
        read: args.columns.read_options(args.dump_format.as_deref()),
    };
    let vector_type = VectorType {
        fingerprint: encoder.recipe().fingerprint(),
        dim: encoder.dim(),
        dtype: match args.dtype {
            DtypeArg::F32 => Dtype::F32,
            DtypeArg::F16 => Dtype::F16,
        },
    };
    let mut open_sink = |dump: Format| {
        let format = asked.unwrap_or(VectorFormat::of_dump(dump));
        sink(format, args.output.as_deref(), vector_type)
    };
    let report = ingest::embed(&encoder, &sources, &mut open_sink, &options, &bar)?;
    add::complain_of_unused(
        &report.unused,
        report.n_read,
        report.n_rejected,
        usize::MAX,
        context,
    );
    add::note_truncated(report.n_truncated, context);
    let computed_on = encoder.describe_arithmetic();
    if context.json && args.output.is_some() {
        tell(&report, start, computed_on)?
    } else {
        summarise(&report, start, context)
    }
    let found_nothing = add::found_nothing(&report.unused, report.n_read);
    Ok(if report.unused.has_unread() || found_nothing {
        Outcome::Failed
    } else if report.n_rejected > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

impl EmbedArgs {
    /// Makes sure that the output replaces only files written by akin.
    fn claim(
        &self,
        asked: Option<VectorFormat>,
        sources: &[Source],
        context: &Context,
    ) -> Result<(), Failure> {
        let Some(path) = &self.output else {
            return Ok(());
        };
        let inputs = claim::files_of(sources);
        let claim = |kind| Claim {
            kind,
            force: self.force,
            inputs: &inputs,
        };
        claim(OutputKind::Vectors).check(path, context)?;
        match asked {
            Some(VectorFormat::Npy) => {
                claim(OutputKind::IdsOf(path)).check(&Npy::ids_beside(path), context)?;
                claim(OutputKind::SpaceOf(path)).check(&Npy::space_beside(path), context)
            }
            _ => Ok(()),
        }
    }

    /// The requested format, by its name or by the output's extension; `None` if neither is given.
    fn asked_format(&self) -> Result<Option<VectorFormat>, Failure> {
        let named = self.output.as_deref().map(VectorFormat::of_file);
        let asked = self.output_format.or(named);
        match (asked, &self.output) {
            (Some(VectorFormat::Npy), None) => {
                Err(Failure::usage("an .npy file needs a name: add -o NAME.npy"))
            }
            (Some(VectorFormat::Parquet), None) => Err(Failure::usage(
                "a Parquet file needs a name: add -o NAME.parquet",
            )),
            _ => Ok(asked),
        }
    }
}

impl VectorFormat {
    fn of_file(path: &Path) -> VectorFormat {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => VectorFormat::Npy,
            Some("parquet") => VectorFormat::Parquet,
            Some("arrow" | "arrows") => VectorFormat::Arrow,
            _ => VectorFormat::Jsonl,
        }
    }

    fn of_dump(dump: Format) -> VectorFormat {
        match dump {
            Format::ArrowStream => VectorFormat::Arrow,
            _ => VectorFormat::Jsonl,
        }
    }
}

fn sink(
    format: VectorFormat,
    path: Option<&Path>,
    vector_type: VectorType,
) -> akin::Result<Box<dyn VectorSink>> {
    let output = || match path {
        Some(path) if files::is_special(path) => {
            let out = terminal::Outside::open(path).map_err(akin::Error::write(path))?;
            Ok(Output::stream(path, Box::new(out)))
        }
        Some(path) => Output::create(path),
        None => Ok(Output::stream("stdout", terminal::data())),
    };
    // Without a name, `asked_format` has refused the formats that need one.
    let path = path.unwrap_or(Path::new(""));
    Ok(match format {
        VectorFormat::Jsonl => Box::new(JsonLines::new(output()?, vector_type.dtype)),
        VectorFormat::Arrow => Box::new(ArrowStream::new(output()?, vector_type)?),
        VectorFormat::Parquet => Box::new(ParquetFile::create(path, vector_type)?),
        VectorFormat::Npy => Box::new(Npy::create(path, vector_type)?),
    })
}

/// Reports on stdout, if the vectors do not go there, what was embedded.
fn tell(report: &EmbedReport, start: Instant, computed_on: &str) -> Result<(), Failure> {
    let summary = json!({
        "read": report.n_read,
        "embedded": report.n_embedded,
        "rejected": report.n_rejected,
        "truncated": report.n_truncated,
        "ignored": add::ignored_by_key(&report.unused),
        "tokens": report.n_tokens,
        "computed_on": computed_on,
        "encoder_seconds": layout::rounded(report.encoding.busy.as_secs_f64(), 3),
        "encoder_idle": layout::rounded(report.encoding.idle_share(), 4),
        "failed": report.unused.failed.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "seconds": layout::rounded(start.elapsed().as_secs_f64(), 3),
    });
    layout::json_line(&mut terminal::stdout(), &summary)?;
    Ok(())
}

fn summarise(report: &EmbedReport, start: Instant, context: &Context) {
    let seconds = start.elapsed().as_secs_f64();
    if let Some(parts) = add::ignored(&report.unused) {
        context.note(&format!("ignored inside kept records: {parts}"));
    }
    let (papers, rate) = (
        counted(report.n_embedded, "paper"),
        report.n_embedded as f64 / seconds,
    );
    context.note(&format!(
        "embedded {papers} in {seconds:.1} s ({rate:.0} papers/s)"
    ));
}
