//! Parses a query typed by a person: words, phrases and conditions.
//!
//! ```text
//! attention "residual stream" title:"in-context learning" author:olsson cat:cs.LG -vision +induction
//! ```
//!
//! Plain words and `"phrases"` rank. `+` requires a word or phrase, `-` forbids it. `title:`, `author:`,
//! `cat:` and `id:` are required too; with several `cat:` or `id:`, one is enough. Everything else is text.
//! The library checks the names of authors, not this index ([`WordQuery::authors`]).
//!
//! A sign is a condition only before a word, a phrase or one of these fields. A sign is text before a
//! number (`-40`, `+85`), a single letter (`a -b`) or a short name with digits (`-K12`, `-NH2`, `+p53`). It
//! is a charge, a bond or a temperature there. `GPT-4`, `gpt4` and `COVID-19` begin with a word. Quotation
//! marks make a phrase of anything: `-"K12"`. `Ti:sapphire` and `Au:Pd` are elements, not fields.

use super::terms::{Term, is_ideograph, terms};
use akin_base::categories;
use akin_base::paper::PaperId;

/// Number of bytes of a query that are read; a page of text has a twentieth of it.
pub const MAX_QUESTION_BYTES: usize = 64 << 10;

/// Number of bytes of a manuscript, or of the papers searched with, that are read; more than a paper has.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionPart {
    /// Title and abstract.
    Text,
    Title,
}

/// Words that stand one after the other; one of the forms is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) part: ConditionPart,
    /// Terms with their distance from the first; a compound in one is a form of its own.
    pub(super) forms: Vec<Vec<(usize, String)>>,
}

/// A query of words, phrases and conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordQuery {
    /// The words that rank: without forbidden ones and conditions on other fields.
    text: String,
    /// The conditions as they were typed; alternatives (`cat:`, `id:`) are together in one.
    conditions: Vec<String>,
    /// Phrases that a person put into quotation marks; they rank.
    pub(super) phrases: Vec<Phrase>,
    pub(super) required: Vec<Phrase>,
    pub(super) forbidden: Vec<Phrase>,
    pub(super) forbidden_categories: Vec<String>,
    /// Lower case.
    pub(super) forbidden_ids: Vec<String>,
    /// Lower case; one is enough.
    pub(super) categories: Vec<String>,
    /// Lower case; one is enough.
    pub(super) ids: Vec<String>,
    /// As they were typed; all are necessary.
    authors: Vec<String>,
    /// As they were typed.
    forbidden_authors: Vec<String>,
}

impl WordQuery {
    /// A query of plain text without conditions, such as a manuscript. Only the first [`MAX_TEXT_BYTES`]
    /// are read.
    pub fn of_text(text: &str) -> WordQuery {
        WordQuery {
            text: start_of(text, MAX_TEXT_BYTES).to_owned(),
            ..WordQuery::default()
        }
    }

    /// Parses a query as a person types it, with conditions. Only the first [`MAX_QUESTION_BYTES`] are
    /// read.
    pub fn parse(question: &str) -> WordQuery {
        let mut query = WordQuery::default();
        let mut text = Vec::new();
        for piece in pieces(start_of(question, MAX_QUESTION_BYTES)) {
            let n_before = query.n_conditions();
            if let Some(words) = query.take(&piece) {
                text.push(words);
            }
            if query.n_conditions() > n_before {
                query.note_condition(&piece);
            }
        }
        query.text = text.join(" ");
        query
    }

    /// The conditions as they were typed, one by one.
    pub fn conditions(&self) -> &[String] {
        &self.conditions
    }

    fn n_conditions(&self) -> usize {
        self.required.len()
            + self.forbidden.len()
            + self.forbidden_categories.len()
            + self.forbidden_ids.len()
            + self.categories.len()
            + self.ids.len()
            + self.authors.len()
            + self.forbidden_authors.len()
    }

    fn note_condition(&mut self, piece: &QueryPiece<'_>) {
        let is_alternative = |field| piece.sign != Some('-') && piece.field == Some(field);
        for (field, n) in [("cat", self.categories.len()), ("id", self.ids.len())] {
            if is_alternative(field) && n > 1 {
                let is_of_field = |one: &&mut String| first_piece(one).0.field == Some(field);
                if let Some(first) = self.conditions.iter_mut().find(is_of_field) {
                    first.push(' ');
                    first.push_str(piece.whole);
                    return;
                }
            }
        }
        self.conditions.push(piece.whole.to_owned());
    }

    /// The words of the query without its conditions.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names that a paper must have among its authors, all of them.
    pub fn authors(&self) -> &[String] {
        &self.authors
    }

    /// Names that a paper must not have among its authors.
    pub fn forbidden_authors(&self) -> &[String] {
        &self.forbidden_authors
    }

