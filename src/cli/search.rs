//! `akin search`: papers similar to a sentence or a draft.

use std::io::Write;
use std::path::{Path, PathBuf};

use akin::Error;
use akin::dump::Manuscript;
use akin::encoder::Encoder;
use akin::library::Library;
use akin::search::{self, Indexes, Matching, OpenLibrary, Query, Target};
use akin::space::{self, Origin};
use clap::Args;

use super::args::{LookupArgs, ModelArgs};
use super::context::{Context, FOUND_BY_WORDS};
use super::fault::Failure;
use super::outcome::Outcome;
use super::{cache, citations, drafts, output, reading, terminal};

/// Papers that are shown by their words while others are embedded.
const FIRST_HITS: usize = 5;

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
    let mut query = args.lookup.query(target)?;
    let (model, dumps) = (&args.lookup.model, &args.lookup.dumps);
    if dumps.is_empty() {
        let opened = context.open(&context.library, FOUND_BY_WORDS)?;
        if !opened.has_embeddings() && query.matching == Matching::Hybrid {
            query.matching = Matching::Lexical;
        }
        let needs_encoder = query.matching != Matching::Lexical;
        let encoder = needs_encoder.then(|| encoder_for(&opened.library, model, context));
        let encoder = encoder.transpose()?;
        return show(
            &opened.indexes(),
            encoder.as_ref(),
            &query,
            &args.lookup,
            context,
        );
    }
    let needs_encoder = query.matching != Matching::Lexical;
    let first = |opened: &OpenLibrary| show_first(opened, &query, context);
    cache::ask(dumps, model, context, &first, |cached| {
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
    let asked = Origin {
        precision: space::origin_of(library)?.precision,
        ..asked
    };
    let encoder = context.load(&asked)?;
    space::ensure_same(library, &encoder)?;
    Ok(encoder)
}

/// Prints on stderr the best papers by their words, while the others wait for their embeddings: for
/// a person at a terminal.
pub(super) fn show_first(opened: &OpenLibrary, query: &Query, context: &Context) {
    if context.quiet || query.matching == Matching::Dense || !terminal::is_stderr_read() {
        return;
    }
    let by_words = Query {
        k: query.k.min(FIRST_HITS),
        matching: Matching::Lexical,
        min_percentile: None,
        ..query.clone()
    };
    // What is wrong with the query is told with the whole answer.
    let Ok(answer) = search::answer(&opened.indexes(), None, &by_words) else {
        return;
    };
    if answer.hits.is_empty() {
        return;
    }
    let mut err = terminal::stderr();
    // If stderr cannot be written, nobody can be informed.
    let _ = writeln!(err, "by their words, until the papers are embedded:");
    for hit in &answer.hits {
        let title = terminal::one_line(&hit.paper.title);
        let _ = writeln!(err, "{:>2}  {title}", hit.rank);
    }
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
    let format = citations::format(&lookup.citations, context)?;
    if lookup.citations.all_above.is_some() {
        return citations::all(indexes, encoder, query, format, context);
    }
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
    match format {
        Some(format) => citations::hits(&answer.hits, format, context)?,
        None => output::answer(&answer, &explanations, context.json, context.verbose)?,
    }
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
    let bytes = reading::whole(file).map_err(|e| drafts::unreadable(name, e))?;
    drafts::ensure_text(name, &bytes)?;
    let name = name.display();
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{name} is not UTF-8 text: byte {at} cannot be read; save it as UTF-8"
        ))
    })?;
    let draft = Manuscript::read(&text);
    if draft.is_empty() {
        Err(Failure::usage(format!(
            "there is no text in {name}; a draft is LaTeX, Markdown or plain text"
        )))
    } else {
        Ok(draft)
    }
}
