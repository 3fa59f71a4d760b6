//! `akin cite`: papers as citations.

use akin::Error;
use akin::export::ExportFormat;
use clap::Args;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::output;
use super::sink::{PaperSink, export_format};

/// Print papers as citations, for a bibliography
///
/// A citation key is that of the BibTeX file that the paper came from, or is made of name, year and title:
/// lee2024graph.
#[derive(Debug, Args)]
pub(super) struct CiteArgs {
    /// Any spelling of its id
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// The format to write
    #[arg(long, value_name = "FORMAT", value_parser = export_format(), default_value = "bibtex")]
    format: ExportFormat,
}

pub(super) fn run(args: &CiteArgs, context: &Context) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let mut outcome = Outcome::Done;
    let mut papers = Vec::new();
    let mut keys = Vec::new();
    for id in &args.ids {
        let stored = match library.find(id) {
            // The others are still printed.
            Err(unknown @ (Error::UnknownPaper { .. } | Error::AmbiguousId { .. })) => {
                Failure::Akin(unknown).print();
                outcome = Outcome::Partly;
                continue;
            }
            found => found?,
        };
        if !keys.contains(&stored.key) {
            keys.push(stored.key);
            papers.push(stored.paper);
        }
    }
    if papers.is_empty() {
        return Ok(outcome);
    }
    let format = if context.json {
        ExportFormat::Json
    } else {
        args.format
    };
    let mut sink = PaperSink::stdout(format, &[], context)?;
    for mut paper in papers {
        paper.id = output::spelt(&library, &paper.id)?;
        sink.write(&paper)?;
    }
    sink.finish(context)?;
    Ok(outcome)
}
