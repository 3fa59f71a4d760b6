//! The record of a paper, and its passage.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::date::PartialDate;
use super::hash::{PartsHasher, TextHash, letters_of};
use super::id::PaperId;
use crate::name::family;

/// The form of the passage. Embeddings can only be compared if it is the same.
pub const PASSAGE_RECIPE: &str = "title. abstract";

/// The longest title that is made from a text.
const MAX_MADE_TITLE_CHARS: usize = 80;

/// A notice of withdrawal or retraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Its authors or its archive withdrew it; the text in place of the abstract says why.
    Withdrawn,
    /// The journal retracted it.
    Retracted,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Notice::Withdrawn => "withdrawn",
            Notice::Retracted => "retracted",
        })
    }
}

/// Title and abstract as in the dump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawText {
    /// The title.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
}

/// A record: what a dump says about one paper.
///
/// Text fields are clean: Unicode NFC, one line, no hard wraps. `abstract_text` may be empty;
/// `title` never is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Normal form of the id.
    pub id: PaperId,
    /// Other ids of the same paper, such as its DOI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<PaperId>,
    /// The version that this record describes, if the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The title, never empty.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
    /// Names of the authors, in the paper's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Category codes such as `cs.CL`, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it first appeared, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PartialDate>,
    /// When this version appeared, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<PartialDate>,
    /// The day of the first list that contained it; not a date of the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Date>,
    /// The authors' comment ("12 pages, accepted at …").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Where it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// The volume of the journal or the series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Number of upvotes, if the source counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upvotes: Option<u32>,
    /// Number of comments, if the source counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_comments: Option<u32>,
    /// Who submitted it to the list, if the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitter: Option<String>,
    /// Whether it was withdrawn or retracted, if the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The text before cleaning, if that changed more than white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawText>>,
}

/// Votes and comments, which change daily and are not part of the record's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes {
    /// As [`Paper::upvotes`].
    pub upvotes: Option<u32>,
    /// As [`Paper::n_comments`].
    pub n_comments: Option<u32>,
    /// As [`Paper::submitter`].
    pub submitter: Option<String>,
}

impl Paper {
    /// Its approximate size in memory, in bytes.
    pub fn n_bytes(&self) -> usize {
        let text = |text: &str| size_of::<String>() + text.len();
        let ids = std::iter::once(&self.id).chain(&self.aliases);
        let ids: usize = ids.map(|id| text(id.as_str())).sum();
        let listed = self.authors.iter().chain(&self.categories);
        let listed: usize = listed.map(|one| text(one)).sum();
        let notes = [&self.comment, &self.journal, &self.volume, &self.submitter];
        let notes: usize = notes.into_iter().flatten().map(String::len).sum();
        let raw = self.raw.as_ref();
        let raw = raw.map_or(0, |raw| raw.title.len() + raw.abstract_text.len());
        let texts = self.title.len() + self.abstract_text.len();
        size_of::<Paper>() + ids + listed + notes + raw + texts
    }

    /// The votes, if the record has any.
    pub fn votes(&self) -> Option<Votes> {
        let votes = Votes {
            upvotes: self.upvotes,
            n_comments: self.n_comments,
            submitter: self.submitter.clone(),
        };
        (votes != Votes::default()).then_some(votes)
    }

    /// Takes over the votes that a later record has. Returns whether that changed any.
    pub fn take_votes(&mut self, later: &Votes) -> bool {
        let before = self.votes();
        self.upvotes = later.upvotes.or(self.upvotes);
        self.n_comments = later.n_comments.or(self.n_comments);
        if later.submitter.is_some() {
            self.submitter.clone_from(&later.submitter);
        }
        self.votes() != before
    }

    /// A paper with only an id, a title and an abstract.
    pub fn new(id: PaperId, title: impl Into<String>, abstract_text: impl Into<String>) -> Paper {
        Paper {
            id,
            aliases: Vec::new(),
            version: None,
            title: title.into(),
            abstract_text: abstract_text.into(),
            authors: Vec::new(),
            categories: Vec::new(),
            published: None,
            updated: None,
            listed: None,
            comment: None,
            journal: None,
            volume: None,
            upvotes: None,
            n_comments: None,
            submitter: None,
            notice: None,
            raw: None,
        }
    }

