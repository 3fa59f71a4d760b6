//! Splits text into terms: words in the form in which they are compared.
//!
//! In: text. Out: for each term its form, its position, and the bytes it stands at. The same for papers
//! and for questions:
//!
//! - A *word* is a run of letters and digits, folded to lower case without accents; letters and digits
//!   stay together (`TiO2`, `p53`, `H₂O`). A Greek letter is its name: `NF-κB` is `NF-kappaB`.
//! - Words of letters are stemmed (Snowball English); the commonest are left out, but count as positions.
//!   `'s` is not part of a word. A Chinese or Japanese character is a word.
//! - Words joined by hyphens are a *compound*: each word, and at the first position also all of them in
//!   one. `GPT-4` is `gpt`, `4` and `gpt4`: it finds `GPT4`, and `GPT4` finds it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use akin_base::text::push_folded;

/// Length of the longest term in bytes; anything longer is not a word.
const TERM_BYTES: usize = 48;

/// Words of the longest compound that is a term.
const COMPOUND_WORDS: usize = 3;

/// Words that are read as one compound: a chain of millions is read in parts.
const MOST_WORDS: usize = 1 << 10;

/// Words whose stems are kept, so that the same are not stemmed again.
const STEMS_KEPT: usize = 1 << 14;

/// Words that say nothing about a paper.
const STOP_WORDS: &[&str] = &[
    "a", "about", "above", "after", "again", "against", "all", "also", "although", "am", "among",
    "an", "and", "any", "are", "as", "at", "be", "because", "been", "before", "being", "below",
    "between", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "down", "during",
    "each", "few", "for", "from", "further", "had", "has", "have", "having", "he", "her", "here",
    "hers", "him", "his", "how", "however", "i", "if", "in", "into", "is", "it", "its", "itself",
    "just", "may", "me", "might", "more", "most", "must", "my", "no", "nor", "not", "now", "of",
    "off", "on", "once", "only", "onto", "or", "other", "our", "ours", "out", "over", "own", "per",
    "same", "shall", "she", "should", "so", "some", "such", "than", "that", "the", "their",
    "theirs", "them", "then", "there", "these", "they", "this", "those", "through", "thus", "to",
    "too", "under", "until", "up", "upon", "us", "very", "via", "was", "we", "were", "what",
    "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will", "with",
    "within", "without", "would", "you", "your", "yours",
];

/// A term as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// The form that is compared.
    pub(super) text: String,
    /// Words before it.
    pub(super) position: usize,
    /// Where it stands.
    pub(super) bytes: Range<usize>,
    /// Whether it is the words of a compound in one.
    pub(super) is_compound: bool,
}

/// The terms of a text, in its order; a compound comes before its words.
pub(super) fn terms(text: &str) -> Terms<'_> {
    Terms {
        text,
        at: 0,
        position: 0,
        is_name: false,
        ready: VecDeque::new(),
    }
}

/// The terms of a name: every word of it as it is.
pub(super) fn name_terms(text: &str) -> Terms<'_> {
    Terms {
        is_name: true,
        ..terms(text)
    }
}

/// Terms, made as they are asked for: a text may have millions.
pub(super) struct Terms<'a> {
    text: &'a str,
    /// Where what has not been looked at begins.
    at: usize,
    position: usize,
    is_name: bool,
    /// Those of the compound that was read last.
    ready: VecDeque<Term>,
}

impl Iterator for Terms<'_> {
    type Item = Term;

    fn next(&mut self) -> Option<Term> {
        loop {
            if let Some(term) = self.ready.pop_front() {
                return Some(term);
            }
            let compound = compound_from(self.text, self.at)?;
            self.at = compound.end();
            if self.is_name {
                self.take_name(compound)
            } else {
                self.take(compound)
            }
        }
    }
}

