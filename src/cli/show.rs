//! `akin show`: one paper, whole.

use std::io::Write;

use akin::library::Library;
use clap::Args;

use super::context::Context;
use super::fault::Fault;
use super::{Outcome, output};

/// Show what the library knows about a paper
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Any spelling of its id
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(args: &ShowArgs, context: &Context) -> Result<Outcome, Fault> {
    let library = Library::open(&context.library)?;
    let mut out = anstream::stdout().lock();
    for (idx, id) in args.ids.iter().enumerate() {
        let stored = library.find(id)?;
        if context.json {
            output::json_line(&mut out, &output::JsonPaper::from(&stored.paper))?;
            continue;
        }
        if idx > 0 {
            writeln!(out)?;
        }
        output::paper(&mut out, &stored.paper, &library.listings(stored.key)?)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