    /// Whether the query has conditions.
    pub fn has_conditions(&self) -> bool {
        let has_authors = !(self.authors.is_empty() && self.forbidden_authors.is_empty());
        has_authors || self.has_indexed_conditions()
    }

    /// Whether the query has conditions that this index checks: all but those on authors.
    pub fn has_indexed_conditions(&self) -> bool {
        !(self.required.is_empty()
            && self.forbidden.is_empty()
            && self.forbidden_categories.is_empty()
            && self.forbidden_ids.is_empty()
            && self.categories.is_empty()
            && self.ids.is_empty())
    }

    /// Adds a piece to the query; returns the part of it that is text.
    fn take<'a>(&mut self, piece: &QueryPiece<'a>) -> Option<&'a str> {
        let QueryPiece {
            whole,
            sign,
            field,
            words,
            is_quoted,
        } = *piece;
        let is_forbidden = sign == Some('-');
        let part = match field {
            None => ConditionPart::Text,
            Some("title") => ConditionPart::Title,
            Some("author") => {
                let authors = if is_forbidden {
                    &mut self.forbidden_authors
                } else {
                    &mut self.authors
                };
                authors.push(words.to_owned());
                return None;
            }
            Some("cat") if is_forbidden => {
                self.forbidden_categories.push(categories::asked(words));
                return None;
            }
            Some("cat") => {
                self.categories.push(categories::asked(words));
                return None;
            }
            Some(_) => {
                let id = PaperId::parse(words).map(|id| id.as_str().to_lowercase());
                let ids = if is_forbidden {
                    &mut self.forbidden_ids
                } else {
                    &mut self.ids
                };
                ids.push(id.unwrap_or_else(|| words.to_lowercase()));
                return None;
            }
        };
        let Some(phrase) = Phrase::parse(part, words) else {
            // Nothing that could be looked for: text, as it stands.
            return field
                .is_none()
                .then_some(if is_forbidden { whole } else { words });
        };
        if is_forbidden {
            self.forbidden.push(phrase);
            return None;
        }
        if sign.is_some() || field.is_some() {
            self.required.push(phrase);
        } else if is_quoted && phrase.forms[0].len() > 1 {
            self.phrases.push(phrase);
        }
        Some(words)
    }
}

impl Phrase {
    /// `None` if the words have no term.
    fn parse(part: ConditionPart, words: &str) -> Option<Phrase> {
        let terms: Vec<Term> = terms(words).collect();
        let from_first = |terms: Vec<Term>| {
            let first = terms.first().map_or(0, |term| term.position);
            let offset = |term: Term| (term.position - first, term.text);
            terms.into_iter().map(offset).collect::<Vec<_>>()
        };
        let n_compounds = terms.iter().filter(|term| term.is_compound).count();
        let (compounds, single): (Vec<Term>, Vec<Term>) =
            terms.into_iter().partition(|term| term.is_compound);
        let mut forms = vec![from_first(single)];
        // A lone compound can also stand in one word.
        if n_compounds == 1 && forms[0].iter().all(|(offset, _)| *offset < 3) {
            forms.push(from_first(compounds));
        }
        forms.retain(|form| !form.is_empty());
        (!forms.is_empty()).then_some(Phrase { part, forms })
    }
}

/// The start of a text, at most `n_bytes` long, up to its last space if it has one.
fn start_of(text: &str, n_bytes: usize) -> &str {
    if text.len() <= n_bytes {
        return text;
    }
    let start = &text[..text.floor_char_boundary(n_bytes)];
    match start.rfind(char::is_whitespace) {
        Some(space) => &start[..space],
        None => start,
    }
}

/// A piece of a question between spaces.
struct QueryPiece<'a> {
    whole: &'a str,
    sign: Option<char>,
    field: Option<&'a str>,
    /// Without sign, field and quotation marks.
    words: &'a str,
    is_quoted: bool,
}

/// Cuts a question at spaces outside quotation marks.
fn pieces(question: &str) -> Vec<QueryPiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = question.trim_start();
    while !rest.is_empty() {
        let (piece, n_bytes) = first_piece(rest);
        pieces.push(piece);
        rest = rest[n_bytes..].trim_start();
    }
    pieces
}

