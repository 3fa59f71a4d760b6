//! `akin export`: papers of the library, of a dump or of an answer, into a file for other programs.
//!
//! Papers of a dump are converted as they are read, without a model and without a library, unless a
//! query is asked of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use akin::digest::{self, Digest, DigestContext, Earlier, Estimate, Follow};
use akin::dump::{Dump, Item, ReadOptions, Source};
use akin::export::ExportFormat;
use akin::library::{Filter, Library, PaperOrder, PaperPage};
use akin::paper::PaperId;
use akin::progress::Observer;
use akin::search::{self, Answer, OpenLibrary, Query, Rocchio, Target};
use akin::{Error, Result as AkinResult};
use clap::Args;

use super::args::{self, FilterArgs, ModelArgs, export_format};
use super::cache;
use super::context::{Context, FOUND_BY_WORDS, LEFT_OUT};
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::sink::{self, PaperSink};
use super::{claim, layout, list, moment, output};

/// Papers of an answer if nothing else is said.
const ANSWERED: usize = 100;

/// Rejected records of a dump that are shown.
const REJECTED_SHOWN: usize = 5;

/// Write papers for other programs: BibTeX, RIS, CSV and more
///
/// The formats are BibTeX, RIS, CSL-JSON, CSV and JSON Lines.
/// Without --search, --related, --follow or --digest these are all papers that pass the filters. What
/// akin writes, akin reads back as the same papers.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Write the papers of this dump instead of the library's: akin as a converter; repeat for several
    #[arg(long = "in", value_name = "DUMP", conflicts_with_all = ["follow", "digest"])]
    dumps: Vec<PathBuf>,
    /// The file to write; - is stdout [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format to write [default: by the extension of the file: .bib, .ris, .json (CSL-JSON), .csv,
    /// .jsonl; bibtex on stdout]
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    format: Option<ExportFormat>,
    /// Let --output replace a file that akin did not write
    #[arg(long, requires = "output")]
    force: bool,
    /// The papers that `akin search QUERY` finds
    #[arg(long, value_name = "QUERY", group = "which")]
    search: Option<String>,
    /// The papers that `akin related ID...` finds
    #[arg(long, value_name = "ID", num_args = 1.., group = "which")]
    related: Vec<String>,
    /// The papers of the library that a follow is about
    #[arg(long, value_name = "NAME", group = "which")]
    follow: Option<String>,
    /// The papers that the last digest showed
    #[arg(long, group = "which")]
    digest: bool,
    /// Number of papers for --search and --related
    #[arg(short, long = "limit", visible_short_alias = 'n', visible_alias = "top", value_name = "N",
          default_value_t = ANSWERED, value_parser = args::at_least_one)]
    k: usize,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &ExportArgs, context: &Context) -> Result<Outcome, Failure> {
    let format = args.format(context)?;
    if let Some(path) = args.file() {
        let inputs = claim::files_of(&args::sources(&args.dumps));
        sink::claim(format, path, args.force, &inputs, context)?;
    }
    let filter = args.filters.filter(moment::today_here())?;
    let target = args.target();
    match (args.dumps.is_empty(), target) {
        (true, Some(target)) => {
            let opened = context.open(&context.library, FOUND_BY_WORDS)?;
            answered(&opened, args.query(target, filter), args, format, context)
        }
        (false, Some(target)) => {
            let query = args.query(target, filter);
            let first = |_: &OpenLibrary| {};
            cache::ask(&args.dumps, &args.model, context, &first, |cached| {
                answered(&cached.opened, query.clone(), args, format, context)
            })
        }
        (false, None) => converted(&filter, args, format, context),
        (true, None) => match &args.follow {
            Some(name) => followed(name, filter, args, format, context),
            None if args.digest => digested(&filter, args, format, context),
            None => all(&filter, args, format, context),
        },
    }
}

impl ExportArgs {
    /// The file, if it is not stdout.
    fn file(&self) -> Option<&Path> {
        self.output
            .as_deref()
            .filter(|path| *path != Path::new("-"))
    }

