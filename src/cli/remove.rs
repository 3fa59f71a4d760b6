//! `akin remove`: forget papers.

use std::collections::HashSet;
use std::io::Write;

use akin::library::{Library, PaperKey};
use akin::{Error, ingest};
use clap::Args;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::terminal;

/// Forget papers
///
/// They are never found again, unless a dump that has them is added again.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Any spelling of their ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

pub(super) fn run(args: &RemoveArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut writer = context.writer("akin remove")?;
    let library = Library::open(&context.library)?;
    let mut keys = Vec::new();
    let mut met = HashSet::new();
    let mut removed = Vec::new();
    let found: Vec<_> = args.ids.iter().map(|id| sought(&library, id)).collect();
    let is_gone = |found: &Result<_, Error>| matches!(found, Err(Error::UnknownPaper { .. }));
    if found.iter().all(is_gone) {
        // A removal that was cut off may have left their words.
        ingest::update_lexical(&writer, &Bar::stoppable(context))?;
    }
    for sought in found {
        let (key, shown) = sought.inspect_err(|_| {
            if args.ids.len() > 1 {
                context.note("nothing was removed");
            }
        })?;
        if met.insert(key) {
            keys.push(key);
            removed.push(shown);
        }
    }
    drop(library);
    writer.remove(&keys)?;
    ingest::update_lexical(&writer, &Bar::stoppable(context))?;
    let mut out = terminal::stdout();
    for shown in removed {
        writeln!(out, "removed {shown}")?;
    }
    Ok(Outcome::Done)
}

/// The paper with an id, and a line about it; a damaged record has none.
fn sought(library: &Library, id: &str) -> Result<(PaperKey, String), Error> {
    match library.find(id) {
        Ok(stored) => Ok((
            stored.key,
            format!("{}  {}", stored.paper.id, stored.paper.title),
        )),
        Err(Error::Damaged { .. }) => Ok((library.key(id)?, id.to_owned())),
        Err(other) => Err(other),
    }
}
