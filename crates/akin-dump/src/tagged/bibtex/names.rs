//! The author list of a BibTeX entry to names in reading order.
//!
//! Names are separated by "and"; `others` is dropped. With a comma the family name comes first
//! (`von Last, First`, `von Last, Jr, First`, and Biblatex's `family=…, given=…`); the biblatex
//! crate reads those. Without a comma a name is in reading order. Braces keep a name together
//! (`{Barnes and Noble}`).
//!
//! Exports that are no BibTeX in this put commas or semicolons between names:
//! `A. Roe, B. Doe, C. Poe`. A list differs from a name by its parts: three or more, or two with
//! the first longer than family names are.

use biblatex::{Chunk, Person, Spanned};

use crate::text::clean::{clean, clean_bibtex};
use crate::text::names;

/// Splits a list of authors into clean names.
pub(crate) fn split(authors: &str) -> Vec<String> {
    let cleaned = clean(authors);
    let mut parts = split_at(&cleaned, and_at);
    if parts.len() == 1 {
        parts = split_at(&cleaned, |rest| usize::from(rest.starts_with(';')));
    }
    names::known(parts.into_iter().flat_map(names_of).collect())
}

/// The name, or the list of names, between two "and"s.
fn names_of(part: &str) -> Vec<String> {
    let part = part.trim();
    if part.is_empty() || part.eq_ignore_ascii_case("others") {
        return Vec::new();
    }
    let pieces = split_at(part, |rest| usize::from(rest.starts_with(',')));
    let pieces: Vec<&str> = pieces.iter().map(|piece| piece.trim()).collect();
    if pieces.len() == 1 {
        return names::single(&clean_bibtex(part)).into_iter().collect();
    }
    if !part.contains('=') {
        if pieces.len() == 3 && pieces[1..].iter().any(|piece| names::is_suffix(piece)) {
            return names::family_first(&clean_bibtex(part))
                .into_iter()
                .collect();
        }
        if is_list(&pieces) {
            return listed(&pieces);
        }
    }
    let person = Person::parse(&chunks(part));
    let parts = [person.given_name, person.prefix, person.name, person.suffix];
    let plain: Vec<_> = parts.iter().map(|part| clean_bibtex(part)).collect();
    names::joined(plain.iter().map(|part| &**part))
        .into_iter()
        .collect()
}

/// Whether the parts between commas are names rather than the parts of one.
fn is_list(pieces: &[&str]) -> bool {
    let words = |piece: &str| piece.split_whitespace().count();
    let is_capital = |word: &str| word.starts_with(|c: char| c.is_uppercase());
    let ends_in_initials = |piece: &str| {
        let last = piece.split_whitespace().next_back().unwrap_or("");
        words(piece) > 1 && last.len() <= 3 && last.chars().all(char::is_uppercase)
    };
    match *pieces {
        [first, second] => {
            let is_long =
                words(first) > 2 && words(second) > 1 && first.split_whitespace().all(is_capital);
            is_long || (ends_in_initials(first) && ends_in_initials(second))
        }
        _ => pieces.len() > 2,
    }
}

/// The names of a list between commas: whole ones, or family and given names in turn.
fn listed(pieces: &[&str]) -> Vec<String> {
    let is_one_word = |piece: &&str| !piece.contains(' ');
    let in_turn = pieces.len().is_multiple_of(2) && pieces.iter().step_by(2).all(is_one_word);
    if in_turn
        && pieces
            .iter()
            .skip(1)
            .step_by(2)
            .all(|piece| !piece.is_empty())
    {
        let pairs = pieces.chunks_exact(2);
        return pairs
            .filter_map(|pair| names::joined([&*clean_bibtex(pair[1]), &*clean_bibtex(pair[0])]))
            .collect();
    }
    names::split(&clean_bibtex(&pieces.join(", ")))
}