impl Terms<'_> {
    fn take(&mut self, compound: Compound) {
        if (2..=COMPOUND_WORDS).contains(&compound.words.len()) {
            let words = compound.words.iter();
            let whole: String = words.map(|word| word.folded.as_str()).collect();
            self.push(whole, compound.start()..compound.end(), true);
        }
        for word in compound.words {
            if !is_stop_word(&word.folded) {
                self.push(word.folded, word.bytes, false);
            }
            self.position += 1;
        }
    }

    fn take_name(&mut self, compound: Compound) {
        for word in compound.words {
            self.ready.push_back(Term {
                text: word.folded,
                position: self.position,
                bytes: word.bytes,
                is_compound: false,
            });
            self.position += 1;
        }
    }

    fn push(&mut self, folded: String, bytes: Range<usize>, is_compound: bool) {
        if folded.len() <= TERM_BYTES {
            self.ready.push_back(Term {
                text: stem(folded),
                position: self.position,
                bytes,
                is_compound,
            });
        }
    }
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// The stem of a folded word; only words of letters have one.
pub(super) fn stem(folded: String) -> String {
    thread_local! {
        static STEMS: RefCell<HashMap<String, String>> = RefCell::default();
    }
    if folded.len() < 3 || !folded.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return folded;
    }
    STEMS.with_borrow_mut(|stems| {
        if let Some(stem) = stems.get(&folded) {
            return stem.clone();
        }
        let stem = Stemmer::new(Algorithm::English).stem(&folded).into_owned();
        if stems.len() < STEMS_KEPT {
            stems.insert(folded, stem.clone());
        }
        stem
    })
}

/// A word of a text.
struct QueryWord {
    folded: String,
    bytes: Range<usize>,
}

/// Words joined by hyphens, one at least.
struct Compound {
    words: Vec<QueryWord>,
}

impl Compound {
    fn start(&self) -> usize {
        self.words[0].bytes.start
    }

    fn end(&self) -> usize {
        self.words[self.words.len() - 1].bytes.end
    }
}

/// The first compound from a byte of a text on.
fn compound_from(text: &str, mut from: usize) -> Option<Compound> {
    loop {
        let mut words = vec![word_from(text, from)?];
        while let [.., last] = &words[..]
            && words.len() < MOST_WORDS
        {
            let end = last.bytes.end;
            let mut after = text[end..].chars();
            let hyphen = after.next().filter(|c| is_hyphen(*c));
            let Some(hyphen) = hyphen.filter(|_| after.next().is_some_and(is_of_word)) else {
                break;
            };
            words.extend(word_from(text, end + hyphen.len_utf8()));
        }
        from = words[words.len() - 1].bytes.end;
        words.retain(|word| !word.folded.is_empty());
        // Marks that stand alone are no word.
        if !words.is_empty() {
            return Some(Compound { words });
        }
    }
}