/// The first piece, and its length in bytes.
fn first_piece(text: &str) -> (QueryPiece<'_>, usize) {
    let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'));
    let after_sign = &text[sign.map_or(0, char::len_utf8)..];
    let colon = after_sign.find(|c: char| c == ':' || c.is_whitespace());
    let named = colon.and_then(|at| {
        let (name, rest) = (&after_sign[..at], after_sign[at..].strip_prefix(':')?);
        let field = field_of(name)?;
        let is_followed = !rest.is_empty() && !rest.starts_with(char::is_whitespace);
        is_followed.then_some((field, rest))
    });
    let field = named.map(|(field, _)| field);
    let words = named.map_or(after_sign, |(_, rest)| rest);
    let ahead = text.len() - words.len();
    let quoted = words
        .strip_prefix('"')
        .and_then(|inside| inside.split_once('"'));
    let is_quoted = quoted.is_some();
    let (words, n_bytes) = match quoted {
        Some((inside, _)) => (inside, ahead + inside.len() + 2),
        None => {
            let end = words.find(char::is_whitespace).unwrap_or(words.len());
            (&words[..end], ahead + end)
        }
    };
    // A sign before nothing that could be meant is text.
    let is_meant = field.is_some() || is_quoted || is_word(words);
    let whole = &text[..n_bytes];
    let piece = QueryPiece {
        whole,
        sign: sign.filter(|_| is_meant),
        field,
        words: if is_meant { words } else { whole },
        is_quoted,
    };
    (piece, n_bytes)
}

/// The field that a name stands for. `Ti` and `Au` are elements.
fn field_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "ti" | "TI" => "title",
        "au" | "AU" => "author",
        _ => match name.to_ascii_lowercase().as_str() {
            "title" => "title",
            "author" => "author",
            "cat" | "category" => "cat",
            "id" => "id",
            _ => return None,
        },
    })
}

