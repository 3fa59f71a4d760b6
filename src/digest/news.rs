//! Which of the new papers a follow is about.
//!
//! ```text
//! new papers ──► weighed, each ──► close enough? ──► ordered, duplicates folded ──► explained, related
//! ```
//!
//! Every new paper is tested for closeness, before any ranking: a paper is not dropped because
//! others rank before it.
//!
//! A similarity alone does not say whether a paper is about something: 0.4 is close for one
//! question and far for another. So a paper is compared with the library: it is *close enough* if
//! no more than a
//! [share](Follow::share) of all papers there is as close. The share is counted exactly, over every
//! embedding. Words that a model does not know count too. A paper is also close enough if at most
//! that share matches the words as well and at most [`LOOSER`] times it is as close. In a small
//! library that share is less than one paper, so the [`LEAST_RANK`] closest papers of the library
//! are always close enough.
//!
//! Limit: the share is one of *this* library. In a library about a single subject, the closest two
//! hundredth is closer than in one about everything.

use std::collections::HashSet;
use std::ops::Range;

use fixedbitset::FixedBitSet;

use super::entry::{Brief, Entry};
use super::follow::{Follow, LEAST_RANK};
use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::{Mode, SearchOptions};
use crate::library::{Filter, Library, PaperKey};
use crate::paper::Paper;
use crate::search::{
    self, Answer, Asked, DUPLICATE_SIMILARITY, Explanation, Hit, Indexes, Matching, Query, Target,
    Weight, Work,
};
use crate::vectors::Row;
use crate::{ingest, text};

/// Factor on the share by meaning for papers that are found by words.
const LOOSER: f64 = 5.0;
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

/// An open library with its indexes, and what all follows need.
#[derive(Debug)]
pub struct DigestContext<'a> {
    indexes: &'a Indexes<'a>,
    encoder: Option<&'a Encoder>,
    /// Rows that live; `None` if all do.
    living: Option<FixedBitSet>,
    n_living: usize,
}

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
    /// The sentence of its abstract that is nearest, and the words that it shares.
    pub explanation: Explanation,
    /// The same work again.
    pub folded: Vec<Paper>,
    /// Papers near to it that are not new.
    pub related: Vec<Brief>,
}

