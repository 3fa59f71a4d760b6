//! What a follow is expected to find, in sentences.
//!
//! In: a follow and an open library. Out: notes on the number of papers a week, the last ones, and a
//! higher percentile if there are many.

use akin::digest::{self, DigestContext, Estimate, Follow, FollowMatch};
use akin::library::Library;

use super::context::{Context, LEFT_OUT};
use super::fault::Failure;
use super::layout;
use super::moment::MomentArgs;

/// Papers that `add` names.
const N_LATEST: usize = 3;
/// Characters of their titles.
const TITLE_CHARS: usize = 80;

/// Reports what a follow would have found in the last weeks.
pub(super) fn report(
    follow: &Follow,
    moment: &MomentArgs,
    context: &Context,
) -> Result<(), Failure> {
    let library = Library::open(&context.library)?;
    let last = Estimate::last_day(&library, moment.today()?)?;
    let (Some(last), Some(_)) = (last, library.space()) else {
        return Ok(());
    };
    drop(library);
    let opened = context.open(&context.library, LEFT_OUT)?;
    let encoder = follow.target().map(|_| context.load_for(&opened.library));
    let encoder = encoder.transpose()?;
    let indexes = opened.indexes();
    let desk = DigestContext::new(&indexes, encoder.as_ref(), last)?;
    let estimate = digest::estimate(&desk, follow)?;
    let mut latest = estimate.matches.iter().take(N_LATEST).peekable();
    let ending = if latest.peek().is_some() {
        ", the last ones:"
    } else {
        ""
    };
    context.note(&format!("{}{ending}", expected(&estimate)));
    latest.for_each(|found| context.note(&brief(found)));
    propose(follow, &estimate, context);
    Ok(())
}

/// A paper in a line.
fn brief(found: &FollowMatch) -> String {
    let title = &found.paper.title;
    let title = match title.char_indices().nth(TITLE_CHARS) {
        Some((end, _)) => format!("{}…", title[..end].trim_end()),
        None => title.clone(),
    };
    format!("  {title} ({})", found.paper.id)
}

/// States the number of papers a week, and where it is from.
pub(super) fn expected(estimate: &Estimate) -> String {
    let Estimate { first, last, .. } = estimate;
    let n_found = layout::count(estimate.matches.len() as u64);
    let n_compared = layout::counted(estimate.n_compared as u64, "paper");
    let from = if first == last {
        format!("{n_found} of {n_compared} that came on {last}")
    } else {
        format!("{n_found} of {n_compared} that came from {first} to {last}")
    };
    match estimate.per_week() {
        None => format!("it would have found {from}"),
        Some(n) if n < 1.0 => {
            format!("expect less than a paper a week: it would have found {from}")
        }
        Some(n) => {
            let n = layout::counted(n.round() as u64, "paper");
            format!("expect about {n} a week: it would have found {from}")
        }
    }
}

/// Proposes a higher percentile if a follow would find more than anybody reads.
pub(super) fn propose(follow: &Follow, estimate: &Estimate, context: &Context) {
    if !estimate.is_much() {
        return;
    }
    let name = &follow.name;
    context.note(&match estimate.tighter {
        Some(percentile) => format!(
            "that is much; with akin follow edit {name:?} --closer-than {percentile} it is at most \
             30 a week"
        ),
        None => {
            format!("that is much; akin follow edit {name:?} takes a narrower text or --category")
        }
    });
}