/// Splits outside braces; `separator` gives the bytes of the one at the start of its text, or 0.
fn split_at(text: &str, separator: impl Fn(&str) -> usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut at) = (0_usize, 0, 0);
    while let Some(c) = text[at..].chars().next() {
        let length = if depth == 0 {
            separator(&text[at..])
        } else {
            0
        };
        if length > 0 {
            parts.push(&text[start..at]);
            at += length;
            start = at;
            continue;
        }
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    parts.push(&text[start..]);
    parts
}

/// The bytes of the " and " at the start of `text`, but for its last space, or 0.
fn and_at(text: &str) -> usize {
    let is_and = text
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(" and "));
    if is_and { 4 } else { 0 }
}

/// A name as the biblatex crate takes it: the text in braces apart from the rest. Each piece has
/// its position, which the crate relies on.
fn chunks(name: &str) -> Vec<Spanned<Chunk>> {
    let mut chunks = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    for run in name.split_inclusive(['{', '}']) {
        let text = run.trim_end_matches(['{', '}']).to_owned();
        let span = at..at + text.len();
        at += run.len();
        if !text.is_empty() {
            let kind = if depth > 0 {
                Chunk::Verbatim
            } else {
                Chunk::Normal
            };
            chunks.push(Spanned::new(kind(text), span));
        }
        if run.ends_with('{') {
            depth += 1;
        } else if run.ends_with('}') {
            depth = depth.saturating_sub(1);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authors: &str, expected: &[&str]) {
        assert_eq!(split(authors), expected, "{authors}");
    }

    #[test]
    fn names_stand_between_ands() {
        check(
            "Ada Lovelace and Babbage, Charles AND others",
            &["Ada Lovelace", "Charles Babbage"],
        );
        check(
            "van Beethoven, Ludwig and\n  King, Jr., Martin Luther and\tde la Cruz, Juana",
            &[
                "Ludwig van Beethoven",
                "Martin Luther King Jr.",
                "Juana de la Cruz",
            ],
        );
        check("Ludwig van Beethoven", &["Ludwig van Beethoven"]);
        check(
            "family=Hasselt, given=Ann, prefix=van",
            &["Ann van Hasselt"],
        );
        check("", &[]);
        check(
            "eLife Editors and 王 小明 and 王, 小明",
            &["eLife Editors", "王 小明", "小明 王"],
        );
    }

    #[test]
    fn braces_keep_a_name_together() {
        check(
            "{Barnes and Noble, Inc.} and {{World Health Organization}}",
            &["Barnes and Noble, Inc.", "World Health Organization"],
        );
        check(
            r#"{\v{S}}im{\'a}nek, {M}iroslav and G{\"o}del, Kurt and {\L}o\'s, J."#,
            &["Miroslav Šimánek", "Kurt Gödel", "J. Łoś"],
        );
    }

    #[test]
    fn lists_of_other_makes_are_read() {
        check(
            "Ada Lovelace, Charles Babbage, Mary Somerville",
            &["Ada Lovelace", "Charles Babbage", "Mary Somerville"],
        );
        check(
            "Somerville Mary Fairfax, Lovelace Ada",
            &["Somerville Mary Fairfax", "Lovelace Ada"],
        );
        check("Lovelace AK, Babbage C", &["Lovelace AK", "Babbage C"]);
        check(
            "Lovelace, Ada; Babbage, Charles",
            &["Ada Lovelace", "Charles Babbage"],
        );
        check("Lovelace, A., Babbage, C.", &["A. Lovelace", "C. Babbage"]);
        check(
            "Lovelace, Ada, Babbage, Charles",
            &["Ada Lovelace", "Charles Babbage"],
        );
        check(
            "A. Roe, B. Doe, C. Poe and D. Moe",
            &["A. Roe", "B. Doe", "C. Poe", "D. Moe"],
        );
        check(
            "Garc\u{ed}a M\u{e1}rquez, Gabriel",
            &["Gabriel García Márquez"],
        );
    }
}
