//! `akin split`: take merged records apart.

use std::io::Write;

use akin::library::Library;
use akin::{Error, ingest};
use clap::Args;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::terminal;

/// Take records out of a paper that they were merged into; each becomes a paper of its own
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

pub(super) fn run(args: &SplitArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut writer = context.writer("akin split")?;
    let key = Library::open(&context.library)?.find(&args.id)?.key;
    let model = context.model_of(&writer)?;
    let bar = Bar::stoppable(context);
    let options = context.index_options();
    let papers = ingest::split(
        &mut writer,
        model.as_ref().map(|(encoder, origin)| (encoder, origin)),
        key,
        &args.sources,
        &options,
        &bar,
    );
    let papers = match papers {
        Err(Error::NotASource { .. }) if is_split(args, context)? => {
            // What was cut off after it was split may not be indexed yet.
            ingest::build_index(&writer, &options, &bar)?;
            context.note(&format!("{} is already without them", args.id));
            return Ok(Outcome::Done);
        }
        papers => papers?,
    };
    let mut out = terminal::stdout();
    for paper in papers {
        writeln!(out, "{}  {}", paper.id.qualified(), paper.title)?;
    }
    Ok(Outcome::Done)
}

/// Whether the records that are named have been taken out of the paper before.
fn is_split(args: &SplitArgs, context: &Context) -> Result<bool, Error> {
    let library = Library::open(&context.library)?;
    let paper = library.find(&args.id)?.paper;
    for source in &args.sources {
        let is_apart = match library.find(source) {
            Ok(other) => library.lookup().is_split(&paper.id, &other.paper.id)?,
            Err(_) => false,
        };
        if !is_apart {
            return Ok(false);
        }
    }
    Ok(true)
}
