//! Why papers were found: the sentence of the abstract that is nearest to the query, and the rare
//! words that both share.
//!
//! ```text
//! abstract ──► sentences ──► those with most of the words ──► embeddings ──► the nearest one
//! ```
//!
//! Sentences are embedded on the fly, a few of each abstract; the query's words select them.

use std::ops::Range;

use super::answer::Answer;
use super::indexes::Indexes;
use crate::encoder::{Encoder, Role};
use crate::error::Result;
use crate::index::lexical::Rarities;
use crate::progress::Unobserved;
use crate::text;
use crate::vectors::{dot, normalize};

/// Sentences of an abstract that are embedded.
const SENTENCES_EMBEDDED: usize = 4;

/// Words that are named.
const WORDS_NAMED: usize = 6;

/// Why a paper was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// Where the sentence nearest to the query is in the abstract; `None` without an abstract or an
    /// encoder.
    pub sentence: Option<Range<usize>>,
    /// The cosine similarity of that sentence.
    pub similarity: f32,
    /// Words that the paper shares with the query, as the paper spells them, the rarest first.
    pub words: Vec<String>,
}

/// Explains every hit of an answer, in their order.
///
/// # Errors
/// As [`Encoder::embed`].
pub fn explain(
    indexes: &Indexes<'_>,
    encoder: Option<&Encoder>,
    answer: &Answer,
) -> Result<Vec<Explanation>> {
    let rarities = indexes
        .lexical
        .as_ref()
        .ok()
        .map(|lexical| lexical.rarities(&answer.words));
    // A damaged index says nothing of words.
    let rarities = rarities
        .and_then(std::result::Result::ok)
        .unwrap_or_default();
    let mut explanations: Vec<Explanation> = Vec::with_capacity(answer.hits.len());
    let mut places: Vec<(usize, Range<usize>)> = Vec::new();
    for (place, hit) in answer.hits.iter().enumerate() {
        let paper = &hit.paper;
        let whole = format!("{}\n{}", paper.title, paper.abstract_text);
        explanations.push(Explanation {
            words: rarities.shared(&whole, WORDS_NAMED),
            ..Explanation::default()
        });
        let promising = promising(&paper.abstract_text, &rarities);
        places.extend(promising.into_iter().map(|sentence| (place, sentence)));
    }
    let (Some(encoder), Some(vector)) = (encoder, &answer.vector) else {
        return Ok(explanations);
    };
    let texts: Vec<&str> = places
        .iter()
        .map(|(place, sentence)| &answer.hits[*place].paper.abstract_text[sentence.clone()])
        .collect();
    let embedded = encoder.embed(&texts, Role::Passage, &Unobserved)?;
    for ((place, sentence), embedding) in places.into_iter().zip(embedded.vectors) {
        let mut embedding = embedding.expect("an unobserved embedding is never stopped");
        normalize(&mut embedding);
        let similarity = dot(&embedding, vector).min(1.0);
        let explanation = &mut explanations[place];
        if explanation.sentence.is_none() || similarity > explanation.similarity {
            explanation.sentence = Some(sentence);
            explanation.similarity = similarity;
        }
    }
    Ok(explanations)
}

/// The sentences of an abstract with most of the rare words, in their order; if words say nothing,
/// the first ones.
fn promising(abstract_text: &str, rarities: &Rarities) -> Vec<Range<usize>> {
    let mut sentences = text::sentences(abstract_text);
    if sentences.len() > SENTENCES_EMBEDDED {
        let overlap = |sentence: &Range<usize>| rarities.overlap(&abstract_text[sentence.clone()]);
        let mut order: Vec<(f32, Range<usize>)> = sentences
            .into_iter()
            .map(|sentence| (overlap(&sentence), sentence))
            .collect();
        // Stable: equal overlaps stay in their order.
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        order.truncate(SENTENCES_EMBEDDED);
        sentences = order.into_iter().map(|(_, sentence)| sentence).collect();
        sentences.sort_by_key(|sentence| sentence.start);
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_with_the_words_are_looked_at_and_else_the_first() {
        let text = "One is. Two is. Three is. Four is. Five is. Rutile is.";
        let shown = |rarities: &Rarities| -> Vec<&str> {
            promising(text, rarities)
                .into_iter()
                .map(|range| &text[range])
                .collect()
        };
        assert_eq!(
            shown(&Rarities::default()),
            ["One is.", "Two is.", "Three is.", "Four is."]
        );
        let rarities = Rarities::from([("rutil", 5.0), ("five", 1.0)]);
        assert_eq!(
            shown(&rarities),
            ["One is.", "Two is.", "Five is.", "Rutile is."]
        );
        assert!(promising("", &rarities).is_empty());
    }
}
