//! What the record readers share: the reader's type, its result, ids, titles and small conversions.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use akin_base::paper::{IdKind, Notice, Paper, PaperId, PartialDate, RawText};
use jiff::civil::Date;

use crate::field::ScalarField;
use crate::ignored::{Ignored, Notes, Part};
use crate::reject::Rejection;
use crate::text::clean::{clean, clean_abstract};
use crate::text::whole_number::id_of_kind;
use crate::text::withdrawn::{comment_says_withdrawn, says_withdrawn};
use crate::text::{arxiv_number, dates};

/// What is known about a whole dump but is in none of its records.
#[derive(Debug, Clone, Default)]
pub(crate) struct DumpContext {
    /// The day of the list, from the file's name or from around the records.
    pub(crate) listed: Option<Date>,
    /// The year for a day that the dump gives without one.
    pub(crate) year: Option<i16>,
    /// The surroundings that matter to a record: the start tags of the enclosing XML elements and
    /// their `meta`, or the preceding `@string` entries. Empty for most formats.
    pub(crate) around: String,
    /// The names that the user set for fields of JSON records, as in
    /// [`ReadOptions::columns`](crate::ReadOptions::columns).
    pub(crate) renamed: Arc<[(String, String)]>,
    /// No record has a title: there are only ids and texts.
    pub(crate) is_untitled: bool,
    /// Number of bytes that their surroundings have added to the records so far, less what their
    /// own size allows.
    pub(crate) n_added: Arc<AtomicI64>,
}

/// Why a record is not a paper, with its id if it has one.
#[derive(Debug, PartialEq)]
pub(crate) struct RecordError {
    pub(crate) id: Option<String>,
    pub(crate) reason: Rejection,
}

impl From<Rejection> for RecordError {
    fn from(reason: Rejection) -> RecordError {
        RecordError { id: None, reason }
    }
}

impl From<serde_json::Error> for RecordError {
    fn from(error: serde_json::Error) -> RecordError {
        let message = error.to_string().replace("line 1 column", "column");
        RecordError::from(Rejection::NotJson { message })
    }
}

/// One item of a dump.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A paper.
    Paper(Box<Record>),
    /// The source says that it no longer has this paper.
    Deletion(PaperId),
    /// The abstract of a paper whose other fields are in another dump.
    Abstract {
        /// Whose it is.
        id: PaperId,
        /// The abstract, clean.
        text: String,
    },
}

impl Item {
    /// The paper, if it is one.
    pub fn into_paper(self) -> Option<Paper> {
        match self {
            Item::Paper(record) => Some(record.paper),
            _ => None,
        }
    }

    /// Approximate size of its texts in memory.
    pub fn n_bytes(&self) -> usize {
        match self {
            Item::Paper(record) => record.paper.n_bytes() + record.given_id.len(),
            Item::Deletion(id) => id.as_str().len(),
            Item::Abstract { id, text } => id.as_str().len() + text.len(),
        }
    }
}

impl Item {
    /// The item with local ids turned into ids of a collection. If it has no id, it gets one made
    /// from its content.
    pub(crate) fn within(self, collection: &str) -> Item {
        match self {
            Item::Paper(mut record) => {
                record.settle_ids(collection);
                Item::Paper(record)
            }
            Item::Deletion(id) => Item::Deletion(id.within(collection)),
            Item::Abstract { id, text } => Item::Abstract {
                id: id.within(collection),
                text,
            },
        }
    }
}

impl From<Record> for Item {
    fn from(record: Record) -> Item {
        Item::Paper(Box::new(record))
    }
}

/// One record of a dump that is a paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The paper, under the normal form of its id.
    pub paper: Paper,
    /// The id as the record spells it, a number in digits; the paper's own if the record has none.
    pub given_id: String,
    /// What the record has but the paper leaves out; nearly always empty.
    pub ignored: Vec<Ignored>,
}

impl Record {
    pub(crate) fn new(mut paper: Paper, given_id: Option<String>, notes: Notes) -> Record {
        let given_id = given_id.unwrap_or_else(|| paper.id.to_string());
        let comment = paper.comment.as_deref().unwrap_or_default();
        let is_withdrawn = says_withdrawn(&paper.abstract_text) || comment_says_withdrawn(comment);
        paper.notice = paper.notice.or(is_withdrawn.then_some(Notice::Withdrawn));
        paper.aliases = other_names(&paper.id, paper.aliases);
        Record {
            paper,
            given_id,
            ignored: notes.0,
        }
    }

