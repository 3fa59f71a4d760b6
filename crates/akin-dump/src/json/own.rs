//! The lines of `akin export --format json`: papers with all their fields.
//!
//! In: an object whose first field is `akin`. Out: the paper, its texts taken as they are: they were
//! cleaned before they were written. An object with other texts is read as any user's record
//! (`plain.rs`), and so is one that lacks a field.

use akin_base::paper::{Paper, PaperId};
use unicode_normalization::is_nfc;

use crate::ignored::Notes;
use crate::record::{Item, Record};

/// How such a line begins.
const START: &str = "{\"akin\":";

/// Reads a line, if it is one.
pub(super) fn read(json: &str) -> Option<Item> {
    if !json.starts_with(START) {
        return None;
    }
    let mut paper: Paper = serde_json::from_str(json).ok()?;
    if paper.title.is_empty() || !texts(&paper).all(is_clean) {
        return None;
    }
    for id in std::iter::once(&mut paper.id).chain(&mut paper.aliases) {
        *id = PaperId::parse(id.as_str())?;
    }
    Some(Record::new(paper, None, Notes::default()).into())
}

/// The texts of a paper that are clean in a library.
fn texts(paper: &Paper) -> impl Iterator<Item = &str> {
    let notes = [
        &paper.comment,
        &paper.journal,
        &paper.volume,
        &paper.submitter,
    ];
    [&paper.title, &paper.abstract_text]
        .into_iter()
        .chain(&paper.authors)
        .chain(&paper.categories)
        .chain(notes.into_iter().flatten())
        .map(String::as_str)
}

/// Whether a text is one line of Unicode NFC, without control characters and needless spaces.
fn is_clean(text: &str) -> bool {
    text.trim() == text
        && !text.contains("  ")
        && !text.chars().any(char::is_control)
        && is_nfc(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(json: &str) -> Option<Paper> {
        read(json).and_then(Item::into_paper)
    }

    #[test]
    fn a_line_is_taken_as_it_is() {
        let json =
            r#"{"akin":1,"id":"2503.11731","title":"On &lt; and <b>","abstract":"","upvotes":3}"#;
        let paper = paper(json).expect("a paper");
        assert_eq!(paper.title, "On &lt; and <b>");
        assert_eq!(paper.upvotes, Some(3));
    }

    #[test]
    fn what_is_no_such_line_is_read_as_any_record() {
        for json in [
            r#"{"id":"a","title":"x","abstract":""}"#,
            r#"{"akin":1,"id":"a","title":"","abstract":""}"#,
            r#"{"akin":1,"id":"a","title":"x"}"#,
            r#"{"akin":1,"id":"a","title":"x\ny","abstract":""}"#,
            r#"{"akin":1,"id":"a\u0000","title":"x","abstract":""}"#,
        ] {
            assert_eq!(paper(json), None, "{json}");
        }
    }
}
