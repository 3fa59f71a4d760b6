//! `akin model`: list models, describe one, fetch one, and switch to one.

mod fetch;
mod info;
mod list;
mod origin;
mod switch;
mod verify;

use clap::{Args, Subcommand};

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;

/// List, fetch, check and change models
///
/// Models are kept in the cache that all tools of the hub share. A cached model is used by its
/// name: --model BAAI/bge-small-en-v1.5.
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
