//! `akin remove`: forget papers.
//!
//! Whatever is asked for, the index of words is that of the papers afterwards: so a removal that was
//! killed after its commit is complete when it is run again, though it then finds no paper.

use std::collections::HashSet;
use std::io::Write;

use akin::ingest;
use akin::library::Library;
use clap::Args;

use super::Outcome;
use super::context::Context;
use super::fault::Fault;
use super::progress::Bar;
use super::terminal;

/// Forget papers: they are never found again, unless a dump that has them is added again
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Any spelling of their ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(args: &RemoveArgs, context: &Context) -> Result<Outcome, Fault> {
    let mut writer = context.writer("akin remove")?;
    let library = Library::open(&context.library)?;
    let mut keys = Vec::new();
    let mut met = HashSet::new();
    let mut removed = Vec::new();
    let mut unknown = None;
    for id in &args.ids {
        match library.find(id) {
            Ok(stored) if met.insert(stored.key) => {
                keys.push(stored.key);
                removed.push(stored.paper);
            }
            Ok(_) => {}
            Err(error) => unknown = unknown.or(Some(error)),
        }
    }
    drop(library);
    if unknown.is_none() {
        writer.remove(&keys)?;
    }
    ingest::update_lexical(&writer, &Bar::stoppable(context))?;
    if let Some(error) = unknown {
        return Err(error.into());
    }
    let mut out = terminal::stdout();
    for paper in removed {
        writeln!(out, "removed {}  {}", paper.id, paper.title)?;
    }
    Ok(Outcome::Done)
}