impl<'a> DigestContext<'a> {
    /// Looks at a library. Without an encoder, only follows without a text can be asked.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`](crate::Error::LibraryEmpty), [`Error::Database`](crate::Error::Database).
    pub fn new(
        indexes: &'a Indexes<'a>,
        encoder: Option<&'a Encoder>,
    ) -> Result<DigestContext<'a>> {
        let living = indexes.library.allowed(&Filter::default())?;
        let n_rows = indexes.library.rows()?.len();
        let n_living = living.as_ref().map_or(n_rows, |rows| rows.count_ones(..));
        Ok(DigestContext {
            indexes,
            encoder,
            living,
            n_living,
        })
    }

    /// The library.
    pub fn library(&self) -> &'a Library {
        self.indexes.library
    }

    /// Its indexes.
    pub(super) fn indexes(&self) -> &'a Indexes<'a> {
        self.indexes
    }
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
    let asked = Asked::new(desk.indexes, desk.encoder, target, matching)?;
    let rows = desk.library().rows_of_keys(&new)?;
    let lacks_embeddings = rows.iter().any(Option::is_none);
    let weighed = asked.weigh(desk.indexes, follow.filter(new))?;
    let bar = Threshold::new(desk, &asked, follow, &weighed.papers)?;
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
    let mut answer = asked.answer(desk.indexes, &query)?;
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
    let mut explanations = search::explain(desk.indexes, desk.encoder, &answer)?;
    answer.hits = rest.to_vec();
    explanations.extend(search::explain(desk.indexes, None, &answer)?);
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
    let is_current = match &desk.indexes.lexical {
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

/// How close the library's best papers are, and how well they match the words.
struct Threshold {
    /// Similarities of the closest papers, closest first: those that are close enough, or if words
    /// may make up for meaning, those that may be. Empty if nothing is asked by meaning.
    similarities: Vec<f32>,
    /// BM25 of the papers that have most of the words, best first.
    word_scores: Vec<f32>,
    /// Whether the words could not be asked.
    lacks_words: bool,
    n_papers: usize,
    /// Papers that are close enough.
    rank: usize,
}

impl Threshold {
    fn new(
        desk: &DigestContext<'_>,
        asked: &Asked,
        follow: &Follow,
        new: &[Weight],
    ) -> Result<Threshold> {
        let rank = rank_of(follow.share(), desk.n_living);
        let mut bar = Threshold {
            similarities: Vec::new(),
            word_scores: Vec::new(),
            lacks_words: false,
            n_papers: desk.n_living,
            rank,
        };
        let Some(vector) = asked.vector() else {
            return Ok(bar);
        };
        // The words of whole papers are too many to tell one subject from another.
        if let (Ok(lexical), Some(_)) = (&desk.indexes.lexical, &follow.query) {
            match lexical.search(asked.words(), rank, None) {
                Ok(best) => bar.word_scores = best.iter().map(|m| m.score).collect(),
                Err(_) => bar.lacks_words = true,
            }
        }
        let looser = rank_of(follow.share() * LOOSER, desk.n_living);
        let n_closest = if new.iter().any(|paper| bar.is_found_by_words(paper)) {
            looser
        } else {
            rank
        };
        bar.similarities = closest(desk, vector, n_closest)?;
        Ok(bar)
    }

    /// Whether a paper is close enough to a follow.
    fn is_close_enough(&self, paper: &Weight) -> bool {
        // Only conditions, and all of them hold.
        if self.similarities.is_empty() {
            return true;
        }
        let similarity = paper.similarity;
        is_among(&self.similarities, self.rank, similarity)
            || (self.is_found_by_words(paper)
                && is_among(&self.similarities, usize::MAX, similarity))
    }

    /// Whether few papers have the words as much.
    fn is_found_by_words(&self, paper: &Weight) -> bool {
        paper.word_score > 0.0 && is_among(&self.word_scores, self.rank, paper.word_score)
    }

    /// The share of the library, in percent, that is less close than this.
    fn closer_than(&self, similarity: f32) -> Option<f64> {
        let n_as_close = self
            .similarities
            .partition_point(|other| *other >= similarity);
        let is_known = n_as_close < self.similarities.len() || n_as_close == self.n_papers;
        let n_less = self.n_papers.saturating_sub(n_as_close);
        is_known.then(|| 100.0 * n_less as f64 / self.n_papers.max(1) as f64)
    }
}

/// The similarities of the `k` closest papers of the library, closest first.
fn closest(desk: &DigestContext<'_>, vector: &[f32], k: usize) -> Result<Vec<f32>> {
    let options = SearchOptions {
        k,
        mode: Mode::Exact,
        ef_search: None,
        allowed: desk.living.as_ref(),
    };
    let found = desk.indexes.index.search(vector, &options)?;
    // As for hits: no similarity is above that of the same text.
    Ok(found
        .iter()
        .map(|found| found.similarity.min(1.0))
        .collect())
}

/// Whether a score is at least the `n`th of scores, best first, or their last; of none it is not.
fn is_among(scores: &[f32], n: usize, score: f32) -> bool {
    let least = scores.get(n.min(scores.len()).wrapping_sub(1));
    least.is_some_and(|least| score >= *least)
}

/// Number of papers in a share of the library.
fn rank_of(share: f64, n_papers: usize) -> usize {
    let rank = (share * n_papers as f64).ceil() as usize;
    rank.max(LEAST_RANK).min(n_papers.max(1))
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
        allowed: desk.living.as_ref(),
        ..SearchOptions::nearest(NEIGHBOURS)
    };
    let near = desk.indexes.index.search(&vector, &options)?;
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

    fn paper(similarity: f32, word_score: f32) -> Weight {
        Weight {
            row: Row(0),
            key: PaperKey(1),
            similarity,
            word_score,
        }
    }

    #[test]
    fn a_paper_is_close_enough_by_meaning_or_by_words_with_some_meaning() {
        let bar = Threshold {
            similarities: vec![0.9, 0.8, 0.7, 0.6, 0.5],
            word_scores: vec![9.0, 8.0],
            lacks_words: false,
            n_papers: 200,
            rank: 2,
        };
        let check = |similarity, words, expected: bool| {
            let found = bar.is_close_enough(&paper(similarity, words));
            assert_eq!(found, expected, "{similarity} {words}");
        };
        check(0.9, 0.0, true);
        check(0.8, 0.0, true);
        check(0.79, 0.0, false);
        check(0.79, 7.9, false);
        check(0.79, 8.0, true);
        check(0.5, 8.0, true);
        check(0.49, 99.0, false);
        let conditions = Threshold {
            similarities: Vec::new(),
            ..bar
        };
        assert!(conditions.is_close_enough(&paper(0.0, 0.0)));
    }

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

    #[test]
    fn words_that_no_paper_has_let_none_through() {
        let bar = Threshold {
            similarities: vec![0.9, 0.8],
            word_scores: Vec::new(),
            lacks_words: false,
            n_papers: 2,
            rank: 1,
        };
        assert!(!bar.is_close_enough(&paper(0.85, 0.0)));
        assert!(bar.is_close_enough(&paper(0.9, 0.0)));
    }

    #[test]
    fn what_is_said_to_be_less_close_is() {
        let bar = Threshold {
            similarities: vec![0.9, 0.8, 0.8, 0.6],
            word_scores: Vec::new(),
            lacks_words: false,
            n_papers: 200,
            rank: 2,
        };
        assert_eq!(bar.closer_than(0.95), Some(100.0));
        assert_eq!(bar.closer_than(0.9), Some(99.5));
        assert_eq!(bar.closer_than(0.8), Some(98.5));
        // The papers closer than this were not counted.
        assert_eq!(bar.closer_than(0.6), None);
        assert_eq!(bar.closer_than(0.1), None);
    }

    #[test]
    fn a_share_is_at_least_a_few_papers() {
        assert_eq!(rank_of(0.005, 300_000), 1500);
        assert_eq!(rank_of(0.005, 1000), LEAST_RANK);
        assert_eq!(rank_of(0.005, 3), 3);
        assert_eq!(rank_of(1.0, 1000), 1000);
    }
}
