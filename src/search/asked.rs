//! What is asked for, understood once: a vector, words, and papers that are not to be found.
//!
//! ```text
//! target ──► Asked ──┬──► answer: the best papers, as a person wants to see them
//!                    └──► weigh: every paper that passes a filter, with its scores
//! ```
//!
//! Invariant: [`Asked::weigh`] leaves nothing out that passes, so whoever holds papers against a rule
//! sees all of them, however many there are and in whatever order a search would show them.

use super::hybrid::{Candidate, Finder};
use super::related::{self, Given};
use super::{Answer, Indexes, Matching, Query, Target, ranking};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::Mode;
use crate::index::lexical::{MAX_QUESTION_BYTES, WordQuery};
use crate::library::{Filter, PaperKey};
use crate::vectors::{self, Row};

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    /// Shape `[dim]`, normalised; `None` where only words or conditions are asked.
    vector: Option<Vec<f32>>,
    words: WordQuery,
    given: Vec<Given>,
    notes: Vec<String>,
    is_text: bool,
}

/// Every paper that passes a filter, with its scores.
#[derive(Debug)]
pub struct Weighed {
    /// The papers, in no order.
    pub papers: Vec<Weight>,
    /// Which indexes were asked: not that of the words where it is in doubt.
    pub matching: Matching,
    /// What could not be done as it was asked for, in words.
    pub notes: Vec<String>,
}

/// How close a paper is to what is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// The row of its embedding.
    pub row: Row,
    /// The paper.
    pub key: PaperKey,
    /// The cosine similarity; 0 where no vector is asked.
    pub similarity: f32,
    /// BM25; 0 where it has none of the words.
    pub word_score: f32,
}

impl Asked {
    /// Understands a target.
    ///
    /// # Errors
    /// As [`super::answer`].
    pub fn of(
        indexes: &Indexes<'_>,
        encoder: Option<&Encoder>,
        target: &Target,
        matching: Matching,
    ) -> Result<Asked> {
        let words = match target {
            Target::Text(text) if text.len() > MAX_QUESTION_BYTES => {
                let limit_bytes = MAX_QUESTION_BYTES;
                return Err(Error::LongQuery { limit_bytes });
            }
            Target::Text(text) => WordQuery::parse(text),
            Target::Plain(text) => WordQuery::of_text(text),
            Target::Papers {
                like,
                draft,
                unlike,
                weights,
            } => {
                let library = indexes.library;
                let mut given = related::given(library, like)?;
                let mut notes = Vec::new();
                if let Some(draft) = draft {
                    let encoder = encoder.ok_or(Error::EmptyQuery)?;
                    given.push(related::drafted(encoder, draft, &mut notes)?);
                }
                let unlike = related::given(library, unlike)?;
                let target = related::target(given, unlike, *weights)?;
                return Ok(Asked {
                    vector: Some(target.vector),
                    words: target.words,
                    given: target.given,
                    notes,
                    is_text: false,
                });
            }
        };
        let has_text = !words.text().trim().is_empty();
        if !has_text && !words.has_conditions() {
            return Err(Error::EmptyQuery);
        }
        let vector = match (encoder, matching) {
            _ if !has_text => None,
            (_, Matching::Lexical) => None,
            (None, _) => return Err(Error::EmptyQuery),
            (Some(encoder), _) => {
                let mut vector = encoder.embed_query(words.text())?;
                vectors::normalize(&mut vector);
                Some(vector)
            }
        };
        Ok(Asked {
            vector,
            words,
            given: Vec::new(),
            notes: Vec::new(),
            is_text: true,
        })
    }

    /// The vector that is asked for, if one is; shape `[dim]`, normalised.
    pub fn vector(&self) -> Option<&[f32]> {
        self.vector.as_deref()
    }

    /// The words that are asked for.
    pub fn words(&self) -> &WordQuery {
        &self.words
    }

    /// Whether it is a text, not papers.
    pub(super) fn is_text(&self) -> bool {
        self.is_text
    }

    /// The best papers. The query's target is left alone: this is what is asked for.
    ///
    /// # Errors
    /// As [`super::answer`].
    pub fn answer(&self, indexes: &Indexes<'_>, query: &Query) -> Result<Answer> {
        let vector = self.vector.as_deref();
        let mut answer = ranking::answer(indexes, vector, &self.words, query, &self.given)?;
        answer.notes.extend(self.notes.iter().cloned());
        Ok(answer)
    }

    /// Every paper that passes the filter and the conditions, but for the given ones.
    ///
    /// # Errors
    /// As [`super::answer`].
    pub fn weigh(&self, indexes: &Indexes<'_>, filter: Filter) -> Result<Weighed> {
        let n_rows = indexes.library.rows()?.len();
        let depth = filter.among.as_ref().map_or(n_rows, Vec::len);
        let query = Query {
            filter,
            mode: Mode::Exact,
            ..Query::default()
        };
        let vector = self.vector.as_deref();
        let mut finder = Finder::of(indexes, vector, &self.words, &query)?;
        finder.exclude(self.given.iter().filter_map(|given| given.row));
        let found = finder.find(depth.clamp(1, n_rows.max(1)))?;
        let rows: Vec<Row> = found.list.iter().map(|candidate| candidate.row).collect();
        let keys = indexes.library.keys_of(&rows)?;
        let weight = |(candidate, key): (&Candidate, Option<PaperKey>)| {
            Some(Weight {
                row: candidate.row,
                key: key?,
                similarity: candidate.similarity,
                word_score: candidate.word_score,
            })
        };
        Ok(Weighed {
            papers: found.list.iter().zip(keys).filter_map(weight).collect(),
            matching: found.matching,
            notes: finder.notes,
        })
    }
}