/// Whether the piece after a sign is a word: at least two letters, or a Chinese character. With digits in
/// it, it begins with three letters (`gpt4`), or with two before a hyphen (`IL-6`).
fn is_word(piece: &str) -> bool {
    let n_letters = |part: &str| part.chars().filter(|c| c.is_alphabetic()).count();
    let is_hyphen = ['-', '\u{2010}', '\u{2011}'];
    let first = piece.split(is_hyphen).next().unwrap_or(piece);
    let is_of_letters = |part: &str| !part.contains(char::is_numeric);
    if !piece.starts_with(char::is_alphabetic) {
        return false;
    }
    if is_of_letters(piece) {
        return n_letters(piece) > 1 || piece.contains(is_ideograph);
    }
    let start = piece.find(|c: char| !c.is_alphabetic());
    let start = &piece[..start.unwrap_or(piece.len())];
    n_letters(start) > 2 || (is_of_letters(first) && n_letters(first) > 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_text_without_an_end_the_start_is_asked() {
        let endless = "dark matter ".repeat(4_000_000);
        let begun = std::time::Instant::now();
        let asked = WordQuery::of_text(&endless);
        assert!((MAX_TEXT_BYTES - 12..=MAX_TEXT_BYTES).contains(&asked.text().len()));
        assert!(asked.text().ends_with(" dark") || asked.text().ends_with(" matter"));
        // A colon is looked for in each piece, not behind it.
        let parsed = WordQuery::parse(&endless);
        assert!(parsed.text().len() <= MAX_QUESTION_BYTES);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        let one_word = "é".repeat(MAX_TEXT_BYTES);
        assert_eq!(WordQuery::of_text(&one_word).text().len(), MAX_TEXT_BYTES);
        let short = "a title:b author:c";
        assert_eq!(WordQuery::parse(short).conditions().len(), 2);
    }

    fn shown(phrases: &[Phrase]) -> String {
        let form = |form: &Vec<(usize, String)>| {
            let words = form.iter().map(|(offset, word)| format!("{offset}{word}"));
            words.collect::<Vec<_>>().join(" ")
        };
        let phrase = |phrase: &Phrase| {
            let forms: Vec<String> = phrase.forms.iter().map(form).collect();
            format!("{:?}({})", phrase.part, forms.join("|"))
        };
        phrases.iter().map(phrase).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(question: &str, text: &str, conditions: [&str; 3]) {
        let query = WordQuery::parse(question);
        let found = [&query.phrases, &query.required, &query.forbidden].map(|p| shown(p));
        assert_eq!(query.text(), text, "{question}");
        assert_eq!(found, conditions, "{question}");
    }

    #[test]
    fn plain_words_are_text() {
        check(
            "is attention all you need?",
            "is attention all you need?",
            ["", "", ""],
        );
        check(
            "GPT-4: a survey - part 2",
            "GPT-4: a survey - part 2",
            ["", "", ""],
        );
        check("what + is -- this \"", "what + is -- this \"", ["", "", ""]);
        check(
            "see https://x.org/a:b",
            "see https://x.org/a:b",
            ["", "", ""],
        );
        check("", "", ["", "", ""]);
    }

    #[test]
    fn a_sign_before_a_number_a_letter_or_a_formula_is_text() {
        for question in [
            "pumps at -40 degrees",
            "pumps at -40 to +85 degrees",
            "grease at -40 C",
            "log -2 fold change",
            "-80 °C storage",
            "E. coli -K12",
            "E. coli -K-12 and -O157:H7",
            "a -b",
            "a +b -c",
            "x -y, z",
            "at -1.5 V",
            "-2.5e3 +.5 -½",
            "the -NH2 and -CF3 groups",
            "CD4 +CD8 cells",
            "+p53 -p21",
            "TNF -α",
            "-3D",
            "p53 -/- mice",
            "+/- 5 %",
            "−40 or ±5 or –40",
            "CO2 -> methanol",
            "yeast - oxygen",
            "what --is ++this",
            "-(40)",
            "- -",
            "Ti:sapphire lasers",
            "Au:Pd alloys",
            "COVID-19",
            "(-40)",
            "-40°C",
        ] {
            check(question, question, ["", "", ""]);
            assert!(!WordQuery::parse(question).has_conditions(), "{question}");
        }
        // In quotation marks anything is a phrase.
        check("pumps -\"40\"", "pumps", ["", "", "Text(040)"]);
        check("coli +\"K12\"", "coli K12", ["", "Text(0k12)", ""]);
        check("a \"-40\" b", "a -40 b", ["", "", ""]);
    }

    #[test]
    fn a_sign_before_a_word_is_a_condition() {
        check("cells -in", "cells -in", ["", "", ""]);
        check("nets +gpt4", "nets gpt4", ["", "Text(0gpt4)", ""]);
        check("cells -IL-6", "cells", ["", "", "Text(0il 16|0il6)"]);
        check("nets -GPT-4", "nets", ["", "", "Text(0gpt 14|0gpt4)"]);
        check("a -COVID-19", "a", ["", "", "Text(0covid 119|0covid19)"]);
        check("a -X-ray", "a", ["", "", "Text(0x 1ray|0xray)"]);
        check(
            "a -κβ +été",
            "a été",
            ["", "Text(0ete)", "Text(0kappabeta)"],
        );
        check("a -語", "a", ["", "", "Text(0語)"]);
        check("-vision.", "", ["", "", "Text(0vision)"]);
    }

    #[test]
    fn conditions_are_named_as_they_were_written() {
        let question =
            "a cat:cs.LG -vision +\"in context\" x -40 id:1 cat:stat -cat:cs.CV id:2 au:li";
        let query = WordQuery::parse(question);
        let named = query.conditions();
        assert_eq!(
            named,
            [
                "cat:cs.LG cat:stat",
                "-vision",
                "+\"in context\"",
                "id:1 id:2",
                "-cat:cs.CV",
                "au:li"
            ]
        );
        for one in named {
            assert_eq!(
                WordQuery::parse(one).conditions(),
                std::slice::from_ref(one)
            );
        }
        assert_eq!(WordQuery::parse("a -40 -b").conditions().len(), 0);
    }

    #[test]
    fn conditions_are_taken_out() {
        check(
            "\"residual streams\" in nets",
            "residual streams in nets",
            ["Text(0residu 1stream)", "", ""],
        );
        check(
            "nets +induction -vision",
            "nets induction",
            ["", "Text(0induct)", "Text(0vision)"],
        );
        check(
            "title:\"in context\" learning",
            "in context learning",
            ["", "Title(0context)", ""],
        );
        check("+GPT-4", "GPT-4", ["", "Text(0gpt 14|0gpt4)", ""]);
        check("ti:graphs", "graphs", ["", "Title(0graph)", ""]);
    }

    #[test]
    fn authors_are_kept_as_they_are_typed() {
        let query = WordQuery::parse("author:\"Le Cun\" nets au:Erdős -author:O’Neil");
        assert_eq!(query.text(), "nets");
        assert_eq!(query.authors(), ["Le Cun", "Erdős"]);
        assert_eq!(query.forbidden_authors(), ["O’Neil"]);
        assert!(query.has_conditions() && !query.has_indexed_conditions());
    }

    #[test]
    fn categories_and_ids_are_kept_apart() {
        let query = WordQuery::parse(
            "cat:cs.LG nets cat:\"Machine  Learning\" -cat:cs.CV id:arXiv:2503.11731v2",
        );
        assert_eq!(query.text(), "nets");
        assert_eq!(query.categories, ["cs.lg", "machine learning"]);
        assert_eq!(query.forbidden_categories, ["cs.cv"]);
        assert_eq!(query.ids, ["2503.11731"]);
        assert!(query.has_conditions());
        assert!(!WordQuery::of_text("cat:cs.LG +x").has_conditions());
    }

    proptest! {
        #[test]
        fn no_question_panics(question in "([-+]?(title:|cat:|id:|au:)?\"?[a-zé -]{0,6}\"?[ :+-]?){0,6}") {
            let _ = WordQuery::parse(&question);
        }
    }
}