    /// The format by its name, else by the file's extension.
    fn format(&self, context: &Context) -> Result<ExportFormat, Failure> {
        let of_file = self.file().map(|path| (path, ExportFormat::of_file(path)));
        match (self.format, of_file) {
            (Some(format), _) => Ok(format),
            (None, _) if context.json => Ok(ExportFormat::Json),
            (None, None) => Ok(ExportFormat::Bibtex),
            (None, Some((_, Some(format)))) => Ok(format),
            (None, Some((path, None))) => Err(Failure::usage(format!(
                "the extension of {} says no format; add --format {}",
                path.display(),
                ExportFormat::ALL.map(ExportFormat::name).join("|")
            ))),
        }
    }

    fn sink(&self, format: ExportFormat, context: &Context) -> Result<PaperSink, Failure> {
        match self.file() {
            Some(path) => PaperSink::file(format, path),
            None => PaperSink::stdout(format, &[], context),
        }
    }

    /// What the papers are to be like, if that is asked.
    fn target(&self) -> Option<Target> {
        if let Some(query) = &self.search {
            return Some(Target::Text(query.clone()));
        }
        (!self.related.is_empty()).then(|| Target::Papers {
            like: self.related.clone(),
            draft: None,
            unlike: Vec::new(),
            weights: Rocchio::default(),
        })
    }

    fn query(&self, target: Target, filter: Filter) -> Query {
        Query {
            target,
            k: self.k,
            filter,
            ..Query::default()
        }
    }
}

/// All papers of the library that pass the filters.
fn all(
    filter: &Filter,
    args: &ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let keys = library.list(filter, PaperOrder::Added, false, PaperPage::default())?;
    let mut sink = args.sink(format, context)?;
    let outcome = list::each(&library, &keys, context, |paper| sink.write(paper))?;
    let finished = finished(sink, Some(&library), filter, context)?;
    Ok(match outcome {
        Outcome::Done => finished,
        failed => failed,
    })
}

