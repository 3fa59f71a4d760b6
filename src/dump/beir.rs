//! `corpus.jsonl` of a BEIR folder: `_id`, `title`, `text`, and `metadata`, which is not read.
//!
//! Ids are kept as they stand, up to the normal form of arXiv ids and DOIs. A document without a
//! title is legal there: the start of its text becomes its title.

use serde::Deserialize;

use super::Reason;
use super::clean::clean;
use super::field::Field;
use super::record::{Context, Fault, blame, verbatim_id};
use crate::paper::Paper;

/// The longest title that is made from a text.
const MAX_MADE_TITLE_CHARS: usize = 80;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default, rename = "_id")]
    id: Field<'a>,
    #[serde(borrow, default)]
    title: Field<'a>,
    #[serde(borrow, default)]
    text: Field<'a>,
}

/// Reads one line of a corpus.
pub(super) fn read(line: &str, _: &Context) -> Result<Paper, Fault> {
    let record: Record<'_> = serde_json::from_str(line)?;
    convert(&record).map_err(blame(&record.id))
}

fn convert(record: &Record<'_>) -> Result<Paper, Reason> {
    let id = verbatim_id(&record.id)?;
    let title = clean(record.title.required("title")?);
    let text = clean(record.text.required("text")?);
    match (title.is_empty(), text.is_empty()) {
        (true, true) => Err(Reason::Empty),
        (true, false) => Ok(Paper::new(id, start_of(&text).to_owned(), text)),
        _ => Ok(Paper::new(id, title, text)),
    }
}

/// The first words of a text.
fn start_of(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(MAX_MADE_TITLE_CHARS) else {
        return text;
    };
    let cut = &text[..end];
    let at_word = text[end..].starts_with(' ');
    match cut.rfind(' ') {
        Some(space) if !at_word => &cut[..space],
        _ => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_title_ends_with_a_word() {
        let check = |text: &str, expected: &str| assert_eq!(start_of(text), expected);
        check("short", "short");
        check(&"word ".repeat(30), "word ".repeat(16).trim_end());
        check(&"words ".repeat(30), "words ".repeat(13).trim_end());
        check(&"é".repeat(100), &"é".repeat(80));
    }
}
