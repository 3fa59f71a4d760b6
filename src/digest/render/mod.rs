//! One digest in many forms, each a pure function of it.
//!
//! | form | file | for |
//! |---|---|---|
//! | text | `text.rs` | terminals, and the plain half of a mail |
//! | HTML | `html.rs` | browsers, the other half, and feeds |
//! | Markdown | `markdown.rs` | notes |
//! | JSON | `json.rs` | programs |
//! | RSS 2.0, Atom | `feed.rs` | feed readers |
//! | a letter | `mail.rs` | mail |
//!
//! Invariant: a title or an abstract is text in every form. Nothing in it becomes markup, an escape
//! sequence of a terminal, or a header line.

pub(super) mod feed;
pub(super) mod html;
pub(super) mod json;
pub(super) mod mail;
pub(super) mod markdown;
pub(super) mod text;

use super::{Brief, Entry};
use crate::paper::PartialDate;

pub use self::feed::{FeedFormat, feed};
pub use self::html::html;
pub use self::json::json;
pub use self::mail::mail;
pub use self::markdown::markdown;
pub use self::text::{Emphasis, entry_text, text};

/// Authors that are named; the rest are counted.
const AUTHORS_NAMED: usize = 4;

/// Authors and categories.
fn byline(authors: &[String], categories: &[String]) -> String {
    full_byline(authors, None, categories)
}

/// The first authors, the journal and the categories of a paper; what is missing is left out.
pub fn full_byline(authors: &[String], journal: Option<&str>, categories: &[String]) -> String {
    let named = authors.len().min(AUTHORS_NAMED);
    let mut names = authors[..named].join(", ");
    if authors.len() > named {
        names += &format!(" and {} more", authors.len() - named);
    }
    let journal = journal.unwrap_or_default().to_owned();
    let parts = [names, journal, crate::categories::joined(categories)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// The other follows that match a paper; empty if there are none.
fn also_in(entry: &Entry) -> String {
    if entry.also_in.is_empty() {
        String::new()
    } else {
        format!("also in: {}", entry.also_in.join(", "))
    }
}

/// The id, and its days: published and listed, which are not the same.
fn dates(paper: &Brief) -> String {
    let mut parts = vec![paper.id.to_string()];
    parts.extend(paper.date.map(|date| date.to_string()));
    let listed = paper
        .listed
        .filter(|listed| Some(PartialDate::from(*listed)) != paper.date);
    parts.extend(listed.map(|date| format!("listed {date}")));
    parts.join(" · ")
}
