//! Content of an abstract's field that is not an abstract: the heading, and words that say that
//! there is none.
//!
//! A heading must be clear: before punctuation, at a line's end, in its own tag, or before the
//! first word of a sentence. "Abstract interpretation is a theory of …" and "Abstract Meaning
//! Representation" begin with no heading.

use super::markup;

/// Words that begin a sentence or the name of a section, and no term that begins with "Abstract".
const OPENERS: [&str; 98] = [
    "A",
    "About",
    "Accurate",
    "Across",
    "After",
    "Aim",
    "Aims",
    "All",
    "Although",
    "Among",
    "An",
    "And",
    "Another",
    "Are",
    "As",
    "At",
    "Background",
    "Because",
    "Before",
    "Between",
    "Both",
    "But",
    "By",
    "Can",
    "Context",
    "Currently",
    "Despite",
    "Do",
    "Does",
    "Due",
    "During",
    "Each",
    "Even",
    "Every",
    "Few",
    "Following",
    "For",
    "From",
    "Given",
    "Here",
    "Herein",
    "How",
    "However",
    "I",
    "If",
    "Importance",
    "In",
    "Introduction",
    "Is",
    "It",
    "Its",
    "Many",
    "Method",
    "Methods",
    "More",
    "Most",
    "Motivation",
    "No",
    "Not",
    "Numerous",
    "Objective",
    "Objectives",
    "Of",
    "On",
    "One",
    "Our",
    "Over",
    "Problem",
    "Purpose",
    "Question",
    "Rationale",
    "Recent",
    "Recently",
    "Results",
    "Several",
    "Since",
    "So",
    "Some",
    "Such",
    "The",
    "There",
    "These",
    "They",
    "This",
    "Those",
    "Through",
    "To",
    "Today",
    "Two",
    "Under",
    "Using",
    "We",
    "What",
    "When",
    "Where",
    "Whether",
    "While",
    "With",
];

/// Texts for a missing abstract, in small letters and without punctuation.
const PLACEHOLDERS: [&str; 18] = [
    "",
    "abstract",
    "abstract is not available",
    "abstract not available",
    "abstract unavailable",
    "n/a",
    "na",
    "nan",
    "no abstract",
    "no abstract available",
    "no abstract available for this article",
    "no abstract is available",
    "no abstract is available for this article",
    "no abstract provided",
    "none",
    "not available",
    "null",
    "there is no abstract",
];

/// No placeholder is longer.
const MAX_PLACEHOLDER_BYTES: usize = 64;

/// An abstract without the heading it may begin with; the text may have markup.
pub(crate) fn without_head(text: &str) -> &str {
    let body = past_tags(text);
    let rest = after_word(body, "abstract", "Abstract")
        .and_then(|rest| after_head(rest, body.starts_with("ABSTRACT")));
    rest.or_else(|| after_word(body, "summary", "Summary").and_then(after_mark))
        .unwrap_or(text)
}

/// Whether a clean abstract says that there is none.
pub(crate) fn is_placeholder(text: &str) -> bool {
    if text.len() > MAX_PLACEHOLDER_BYTES {
        return false;
    }
    let is_mark = |c: char| c.is_whitespace() || "[](){}<>.,:;-–—_*?!\"'#".contains(c);
    let bare = text.trim_matches(is_mark);
    PLACEHOLDERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(bare))
}

/// What follows the tags and the white space at the start of a text.
fn past_tags(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(tag) = markup::tag(rest).or_else(|| markup::escaped_tag(rest)) {
        rest = rest[tag.bytes..].trim_start();
    }
    rest
}

/// What follows a word that is written small, capitalised or in capitals.
fn after_word<'a>(text: &'a str, small: &str, capitalised: &str) -> Option<&'a str> {
    let (word, rest) = text.split_at_checked(small.len())?;
    let is_written = word == capitalised || word == small || word == small.to_ascii_uppercase();
    (is_written && !rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// The text after the heading "Abstract", if it is one; `in_capitals` if it is written so.
fn after_head(rest: &str, in_capitals: bool) -> Option<&str> {
    if let Some(text) = after_mark(rest) {
        return Some(text);
    }
    let text = past_tags(rest);
    if text.is_empty() {
        return Some(text);
    }
    let gap = &rest[..rest.len() - text.len()];
    let is_capital = text.starts_with(char::is_uppercase);
    if gap.contains(['\n', '\r', '<', '&']) {
        return is_capital.then_some(text);
    }
    let word = text
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or("");
    let begins = if in_capitals {
        word.chars().any(char::is_lowercase) && is_capital || word == "A"
    } else {
        OPENERS.contains(&word)
    };
    (begins && gap.starts_with(char::is_whitespace)).then_some(text)
}

/// What follows the punctuation of a heading.
fn after_mark(rest: &str) -> Option<&str> {
    let spaced = rest.trim_start();
    let marked = spaced.trim_start_matches([':', '.', '—', '–', '-', '|']);
    let mark = &spaced[..spaced.len() - marked.len()];
    let is_hyphen = mark == "-" && (spaced.len() == rest.len() || !marked.starts_with(' '));
    (!mark.is_empty() && !is_hyphen).then(|| marked.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(without_head(text), expected, "{text:?}");
    }

    #[test]
    fn a_heading_goes() {
        for head in [
            "Abstract: ",
            "ABSTRACT\n",
            "Abstract. ",
            "Abstract—",
            "Abstract - ",
            "abstract:",
            "Abstract ",
            "ABSTRACT ",
            "Summary: ",
            "<jats:title>Abstract</jats:title><jats:p>",
            "&lt;p&gt;Abstract&lt;/p&gt; ",
        ] {
            check(&format!("{head}We show X."), "We show X.");
        }
        check("ABSTRACT Sparse methods win.", "Sparse methods win.");
        check("Abstract", "");
    }

    #[test]
    fn words_that_are_no_heading_stay() {
        for text in [
            "Abstract interpretation is a theory.",
            "Abstract\ninterpretation is a theory.",
            "Abstract Meaning Representation (AMR) parsing",
            "ABSTRACT INTERPRETATION OF PROGRAMS",
            "Abstract-valued functions",
            "Abstracts are short.",
            "Summary statistics are used.",
            "Summary We show X.",
            "<i>Abstract</i> interpretation",
            "Abstraction. We show X.",
            "We show X. Abstract: no.",
            "",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn words_that_stand_for_nothing_are_known() {
        for text in [
            "",
            "No abstract available",
            "[No abstract]",
            "Abstract not available.",
            "null",
            "n/a",
            "N/A",
            "NaN",
            "-",
            "—",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["No.", "We show that none is.", "Null results.", "NaCl"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
