//! `akin show`: one paper, whole.

use std::io::Write;

use akin::Error;
use akin::paper::Paper;
use clap::Args;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::{layout, output, terminal};

/// Show what the library knows about a paper
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Any spelling of its id
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Show title and abstract as they stood in the dump, before they were cleaned
    #[arg(long)]
    raw: bool,
    /// Show the records that the paper was made of, their sources, and why they were merged
    #[arg(long)]
    sources: bool,
}

pub(super) fn run(args: &ShowArgs, context: &Context) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let mut out = terminal::stdout();
    let mut outcome = Outcome::Done;
    let mut n_shown = 0;
    for id in &args.ids {
        let stored = match library.find(id) {
            // The others are still shown.
            Err(unknown @ Error::UnknownPaper { .. }) => {
                Failure::Akin(unknown).print();
                outcome = Outcome::Partly;
                continue;
            }
            found => found?,
        };
        let mut paper = stored.paper;
        paper.id = output::spelt(&library, &paper.id)?;
        if args.raw {
            restore(&mut paper);
        }
        let sources = if args.sources {
            library.lookup().known(stored.key)?.sources
        } else {
            Vec::new()
        };
        if context.json {
            layout::json_line(&mut out, &output::JsonPaper::from(&paper))?;
            for source in &sources {
                layout::json_line(&mut out, &output::JsonSource::from(source))?;
            }
            continue;
        }
        if n_shown > 0 {
            writeln!(out)?;
        }
        n_shown += 1;
        output::paper(&mut out, &paper, &library.listings(stored.key)?)?;
        if args.sources {
            output::sources(&mut out, &sources)?;
        }
    }
    out.flush()?;
    Ok(outcome)
}

/// Puts the text as it stood in the dump in place of the cleaned one.
fn restore(paper: &mut Paper) {
    if let Some(raw) = paper.raw.take() {
        paper.title = raw.title;
        paper.abstract_text = raw.abstract_text;
    }
}
