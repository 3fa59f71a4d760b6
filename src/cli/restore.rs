//! `akin restore`: find papers again that a record says were withdrawn.

use std::io::Write;

use akin::ingest;
use akin::library::Library;
use akin::paper::{Notice, Paper};
use clap::Args;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::terminal;

/// Find papers again that their records say were withdrawn
///
/// `akin status` names the papers that no search finds because of such a notice. A restored paper is
/// embedded and found, also when the same dump is added again.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Any spelling of the papers' ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(args: &RestoreArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut writer = context.writer("akin restore")?;
    let library = Library::open(&context.library)?;
    let stored = args.ids.iter().map(|id| library.find(id));
    let stored = stored.collect::<Result<Vec<_>, _>>()?;
    let is_hidden = |paper: &Paper| paper.notice == Some(Notice::Withdrawn);
    let mut is_done = true;
    for other in stored.iter().filter(|stored| !is_hidden(&stored.paper)) {
        let is_restored = library.lookup().known(other.key)?.is_restored;
        is_done &= is_restored;
        let why = if is_restored {
            "is already restored"
        } else {
            "is not withdrawn"
        };
        context.note(&format!("{} {why}", other.paper.id));
    }
    let bar = Bar::stoppable(context);
    let options = context.index_options();
    let hidden = stored.iter().filter(|stored| is_hidden(&stored.paper));
    let mut keys: Vec<_> = hidden.map(|stored| stored.key).collect();
    drop(library);
    if keys.is_empty() {
        // What was cut off after it was restored may not be indexed yet.
        ingest::build_index(&writer, &options, &bar)?;
        return Ok(if is_done {
            Outcome::Done
        } else {
            Outcome::Partly
        });
    }
    keys.sort_unstable();
    keys.dedup();
    let model = context.model_of(&writer)?;
    let model = model.as_ref().map(|(encoder, origin)| (encoder, origin));
    let papers = ingest::restore(&mut writer, model, &keys, &options, &bar)?;
    let mut out = terminal::stdout();
    for paper in papers {
        writeln!(out, "restored {}  {}", paper.id, paper.title)?;
    }
    Ok(Outcome::Done)
}
