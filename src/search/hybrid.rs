//! Candidates of both indexes.
//!
//! ```text
//! vector ──► nearest rows ────┐
//!                             ├──► candidates, each with both scores
//! words ──► papers by BM25 ───┘
//! ```
//!
//! A candidate has both scores, whichever index found it: the similarity of its stored embedding,
//! and BM25 of its words. A paper without an embedding has its key instead of a row. Without a
//! trustworthy lexical index the dense one answers alone, and a note says so.
//!
//! Invariants: every candidate passes the filter and the conditions in the query. A paper that has
//! changed since its words were indexed is found by its embedding only.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use fixedbitset::FixedBitSet;

use super::closeness;
use super::indexes::Indexes;
use super::query::{Matching, Query};
use super::request::Request;
use crate::error::{Error, Result};
use crate::index::SearchOptions;
use crate::index::lexical::{Lexical, LexicalDoubt, WordQuery};
use crate::library::{Filter, Library, PaperKey, PaperPlace};
use crate::paper::Paper;
use crate::vectors::{Row, dot};

/// A paper that one of the indexes found.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The row of its embedding, if it has one.
    pub(super) row: Option<Row>,
    /// Known at least where it has no row.
    pub(super) key: Option<PaperKey>,
    /// Cosine similarity; 0 without a row or if the query has no vector.
    pub(super) similarity: f32,
    /// BM25; 0 if it has none of the words.
    pub(super) word_score: f32,
    pub(super) dense_rank: Option<usize>,
    pub(super) lexical_rank: Option<usize>,
    /// See [`Hit::percentile`](super::Hit::percentile).
    pub(super) percentile: Option<f64>,
    /// Whether its percentile is at least the query's; candidates without one pass.
    pub(super) is_close: bool,
}

impl Candidate {
    /// A candidate that no index has scored.
    fn new(row: Option<Row>, similarity: f32) -> Candidate {
        Candidate {
            row,
            key: None,
            // Rounding can put a stored embedding above 1.
            similarity: similarity.min(1.0),
            word_score: 0.0,
            dense_rank: None,
            lexical_rank: None,
            percentile: None,
            is_close: true,
        }
    }

    /// The paper.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read; [`Error::Database`].
    pub(super) fn paper(&self, library: &Library) -> Result<Paper> {
        if let Some(row) = self.row {
            return library.paper_at(row);
        }
        let stored = self.key.map(|key| library.paper(key)).transpose()?;
        let stored = stored.flatten().map(|(paper, ..)| paper);
        stored.ok_or_else(|| Error::damaged(library.path(), "a paper that the words find is gone"))
    }
}

/// What the indexes found.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) list: Vec<Candidate>,
    /// Which indexes were asked.
    pub(super) matching: Matching,
    /// Whether every paper that passes is a candidate.
    is_all: bool,
    /// Whether a deeper search can find another hit: some papers were not candidates, and the farthest
    /// candidate was not below the least percentile.
    pub(super) may_hold_more: bool,
    /// How the index of the embeddings was searched, as a sentence.
    pub(super) plan: String,
}

/// A question that can be asked of both indexes, to any depth.
pub(super) struct Finder<'a> {
    request: &'a Request<'a>,
    lexical: Option<&'a Lexical>,
    allowed: Allowed,
    /// Rows and papers that are not candidates.
    excluded: HashSet<Row>,
    excluded_keys: HashSet<PaperKey>,
    /// What could not be done as the query asks.
    pub(super) notes: Vec<String>,
}

/// The papers that pass the filter, as each index takes them.
struct Allowed {
    rows: Option<FixedBitSet>,
    keys: Option<FixedBitSet>,
}