    fn settle_ids(&mut self, collection: &str) {
        let paper = &mut self.paper;
        if paper.id.is_made() {
            let made = PaperId::made_of(paper);
            if self.given_id == paper.id.as_str() {
                self.given_id = made.to_string();
            }
            paper.id = made;
        }
        for id in std::iter::once(&mut paper.id).chain(&mut paper.aliases) {
            let given = std::mem::replace(id, PaperId::from_stored(""));
            *id = given.within(collection);
        }
        let id = &paper.id;
        paper.aliases.retain(|alias| alias != id);
    }
}

/// A reader of one record in one format.
pub(crate) type ReadRecord = fn(&str, &DumpContext) -> Result<Item, RecordError>;

/// The id of a record of arXiv: numbers are mended, see `arxiv_number.rs`.
pub(crate) fn arxiv_id(field: &ScalarField<'_>) -> Result<PaperId, Rejection> {
    if let Some(repaired) = field.spelling().and_then(arxiv_number::repair) {
        return usable_id(&repaired);
    }
    verbatim_id(field)
}

/// The id of a record, verbatim.
pub(crate) fn verbatim_id(field: &ScalarField<'_>) -> Result<PaperId, Rejection> {
    match field {
        ScalarField::Other(found) => Err(Rejection::WrongType { field: "id", found }),
        other => usable_id(other.spelling().unwrap_or("")),
    }
}

fn usable_id(spelling: &str) -> Result<PaperId, Rejection> {
    match PaperId::parse(spelling) {
        Some(id) => Ok(id),
        None if spelling.trim().is_empty() => Err(Rejection::NoId),
        None => Err(Rejection::UnusableId),
    }
}

/// A paper with its title and its abstract cleaned. What an abstract cannot be is noted.
pub(crate) fn paper(
    id: PaperId,
    title: &ScalarField<'_>,
    text: &ScalarField<'_>,
    notes: &mut Notes,
) -> Result<Paper, Rejection> {
    let text = text.prose_or_note(Part::Abstract, notes).unwrap_or("");
    cleaned(id, title.required("title")?, text)
}

/// A paper from a title and an abstract as the dump has them. The original text is kept if cleaning
/// changed more than white space.
pub(crate) fn cleaned(id: PaperId, title: &str, text: &str) -> Result<Paper, Rejection> {
    let raw = (title, text);
    let title = clean(title);
    if title.is_empty() {
        return Err(Rejection::NoTitle);
    }
    let text = clean_abstract(text);
    let is_as_it_was = same_words(raw.0, &title) && same_words(raw.1, &text);
    let mut paper = Paper::new(id, title, text);
    paper.raw = (!is_as_it_was).then(|| {
        Box::new(RawText {
            title: raw.0.to_owned(),
            abstract_text: raw.1.to_owned(),
        })
    });
    Ok(paper)
}

/// Whether two texts differ in white space only.
fn same_words(raw: &str, clean: &str) -> bool {
    raw == clean
        || raw
            .split_ascii_whitespace()
            .eq(clean.split(' ').filter(|word| !word.is_empty()))
}

/// What a reader found in one record, verbatim; [`RawRecord::item`] cleans it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawRecord<'a> {
    /// The paper's ids, the source's own first; made from title and authors if there is none.
    pub(crate) ids: Vec<PaperId>,
    /// The source's own id as the record spells it.
    pub(crate) given_id: Option<String>,
    /// The title with its markup.
    pub(crate) title: Cow<'a, str>,
    /// The abstract with its markup, or empty.
    pub(crate) text: Cow<'a, str>,
    /// Names in reading order ("Ada Lovelace"), clean: see `names.rs`.
    pub(crate) authors: Vec<String>,
    /// Categories, subjects, keywords of a controlled list.
    pub(crate) categories: Vec<String>,
    pub(crate) published: Option<PartialDate>,
    pub(crate) updated: Option<PartialDate>,
    pub(crate) listed: Option<Date>,
    /// Verbatim; cleaned later.
    pub(crate) journal: Option<Cow<'a, str>>,
    /// Verbatim; cleaned later.
    pub(crate) comment: Option<Cow<'a, str>>,
    /// Verbatim; cleaned later.
    pub(crate) volume: Option<Cow<'a, str>>,
    pub(crate) version: Option<u32>,
    /// The paper's status according to the source.
    pub(crate) notice: Option<Notice>,
    /// What is left out.
    pub(crate) notes: Notes,
}

impl<'a> RawRecord<'a> {
    /// Adds an id of a known kind, if `value` is one.
    pub(crate) fn add_id(&mut self, kind: IdKind, value: &str) {
        self.push_id(id_of_kind(kind, value));
    }

