//! `akin cite`: papers as citations.

use akin::Error;
use akin::export::ExportFormat;
#[cfg(feature = "styles")]
use akin::export::PaperWriter;
use akin::paper::Paper;
use clap::Args;

use super::args::export_format;
use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::output;
use super::sink::PaperSink;

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
    /// Print a reference list in this citation style, such as apa, ieee or chicago-author-date; only in
    /// builds with the feature `styles`
    #[arg(long, value_name = "STYLE", conflicts_with = "format")]
    style: Option<String>,
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
    for paper in &mut papers {
        paper.id = output::spelt(&library, &paper.id)?;
    }
    if let Some(style) = &args.style {
        print_styled(&papers, style)?;
        return Ok(outcome);
    }
    let format = if context.json {
        ExportFormat::Json
    } else {
        args.format
    };
    let mut sink = PaperSink::stdout(format, &[], context)?;
    for paper in &papers {
        sink.write(paper)?;
    }
    sink.finish(context)?;
    Ok(outcome)
}

/// Prints papers in a citation style.
#[cfg(feature = "styles")]
fn print_styled(papers: &[Paper], style: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut writer = PaperWriter::new(ExportFormat::Bibtex, Vec::new(), &[])?;
    for paper in papers {
        writer.write(paper)?;
    }
    let bibtex = String::from_utf8_lossy(&writer.finish()?).into_owned();
    let mut out = super::terminal::stdout();
    for reference in super::styled::references(&bibtex, style)? {
        writeln!(out, "{reference}")?;
    }
    Ok(out.flush()?)
}

/// Says that this build has no styles.
#[cfg(not(feature = "styles"))]
fn print_styled(_: &[Paper], style: &str) -> Result<(), Failure> {
    Err(Failure::usage(format!(
        "this build has no citation styles, and so no {style:?}; build akin with \
         `cargo install --path . --features styles`"
    )))
}