/// The first word from a byte of a text on.
fn word_from(text: &str, from: usize) -> Option<QueryWord> {
    let start = from + text[from..].find(is_of_word)?;
    let mut folded = String::new();
    let mut end = start;
    let mut characters = text[start..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if is_of_word(c) {
            end = start + at + c.len_utf8();
            match greek_name(c) {
                Some(name) => folded.push_str(name),
                None => push_folded(c, &mut folded),
            }
            let next = characters.peek().map(|(_, next)| *next);
            if is_ideograph(c) || next.is_some_and(is_ideograph) {
                break;
            }
        } else if is_apostrophe(c) && characters.peek().is_some_and(|(_, next)| is_of_word(*next)) {
            let rest = &text[start + at + c.len_utf8()..];
            if is_possessive(rest) {
                end = start + at + c.len_utf8() + 1;
                break;
            }
        } else {
            break;
        }
    }
    folded.retain(char::is_alphanumeric);
    Some(QueryWord {
        folded,
        bytes: start..end,
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && unicode_normalization::char::is_combining_mark(c))
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

/// Whether what follows an apostrophe is a lone `s`.
fn is_possessive(rest: &str) -> bool {
    let mut characters = rest.chars();
    matches!(characters.next(), Some('s' | 'S')) && !characters.next().is_some_and(is_of_word)
}

/// Whether a character is a word: Chinese characters and Japanese syllables.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The name of a Greek letter, as it is spelt out in English.
fn greek_name(c: char) -> Option<&'static str> {
    Some(match c {
        'α' | 'Α' | 'ά' => "alpha",
        'β' | 'Β' | 'ϐ' => "beta",
        'γ' | 'Γ' => "gamma",
        'δ' | 'Δ' | '\u{2206}' => "delta",
        'ε' | 'Ε' | 'ϵ' | 'έ' => "epsilon",
        'ζ' | 'Ζ' => "zeta",
        'η' | 'Η' | 'ή' => "eta",
        'θ' | 'Θ' | 'ϑ' => "theta",
        'ι' | 'Ι' | 'ί' => "iota",
        'κ' | 'Κ' | 'ϰ' => "kappa",
        'λ' | 'Λ' => "lambda",
        'μ' | 'Μ' | '\u{b5}' => "mu",
        'ν' | 'Ν' => "nu",
        'ξ' | 'Ξ' => "xi",
        'ο' | 'Ο' | 'ό' => "omicron",
        'π' | 'Π' | 'ϖ' => "pi",
        'ρ' | 'Ρ' | 'ϱ' => "rho",
        'σ' | 'ς' | 'Σ' => "sigma",
        'τ' | 'Τ' => "tau",
        'υ' | 'Υ' | 'ύ' => "upsilon",
        'φ' | 'Φ' | 'ϕ' => "phi",
        'χ' | 'Χ' => "chi",
        'ψ' | 'Ψ' => "psi",
        'ω' | 'Ω' | '\u{2126}' | 'ώ' => "omega",
        _ => return None,
    })
}

/// [`terms`], or [`name_terms`], for tantivy.
#[derive(Clone)]
pub(super) struct TermTokenizer(pub(super) fn(&str) -> Terms<'_>);

/// The terms of one text, for tantivy.
pub(super) struct TermStream<'a> {
    terms: Terms<'a>,
    token: Token,
}

impl Tokenizer for TermTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        TermStream {
            terms: (self.0)(text),
            token: Token::default(),
        }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(term) = self.terms.next() else {
            return false;
        };
        self.token = Token {
            offset_from: term.bytes.start,
            offset_to: term.bytes.end,
            position: term.position,
            text: term.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown: Vec<String> = terms(text)
            .map(|term| format!("{}:{}", term.position, term.text))
            .collect();
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn words_are_folded_stemmed_and_counted() {
        check("The cats were running", "1:cat 3:run");
        check("Erdős–Rényi graphs", "0:erdo 1:renyi 2:graph");
        check(
            "Newton's laws aren't Bayes' rules",
            "0:newton 1:law 2:arent 3:bay 4:rule",
        );
        check("ﬁelds, ÉTALE", "0:field 1:etal");
        check("", "");
        check("-- … '", "");
    }

    #[test]
    fn scientific_words_are_kept() {
        check("TiO2 and H₂O", "0:tio2 2:h2o");
        check("p53", "0:p53");
        check("GPT-4", "0:gpt4 0:gpt 1:4");
        check("GPT4", "0:gpt4");
        check("NF-κB", "0:nfkappab 0:nf 1:kappab");
        check("β-catenin", "0:betacatenin 0:beta 1:catenin");
        check("state-of-the-art", "0:state 3:art");
        check("pre-trained", "0:pretrain 0:pre 1:train");
        check("量子 gates", "0:量 1:子 2:gate");
    }

    #[test]
    fn terms_stand_where_they_say() {
        let text = "Über the GPT-4's β-decay";
        let stands: Vec<&str> = terms(text).map(|term| &text[term.bytes]).collect();
        assert_eq!(
            stands,
            ["Über", "GPT-4's", "GPT", "4's", "β-decay", "β", "decay"]
        );
    }

    #[test]
    fn names_are_kept_as_they_are() {
        let names = name_terms("Jürgen A. Schmidhuber-Running");
        let names: Vec<String> = names.map(|term| term.text).collect();
        assert_eq!(names, ["jurgen", "a", "schmidhuber", "running"]);
    }

    #[test]
    fn neither_a_chain_of_words_nor_of_lone_marks_has_an_end() {
        let chain = "a1-".repeat(1_000_000);
        assert_eq!(terms(&chain).count(), 1_000_000);
        let last = terms(&chain).last().expect("a term");
        assert_eq!((last.position, last.bytes), (999_999, 2_999_997..2_999_999));
        let marks = "\u{301} ".repeat(1_000_000) + "word";
        let found: Vec<Term> = terms(&marks).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].text, found[0].position), ("word", 0));
    }

    #[test]
    fn stop_words_are_in_order() {
        assert!(STOP_WORDS.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            for term in terms(&text).chain(name_terms(&text)) {
                prop_assert!(!term.text.is_empty());
                prop_assert!(!text[term.bytes.clone()].is_empty());
            }
        }

        #[test]
        fn no_odd_text_panics(text in "[-'’a-céß\u{301}κ₂量の İs]{0,30}") {
            for term in terms(&text).chain(name_terms(&text)) {
                prop_assert!(!term.text.is_empty());
                prop_assert!(!text[term.bytes.clone()].is_empty());
            }
        }
    }
}
