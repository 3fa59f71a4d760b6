//! What a similarity means: the share of paper pairs in the library that are as close.
//!
//! The *percentile* of a similarity is its rank among random pairs of library papers, from 0 to 100
//! ([`Background`](crate::index::Background)). 99.98 is "top 0.02 %".

use super::indexes::Indexes;
use super::query::Matching;
use crate::index::{Index, LEAST_ROWS_WITH_BACKGROUND};

/// The percentile of a similarity; `None` if the library has too few papers, or its background is
/// unknown.
pub(super) fn percentile(index: &Index, similarity: f32) -> Option<f64> {
    let background = index.background()?;
    Some(100.0 * (1.0 - background.share(similarity)))
}

/// Explains why there are no percentiles; `None` if there are.
pub(super) fn why_none(indexes: &Indexes<'_>, matching: Matching) -> Option<String> {
    if matching == Matching::Lexical {
        return Some("papers are found by their words alone".to_owned());
    }
    if indexes.index.background().is_some() {
        return None;
    }
    let n_rows = indexes.library.rows().map_or(0, |rows| rows.len());
    Some(if n_rows < LEAST_ROWS_WITH_BACKGROUND {
        format!(
            "percentiles need at least {LEAST_ROWS_WITH_BACKGROUND} papers, and there are {n_rows}"
        )
    } else {
        "percentiles are unavailable until the next add".to_owned()
    })
}
