//! `akin related`: papers related to one or several.

use akin::search::Target;
use clap::Args;

use super::args::LookupArgs;
use super::context::Context;
use super::fault::Fault;
use super::{Outcome, cache, search};

/// Find papers related to one or several papers
///
/// Ids can be written in any way: 2503.11731, arXiv:2503.11731v2, an address of the abstract or
/// the PDF, hep-th/9901001, a DOI. The papers themselves and their duplicates are left out.
#[derive(Debug, Args)]
pub(super) struct RelatedArgs {
    /// Papers to be close to
    #[arg(required = true, value_name = "ID")]
    like: Vec<String>,
    /// Papers to be away from; can be repeated
    #[arg(long = "not", value_name = "ID")]
    unlike: Vec<String>,
    #[command(flatten)]
    lookup: LookupArgs,
}

pub(super) fn run(args: &RelatedArgs, context: &Context) -> Result<Outcome, Fault> {
    let query = args.lookup.query(Target::Papers {
        like: args.like.clone(),
        unlike: args.unlike.clone(),
    });
    let root = match &args.lookup.dump {
        Some(dump) => cache::library_of(dump, &args.lookup.model, context)?.root,
        None => context.library.clone(),
    };
    let (library, index) = context.open(&root)?;
    search::show(&library, &index, None, &query, context)
}