impl<'a> Finder<'a> {
    /// Prepares the search: the indexes to ask, and the papers that pass.
    pub(super) fn new(request: &'a Request<'a>) -> Result<Finder<'a>> {
        let Request {
            indexes,
            words,
            query,
            ..
        } = *request;
        let mut notes = Vec::new();
        let lexical = lexical_of(indexes, words, query, &mut notes)?;
        let allowed = Allowed::new(indexes, lexical, words, query)?;
        Ok(Finder {
            request,
            lexical,
            allowed,
            excluded: HashSet::new(),
            excluded_keys: HashSet::new(),
            notes,
        })
    }

    /// Leaves the papers of these rows, and of these keys, out from now on.
    pub(super) fn exclude(
        &mut self,
        papers: impl IntoIterator<Item = (Option<Row>, Option<PaperKey>)>,
    ) {
        for (row, key) in papers {
            self.excluded.extend(row);
            self.excluded_keys.extend(key);
        }
    }

    /// The indexes that are asked.
    pub(super) fn matching(&self) -> Matching {
        match (self.lexical, self.request.vector) {
            (None, _) => Matching::Dense,
            // Nothing but conditions.
            (Some(_), None) => Matching::Lexical,
            (Some(_), Some(_)) => self.request.query.matching,
        }
    }

    /// The candidates: `depth` of each index, or all if there are fewer.
    pub(super) fn find(&mut self, depth: usize) -> Result<Candidates> {
        let mut found = self.search(depth)?;
        if found.matching != Matching::Lexical {
            let background = closeness::background(self.request);
            let embedded = found.list.iter_mut().filter(|found| found.row.is_some());
            for candidate in embedded {
                let percentile = |known| closeness::percentile(known, candidate.similarity);
                candidate.percentile = background.map(percentile);
                let measured = self.request.query.min_percentile.zip(candidate.percentile);
                candidate.is_close = measured.is_none_or(|(least, percentile)| percentile >= least);
            }
        }
        let farthest = found.list.iter().rev().find(|c| c.dense_rank.is_some());
        found.may_hold_more = !found.is_all && farthest.is_none_or(|last| last.is_close);
        Ok(found)
    }

    /// The same, without percentiles: for whoever looks at scores alone.
    pub(super) fn search(&mut self, depth: usize) -> Result<Candidates> {
        let mut found = Candidates {
            list: Vec::new(),
            matching: self.matching(),
            is_all: true,
            may_hold_more: false,
            plan: "by words only".to_owned(),
        };
        if found.matching != Matching::Lexical {
            self.nearest(depth, &mut found)?;
        }
        if found.matching == Matching::Dense {
            return Ok(found);
        }
        match self.join(depth, &mut found) {
            Err(Error::LexicalDoubt { path, what }) if found.matching == Matching::Hybrid => {
                let doubt = Error::LexicalDoubt { path, what };
                self.notes.push(doubt.to_string());
                self.lexical = None;
                self.search(depth)
            }
            other => other.map(|()| found),
        }
    }

    fn nearest(&self, depth: usize, found: &mut Candidates) -> Result<()> {
        let Some(vector) = self.request.vector else {
            return Ok(());
        };
        let excluded = &self.excluded;
        let options = SearchOptions {
            k: depth + excluded.len(),
            mode: self.request.query.mode,
            ef_search: self.request.query.ef_search,
            allowed: self.allowed.rows.as_ref(),
        };
        let plan = self.request.indexes.index.plan(&options);
        let neighbors = self.request.indexes.index.search(vector, &options)?;
        found.plan = plan.to_string();
        found.is_all = plan.n_allowed <= options.k;
        let neighbors = neighbors.into_iter();
        let neighbors = neighbors.filter(|neighbor| !excluded.contains(&neighbor.row));
        found.list = neighbors
            .enumerate()
            .map(|(place, neighbor)| Candidate {
                dense_rank: Some(place + 1),
                ..Candidate::new(Some(neighbor.row), neighbor.similarity)
            })
            .collect();
        Ok(())
    }

    /// Adds the papers that the words find, and the scores of the words to those that are there.
    fn join(&self, depth: usize, found: &mut Candidates) -> Result<()> {
        let Some(lexical) = self.lexical else {
            return Ok(());
        };
        let Request {
            indexes,
            words,
            vector,
            ..
        } = *self.request;
        let library = indexes.library;
        let doubt = |what: LexicalDoubt| doubt_of(indexes, &what);
        let depth = depth + self.excluded.len() + self.excluded_keys.len();
        let matches = lexical
            .search(words, depth, self.allowed.keys.as_ref())
            .map_err(doubt)?;
        found.is_all &= matches.len() < depth;
        let candidates = &mut found.list;
        let keys: Vec<PaperKey> = matches.iter().map(|m| PaperKey(m.key as i64)).collect();
        let rows = library.rows()?;
        let mut places: HashMap<Row, usize> = HashMap::with_capacity(2 * depth);
        for (place, candidate) in candidates.iter().enumerate() {
            places.extend(candidate.row.map(|row| (row, place)));
        }
        let mut lexical_rank = 0;
        let found_at = library.places_of_keys(&keys)?;
        for ((found, key), at) in matches.iter().zip(&keys).zip(found_at) {
            let may_be_found = |place: &PaperPlace| {
                let is_excluded = place.row.is_some_and(|row| self.excluded.contains(&row));
                place.stamp == found.stamp && !is_excluded && !self.excluded_keys.contains(key)
            };
            let Some(PaperPlace { row, .. }) = at.filter(may_be_found) else {
                continue;
            };
            // A row that was stored since this reader began is not one of its rows.
            let row = row.filter(|row| row.idx() < rows.len());
            lexical_rank += 1;
            let place = match row.and_then(|row| places.get(&row)) {
                Some(place) => *place,
                None => {
                    let similarity = vector.zip(row);
                    let similarity = similarity.map(|(v, row)| Ok(dot(v, &rows.vector(row)?)));
                    let similarity = similarity.transpose()?.unwrap_or(0.0);
                    candidates.push(Candidate::new(row, similarity));
                    candidates.len() - 1
                }
            };
            let candidate = &mut candidates[place];
            candidate.key = Some(*key);
            candidate.word_score = found.score;
            candidate.lexical_rank = Some(lexical_rank);
        }
        self.score_the_rest(lexical, candidates)
    }

    /// A paper that the words did not find among the best may have some of them.
    fn score_the_rest(&self, lexical: &Lexical, candidates: &mut [Candidate]) -> Result<()> {
        let rest = candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| candidate.key.is_none());
        let rest = rest.filter_map(|(place, candidate)| Some((place, candidate.row?)));
        let (places, rest): (Vec<usize>, Vec<Row>) = rest.unzip();
        let keys = self.request.indexes.library.keys_of(&rest)?;
        let numbers: Vec<u64> = keys
            .iter()
            .map(|key| key.map_or(u64::MAX, |key| key.0 as u64))
            .collect();
        let scores = lexical
            .scores(self.request.words, &numbers)
            .map_err(|what| doubt_of(self.request.indexes, &what))?;
        for ((place, key), score) in places.into_iter().zip(keys).zip(scores) {
            candidates[place].key = key;
            candidates[place].word_score = score;
        }
        Ok(())
    }
}

