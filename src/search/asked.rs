//! A query, understood once: a vector, words, and papers that must not be found.
//!
//! ```text
//! target ──► Asked ──┬──► answer: the best papers, as a person wants to see them
//!                    └──► weigh: every paper that passes a filter, with its scores
//! ```
//!
//! Invariant: [`Asked::weigh`] leaves out no embedded paper that passes. So a caller who tests papers
//! against a rule sees all of them, whatever their number and their rank in a search.

use std::time::Instant;

use tracing::debug;

use super::answer::Answer;
use super::hybrid::{Candidate, Finder};
use super::indexes::Indexes;
use super::query::{Matching, Query, Rocchio, Target};
use super::request::Request;
use super::work::Given;
use super::{closeness, far, ranking, related, spelling};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::Mode;
use crate::index::lexical::{MAX_QUESTION_BYTES, WordQuery};
use crate::library::{Filter, Library, PaperKey};
use crate::paper::Paper;
use crate::vectors::{self, Row};

/// A query that is understood.
#[derive(Debug)]
pub struct Asked {
    /// Shape `[dim]`, unit length; `None` if only words or conditions are asked.
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
    /// The indexes that were asked; a doubtful lexical index is not.
    pub matching: Matching,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
}

/// How close a paper is to the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// The row of its embedding.
    pub row: Row,
    /// The paper.
    pub key: PaperKey,
    /// The cosine similarity; 0 if the query has no vector.
    pub similarity: f32,
    /// BM25; 0 if it has none of the words.
    pub word_score: f32,
}

/// Answers a query. Only a query by text needs an encoder, unless its words alone are to find papers,
/// and one with a draft.
///
/// # Errors
/// Variants of [`Error`]: `EmptyQuery`, also for a text without an encoder. `NotEmbedded` if the
/// given papers have no embedding, and words may not be asked. Furthermore
/// `UnknownPaper`, `NoDirection` and `LibraryEmpty`; `LexicalDoubt` if the words are needed. Also
/// what the encoder, the index and the library fail with.
pub fn answer(indexes: &Indexes<'_>, encoder: Option<&Encoder>, query: &Query) -> Result<Answer> {
    let start = Instant::now();
    let asked = Asked::new(indexes, encoder, &query.target, query.matching)?;
    let encoder = encoder.filter(|_| asked.is_text && asked.vector.is_some());
    if let Some(encoder) = encoder
        && closeness::is_question(&asked.words)
    {
        closeness::make_background(indexes, encoder)?;
    }
    let mut answer = asked.answer(indexes, query)?;
    if let Some(encoder) = encoder {
        answer.is_far = far::is_far(indexes, encoder, &answer)?;
    }
    if matches!(query.target, Target::Text(_)) && query.matching != Matching::Dense {
        answer.unknown_words = spelling::unknown_words(indexes, &asked.words);
    }
    let seconds = start.elapsed().as_secs_f64();
    debug!(seconds, is_far = answer.is_far, "answered a query");
    Ok(answer)
}

impl Asked {
    /// Understands a target.
    ///
    /// # Errors
    /// As [`answer`].
    pub fn new(
        indexes: &Indexes<'_>,
        encoder: Option<&Encoder>,
        target: &Target,
        matching: Matching,
    ) -> Result<Asked> {
        match target {
            Target::Text(text) if text.len() > MAX_QUESTION_BYTES => Err(Error::LongQuery {
                limit_bytes: MAX_QUESTION_BYTES,
            }),
            Target::Text(text) => Asked::from_words(WordQuery::parse(text), encoder, matching),
            Target::Plain(text) => Asked::from_words(WordQuery::of_text(text), encoder, matching),
            Target::Papers {
                like,
                draft,
                unlike,
                weights,
            } => {
                let asked =
                    Asked::from_papers(indexes.library, encoder, like, draft, unlike, *weights)?;
                match (&asked.vector, matching) {
                    (None, Matching::Dense) => Err(Error::NotEmbedded {
                        what: "the given papers are".to_owned(),
                    }),
                    _ => Ok(asked),
                }
            }
        }
    }