    /// A text without a title: its first words become the title.
    pub fn untitled(id: PaperId, text: impl Into<String>) -> Paper {
        let text = text.into();
        let title = start_of(&text).to_owned();
        Paper::new(id, title, text)
    }

    /// Whether the title is the beginning of the text, as [`Paper::untitled`] makes it.
    pub fn is_untitled(&self) -> bool {
        !self.abstract_text.is_empty() && self.title == start_of(&self.abstract_text)
    }

    /// The text that is embedded: title and abstract, or the title alone without an abstract.
    ///
    /// A title that already ends a sentence gets no second full stop. A title made from the text
    /// ([`Paper::untitled`]) is not repeated.
    pub fn passage(&self) -> String {
        if self.abstract_text.is_empty() {
            return self.title.clone();
        }
        if self.is_untitled() {
            return self.abstract_text.clone();
        }
        let stop = if self.title.ends_with(['.', '?', '!']) {
            " "
        } else {
            ". "
        };
        [&self.title, stop, &self.abstract_text].concat()
    }

    /// The address of the paper's page, by the first of its ids that has one.
    pub fn address(&self) -> Option<String> {
        let ids = std::iter::once(&self.id).chain(&self.aliases);
        ids.into_iter().find_map(PaperId::address)
    }

    /// The address of the paper's PDF, by the first of its ids that has one.
    pub fn pdf_address(&self) -> Option<String> {
        let ids = std::iter::once(&self.id).chain(&self.aliases);
        ids.into_iter().find_map(PaperId::pdf_address)
    }

    /// The hash of title and abstract; an embedding is reused while it stays the same.
    pub fn text_hash(&self) -> TextHash {
        let mut hasher = PartsHasher::default();
        hasher.part(self.title.as_bytes());
        hasher.part(self.abstract_text.as_bytes());
        hasher.finish()
    }

    /// The hash of the record's content. It leaves out what changes daily (list, submitter, votes,
    /// comments) and the raw text.
    pub fn record_hash(&self) -> TextHash {
        let mut hasher = PartsHasher::default();
        for text in [self.id.as_str(), &self.title, &self.abstract_text] {
            hasher.part(text.as_bytes());
        }
        hasher.texts(self.aliases.iter().map(PaperId::as_str));
        hasher.texts(self.authors.iter().map(String::as_str));
        hasher.texts(self.categories.iter().map(String::as_str));
        hasher.texts(self.comment.as_deref());
        hasher.texts(self.journal.as_deref());
        for date in [self.published, self.updated] {
            hasher.texts(date.map(|date| date.to_string()).as_deref());
        }
        hasher.texts(self.version.map(|version| version.to_string()).as_deref());
        hasher.texts(self.notice.map(|notice| notice.to_string()).as_deref());
        // Records without one are told by what they were told by before there was any.
        if let Some(volume) = &self.volume {
            hasher.part(volume.as_bytes());
        }
        hasher.finish()
    }

    /// The date for filters and lists, as far as it is known: publication, else update, else
    /// listing.
    pub fn date(&self) -> Option<PartialDate> {
        let listed = || self.listed.map(PartialDate::from);
        self.published.or(self.updated).or_else(listed)
    }

    /// Whether this record describes an earlier state of the paper than `other`, by versions or
    /// dates.
    pub fn is_older_than(&self, other: &Paper) -> bool {
        match (self.version, other.version) {
            (Some(ours), Some(theirs)) if ours != theirs => ours < theirs,
            _ => match (self.updated, other.updated) {
                (Some(ours), Some(theirs)) => ours < theirs,
                _ => false,
            },
        }
    }

    /// Joins two records of a paper: fields come from `newer`, and from this record where `newer`
    /// has none. The listing is the earlier of the two.
    #[must_use]
    pub fn superseded_by(self, newer: Paper) -> Paper {
        let mut aliases = newer.aliases;
        for alias in self.aliases {
            if !aliases.contains(&alias) {
                aliases.push(alias);
            }
        }
        Paper {
            id: newer.id,
            aliases,
            version: newer.version.or(self.version),
            title: newer.title,
            abstract_text: or_if_empty(newer.abstract_text, self.abstract_text),
            authors: or_if_empty(newer.authors, self.authors),
            categories: or_if_empty(newer.categories, self.categories),
            published: newer.published.or(self.published),
            updated: newer.updated.or(self.updated),
            listed: self.listed.into_iter().chain(newer.listed).min(),
            comment: newer.comment.or(self.comment),
            journal: newer.journal.or(self.journal),
            volume: newer.volume.or(self.volume),
            upvotes: newer.upvotes.or(self.upvotes),
            n_comments: newer.n_comments.or(self.n_comments),
            submitter: newer.submitter.or(self.submitter),
            notice: newer.notice.or(self.notice),
            raw: newer.raw,
        }
    }
}

