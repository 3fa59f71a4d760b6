//! Runs a query over the postings: which papers match, and how well.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use fixedbitset::FixedBitSet;
use tantivy::columnar::ColumnValues;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EnableScoring, Occur, PhraseQuery, Query,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Result, Score, SegmentReader, Term};

use super::doubt::LexicalDoubt;
use super::query::{ConditionPart, Phrase, WordQuery};
use super::terms::{name_terms, terms};
use super::{Lexical, LexicalMatch};

/// Number of terms of a long query that count: the rarest, weighted by their frequency in it.
const MAX_TERMS: usize = 48;

/// Weight of an author's name; a word of the text that is as rare has weight 1.
const AUTHOR_WEIGHT: f32 = 0.5;

/// A word is looked up among authors unless more than this many times as many papers have it in their text.
const NAME_RATIO: u64 = 4;

/// Number of letters of the shortest such word.
const NAME_LETTERS: usize = 3;

impl Lexical {
    /// Finds the `k` best papers for a query, best first. `allowed` restricts the keys; `None` allows all.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn search(
        &self,
        query: &WordQuery,
        k: usize,
        allowed: Option<&FixedBitSet>,
    ) -> std::result::Result<Vec<LexicalMatch>, LexicalDoubt> {
        Ok(search(self, query, k, allowed)?)
    }

    /// Scores the papers with these keys; 0 for a paper without any word of the query.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn scores(
        &self,
        query: &WordQuery,
        keys: &[u64],
    ) -> std::result::Result<Vec<f32>, LexicalDoubt> {
        Ok(scores(self, query, keys)?)
    }

    /// Scores the titles of the papers with these keys: the sum of the rarities of the query's words that
    /// the title has.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn title_scores(
        &self,
        query: &WordQuery,
        keys: &[u64],
    ) -> std::result::Result<Vec<f32>, LexicalDoubt> {
        Ok(title_scores(self, query, keys)?)
    }

    /// How rare each word of a query is among the papers.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn rarities(&self, query: &WordQuery) -> std::result::Result<Rarities, LexicalDoubt> {
        Ok(rarities(self, query)?)
    }

    /// The keys of the papers that meet the query's conditions, except those about authors; `None` if the
    /// query has none.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn matching(
        &self,
        query: &WordQuery,
    ) -> std::result::Result<Option<FixedBitSet>, LexicalDoubt> {
        let has_conditions = query.has_indexed_conditions();
        Ok(has_conditions.then(|| matching(self, query)).transpose()?)
    }
}

type Clauses = Vec<(Occur, Box<dyn Query>)>;

fn search(
    lexical: &Lexical,
    query: &WordQuery,
    k: usize,
    allowed: Option<&FixedBitSet>,
) -> Result<Vec<LexicalMatch>> {
    let mut clauses = ranking(lexical, query)?;
    let mut conditions = conditions(lexical, query);
    if k == 0 || (clauses.is_empty() && !query.has_conditions()) {
        return Ok(Vec::new());
    }
    if clauses.is_empty() && conditions.is_empty() {
        // What is asked for is for others to hold.
        conditions.push((Occur::Must, silent(Box::new(AllQuery))));
    }
    // Where there are words, what has none of them is no answer.
    let least = if clauses.is_empty() { -1.0 } else { 0.0 };
    clauses.extend(conditions);
    let asked = BooleanQuery::new(clauses);
    let weight = asked.weight(EnableScoring::enabled_from_searcher(&lexical.searcher))?;
    let mut best = BestMatches {
        k,
        heap: BinaryHeap::new(),
    };
    for segment in lexical.searcher.segment_readers() {
        let keys = keys_of(segment)?;
        let stamps = segment
            .fast_fields()
            .column_first_or_default::<u64>("stamp")?;
        let alive = segment.alive_bitset();
        let mut offer = |document: DocId, score: Score| {
            let is_alive = alive.is_none_or(|alive| alive.is_alive(document));
            if is_alive && score > least {
                let key = keys.get_val(document);
                if allowed.is_none_or(|allowed| allowed.contains(key as usize)) {
                    let stamp = stamps.get_val(document) as u32;
                    best.offer(LexicalMatch { key, stamp, score });
                }
            }
            best.threshold(least)
        };
        weight.for_each_pruning(least, segment, &mut offer)?;
    }
    Ok(best.into_sorted())
}