    /// A text: its embedding, unless only its words are to find papers, and its words.
    fn from_words(
        words: WordQuery,
        encoder: Option<&Encoder>,
        matching: Matching,
    ) -> Result<Asked> {
        let has_text = !words.text().trim().is_empty();
        if !has_text && !words.has_conditions() {
            return Err(Error::EmptyQuery);
        }
        let vector = if has_text && matching != Matching::Lexical {
            let encoder = encoder.ok_or(Error::EmptyQuery)?;
            let mut vector = encoder.embed_query(words.text())?;
            vectors::normalize(&mut vector);
            Some(vector)
        } else {
            None
        };
        Ok(Asked {
            vector,
            words,
            given: Vec::new(),
            notes: Vec::new(),
            is_text: true,
        })
    }

    /// Papers: the direction between those to be close to and those to be away from.
    fn from_papers(
        library: &Library,
        encoder: Option<&Encoder>,
        like: &[String],
        draft: &Option<Box<Paper>>,
        unlike: &[String],
        weights: Rocchio,
    ) -> Result<Asked> {
        let mut notes = Vec::new();
        let mut given = related::given(library, like)?;
        if let Some(draft) = draft {
            given.push(related::drafted(encoder, draft, &mut notes)?);
        }
        let unlike = related::given(library, unlike)?;
        let target = related::target(given, unlike, weights)?;
        notes.extend(target.notes);
        Ok(Asked {
            vector: target.vector,
            words: target.words,
            given: target.given,
            notes,
            is_text: false,
        })
    }

    /// The query vector, if there is one; shape `[dim]`, unit length.
    pub fn vector(&self) -> Option<&[f32]> {
        self.vector.as_deref()
    }

    /// The words of the query.
    pub fn words(&self) -> &WordQuery {
        &self.words
    }

    /// The papers that the query gives.
    pub(super) fn given(&self) -> &[Given] {
        &self.given
    }

    /// The best papers. The query's target is ignored: this is the target.
    ///
    /// # Errors
    /// As [`answer`].
    pub fn answer(&self, indexes: &Indexes<'_>, query: &Query) -> Result<Answer> {
        let vector = self.vector.as_deref();
        let request = Request::new(indexes, vector, &self.words, query, &self.given)?;
        let mut answer = ranking::answer(&request)?;
        answer.notes.extend(self.notes.iter().cloned());
        Ok(answer)
    }

    /// Every embedded paper that passes the filter and the conditions, except the given ones.
    ///
    /// # Errors
    /// As [`answer`].
    pub fn weigh(&self, indexes: &Indexes<'_>, filter: Filter) -> Result<Weighed> {
        let n_rows = indexes.library.rows()?.len();
        let depth = filter.among.as_ref().map_or(n_rows, Vec::len);
        let query = Query {
            filter,
            mode: Mode::Exact,
            ..Query::default()
        };
        let vector = self.vector.as_deref();
        let request = Request::new(indexes, vector, &self.words, &query, &self.given)?;
        let mut finder = Finder::new(&request)?;
        finder.exclude(self.given.iter().map(|given| (given.row, given.key)));
        let found = finder.search(depth.clamp(1, n_rows.max(1)))?;
        let embedded = || {
            found
                .list
                .iter()
                .filter_map(|found| Some((found.row?, found)))
        };
        let rows: Vec<Row> = embedded().map(|(row, _)| row).collect();
        let keys = indexes.library.keys_of(&rows)?;
        let weight = |((row, candidate), key): ((Row, &Candidate), Option<PaperKey>)| {
            Some(Weight {
                row,
                key: key?,
                similarity: candidate.similarity,
                word_score: candidate.word_score,
            })
        };
        Ok(Weighed {
            papers: embedded().zip(keys).filter_map(weight).collect(),
            matching: found.matching,
            notes: finder.notes,
        })
    }
}
