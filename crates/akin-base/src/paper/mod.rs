//! One paper: its id in normal form, what is known about it, and the text that is embedded.
//!
//! In: what a dump's reader found. Out: [`Paper`], [`PaperId`], the passage text and its
//! [`TextHash`].
//!
//! Invariants: every spelling of one id parses to one [`PaperId`]; the same title and abstract
//! give the same [`TextHash`] on every machine.

mod collection;
mod id;
mod spelling;

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use self::collection::{Authority, Collection};
pub use self::spelling::without_end;

pub use self::id::{IdKind, PaperId, arxiv_version, collection_name, show_ids};

use crate::hex::hex;

/// What of a paper is embedded, in words: part of what two embeddings must have in common.
pub const PASSAGE_RECIPE: &str = "title. abstract";

/// The longest title that is made from a text.
const MAX_MADE_TITLE_CHARS: usize = 80;

/// What a source says of a paper's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Its authors or its archive took it back; what stands in place of the abstract says why.
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

/// Title and abstract as they stood in the dump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawText {
    /// The title.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
}

/// One record: what a dump says about one paper.
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
    /// The version this record describes, where the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The title, never empty.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
    /// Names in the order of the paper.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Category codes such as `cs.CL`, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it first appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Date>,
    /// When this version appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Date>,
    /// The first day in whose list it stood: a list's date is not the paper's.
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
    /// The community's votes, where the source counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upvotes: Option<u32>,
    /// How often it was commented on, where the source counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_comments: Option<u32>,
    /// Who put it on the list, where the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitter: Option<String>,
    /// Whether it was withdrawn or retracted, where the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The text before it was cleaned, where cleaning changed more than white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawText>>,
}

/// What a community says of a paper, and another thing every day: no part of what the record says.
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
    /// What its texts come to in memory, nearly.
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

    /// The votes of a record that has any.
    pub fn votes(&self) -> Option<Votes> {
        let votes = Votes {
            upvotes: self.upvotes,
            n_comments: self.n_comments,
            submitter: self.submitter.clone(),
        };
        (votes != Votes::default()).then_some(votes)
    }

    /// Takes the votes of a later record, as far as it has them, and says whether that changed any.
    pub fn take_votes(&mut self, later: &Votes) -> bool {
        let before = self.votes();
        self.upvotes = later.upvotes.or(self.upvotes);
        self.n_comments = later.n_comments.or(self.n_comments);
        if later.submitter.is_some() {
            self.submitter.clone_from(&later.submitter);
        }
        self.votes() != before
    }

    /// A paper with an id, a title and an abstract, and nothing else known.
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

    /// A text that has no title: its first words become one.
    pub fn untitled(id: PaperId, text: impl Into<String>) -> Paper {
        let text = text.into();
        let title = start_of(&text).to_owned();
        Paper::new(id, title, text)
    }

    /// Whether the title is the beginning of the text, as [`Paper::untitled`] makes it.
    pub fn is_untitled(&self) -> bool {
        !self.abstract_text.is_empty() && self.title == start_of(&self.abstract_text)
    }

    /// The text that is embedded, as [`PASSAGE_RECIPE`] says, or the one of the two that is there.
    ///
    /// A title that already ends a sentence gets no second full stop; one that was made from the
    /// text ([`Paper::untitled`]) is not said twice.
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

    /// The page to read the paper at, by the first of its ids that has one.
    pub fn address(&self) -> Option<String> {
        let ids = std::iter::once(&self.id).chain(&self.aliases);
        ids.into_iter().find_map(PaperId::address)
    }

    /// The fingerprint of title and abstract: an embedding is reused as long as it is the same.
    pub fn text_hash(&self) -> TextHash {
        let mut hasher = PartsHasher::default();
        hasher.part(self.title.as_bytes());
        hasher.part(self.abstract_text.as_bytes());
        hasher.finish()
    }

    /// The fingerprint of what the record says, but for the list it stood in with its submitter, its
    /// votes and its comments, which change from day to day, and for how its text stood in the dump.
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

    /// The date that filters and lists go by: publication, else update, else listing.
    pub fn date(&self) -> Option<Date> {
        self.published.or(self.updated).or(self.listed)
    }

    /// Whether this record is of an earlier state of the paper than `other`, as far as the
    /// versions or the dates of the two tell.
    pub fn is_older_than(&self, other: &Paper) -> bool {
        match (self.version, other.version) {
            (Some(ours), Some(theirs)) if ours != theirs => ours < theirs,
            _ => match (self.updated, other.updated) {
                (Some(ours), Some(theirs)) => ours < theirs,
                _ => false,
            },
        }
    }

    /// Joins two records of this paper: `newer` speaks where it says something, this one where
    /// `newer` is silent; the listing is the earlier of the two.
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

/// 16 bytes of blake3 over text: equal for equal text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextHash(pub [u8; 16]);

/// Hashes parts with their lengths, so that moving text from one part to the next shows.
#[derive(Default)]
struct PartsHasher(blake3::Hasher);

impl PartsHasher {
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A list, empty for a text that is not there.
    fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        let mut n_texts = 0_u64;
        for text in texts {
            self.part(text.as_bytes());
            n_texts += 1;
        }
        self.0.update(&n_texts.to_le_bytes());
    }

    fn finish(&self) -> TextHash {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        TextHash(short)
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number that titles have in common if they differ in nothing but case, spacing and
/// punctuation; two others have it in common once in 2^64.
pub fn title_key(title: &str) -> i64 {
    let hash = blake3::hash(letters_of(title).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

/// Letters and digits of a text, lower case.
pub fn letters_of(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    if text.is_ascii() {
        let of_ascii = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.extend(of_ascii.map(|b| char::from(b.to_ascii_lowercase())));
    } else {
        let of_any = text.chars().filter(|c| c.is_alphanumeric());
        letters.extend(of_any.flat_map(char::to_lowercase));
    }
    letters
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
            &|paper| paper.updated = Some(Date::constant(2024, 5, 17))
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
