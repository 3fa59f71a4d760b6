//! `akin model`: which models there are, what one is like, and fetching one.

mod fetch;
mod info;
mod list;

use akin::Error;
use akin::library::Library;
use akin::space::{self, Origin};
use clap::{Args, Subcommand};

use super::Outcome;
use super::context::Context;
use super::fault::Fault;

/// List the models on this machine, say what one is like, or fetch one from the Hugging Face hub
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
}

pub(super) fn run(args: &ModelCommandArgs, context: &Context) -> Result<Outcome, Fault> {
    match &args.command {
        ModelCommand::Fetch(args) => fetch::run(args, context),
        ModelCommand::List(args) => list::run(args, context),
        ModelCommand::Info(args) => info::run(args, context),
    }
}

/// The library's model, if there is a library with one.
fn of_library(context: &Context) -> Result<Option<Origin>, Fault> {
    let library = match Library::open(&context.library) {
        Err(Error::LibraryMissing { .. } | Error::NotALibrary { .. }) => return Ok(None),
        opened => opened?,
    };
    match space::origin_of(&library) {
        Err(Error::LibraryEmpty { .. }) => Ok(None),
        origin => Ok(Some(origin?)),
    }
}