impl PaperId {
    /// Makes a stable id from a record's title, first author's family name, year, volume and
    /// journal.
    pub fn made_of(paper: &Paper) -> PaperId {
        let mut parts = vec![letters_of(&paper.title)];
        parts.extend(paper.authors.first().map(|name| family(name)));
        let year = paper.date().map(|date| date.year().to_string());
        let journal = paper.journal.as_deref().map(letters_of);
        let volume = paper.volume.as_deref().map(letters_of);
        for (name, part) in [("year", year), ("volume", volume), ("journal", journal)] {
            parts.extend(part.map(|part| format!("{name} {part}")));
        }
        PaperId::made(&parts.join("\n"))
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

fn or_if_empty<T: Default + PartialEq>(first: T, second: T) -> T {
    if first == T::default() { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_has_one_full_stop_after_the_title() {
        let id = PaperId::from_title("x");
        let passage = |title, text| Paper::new(id.clone(), title, text).passage();
        assert_eq!(passage("On X", "We show."), "On X. We show.");
        assert_eq!(passage("What is X?", "We ask."), "What is X? We ask.");
        assert_eq!(passage("On X", ""), "On X");
    }

    #[test]
    fn a_text_without_a_title_is_a_passage_as_it_stands() {
        let text = "We show. ".repeat(20);
        for text in ["We show.", text.trim_end()] {
            let paper = Paper::untitled(PaperId::from_title("x"), text);
            assert_eq!(paper.passage(), text);
            assert!(!paper.title.is_empty() && paper.title.len() <= MAX_MADE_TITLE_CHARS);
        }
    }

    #[test]
    fn a_made_title_ends_with_a_word() {
        let check = |text: &str, expected: &str| assert_eq!(start_of(text), expected);
        check("short", "short");
        check(&"word ".repeat(30), "word ".repeat(16).trim_end());
        check(&"words ".repeat(30), "words ".repeat(13).trim_end());
        check(&"é".repeat(100), &"é".repeat(80));
    }

    #[test]
    fn the_text_hash_tells_title_from_abstract() {
        let id = PaperId::from_title("x");
        let hash = |title, text| Paper::new(id.clone(), title, text).text_hash();
        assert_eq!(hash("a", "b"), hash("a", "b"));
        assert_ne!(hash("a b", "c"), hash("a", "b c"));
    }

    #[test]
    fn the_record_hash_tells_what_a_record_says() {
        let id = PaperId::from_title("x");
        let paper = Paper::new(id, "On X", "We show.");
        let same = |change: &dyn Fn(&mut Paper)| {
            let mut other = paper.clone();
            change(&mut other);
            other.record_hash() == paper.record_hash()
        };
        assert!(same(&|paper| paper.upvotes = Some(7)));
        assert!(same(
            &|paper| paper.listed = Some(Date::constant(2024, 5, 17))
        ));
        assert!(!same(&|paper| paper.authors = vec!["Ada".into()]));
        assert!(!same(&|paper| paper.categories = vec!["Ada".into()]));
        assert!(!same(&|paper| paper.version = Some(2)));
        assert!(!same(
            &|paper| paper.updated = Some(Date::constant(2024, 5, 17).into())
        ));
        assert!(!same(&|paper| paper.notice = Some(Notice::Withdrawn)));
    }

    #[test]
    fn a_newer_record_keeps_what_only_the_older_one_says() {
        let mut older = Paper::new(PaperId::from_title("x"), "Old title", "Old abstract");
        older.authors = vec!["A. Author".into()];
        older.upvotes = Some(3);
        let newer = Paper::new(older.id.clone(), "New title", "");
        let joined = older.superseded_by(newer);
        assert_eq!(joined.title, "New title");
        assert_eq!(joined.abstract_text, "Old abstract");
        assert_eq!(joined.authors, ["A. Author"]);
        assert_eq!(joined.upvotes, Some(3));
    }
}
