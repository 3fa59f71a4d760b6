//! `akin search`: papers similar to a sentence or a draft.

use std::path::{Path, PathBuf};

use akin::dump::Manuscript;
use akin::encoder::Encoder;
use akin::library::Library;
use akin::search::{self, Indexes, Matching, Query, Target};
use akin::{Error, space};
use clap::Args;

use super::args::{LookupArgs, ModelArgs};
use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::{cache, output, reading};

/// Find papers similar to a sentence, a question or a draft
///
/// Papers are found by their meaning and by their words, and both count. Words can be conditions:
/// "a phrase", +necessary, -forbidden, title:word, author:name, cat:cs.LG, id:2503.11731. A sign
/// before a number or a formula (-40, +85, K12, NH2) is text; in quotation marks it is a condition:
/// -"40". What is read from a file or from stdin has no conditions: every word is a word.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// What to look for; - reads it from stdin
    #[arg(
        value_name = "QUERY",
        required_unless_present = "file",
        allow_negative_numbers = true
    )]
    query: Vec<String>,
    /// Read what to look for from a file: a draft in LaTeX, Markdown or plain text. Its title and
    /// abstract are the query
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    #[command(flatten)]
    lookup: LookupArgs,
}

pub(super) fn run(args: &SearchArgs, context: &Context) -> Result<Outcome, Failure> {
    let target = target(args)?;
    let query = args.lookup.query(target)?;
    let model = &args.lookup.model;
    let needs_encoder = query.matching != Matching::Lexical;
    let Some(dump) = &args.lookup.dump else {
        let opened = context.open(&context.library)?;
        let encoder = needs_encoder.then(|| encoder_for(&opened.library, model, context));
        let encoder = encoder.transpose()?;
        return show(
            &opened.indexes(),
            encoder.as_ref(),
            &query,
            &args.lookup,
            context,
        );
    };
    cache::ask(dump, model, context, |cached| {
        let encoder = needs_encoder.then(|| cached.take_encoder(context));
        let encoder = encoder.transpose()?;
        show(
            &cached.opened.indexes(),
            encoder.as_ref(),
            &query,
            &args.lookup,
            context,
        )
    })
}

/// The encoder of a library, which must match the requested one.
fn encoder_for(
    library: &Library,
    model: &ModelArgs,
    context: &Context,
) -> Result<Encoder, Failure> {
    let Some(asked) = model.asked(&context.hub)? else {
        return context.load_for(library);
    };
    let encoder = context.load(&asked)?;
    space::ensure_same(library, &encoder)?;
    Ok(encoder)
}

/// Answers a query and prints the answer. A query by papers needs no encoder, unless it is to be
/// explained.
pub(super) fn show(
    indexes: &Indexes<'_>,
    encoder: Option<&Encoder>,
    query: &Query,
    lookup: &LookupArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    let mut answer = match context.load_reranker(&lookup.rerank)? {
        Some(reranker) => search::answer_reranked(indexes, encoder, &reranker, query)?,
        None => search::answer(indexes, encoder, query)?,
    };
    if context.verbose {
        context.note(&answer.plan);
    }
    for note in &answer.notes {
        context.note(note);
    }
    let mut unknown = answer.unknown_words.clone();
    // Without hits, "nothing has" names the others.
    unknown.retain(|unknown| !answer.hits.is_empty() || !unknown.nearest.is_empty());
    for note in output::unknown_words(&unknown) {
        context.note(&note);
    }
    for paper in &answer.left_out {
        context.note(&format!(
            "left out as the same work: {} {}",
            paper.id, paper.title
        ));
    }
    let explanations = if lookup.explain {
        search::explain(indexes, encoder, &answer)?
    } else {
        Vec::new()
    };
    for hit in &mut answer.hits {
        hit.paper.id = output::spelt(indexes.library, &hit.paper.id)?;
        for duplicate in &mut hit.duplicates {
            duplicate.id = output::spelt(indexes.library, &duplicate.id)?;
        }
    }
    output::answer(&answer, &explanations, context.json, context.verbose)?;
    if answer.hits.is_empty() {
        context.note(answer.nothing.as_deref().unwrap_or("nothing was found"));
        return Ok(Outcome::Partly);
    }
    if answer.is_far {
        context.note(
            "nothing here is close to that: the papers above are the nearest, but no closer than \
             unrelated papers are to each other",
        );
        return Ok(Outcome::Partly);
    }
    Ok(Outcome::Done)
}

/// A query as typed, or a draft as read.
fn target(args: &SearchArgs) -> Result<Target, Failure> {
    let joined = args.query.join(" ");
    if args.file.is_none() && joined != "-" {
        return if joined.trim().is_empty() {
            Err(Error::EmptyQuery.into())
        } else {
            Ok(Target::Text(joined))
        };
    }
    let draft = read_draft(args.file.as_deref())?;
    Ok(Target::Plain(draft.into_paper().passage()))
}

/// Reads a draft from a file, or from stdin if none is given.
pub(super) fn read_draft(file: Option<&Path>) -> Result<Manuscript, Failure> {
    let name = file.unwrap_or(Path::new("stdin"));
    let bytes = reading::whole(file).map_err(Error::read(name))?;
    let name = name.display();
    if bytes.starts_with(b"%PDF") {
        return Err(Failure::usage(format!(
            "{name} is a PDF; akin needs its text: `pdftotext FILE.pdf - | akin related -`"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{name} is not UTF-8 text: byte {at} cannot be read; save it as UTF-8"
        ))
    })?;
    let draft = Manuscript::read(&text);
    if draft.is_empty() {
        Err(Error::EmptyQuery.into())
    } else {
        Ok(draft)
    }
}
