//! `akin search`: papers similar to a sentence or a draft.

use std::io::Read;
use std::path::PathBuf;

use akin::encoder::Encoder;
use akin::index::Index;
use akin::library::Library;
use akin::search::{self, Query, Target};
use akin::{Error, space};
use clap::Args;

use super::args::LookupArgs;
use super::context::Context;
use super::fault::Fault;
use super::{Outcome, cache, output};

/// Find papers similar to a sentence, a question or a draft
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// What to look for; - reads it from stdin
    #[arg(value_name = "QUERY", required_unless_present = "file")]
    query: Vec<String>,
    /// Read what to look for from a file, such as a draft's title and abstract
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    #[command(flatten)]
    lookup: LookupArgs,
}

pub(super) fn run(args: &SearchArgs, context: &Context) -> Result<Outcome, Fault> {
    let text = query_text(args)?;
    if text.trim().is_empty() {
        return Err(Error::EmptyQuery.into());
    }
    let query = args.lookup.query(Target::Text(text));
    let model = &args.lookup.model;
    if let Some(dump) = &args.lookup.dump {
        let cached = cache::library_of(dump, model, context)?;
        let (library, index) = context.open(&cached.root)?;
        let encoder = cached.encoder(&library, context)?;
        return show(&library, &index, Some(&encoder), &query, context);
    }
    let (library, index) = context.open(&context.library)?;
    let encoder = match model.asked() {
        Some(asked) => {
            let encoder = context.load(&asked)?;
            space::ensure_same(&library, &encoder)?;
            encoder
        }
        None => context.load_for(&library)?,
    };
    show(&library, &index, Some(&encoder), &query, context)
}

/// Answers a query and prints the answer; a query by papers wants no encoder.
pub(super) fn show(
    library: &Library,
    index: &Index,
    encoder: Option<&Encoder>,
    query: &Query,
    context: &Context,
) -> Result<Outcome, Fault> {
    let answer = search::answer(library, index, encoder, query)?;
    if context.verbose {
        context.note(&answer.plan);
    }
    for paper in &answer.left_out {
        context.note(&format!(
            "left out as the same work: {} {}",
            paper.id, paper.title
        ));
    }
    output::answer(&answer, context)?;
    if answer.hits.is_empty() {
        context.note("no paper passes the filters");
        return Ok(Outcome::Partly);
    }
    Ok(Outcome::Done)
}

fn query_text(args: &SearchArgs) -> Result<String, Fault> {
    if let Some(path) = &args.file {
        return Ok(std::fs::read_to_string(path).map_err(Error::read(path))?);
    }
    let joined = args.query.join(" ");
    if joined != "-" {
        return Ok(joined);
    }
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(Error::read("stdin"))?;
    Ok(text)
}
