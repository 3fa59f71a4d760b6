//! Which of the new papers a follow is about.
//!
//! ```text
//! new papers ──► weighed, each ──► close enough? ──► ordered, duplicates folded ──► explained, related
//! ```
//!
//! Every new paper is tested for closeness, before any ranking: a paper is not dropped because
//! others rank before it.
//!
//! How close a paper has to be is in `threshold.rs`.

use std::collections::HashSet;
use std::ops::Range;

use super::context::{DigestContext, KeyAndRow};
use super::entry::{Brief, Entry};
use super::follow::Follow;
use super::threshold::Threshold;
use crate::error::Result;
use crate::index::{Mode, SearchOptions};
use crate::library::{Filter, Library, PaperKey};
use crate::paper::Paper;
use crate::search::{
    self, Answer, Asked, DUPLICATE_SIMILARITY, Explanation, Hit, Matching, Query, Target, Work,
};
use crate::vectors::Row;
use crate::{ingest, text};

/// Papers of a follow whose sentences are compared by meaning; those of the rest by their words.
const COMPARED: usize = 2;
/// Papers of a follow that have related papers named.
const WITH_RELATED: usize = 10;
/// Related papers that are named.
const RELATED: usize = 2;
/// The note for papers that cannot be searched yet.
const SOME_ARE_MISSING: &str = "some papers are not indexed yet: those that match are shown once \
     they are; the next akin add, or akin check --repair, indexes them";
/// Number of neighbours in which related papers are searched.
const NEIGHBOURS: usize = 16;

/// What is new under a follow.
#[derive(Debug, Default)]
pub struct FollowNews {
    /// The papers, best first.
    pub matches: Vec<FollowMatch>,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
    /// Whether papers may have been missed that are found once they are indexed.
    pub is_partial: bool,
}

/// A paper that a follow is about.
#[derive(Debug)]
pub struct FollowMatch {
    /// The paper.
    pub paper: Paper,
    /// The row of its embedding, if it has one.
    pub row: Option<Row>,
    /// The cosine similarity to the followed subject, if that has an embedding.
    pub similarity: Option<f32>,
    /// The share of the library, in percent, that it is closer than.
    pub closer_than: Option<f64>,
    /// The share of the recent arrivals, in percent, that it is closer than.
    pub closer_than_recent: Option<f64>,
    /// The sentence of its abstract that is nearest, and the words that it shares.
    pub explanation: Explanation,
    /// The same work again.
    pub folded: Vec<Paper>,
    /// Papers near to it that are not new.
    pub related: Vec<Brief>,
}

/// The papers that a follow is about, among those with these keys.
///
/// # Errors
/// [`Error::UnknownPaper`](crate::Error::UnknownPaper) if a followed paper was deleted, and as
/// [`search::answer`].
pub fn find(desk: &DigestContext<'_>, follow: &Follow, keys: Vec<PaperKey>) -> Result<FollowNews> {
    if keys.is_empty() {
        return Ok(FollowNews::default());
    }
    let new: HashSet<PaperKey> = keys.iter().copied().collect();
    let mut found = match follow.target() {
        Some(target) => about(desk, follow, &target, keys)?,
        None => all_of(desk, &follow.filter(keys))?,
    };
    for found in found.matches.iter_mut().take(WITH_RELATED) {
        found.related = related(desk, found, &new)?;
    }
    Ok(found)
}

/// How a match is shown.
pub fn entry(found: &FollowMatch) -> Entry {
    let paper = &found.paper;
    let sentence = found.explanation.sentence.clone();
    let mut ids = Vec::new();
    for paper in std::iter::once(paper).chain(&found.folded) {
        ids.push(paper.id.clone());
        ids.extend(paper.aliases.iter().cloned());
    }
    Entry {
        brief: Brief::new(paper),
        authors: paper.authors.clone(),
        categories: paper.categories.clone(),
        similarity: found.similarity,
        closer_than: found.closer_than,
        closer_than_recent: found.closer_than_recent,
        also_in: Vec::new(),
        sentence: sentence.and_then(|at| paper.abstract_text.get(at).map(str::to_owned)),
        why: why(found),
        folded: found.folded.iter().map(Brief::new).collect(),
        related: found.related.clone(),
        ids,
    }
}

