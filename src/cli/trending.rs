//! `akin trending`: rising papers.

use std::io::Write;

use akin::digest::{self, DigestContext, TrendBy, TrendOptions};
use akin::library::{Day, Filter};
use akin::search;
use clap::{Args, ValueEnum};

use super::context::{Context, LEFT_OUT};
use super::fault::Failure;
use super::moment::MomentArgs;
use super::outcome::Outcome;
use super::{args, layout, output, terminal};

/// Show rising papers: by votes that fade, or by topics that grow
///
/// Where the dumps count votes, a vote counts half after three days: upvotes · 2^(−age/3).
///
/// Without votes, a paper rises if its topic grows: if more of its 32 nearest papers are recent
/// than in the whole library. The score is the log-likelihood ratio of the two counts. A topic is
/// named once, by its best paper. What grows is your library: after a dump of one category
/// everything in it is rising. --category compares it with its own past.
#[derive(Debug, Args)]
pub(super) struct TrendingArgs {
    /// Days that are recent
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=3650))]
    days: i32,
    /// Only papers of this category (cs.CL, "Machine Learning") or archive (cs); repeat for any of
    /// several
    #[arg(long, value_name = "CODE")]
    category: Vec<String>,
    /// How papers are ranked
    #[arg(long, value_name = "WHAT", default_value = "either")]
    by: ByArg,
    /// Number of papers to show
    #[arg(short, value_name = "N", default_value_t = 10, value_parser = args::at_least_one)]
    k: usize,
    #[command(flatten)]
    moment: MomentArgs,
}

/// How papers are ranked.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ByArg {
    /// By votes if there are any, else by topics
    Either,
    /// By votes that fade
    Votes,
    /// By topics that grow
    Topics,
}

pub(super) fn run(args: &TrendingArgs, context: &Context) -> Result<Outcome, Failure> {
    let opened = context.open(&context.library, LEFT_OUT)?;
    let indexes = opened.indexes();
    let desk = DigestContext::new(&indexes, None)?;
    let today = args.moment.today()?;
    // A library that was last fed a month ago has its last week then.
    let listed = digest::last_day(&opened.library, Day::Listed, today)?;
    let dated = digest::last_day(&opened.library, Day::Dated, today)?;
    let Some(last) = listed.max(dated) else {
        context.note("no paper has a date up to today");
        return Ok(Outcome::Partly);
    };
    if last < today {
        context.note(&format!(
            "the latest papers are from {last}: looking back from there"
        ));
    }
    let options = TrendOptions {
        today: last,
        days: args.days,
        categories: args.category.clone(),
        by: match args.by {
            ByArg::Either => TrendBy::Either,
            ByArg::Votes => TrendBy::Votes,
            ByArg::Topics => TrendBy::Topics,
        },
        k: args.k,
    };
    let rising = digest::trending(&desk, &options)?;
    let mut out = terminal::stdout();
    for (place, rising) in rising.iter().enumerate() {
        if context.json {
            layout::json_line(&mut out, &output::JsonRising::new(place + 1, rising))?
        } else {
            output::rising(&mut out, place + 1, rising)?
        }
    }
    out.flush()?;
    let filter = Filter {
        categories: args.category.clone(),
        ..Filter::default()
    };
    if rising.is_empty()
        && let Some(reason) = search::nothing_passes(&opened.library, &filter)?
    {
        context.note(&reason);
        return Ok(Outcome::Partly);
    }
    if rising.is_empty() {
        context.note("nothing is rising by more than chance; --days N covers another period");
        return Ok(Outcome::Partly);
    }
    Ok(Outcome::Done)
}
