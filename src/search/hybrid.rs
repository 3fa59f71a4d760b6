//! Candidates of both indexes, and one order of them.
//!
//! ```text
//! vector ──► nearest rows ────┐
//!                             ├──► both scores of every candidate ──► mixed score ──► order
//! words ──► papers by BM25 ───┘
//! ```
//!
//! A candidate has both scores, whichever index it came from: the similarity of its stored embedding,
//! and BM25 of its words. Where there is no lexical index, or it cannot be trusted, the dense one
//! answers alone, and says so.
//!
//! Invariants: every candidate passes the filter and the conditions in the question; a paper that has
//! changed since its words were indexed is found by its embedding only.

use std::collections::{HashMap, HashSet};

use fixedbitset::FixedBitSet;

use super::fusion::FEEDBACK_PAPERS;
use super::{Answer, Hit, Indexes, Matching, Query, fusion, rank};
use crate::error::{Error, Result};
use crate::index::SearchOptions;
use crate::index::lexical::{Lexical, WordQuery};
use crate::library::PaperKey;
use crate::vectors::{Row, dot};

/// Candidates of each index, at least.
const DEPTH: usize = 200;

/// A paper that one of the indexes found.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) row: Row,
    pub(super) key: Option<PaperKey>,
    /// Cosine similarity; 0 where the question has no vector.
    pub(super) similarity: f32,
    /// BM25; 0 where it has none of the words.
    pub(super) word_score: f32,
    pub(super) dense_rank: Option<usize>,
    pub(super) lexical_rank: Option<usize>,
}

/// Which papers may be found, as either index wants it.
struct Allowed<'a> {
    rows: Option<FixedBitSet>,
    keys: Option<FixedBitSet>,
    excluded: &'a HashSet<Row>,
}

/// Answers a question of which the vector, shape `[dim]`, normalised, and the words are given; what is
/// in the rows of `excluded` is not found.
pub(super) fn answer(
    indexes: &Indexes<'_>,
    vector: Option<&[f32]>,
    words: &WordQuery,
    query: &Query,
    excluded: &HashSet<Row>,
) -> Result<Answer> {
    let mut notes = Vec::new();
    let lexical = lexical_of(indexes, words, query, &mut notes)?;
    let mut matching = match (lexical, vector) {
        (None, _) => Matching::Dense,
        // Nothing but conditions.
        (Some(_), None) => Matching::Lexical,
        (Some(_), Some(_)) => query.matching,
    };
    let allowed = Allowed::of(indexes, lexical, words, query, excluded)?;
    let depth = DEPTH.max(query.k) + excluded.len();
    let mut candidates = Vec::new();
    let mut plan = "by words only".to_owned();
    if let Some(vector) = vector.filter(|_| matching != Matching::Lexical) {
        let options = SearchOptions {
            k: match matching {
                Matching::Hybrid => depth,
                _ => query.k + excluded.len(),
            },
            mode: query.mode,
            ef_search: query.ef_search,
            allowed: allowed.rows.as_ref(),
        };
        plan = indexes.index.plan(&options).to_string();
        let found = indexes.index.search(vector, &options)?.into_iter();
        let found = found.filter(|found| !excluded.contains(&found.row));
        for (place, found) in found.enumerate() {
            candidates.push(Candidate {
                row: found.row,
                key: None,
                similarity: found.similarity.min(1.0),
                word_score: 0.0,
                dense_rank: Some(place + 1),
                lexical_rank: None,
            });
        }
    }
    if let Some(lexical) = lexical.filter(|_| matching != Matching::Dense) {
        let joined = join(
            indexes,
            lexical,
            vector,
            words,
            &allowed,
            depth,
            &mut candidates,
        );
        match joined {
            Err(Error::LexicalDoubt { .. }) if matching == Matching::Hybrid => {
                notes.extend(joined.err().map(|e| e.to_string()));
                matching = Matching::Dense;
            }
            other => other?,
        }
    }
    let scores = match (matching, vector) {
        (Matching::Hybrid, Some(vector)) => mixed(indexes, vector, &candidates)?,
        _ => fusion::plain(&candidates, matching),
    };
    let order = fusion::order(&candidates, scores);
    let mut hits = Vec::with_capacity(query.k.min(order.len()));
    for (place, score) in order.into_iter().take(query.k) {
        let candidate = &candidates[place];
        hits.push(Hit {
            rank: 0,
            score,
            rerank_score: None,
            similarity: candidate.similarity,
            dense_rank: candidate.dense_rank,
            lexical_rank: candidate.lexical_rank,
            word_score: candidate.word_score,
            row: candidate.row,
            paper: indexes.library.paper_at(candidate.row)?,
        });
    }
    hits.sort_by(|a, b| {
        let better = b.score.total_cmp(&a.score);
        better.then_with(|| a.paper.id.cmp(&b.paper.id))
    });
    rank(&mut hits);
    Ok(Answer {
        hits,
        left_out: Vec::new(),
        plan,
        notes,
        vector: vector.map(<[f32]>::to_vec),
        words: words.clone(),
    })
}

