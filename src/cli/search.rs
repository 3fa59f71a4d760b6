//! `akin search`: papers similar to a sentence or a draft.

use std::io::Read;
use std::path::PathBuf;

use akin::encoder::Encoder;
use akin::library::Library;
use akin::search::{self, Indexes, Matching, Query, Target};
use akin::{Error, space};
use clap::Args;

use super::args::{LookupArgs, ModelArgs};
use super::context::Context;
use super::fault::Fault;
use super::{Outcome, cache, output};

/// Find papers similar to a sentence, a question or a draft
///
/// Papers are found by what they mean and by their words, and both count. Words can be conditions:
/// "a phrase", +necessary, -forbidden, title:word, author:name, cat:cs.LG, id:2503.11731. What is
/// read from a file or from stdin has no conditions: every word is a word.
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
    let target = target(args)?;
    let query = args.lookup.query(target);
    let model = &args.lookup.model;
    let needs_encoder = query.matching != Matching::Lexical;
    let (opened, encoder) = match &args.lookup.dump {
        Some(dump) => {
            let cached = cache::library_of(dump, model, context)?;
            let opened = context.open(&cached.root)?;
            let encoder = needs_encoder.then(|| cached.encoder(&opened.library, context));
            (opened, encoder.transpose()?)
        }
        None => {
            let opened = context.open(&context.library)?;
            let encoder = needs_encoder.then(|| encoder_for(&opened.library, model, context));
            (opened, encoder.transpose()?)
        }
    };
    show(
        &opened.indexes(),
        encoder.as_ref(),
        &query,
        &args.lookup,
        context,
    )
}

/// The encoder of a library, which must be the one that is asked for.
fn encoder_for(library: &Library, model: &ModelArgs, context: &Context) -> Result<Encoder, Fault> {
    let Some(asked) = model.asked() else {
        return context.load_for(library);
    };
    let encoder = context.load(&asked)?;
    space::ensure_same(library, &encoder)?;
    Ok(encoder)
}

/// Answers a query and prints the answer; a query by papers wants no encoder, unless it is to be
/// explained.
pub(super) fn show(
    indexes: &Indexes<'_>,
    encoder: Option<&Encoder>,
    query: &Query,
    lookup: &LookupArgs,
    context: &Context,
) -> Result<Outcome, Fault> {
    let answer = match lookup.rerank.load(context.threads)? {
        Some(reranker) => search::answer_reranked(indexes, encoder, &reranker, query)?,
        None => search::answer(indexes, encoder, query)?,
    };
    if context.verbose {
        context.note(&answer.plan);
    }
    for note in &answer.notes {
        context.note(note);
    }
    for paper in &answer.left_out {
        context.note(&format!(
            "left out as the same work: {} {}",
            paper.id, paper.title
        ));
    }
    let explanations = match lookup.explain {
        true => search::explain(indexes, encoder, &answer)?,
        false => Vec::new(),
    };
    output::answer(&answer, &explanations, context)?;
    if answer.hits.is_empty() {
        context.note("no paper passes the filters");
        return Ok(Outcome::Partly);
    }
    Ok(Outcome::Done)
}

/// A question as it is typed, or a draft as it is read.
fn target(args: &SearchArgs) -> Result<Target, Fault> {
    let joined = args.query.join(" ");
    let is_draft = args.file.is_some() || joined == "-";
    let text = match is_draft {
        true => draft(args)?,
        false => joined,
    };
    if text.trim().is_empty() {
        return Err(Error::EmptyQuery.into());
    }
    Ok(match is_draft {
        true => Target::Draft(text),
        false => Target::Text(text),
    })
}

fn draft(args: &SearchArgs) -> Result<String, Fault> {
    if let Some(path) = &args.file {
        return Ok(std::fs::read_to_string(path).map_err(Error::read(path))?);
    }
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(Error::read("stdin"))?;
    Ok(text)
}
