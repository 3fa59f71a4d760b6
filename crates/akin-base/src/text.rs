//! Text in the form that is compared (lower case, without accents), and its sentences.

use std::collections::BTreeSet;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Folds text to lower case without accents: `Balázs` to `balazs`, `Weiß` to `weiss`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.trim().nfkd() {
        push_bare(c, &mut folded);
    }
    folded
}

/// Appends one character in its folded form; combining marks are dropped.
pub fn push_folded(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
    } else {
        decompose_compatible(c, |part| push_bare(part, out));
    }
}

/// Appends a character that is decomposed already.
fn push_bare(c: char, out: &mut String) {
    if is_combining_mark(c) {
        return;
    }
    for lower in c.to_lowercase() {
        match lower {
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            // What is left of İ.
            '\u{307}' => {}
            other => out.push(other),
        }
    }
}

/// The Jaccard similarity of two texts' sets of words, 0 to 1; it is 1 if neither has words.
pub fn shared_words(one: &str, other: &str) -> f32 {
    let words = |text: &str| -> BTreeSet<String> {
        let folded = fold(text);
        let words = folded.split(|c: char| !c.is_alphanumeric());
        words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (one, other) = (words(one), words(other));
    match one.union(&other).count() {
        0 => 1.0,
        n => one.intersection(&other).count() as f32 / n as f32,
    }
}

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "al", "approx", "cf", "ch", "corr", "dr", "e.g", "eq", "eqs", "etc", "ex", "fig", "figs",
    "i.e", "no", "nos", "p", "pp", "ref", "refs", "resp", "sec", "st", "tab", "vol", "vs", "viz",
];

/// The sentences of a text as byte ranges, without the spaces around them; none is empty.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((at, closing)) =
            characters.next_if(|(_, c)| matches!(c, ')' | ']' | '"' | '\'' | '”' | '’'))
        {
            end = at + closing.len_utf8();
        }
        let mut after = text[end..].chars();
        let is_spaced = after.next().is_none_or(char::is_whitespace);
        let next = after.find(|c| !c.is_whitespace());
        // Sentences begin with capitals, numbers, formulas.
        let begins = next.is_none_or(|next| !next.is_lowercase());
        if is_spaced && begins && !(c == '.' && is_abbreviation(&text[start..at])) {
            push_trimmed(text, start..end, &mut sentences);
            start = end;
        }
    }
    push_trimmed(text, start..text.len(), &mut sentences);
    sentences
}

/// Whether a text ends in an abbreviation or in an initial.
fn is_abbreviation(text: &str) -> bool {
    let from = text
        .rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '['))
        .map_or(0, |at| at + 1);
    let word = &text[from..];
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn push_trimmed(text: &str, sentence: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let whole = &text[sentence.clone()];
    let start = sentence.start + whole.len() - whole.trim_start().len();
    let end = start + whole.trim().len();
    if start < end {
        sentences.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_shared_whatever_their_case_and_place() {
        assert_eq!(
            shared_words("Rutile, under LIGHT", "light under rutile!"),
            1.0
        );
        assert_eq!(shared_words("a b c", "c d e"), 0.2);
        assert_eq!(shared_words("Erdős", "erdos"), 1.0);
        assert_eq!((shared_words("", " "), shared_words("", "a")), (1.0, 0.0));
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_text_is_cut_between_its_sentences() {
        check(
            "We show it. It works!  Does it? Yes",
            &["We show it.", "It works!", "Does it?", "Yes"],
        );
        check(
            "As J. Doe et al. show (cf. Fig. 3), e.g. by 3.5 units. So it is.",
            &[
                "As J. Doe et al. show (cf. Fig. 3), e.g. by 3.5 units.",
                "So it is.",
            ],
        );
        check(
            "It \"ends.\" (Here too.) $x$ follows. 3 of 4 agree.",
            &[
                "It \"ends.\"",
                "(Here too.)",
                "$x$ follows.",
                "3 of 4 agree.",
            ],
        );
        check("", &[]);
        check(" . ", &["."]);
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_lost(text in "[A-Za-zé .!?()\n3]{0,80}") {
            let joined: String = sentences(&text).into_iter().map(|range| &text[range]).collect();
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&joined), bare(&text));
        }
    }

    #[test]
    fn text_folds_to_what_a_keyboard_has() {
        for (text, folded) in [
            ("C. Balázs", "c. balazs"),
            ("Erdős", "erdos"),
            ("Łukasz Ørsted", "lukasz orsted"),
            ("  Weiß ", "weiss"),
            ("H₂O", "h2o"),
            ("ﬁeld", "field"),
        ] {
            assert_eq!(fold(text), folded);
            let mut by_character = String::new();
            text.trim()
                .chars()
                .for_each(|c| push_folded(c, &mut by_character));
            assert_eq!(by_character, folded);
        }
    }
}