/// The lexical index, if it should be asked and can be. If it cannot, but was not demanded, a note
/// says why.
fn lexical_of<'a>(
    indexes: &Indexes<'a>,
    words: &WordQuery,
    query: &Query,
    notes: &mut Vec<String>,
) -> Result<Option<&'a Lexical>> {
    let is_needed = query.matching == Matching::Lexical
        || words.has_indexed_conditions()
        || words.text().trim().is_empty();
    match &indexes.lexical {
        _ if query.matching == Matching::Dense && !is_needed => Ok(None),
        Ok(lexical) => Ok(Some(lexical)),
        Err(doubt) if is_needed => Err(doubt_of(indexes, doubt)),
        Err(doubt) => {
            notes.push(doubt_of(indexes, doubt).to_string());
            Ok(None)
        }
    }
}

fn doubt_of(indexes: &Indexes<'_>, what: &LexicalDoubt) -> Error {
    Error::LexicalDoubt {
        path: indexes.library.lexical_dir(),
        what: what.to_string(),
    }
}

impl Allowed {
    fn new(
        indexes: &Indexes<'_>,
        lexical: Option<&Lexical>,
        words: &WordQuery,
        query: &Query,
    ) -> Result<Allowed> {
        let library = indexes.library;
        let filter = with_authors(&query.filter, words);
        let Some(lexical) = lexical else {
            return Ok(Allowed {
                rows: library.allowed(&filter)?,
                keys: None,
            });
        };
        // The papers are scanned once, for both indexes.
        let keys = library.allowed_keys(&filter)?;
        let matching = lexical.matching(words);
        let matching = matching.map_err(|what| doubt_of(indexes, &what))?;
        let both = match (keys.clone(), matching) {
            (Some(mut keys), Some(matching)) => {
                keys.intersect_with(&matching);
                Some(keys)
            }
            (keys, matching) => keys.or(matching),
        };
        let rows = match both {
            Some(keys) => Some(library.rows_among(&keys)?),
            None => library.allowed(&filter)?,
        };
        Ok(Allowed { rows, keys })
    }
}

/// A filter with the query's conditions on authors, as one filter.
pub(super) fn with_authors<'a>(filter: &'a Filter, words: &WordQuery) -> Cow<'a, Filter> {
    if words.authors().is_empty() && words.forbidden_authors().is_empty() {
        return Cow::Borrowed(filter);
    }
    let mut filter = filter.clone();
    filter.by_all.extend_from_slice(words.authors());
    filter.by_none.extend_from_slice(words.forbidden_authors());
    Cow::Owned(filter)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Candidates with these similarities and word scores, in the order of the dense index.
    pub(in super::super) fn candidates(scores: &[(f32, f32)]) -> Vec<Candidate> {
        let candidate = |(row, &(similarity, word_score)): (usize, &(f32, f32))| Candidate {
            word_score,
            dense_rank: Some(row + 1),
            ..Candidate::new(Some(Row(row as u32)), similarity)
        };
        scores.iter().enumerate().map(candidate).collect()
    }
}
