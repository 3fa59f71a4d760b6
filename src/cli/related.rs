//! `akin related`: papers related to one or several.

use std::path::PathBuf;

use akin::search::{OpenLibrary, Rocchio, Target};
use clap::Args;

use super::args::LookupArgs;
use super::cache;
use super::context::{Context, FOUND_BY_WORDS};
use super::fault::Failure;
use super::outcome::Outcome;
use super::search::{read_draft, show, show_first};

/// Find papers related to one or several papers, or to a draft
///
/// A draft is LaTeX, Markdown or plain text, such as `pdftotext` makes of a PDF. Its title and
/// abstract count, or all of it if they cannot be recognised. Write ids in any way: 2503.11731,
/// arXiv:2503.11731v2, an address of the abstract or the PDF, hep-th/9901001, a DOI. The papers
/// themselves and their duplicates are left out.
///
/// The query is Rocchio's: the mean embedding of the papers to be close to, minus W times the mean
/// of those to be away from. W is --not-weight.
#[derive(Debug, Args)]
pub(super) struct RelatedArgs {
    /// Papers to be close to; - reads a draft from stdin
    #[arg(required_unless_present = "file", value_name = "ID")]
    like: Vec<String>,
    /// A draft to be close to, alone or together with papers
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Papers to be away from; can be repeated
    #[arg(long = "not", value_name = "ID")]
    unlike: Vec<String>,
    /// Weight of the papers to be away from (their mean), relative to the papers to be close to: 0
    /// is none, 1 is equal. More goes further away, and may leave the subject
    #[arg(long, value_name = "W", requires = "unlike", value_parser = weight,
          default_value_t = Rocchio::default().unlike)]
    not_weight: f32,
    #[command(flatten)]
    lookup: LookupArgs,
}

pub(super) fn run(args: &RelatedArgs, context: &Context) -> Result<Outcome, Failure> {
    let (stdin, like): (Vec<String>, Vec<String>) =
        args.like.iter().cloned().partition(|id| id == "-");
    let draft = match (&args.file, stdin.len()) {
        (None, 0) => None,
        (Some(file), 0) => Some(read_draft(Some(file))?),
        (None, 1) => Some(read_draft(None)?),
        _ => {
            return Err(Failure::usage(
                "expected one draft, from a file or from stdin",
            ));
        }
    };
    let may_need_encoder = draft.is_some() || args.lookup.explain;
    let query = args.lookup.query(Target::Papers {
        like,
        draft: draft.map(|draft| Box::new(draft.into_paper())),
        unlike: args.unlike.clone(),
        weights: Rocchio {
            unlike: args.not_weight,
            ..Rocchio::default()
        },
    })?;
    let answered = |opened: &OpenLibrary| {
        let needs_encoder = may_need_encoder && opened.has_embeddings();
        let encoder = needs_encoder.then(|| context.load_for(&opened.library));
        let encoder = encoder.transpose()?;
        show(
            &opened.indexes(),
            encoder.as_ref(),
            &query,
            &args.lookup,
            context,
        )
    };
    let dumps = &args.lookup.dumps;
    if dumps.is_empty() {
        return answered(&context.open(&context.library, FOUND_BY_WORDS)?);
    }
    let first = |opened: &OpenLibrary| show_first(opened, &query, context);
    cache::ask(dumps, &args.lookup.model, context, &first, |cached| {
        answered(&cached.opened)
    })
}

/// Parses a number from 0 on.
fn weight(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(w) if w.is_finite() && w >= 0.0 => Ok(w),
        _ => Err("expected a number of at least 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_from_0_on() {
        assert_eq!(weight("0"), Ok(0.0));
        assert_eq!(weight("1.5"), Ok(1.5));
        for bad in ["-0.1", "inf", "NaN", "1e99", "half", ""] {
            assert!(weight(bad).is_err(), "{bad}");
        }
    }
}