/// Explains why a paper is shown; empty if there is nothing to say but that it passed.
fn why(found: &FollowMatch) -> String {
    let mut parts = Vec::new();
    if let Some(percent) = found.closer_than {
        // Rounded down, so that the statement is true.
        let shown = (percent * 100.0).floor() / 100.0;
        parts.push(format!("closer than {shown} % of the library"));
    }
    if !found.explanation.words.is_empty() {
        parts.push(format!("shares {}", found.explanation.words.join(", ")));
    }
    parts.join("; ")
}

/// The papers that are close enough to a follow.
fn about(
    desk: &DigestContext<'_>,
    follow: &Follow,
    target: &Target,
    new: Vec<PaperKey>,
) -> Result<FollowNews> {
    let matching = Matching::default();
    let asked = Asked::new(desk.indexes(), desk.encoder, target, matching)?;
    let rows = desk.library().rows_of_keys(&new)?;
    let lacks_embeddings = rows.iter().any(Option::is_none);
    let compared = new.iter().zip(rows);
    let compared = compared.filter_map(|(key, row)| Some((*key, row?.0)));
    let compared: Vec<KeyAndRow> = compared.collect();
    let weighed = asked.weigh(desk.indexes(), follow.filter(new))?;
    let bar = Threshold::new(desk, &asked, follow, compared, &weighed.papers)?;
    let lacks_words = follow.query.is_some() && !has_all_words(desk, weighed.matching, &bar)?;
    let mut found = FollowNews {
        notes: weighed.notes,
        is_partial: lacks_words || lacks_embeddings,
        ..FollowNews::default()
    };
    if found.is_partial && found.notes.is_empty() {
        found.notes.push(SOME_ARE_MISSING.to_owned());
    }
    let close = weighed
        .papers
        .iter()
        .filter(|paper| bar.is_close_enough(paper));
    let close: Vec<PaperKey> = close.map(|paper| paper.key).collect();
    if close.is_empty() {
        return Ok(found);
    }
    let query = Query {
        k: close.len(),
        filter: follow.filter(close),
        mode: Mode::Exact,
        ..Query::default()
    };
    let mut answer = asked.answer(desk.indexes(), &query)?;
    found.notes.extend(left_out(follow, &answer.left_out));
    for note in std::mem::take(&mut answer.notes) {
        if !found.notes.contains(&note) {
            found.notes.push(note);
        }
    }
    found.matches = matches(desk, &bar, answer)?;
    Ok(found)
}

/// The hits of an answer, each with why it is one.
fn matches(
    desk: &DigestContext<'_>,
    bar: &Threshold,
    mut answer: Answer,
) -> Result<Vec<FollowMatch>> {
    let hits = std::mem::take(&mut answer.hits);
    let (compared, rest) = hits.split_at(hits.len().min(COMPARED));
    answer.hits = compared.to_vec();
    let mut explanations = search::explain(desk.indexes(), desk.encoder, &answer)?;
    answer.hits = rest.to_vec();
    explanations.extend(search::explain(desk.indexes(), None, &answer)?);
    for (explanation, hit) in explanations.iter_mut().zip(&hits) {
        if explanation.sentence.is_none() {
            explanation.sentence = telling(&hit.paper.abstract_text, &explanation.words);
        }
    }
    let mut explanations = explanations.into_iter();
    let has_vector = answer.vector.is_some();
    let matched = |hit: Hit| FollowMatch {
        closer_than: has_vector
            .then(|| bar.closer_than(hit.similarity?))
            .flatten(),
        closer_than_recent: has_vector
            .then(|| bar.closer_than_recent(hit.similarity?))
            .flatten(),
        similarity: hit.similarity,
        row: hit.row,
        paper: hit.paper,
        explanation: explanations.next().unwrap_or_default(),
        folded: hit.duplicates,
        related: Vec::new(),
    };
    Ok(hits.into_iter().map(matched).collect())
}

/// Explains why some new papers are not shown though they are close enough: they are the followed
/// ones.
fn left_out(follow: &Follow, papers: &[Paper]) -> Option<String> {
    let ids: Vec<&str> = papers.iter().map(|paper| paper.id.as_str()).collect();
    (!ids.is_empty()).then(|| {
        format!(
            "{}: not shown, being the same work as a paper that it names: {}",
            follow.name,
            ids.join(", ")
        )
    })
}

