//! `akin split`: take apart what was merged.

use std::io::Write;

use akin::Error;
use akin::ingest;
use akin::library::Library;
use akin::space::Origin;
use clap::Args;

use super::Outcome;
use super::context::Context;
use super::fault::Fault;
use super::progress::Bar;
use super::terminal;

/// Take records out of a paper that they were merged into, each to be a paper of its own
///
/// `akin show --sources ID` lists the records that a paper was merged from. What is split is never
/// merged again, also when the same dumps are added again.
#[derive(Debug, Args)]
pub(super) struct SplitArgs {
    /// Any spelling of the paper's id
    #[arg(value_name = "ID")]
    id: String,
    /// The records to take out: their numbers in `akin show --sources`, their ids, COLLECTION#ID, or
    /// their collections
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
}

pub(super) fn run(args: &SplitArgs, context: &Context) -> Result<Outcome, Fault> {
    let mut writer = context.writer("akin split")?;
    let unknown = |id: &str| Error::UnknownPaper { id: id.to_owned() };
    let key = Library::open(&context.library)?.find(&args.id)?.key;
    let space = writer.space().ok_or_else(|| unknown(&args.id))?;
    let origin = Origin::of(space)?;
    let encoder = context.load(&origin)?;
    let bar = Bar::stoppable(context);
    let options = context.index_options();
    let papers = ingest::split(
        &mut writer,
        (&encoder, &origin),
        key,
        &args.sources,
        &options,
        &bar,
    )?;
    let mut out = terminal::stdout();
    for paper in papers {
        writeln!(out, "{}  {}", paper.id.qualified(), paper.title)?;
    }
    Ok(Outcome::Done)
}