/// The papers that a search finds.
fn answered(
    opened: &OpenLibrary,
    query: Query,
    args: &ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Outcome, Failure> {
    let needs_encoder = matches!(query.target, Target::Text(_));
    let encoder = needs_encoder
        .then(|| context.load_for(&opened.library))
        .transpose()?;
    let Answer {
        hits,
        notes,
        nothing,
        ..
    } = search::answer(&opened.indexes(), encoder.as_ref(), &query)?;
    notes.iter().for_each(|note| context.note(note));
    let mut sink = args.sink(format, context)?;
    for mut hit in hits {
        hit.paper.id = output::spelt(&opened.library, &hit.paper.id)?;
        sink.write(&hit.paper)?;
    }
    if let Some(nothing) = nothing {
        context.note(&nothing);
    }
    finished(sink, None, &query.filter, context)
}

/// The papers of the library that a follow is about, whenever they came.
fn followed(
    name: &str,
    filter: Filter,
    args: &ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Outcome, Failure> {
    let opened = context.open(&context.library, LEFT_OUT)?;
    let follow = Follow::of_stored(&opened.library.follow(name)?)?;
    let needs_encoder = follow.target().is_some();
    let encoder = needs_encoder
        .then(|| context.load_for(&opened.library))
        .transpose()?;
    let indexes = opened.indexes();
    let today = moment::today_here();
    let last_day = Estimate::last_day(&opened.library, today)?.unwrap_or(today);
    let desk = DigestContext::new(&indexes, encoder.as_ref(), last_day)?;
    let found = digest::find(&desk, &follow, opened.library.passing(&filter)?)?;
    found.notes.iter().for_each(|note| context.note(note));
    let mut sink = args.sink(format, context)?;
    for mut found in found.matches {
        found.paper.id = output::spelt(&opened.library, &found.paper.id)?;
        sink.write(&found.paper)?;
    }
    finished(sink, Some(&opened.library), &filter, context)
}

/// The papers that the last digest with a paper showed, each once.
fn digested(
    filter: &Filter,
    args: &ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let Some(digest) = digest::again(&library, "", Earlier::Last, &[], None)? else {
        return Err(Failure::nothing(
            "no digest with a paper was shown yet: akin digest",
        ));
    };
    context.note(&digest.title());
    let mut sink = args.sink(format, context)?;
    let mut written = HashSet::new();
    for id in ids_of(&digest) {
        let mut paper = match library.find(id.qualified()) {
            Ok(stored) if written.insert(stored.key) => stored.paper,
            Ok(_) => continue,
            Err(Error::UnknownPaper { id }) => {
                context.note(&format!("{id} is no longer in the library"));
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        if filter.passes(&paper) {
            paper.id = output::spelt(&library, &paper.id)?;
            sink.write(&paper)?;
        }
    }
    finished(sink, Some(&library), filter, context)
}

/// The ids of the papers of a digest, in its order.
fn ids_of(digest: &Digest) -> impl Iterator<Item = &PaperId> {
    let entries = digest.sections.iter().flat_map(|section| &section.entries);
    let rising = digest.trending.iter().map(|riser| &riser.brief.id);
    entries.map(|entry| &entry.brief.id).chain(rising)
}

/// The papers of dumps that pass the filters, as they are read.
fn converted(
    filter: &Filter,
    args: &ExportArgs,
    format: ExportFormat,
    context: &Context,
) -> Result<Outcome, Failure> {
    let bar = Bar::stoppable(context);
    let mut opened = Vec::new();
    for dump in &args.dumps {
        for source in Source::from_arg(dump).expanded()? {
            opened.push(Dump::open(&source, &ReadOptions::default())?);
        }
    }
    let mut sink = args.sink(format, context)?;
    let mut left_out = LeftOut::default();
    for mut dump in opened {
        for item in &mut dump {
            if bar.stop_requested() {
                return Err(Error::Interrupted.into());
            }
            match item {
                Ok(Item::Paper(mut record)) if filter.passes(&record.paper) => {
                    let shown = PaperId::from_stored(&record.paper.id.to_string());
                    record.paper.id = shown;
                    sink.write(&record.paper)?;
                }
                Ok(Item::Paper(_)) => {}
                Ok(_) => left_out.n_others += 1,
                Err(rejected) => left_out.reject(&rejected, context),
            }
        }
        if let Some(error) = dump.nothing_read() {
            return Err(error.into());
        }
    }
    left_out.tell(context);
    let outcome = finished(sink, None, filter, context)?;
    Ok(match left_out.n_rejected {
        0 => outcome,
        _ => Outcome::Partly,
    })
}

/// Records of a dump that are no papers.
#[derive(Default)]
struct LeftOut {
    n_rejected: u64,
    n_others: u64,
}

impl LeftOut {
    fn reject(&mut self, rejected: &akin::dump::Rejected, context: &Context) {
        self.n_rejected += 1;
        if self.n_rejected <= REJECTED_SHOWN as u64 {
            context.note(&format!("rejected: {rejected}"));
        }
    }

    fn tell(&self, context: &Context) {
        if self.n_rejected > REJECTED_SHOWN as u64 {
            context.note(&format!(
                "rejected {}",
                layout::counted(self.n_rejected, "record")
            ));
        }
        if self.n_others > 0 {
            let records = layout::counted(self.n_others, "record");
            context.note(&format!(
                "left out {records} that delete a paper or add to one"
            ));
        }
    }
}

/// Ends the file. Without papers there is none, and a note says why.
fn finished(
    sink: PaperSink,
    library: Option<&Library>,
    filter: &Filter,
    context: &Context,
) -> Result<Outcome, Failure> {
    if sink.n_papers() > 0 {
        sink.finish(context)?;
        return Ok(Outcome::Done);
    }
    sink.finish_empty(context)?;
    let why: Option<AkinResult<Option<String>>> = library
        .filter(|library| library.space().is_some())
        .map(|library| search::nothing_passes(library, filter));
    let why = why.transpose()?.flatten();
    context.note(why.as_deref().unwrap_or("no papers were written"));
    Ok(Outcome::Partly)
}