/// The best matches so far.
struct BestMatches {
    k: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

/// A match, greater where it is better.
#[derive(Debug, PartialEq)]
struct Ranked(LexicalMatch);

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> std::cmp::Ordering {
        let better = self.0.score.total_cmp(&other.0.score);
        better.then_with(|| other.0.key.cmp(&self.0.key))
    }
}

impl BestMatches {
    fn offer(&mut self, found: LexicalMatch) {
        self.heap.push(Reverse(Ranked(found)));
        if self.heap.len() > self.k {
            self.heap.pop();
        }
    }

    /// The score that a match must exceed to be considered. A score equal to the last one's is considered
    /// too, because ties are ordered by key.
    fn threshold(&self, least: Score) -> Score {
        match self.heap.peek() {
            Some(Reverse(Ranked(last))) if self.heap.len() == self.k => last.score.next_down(),
            _ => least,
        }
    }

    fn into_sorted(self) -> Vec<LexicalMatch> {
        let ranked = self.heap.into_sorted_vec().into_iter();
        ranked.map(|Reverse(Ranked(found))| found).collect()
    }
}

fn scores(lexical: &Lexical, query: &WordQuery, keys: &[u64]) -> Result<Vec<f32>> {
    scores_by(lexical, ranking(lexical, query)?, keys)
}

fn title_scores(lexical: &Lexical, query: &WordQuery, keys: &[u64]) -> Result<Vec<f32>> {
    scores_by(lexical, in_title(lexical, query)?, keys)
}

/// Scores the papers with these keys by clauses; 0 for a paper that none finds.
fn scores_by(lexical: &Lexical, clauses: Clauses, keys: &[u64]) -> Result<Vec<f32>> {
    let mut scores = vec![0.0; keys.len()];
    if clauses.is_empty() {
        return Ok(scores);
    }
    let asked = BooleanQuery::new(clauses);
    let weight = asked.weight(EnableScoring::enabled_from_searcher(&lexical.searcher))?;
    for segment in lexical.searcher.segment_readers() {
        let by_key = segment.inverted_index(lexical.fields.key)?;
        let mut documents = Vec::with_capacity(keys.len());
        for (place, &key) in keys.iter().enumerate() {
            let term = Term::from_field_u64(lexical.fields.key, key);
            if let Some(mut postings) = by_key.read_postings(&term, IndexRecordOption::Basic)? {
                while postings.doc() != tantivy::TERMINATED {
                    if !segment.is_deleted(postings.doc()) {
                        documents.push((postings.doc(), place));
                    }
                    postings.advance();
                }
            }
        }
        documents.sort_unstable();
        let mut scorer = weight.scorer(segment, 1.0)?;
        for (document, place) in documents {
            if scorer.doc() < document {
                scorer.seek(document);
            }
            if scorer.doc() == document {
                scores[place] = scorer.score();
            }
        }
    }
    Ok(scores)
}

fn matching(lexical: &Lexical, query: &WordQuery) -> Result<FixedBitSet> {
    let asked = BooleanQuery::new(conditions(lexical, query));
    let weight = asked.weight(EnableScoring::disabled_from_searcher(&lexical.searcher))?;
    let mut matching = FixedBitSet::new();
    for segment in lexical.searcher.segment_readers() {
        let keys = keys_of(segment)?;
        weight.for_each_no_score(segment, &mut |documents| {
            for &document in documents.iter().filter(|d| !segment.is_deleted(**d)) {
                let key = keys.get_val(document) as usize;
                matching.grow(key + 1);
                matching.insert(key);
            }
        })?;
    }
    Ok(matching)
}

/// The words of a query, each with its rarity: log(1 + number of papers / number of papers with the word).
#[derive(Debug, Clone, Default)]
pub struct Rarities {
    words: BTreeMap<String, f32>,
    /// Sum over the words that no paper has, each counted as if half a paper had it.
    unheard_of: f32,
}

impl Rarities {
    /// Sum of the rarities of the query's words that a text has too.
    pub fn overlap(&self, text: &str) -> f32 {
        let own: BTreeSet<String> = terms(text).map(|term| term.text).collect();
        own.iter().filter_map(|word| self.words.get(word)).sum()
    }