/// The mixed scores of candidates, after the question was moved towards the best of them.
fn mixed(indexes: &Indexes<'_>, vector: &[f32], candidates: &[Candidate]) -> Result<Vec<f32>> {
    let rows = indexes.library.rows()?;
    let vectors = candidates
        .iter()
        .map(|candidate| rows.vector(candidate.row));
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let first = fusion::mixed(&fusion::plain(candidates, Matching::Dense), candidates);
    let best = fusion::order(candidates, first)
        .into_iter()
        .take(FEEDBACK_PAPERS);
    let best: Vec<(f32, Vec<f32>)> = best
        .map(|(place, score)| (score, vectors[place].clone()))
        .collect();
    let moved = fusion::moved(vector, &best);
    let similarities = fusion::similarities(&moved, &vectors);
    Ok(fusion::mixed(&similarities, candidates))
}

/// The lexical index where it is to be asked and can be; where it only should be, a note says why it
/// cannot.
fn lexical_of<'a>(
    indexes: &Indexes<'a>,
    words: &WordQuery,
    query: &Query,
    notes: &mut Vec<String>,
) -> Result<Option<&'a Lexical>> {
    let is_needed = query.matching == Matching::Lexical || words.has_conditions();
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

fn doubt_of(indexes: &Indexes<'_>, what: &str) -> Error {
    Error::LexicalDoubt {
        path: indexes.library.lexical_dir(),
        what: what.to_owned(),
    }
}

impl<'a> Allowed<'a> {
    fn of(
        indexes: &Indexes<'_>,
        lexical: Option<&Lexical>,
        words: &WordQuery,
        query: &Query,
        excluded: &'a HashSet<Row>,
    ) -> Result<Allowed<'a>> {
        let library = indexes.library;
        let Some(lexical) = lexical else {
            return Ok(Allowed {
                rows: library.allowed(&query.filter)?,
                keys: None,
                excluded,
            });
        };
        // The papers are gone through once, for both indexes.
        let keys = library.allowed_keys(&query.filter)?;
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
            None => library.allowed(&query.filter)?,
        };
        Ok(Allowed {
            rows,
            keys,
            excluded,
        })
    }
}

/// Adds the papers that the words find, and the scores of the words to those that are there.
fn join(
    indexes: &Indexes<'_>,
    lexical: &Lexical,
    vector: Option<&[f32]>,
    words: &WordQuery,
    allowed: &Allowed<'_>,
    depth: usize,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    let library = indexes.library;
    let doubt = |what: String| doubt_of(indexes, &what);
    let found = lexical
        .search(words, depth, allowed.keys.as_ref())
        .map_err(doubt)?;
    let keys: Vec<PaperKey> = found
        .iter()
        .map(|found| PaperKey(found.key as i64))
        .collect();
    let rows = library.rows()?;
    let mut places: HashMap<Row, usize> = HashMap::with_capacity(2 * depth);
    for (place, candidate) in candidates.iter().enumerate() {
        places.insert(candidate.row, place);
    }
    let mut lexical_rank = 0;
    for ((found, key), at) in found.iter().zip(&keys).zip(library.rows_of_keys(&keys)?) {
        let may_be_found =
            |(row, stamp): &(Row, u32)| *stamp == found.stamp && !allowed.excluded.contains(row);
        let Some((row, _)) = at.filter(may_be_found) else {
            continue;
        };
        lexical_rank += 1;
        let place = match places.get(&row) {
            Some(place) => *place,
            None => {
                let similarity = vector.map(|vector| Ok(dot(vector, &rows.vector(row)?)));
                candidates.push(Candidate {
                    row,
                    key: None,
                    similarity: similarity.transpose()?.unwrap_or(0.0).min(1.0),
                    word_score: 0.0,
                    dense_rank: None,
                    lexical_rank: None,
                });
                candidates.len() - 1
            }
        };
        let candidate = &mut candidates[place];
        candidate.key = Some(*key);
        candidate.word_score = found.score;
        candidate.lexical_rank = Some(lexical_rank);
    }
    // What the words did not find among the best may have some of them.
    let rest = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.key.is_none());
    let (places, rest): (Vec<usize>, Vec<Row>) = rest.map(|(place, c)| (place, c.row)).unzip();
    let keys = library.keys_of(&rest)?;
    let numbers: Vec<u64> = keys
        .iter()
        .map(|key| key.map_or(u64::MAX, |key| key.0 as u64))
        .collect();
    let scores = lexical.scores(words, &numbers).map_err(doubt)?;
    for ((place, key), score) in places.into_iter().zip(keys).zip(scores) {
        candidates[place].key = key;
        candidates[place].word_score = score;
    }
    Ok(())
}