/// Whether the words of every paper were asked.
fn has_all_words(desk: &DigestContext<'_>, matching: Matching, bar: &Threshold) -> Result<bool> {
    let is_current = match &desk.indexes().lexical {
        Ok(lexical) => ingest::has_all_words(desk.library(), lexical)?,
        Err(_) => false,
    };
    Ok(matching != Matching::Dense && is_current && !bar.lacks_words)
}

/// The first of the sentences that have most of these words; `None` if none has any.
fn telling(abstract_text: &str, words: &[String]) -> Option<Range<usize>> {
    let n_words = |sentence: &Range<usize>| {
        let sentence = &abstract_text[sentence.clone()];
        words.iter().filter(|word| sentence.contains(*word)).count()
    };
    let counted = text::sentences(abstract_text)
        .into_iter()
        .map(|at| (n_words(&at), at));
    let best = counted.rev().max_by_key(|(n, _)| *n);
    best.filter(|(n, _)| *n > 0).map(|(_, at)| at)
}

/// Every paper that passes a filter, the newest first.
fn all_of(desk: &DigestContext<'_>, filter: &Filter) -> Result<FollowNews> {
    let mut matches = Vec::new();
    for key in desk.library().passing(filter)? {
        if let Some((paper, _, row)) = desk.library().paper(key)? {
            matches.push(FollowMatch {
                paper,
                row,
                similarity: None,
                closer_than: None,
                closer_than_recent: None,
                explanation: Explanation::default(),
                folded: Vec::new(),
                related: Vec::new(),
            });
        }
    }
    matches.sort_by(|a, b| {
        let newer = b.paper.date().cmp(&a.paper.date());
        newer.then_with(|| a.paper.id.cmp(&b.paper.id))
    });
    Ok(FollowNews {
        matches: folded(desk.library(), matches)?,
        ..FollowNews::default()
    })
}

/// Folds papers into better ones that are the same work.
fn folded(library: &Library, matches: Vec<FollowMatch>) -> Result<Vec<FollowMatch>> {
    let rows = library.rows()?;
    let lookup = library.lookup();
    let mut kept: Vec<(Work, FollowMatch)> = Vec::with_capacity(matches.len());
    for found in matches {
        let vector = found.row.map(|row| rows.vector(row)).transpose()?;
        let work = Work::new(&found.paper, vector.unwrap_or_default());
        match kept.iter().position(|(other, _)| work.is_that_of(other)) {
            Some(same) if !lookup.is_split(&kept[same].1.paper.id, &found.paper.id)? => {
                kept[same].1.folded.push(found.paper);
            }
            _ => kept.push((work, found)),
        }
    }
    Ok(kept.into_iter().map(|(_, found)| found).collect())
}

/// The papers nearest to one, of those that are not new and not the same work.
fn related(
    desk: &DigestContext<'_>,
    found: &FollowMatch,
    new: &HashSet<PaperKey>,
) -> Result<Vec<Brief>> {
    let (Some(row), library) = (found.row, desk.library()) else {
        return Ok(Vec::new());
    };
    let vector = library.rows()?.vector(row)?;
    let options = SearchOptions {
        allowed: desk.living(),
        ..SearchOptions::nearest(NEIGHBOURS)
    };
    let near = desk.indexes().index.search(&vector, &options)?;
    let near: Vec<Row> = near
        .iter()
        .filter(|other| other.row != row && other.similarity < DUPLICATE_SIMILARITY)
        .map(|other| other.row)
        .collect();
    let keys = library.keys_of(&near)?;
    let mut briefs = Vec::with_capacity(RELATED);
    for (row, key) in near.into_iter().zip(keys) {
        if briefs.len() < RELATED && key.is_some_and(|key| !new.contains(&key)) {
            briefs.push(Brief::new(&library.paper_at(row)?));
        }
    }
    Ok(briefs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_with_most_of_the_words_tells_most() {
        let text = "Bread is old. Rye bread rises. Rye bread too. Iron.";
        let check = |words: &[&str], expected: Option<&str>| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(
                telling(text, &words).map(|at| &text[at]),
                expected,
                "{words:?}"
            );
        };
        check(&["bread", "Rye"], Some("Rye bread rises."));
        check(&["Iron"], Some("Iron."));
        check(&["steel"], None);
        check(&[], None);
        assert_eq!(telling("", &["x".to_owned()]), None);
    }
}