    /// [`Rarities::overlap`] as a share of the whole query, 0 to 1; 0 if the query has no words.
    pub fn share(&self, text: &str) -> f32 {
        let all = self.words.values().sum::<f32>() + self.unheard_of;
        if all > 0.0 {
            self.overlap(text) / all
        } else {
            0.0
        }
    }

    /// The rarest `n` words that a text shares with the query, rarest first, in the form that the text has
    /// first.
    pub fn shared(&self, text: &str, n: usize) -> Vec<String> {
        let mut met = BTreeSet::new();
        let mut shared: Vec<(f32, String)> = Vec::new();
        // The words of a compound that is shared are not named beside it.
        let mut named_to = 0;
        for term in terms(text) {
            let Some(rarity) = self
                .words
                .get(&term.text)
                .filter(|_| term.bytes.start >= named_to)
            else {
                continue;
            };
            if term.is_compound {
                named_to = term.bytes.end;
            }
            if met.insert(term.text) {
                shared.push((*rarity, text[term.bytes].to_owned()));
            }
        }
        shared.sort_by(|a, b| b.0.total_cmp(&a.0));
        shared.truncate(n);
        shared.into_iter().map(|(_, word)| word).collect()
    }
}

impl<const N: usize> From<[(&str, f32); N]> for Rarities {
    fn from(words: [(&str, f32); N]) -> Rarities {
        let words = words.into_iter();
        Rarities {
            words: words
                .map(|(word, rarity)| (word.to_owned(), rarity))
                .collect(),
            unheard_of: 0.0,
        }
    }
}

fn rarities(lexical: &Lexical, query: &WordQuery) -> Result<Rarities> {
    let mut rarities = Rarities::default();
    let rarest = (1.0 + 2.0 * lexical.searcher.num_docs() as f32).ln();
    let words: BTreeSet<String> = terms(query.text()).map(|t| t.text).collect();
    for word in words {
        match rarity(lexical, &word)? {
            Some(rarity) => {
                rarities.words.insert(word, rarity);
            }
            None => rarities.unheard_of += rarest,
        }
    }
    Ok(rarities)
}

/// How rare a word is; `None` if no paper has it.
fn rarity(lexical: &Lexical, word: &str) -> Result<Option<f32>> {
    let n_papers = lexical.searcher.num_docs() as f32;
    let n_with = n_with(lexical, lexical.fields.text, word)?;
    Ok((n_with > 0).then(|| (1.0 + n_papers / n_with as f32).ln()))
}

/// Papers that have a term in a field.
pub(super) fn n_with(lexical: &Lexical, field: Field, term: &str) -> Result<u64> {
    lexical
        .searcher
        .doc_freq(&Term::from_field_text(field, term))
}

pub(super) fn keys_of(segment: &SegmentReader) -> Result<std::sync::Arc<dyn ColumnValues<u64>>> {
    segment.fast_fields().column_first_or_default::<u64>("key")
}

/// The words of a query that papers have, each with its rarity and its frequency in the query: those that
/// count most first.
fn weighed(lexical: &Lexical, query: &WordQuery) -> Result<Vec<(f32, f32, String)>> {
    let mut counts: BTreeMap<String, f32> = BTreeMap::new();
    for term in terms(query.text()) {
        *counts.entry(term.text).or_default() += 1.0;
    }
    let mut weighed = Vec::with_capacity(counts.len());
    for (text, count) in counts {
        if let Some(rarity) = rarity(lexical, &text)? {
            weighed.push((rarity, count, text));
        }
    }
    weighed.sort_by(|a, b| (b.0 * b.1).total_cmp(&(a.0 * a.1)));
    weighed.truncate(MAX_TERMS);
    Ok(weighed)
}

/// What ranks.
fn ranking(lexical: &Lexical, query: &WordQuery) -> Result<Clauses> {
    let fields = lexical.fields;
    let mut clauses: Clauses = Vec::new();
    for (_, count, text) in weighed(lexical, query)? {
        let term = Term::from_field_text(fields.text, &text);
        clauses.push((Occur::Should, word(term, count)));
    }
    for name in names_in(lexical, query.text())? {
        let term = Term::from_field_text(fields.author, &name);
        clauses.push((Occur::Should, word(term, AUTHOR_WEIGHT)));
    }
    for phrase in &query.phrases {
        clauses.push((Occur::Should, phrase_query(lexical, phrase)));
    }
    Ok(clauses)
}

