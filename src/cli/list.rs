//! `akin list`: what is in the library, a line a paper.

use std::io::Write;

use akin::export::ExportFormat;
use akin::library::{Library, PaperKey, PaperOrder, PaperPage};
use akin::paper::Paper;
use akin::{Error, search};
use clap::{Args, ValueEnum};

use super::args::{self, FilterArgs, export_format};
use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::output::JsonPaper;
use super::sink::PaperSink;
use super::spelling::Spellings;
use super::terminal::{self, CYAN, DIM};
use super::{layout, moment, progress};

/// Papers on a page.
const PAGE: usize = 50;

/// List what is in the library, a line a paper
///
/// A line has the date, the id and the title.
/// `akin export` writes all of it to a file.
#[derive(Debug, Args)]
pub(super) struct PaperListArgs {
    /// The order of the papers
    #[arg(long, value_name = "ORDER", default_value = "added")]
    sort: SortArg,
    /// The other way round: newest, last or most first
    #[arg(long)]
    reverse: bool,
    /// Number of papers on a page [default: 50]
    #[arg(short = 'n', long, value_name = "N", value_parser = args::at_least_one, conflicts_with = "all")]
    limit: Option<usize>,
    /// The page to show
    #[arg(long, value_name = "N", value_parser = args::at_least_one, default_value_t = 1, conflicts_with_all = ["all", "offset"])]
    page: usize,
    /// Number of papers to pass over
    #[arg(long, value_name = "N")]
    offset: Option<usize>,
    /// Show all papers on one page
    #[arg(long)]
    all: bool,
    /// Print the papers in a format of `akin export`
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    format: Option<ExportFormat>,
    #[command(flatten)]
    filters: FilterArgs,
}

/// An order of papers.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SortArg {
    /// Date, earliest first
    Date,
    /// As they were added
    Added,
    /// Title
    Title,
    /// Upvotes, fewest first
    Votes,
    /// Id
    Id,
}

impl From<SortArg> for PaperOrder {
    fn from(arg: SortArg) -> PaperOrder {
        match arg {
            SortArg::Date => PaperOrder::Date,
            SortArg::Added => PaperOrder::Added,
            SortArg::Title => PaperOrder::Title,
            SortArg::Votes => PaperOrder::Votes,
            SortArg::Id => PaperOrder::Id,
        }
    }
}

pub(super) fn run(args: &PaperListArgs, context: &Context) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let filter = args.filters.filter(moment::today_here())?;
    let page = args.page();
    let keys = library.list(&filter, args.sort.into(), args.reverse, page)?;
    let n_all = library.n_listed(&filter)?;
    let outcome = match args.format {
        Some(format) => {
            let mut sink = PaperSink::stdout(format, &[], context)?;
            let outcome = each(&library, &keys, context, |paper| sink.write(paper))?;
            sink.finish(context)?;
            outcome
        }
        None => print(&library, &keys, context)?,
    };
    if n_all == 0 && library.space().is_some() {
        let why = search::nothing_passes(&library, &filter)?;
        context.note(why.as_deref().unwrap_or("there are no papers"));
    } else {
        tell_total(keys.len(), page, n_all, context);
    }
    Ok(if keys.is_empty() {
        Outcome::Partly
    } else {
        outcome
    })
}

impl PaperListArgs {
    fn page(&self) -> PaperPage {
        if self.all {
            return PaperPage {
                offset: self.offset.unwrap_or(0),
                limit: None,
            };
        }
        let limit = self.limit.unwrap_or(PAGE);
        PaperPage {
            offset: self.offset.unwrap_or((self.page - 1).saturating_mul(limit)),
            limit: Some(limit),
        }
    }
}

/// Reads papers one by one. Damaged ones are named, and the outcome says that they failed.
pub(super) fn each(
    library: &Library,
    keys: &[PaperKey],
    context: &Context,
    mut act: impl FnMut(&Paper) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let bar = progress::Bar::stoppable(context);
    let spellings = Spellings::of(library)?;
    let mut outcome = Outcome::Done;
    for key in keys {
        if akin::progress::Observer::stop_requested(&bar) {
            return Err(Error::Interrupted.into());
        }
        match library.paper(*key) {
            Ok(Some((mut paper, ..))) => {
                spellings.put_into(&mut paper);
                act(&paper)?;
            }
            // One state is seen throughout.
            Ok(None) => {}
            Err(error @ Error::Damaged { .. }) => {
                Failure::Akin(error).print();
                outcome = Outcome::Failed;
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(outcome)
}

fn print(library: &Library, keys: &[PaperKey], context: &Context) -> Result<Outcome, Failure> {
    let mut out = std::io::BufWriter::new(terminal::stdout());
    let printed = each(library, keys, context, |paper| {
        if context.json {
            return Ok(layout::json_line(&mut out, &JsonPaper::from(paper))?);
        }
        let date = paper
            .date()
            .map(|date| date.to_string())
            .unwrap_or_default();
        let id = paper.id.to_string();
        let gap = " ".repeat(layout::ID_COLUMNS.saturating_sub(id.chars().count()));
        let notice = paper.notice.map(|notice| format!("{notice}: "));
        let title = [&*notice.unwrap_or_default(), &paper.title].concat();
        let before = 10 + 2 + id.chars().count() + gap.len() + 2;
        let title = layout::fitted(&title, before);
        writeln!(
            out,
            "{DIM}{date:<10}{DIM:#}  {CYAN}{id}{CYAN:#}{gap}  {title}"
        )?;
        Ok(())
    });
    out.flush()?;
    printed
}

/// Says what part of all papers this was.
fn tell_total(n_shown: usize, page: PaperPage, n_all: u64, context: &Context) {
    let all = layout::counted(n_all, "paper");
    let (first, last) = (page.offset + 1, page.offset + n_shown);
    let count = |n: usize| layout::count(n as u64);
    if n_shown as u64 == n_all {
        context.note(&all);
    } else if n_shown == 0 {
        context.note(&format!("there are only {all}"));
    } else {
        let rest = if (last as u64) < n_all && page.limit.is_some() {
            "; --page, --limit and --all show more"
        } else {
            ""
        };
        let part = format!("{} to {}", count(first), count(last));
        context.note(&format!("{part} of {all}{rest}"));
    }
}