    /// Adds an id of a known kind from the field for such ids, and notes an invalid value.
    pub(crate) fn add_due_id(&mut self, kind: IdKind, value: &str) {
        let id = id_of_kind(kind, value);
        let id = self.notes.unless(id, Part::of_id(kind), Some(value));
        self.push_id(id);
    }

    /// Adds an id of any kind, whose spelling shows it.
    pub(crate) fn add_spelling(&mut self, spelling: &str) {
        self.push_id(PaperId::parse(spelling));
    }

    /// A date that was read, and a note of what the fields hold instead or besides.
    pub(crate) fn dated<'b>(
        &mut self,
        date: Option<PartialDate>,
        written: impl IntoIterator<Item = &'b str>,
    ) -> Option<PartialDate> {
        self.notes.unless_dated(date, written)
    }

    fn push_id(&mut self, id: Option<PaperId>) {
        // Duplicates are dropped at the end.
        self.ids.extend(id);
    }

    /// The resulting item.
    ///
    /// # Errors
    /// A [`RecordError`] if there is no title.
    pub(crate) fn item(mut self) -> Result<Item, RecordError> {
        let given_id = self.given_id.clone();
        let notes = std::mem::take(&mut self.notes);
        match self.paper() {
            Ok(paper) => Ok(Record::new(paper, given_id, notes).into()),
            Err(reason) => Err(RecordError {
                id: given_id,
                reason,
            }),
        }
    }

    fn paper(self) -> Result<Paper, Rejection> {
        let mut ids = self.ids.into_iter();
        let own = || PaperId::of_own(self.given_id.as_deref()?);
        let id = ids.next().or_else(own);
        let made = || PaperId::from_title(&self.title);
        let mut paper = cleaned(id.unwrap_or_else(made), &self.title, &self.text)?;
        paper.aliases = ids.collect();
        let text = |text: Option<Cow<'_, str>>| {
            let text = clean(text.as_deref()?).into_owned();
            (!text.is_empty()).then_some(text)
        };
        paper.version = self.version;
        paper.categories = distinct(self.categories);
        paper.authors = self.authors;
        paper.published = self.published;
        paper.updated = self.updated;
        paper.listed = self.listed;
        paper.journal = text(self.journal);
        paper.comment = text(self.comment);
        paper.volume = text(self.volume);
        paper.notice = self.notice.or(paper.notice);
        Ok(paper)
    }
}

/// Texts, clean, each once, in their order.
fn distinct(texts: Vec<String>) -> Vec<String> {
    let mut met = HashSet::with_capacity(texts.len());
    let clean = texts.iter().map(|text| clean(text).into_owned());
    let mut kept: Vec<String> = clean.filter(|text| !text.is_empty()).collect();
    kept.retain(|text| met.insert(text.clone()));
    kept
}

/// A paper's ids other than its own, each once, in their order.
fn other_names(own: &PaperId, mut aliases: Vec<PaperId>) -> Vec<PaperId> {
    aliases.retain(|alias| alias != own);
    if aliases.len() > 1 {
        let mut met = HashSet::with_capacity(aliases.len());
        aliases.retain(|alias| met.insert(alias.clone()));
    }
    aliases
}

/// A field's text, cleaned; `None` if nothing is left. What it cannot be is noted.
pub(crate) fn optional(field: &ScalarField<'_>, part: Part, notes: &mut Notes) -> Option<String> {
    let text = clean(field.prose_or_note(part, notes)?);
    (!text.is_empty()).then(|| text.into_owned())
}

/// The date in a field; what is invalid of it is noted.
pub(crate) fn day(field: &ScalarField<'_>, notes: &mut Notes) -> Option<PartialDate> {
    let date = field.spelling().and_then(dates::day);
    notes.unless_dated(date, field.shown())
}

/// The DOI of a record, if it differs from its id; anything that is not an id is noted.
pub(crate) fn add_alias(paper: &mut Paper, spelling: &str, notes: &mut Notes) {
    let alias = id_of_kind(IdKind::Doi, spelling);
    let alias = notes.unless(alias, Part::Doi, Some(spelling));
    // Duplicates are dropped when the record is made.
    paper.aliases.extend(alias);
}

/// Adds the record's id, as spelt, to its result.
pub(crate) fn with_id(
    id: &ScalarField<'_>,
    notes: Notes,
    outcome: Result<Paper, Rejection>,
) -> Result<Item, RecordError> {
    let id = id.spelling().map(str::to_owned);
    match outcome {
        Ok(paper) => Ok(Record::new(paper, id, notes).into()),
        Err(reason) => Err(RecordError { id, reason }),
    }
}