/// What ranks titles.
fn in_title(lexical: &Lexical, query: &WordQuery) -> Result<Clauses> {
    let clause = |(rarity, count, text): (f32, f32, String)| {
        let term = Term::from_field_text(lexical.fields.title, &text);
        let has = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
        let scored: Box<dyn Query> = Box::new(ConstScoreQuery::new(has, rarity * count));
        (Occur::Should, scored)
    };
    Ok(weighed(lexical, query)?.into_iter().map(clause).collect())
}

/// Words of a query that are rather names of authors than words of texts.
fn names_in(lexical: &Lexical, question: &str) -> Result<Vec<String>> {
    let fields = lexical.fields;
    let mut names: Vec<String> = Vec::new();
    for name in name_terms(question).take(MAX_TERMS) {
        if name.text.len() < NAME_LETTERS || names.contains(&name.text) {
            continue;
        }
        let by = n_with(lexical, fields.author, &name.text)?;
        let in_texts: Vec<_> = terms(&name.text).collect();
        // A stop word is no term at all, and yet no name.
        if by == 0 || in_texts.is_empty() {
            continue;
        }
        let mut n_in_texts = 0;
        for term in in_texts {
            n_in_texts += n_with(lexical, fields.text, &term.text)?;
        }
        if n_in_texts <= NAME_RATIO * by {
            names.push(name.text);
        }
    }
    Ok(names)
}

fn word(term: Term, weight: f32) -> Box<dyn Query> {
    let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
    match weight {
        1.0 => Box::new(query),
        _ => Box::new(BoostQuery::new(Box::new(query), weight)),
    }
}

/// A query that does not rank.
fn silent(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

/// The conditions of a query; they do not rank.
fn conditions(lexical: &Lexical, query: &WordQuery) -> Clauses {
    let mut clauses: Clauses = Vec::new();
    for phrase in &query.required {
        clauses.push((Occur::Must, silent(phrase_query(lexical, phrase))));
    }
    for (field, values) in [
        (lexical.fields.category, &query.categories),
        (lexical.fields.id, &query.ids),
    ] {
        if !values.is_empty() {
            clauses.push((Occur::Must, silent(any_of(field, values))));
        }
    }
    if clauses.is_empty() && query.has_indexed_conditions() {
        clauses.push((Occur::Must, silent(Box::new(AllQuery))));
    }
    for phrase in &query.forbidden {
        clauses.push((Occur::MustNot, excluding(phrase_query(lexical, phrase))));
    }
    for (field, values) in [
        (lexical.fields.category, &query.forbidden_categories),
        (lexical.fields.id, &query.forbidden_ids),
    ] {
        if !values.is_empty() {
            clauses.push((Occur::MustNot, any_of(field, values)));
        }
    }
    clauses
}

/// A query whose documents are excluded. An exclusion asks a scorer about documents before its first one.
/// The phrase scorer of tantivy 0.27 does not allow that, but a union's does.
fn excluding(query: Box<dyn Query>) -> Box<dyn Query> {
    let again = query.box_clone();
    Box::new(BooleanQuery::union(vec![query, again]))
}

fn any_of(field: Field, values: &[String]) -> Box<dyn Query> {
    let terms = values
        .iter()
        .map(|value| Term::from_field_text(field, value));
    let query = |term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>;
    Box::new(BooleanQuery::union(terms.map(query).collect()))
}

fn phrase_query(lexical: &Lexical, phrase: &Phrase) -> Box<dyn Query> {
    let field = match phrase.part {
        ConditionPart::Text => lexical.fields.text,
        ConditionPart::Title => lexical.fields.title,
    };
    let form = |form: &Vec<(usize, String)>| -> Box<dyn Query> {
        let mut terms: Vec<(usize, Term)> = form
            .iter()
            .map(|(offset, word)| (*offset, Term::from_field_text(field, word)))
            .collect();
        match terms.len() {
            1 => word(terms.remove(0).1, 1.0),
            _ => Box::new(PhraseQuery::new_with_offset(terms)),
        }
    };
    let mut forms: Vec<Box<dyn Query>> = phrase.forms.iter().map(form).collect();
    match forms.len() {
        1 => forms.remove(0),
        _ => Box::new(BooleanQuery::union(forms)),
    }
}
