//! `akin model`: which models there are, what one is like, fetching one, and answering with one.

mod fetch;
mod info;
mod list;
mod switch;
mod verify;

use akin::Error;
use akin::encoder::ModelSource;
use akin::library::Library;
use akin::space::{self, Origin};
use clap::{Args, Subcommand};

use super::Outcome;
use super::context::Context;
use super::fault::Failure;

/// List, fetch, check and change models
///
/// Models are kept in the cache that all tools of the hub share. A model that is there is used by
/// its name: --model BAAI/bge-small-en-v1.5.
#[derive(Debug, Args)]
pub(super) struct ModelCommandArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    Fetch(fetch::FetchArgs),
    List(list::ListArgs),
    Info(info::InfoArgs),
    Verify(verify::VerifyArgs),
    Use(switch::UseArgs),
}

pub(super) fn run(args: &ModelCommandArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        ModelCommand::Fetch(args) => fetch::run(args, context),
        ModelCommand::List(args) => list::run(args, context),
        ModelCommand::Info(args) => info::run(args, context),
        ModelCommand::Verify(args) => verify::run(args, context),
        ModelCommand::Use(args) => switch::run(args, context),
    }
}

/// A model with its own token limit and dim.
fn own(source: ModelSource) -> Origin {
    Origin {
        source,
        max_tokens: None,
        dim: None,
    }
}

/// The library's model, if there is a library with one.
fn of_library(context: &Context) -> Result<Option<Origin>, Failure> {
    let library = match Library::open(&context.library) {
        Err(Error::LibraryMissing { .. } | Error::NotALibrary { .. }) => return Ok(None),
        opened => opened?,
    };
    match space::origin_of(&library) {
        Err(Error::LibraryEmpty { .. }) => Ok(None),
        origin => Ok(Some(origin?)),
    }
}
