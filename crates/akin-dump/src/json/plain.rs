//! The user's own records: JSON objects with a title and, under any of the usual names, the other
//! fields. An object with only an id and a `text` is also read. If no record of a dump has a title,
//! an `abstract` or a `summary` is such a text too.
//!
//! Field names are compared without case, `_`, `-` and the like. The first of these that says something wins:
//!
//! | of a paper | field |
//! |---|---|
//! | id | `id` (or `_id`), `paper_id`, `cord_uid`, `openalex_id`, `eid`, `arxiv_id`, `doi`, `corpus_id`, `doc_id`, `uid`, `pmid`, `pmcid`, …. Without one: its name in a map of records, else made from the title |
//! | aliases | every other field with an id of a known kind, `externalIds`, `url` of arXiv or a DOI |
//! | title | `title`, `article_title`, `document_title` |
//! | abstract | `abstract`, `abstract_note`, `summary`, `text`, `description` |
//! | authors | `author_full_names`, `authors`, `author`, `author_names`, `creators`: names, objects with names, or one string (`text/names.rs`) |
//! | categories | `categories`, `category`, `subjects`, `fields_of_study`, `index_keywords`, `mesh_terms` |
//! | published | `published`, `published_at`, `publish_time`, `publication_date`, `date`, `created`, `year` |
//! | updated | `updated`, `updated_at`, `update_date`, `last_modified` |
//! | journal, comment | `journal`, `journal_ref`, `source_title`, `publication_title`, `venue`; `comment`, `comments` |
//!
//! Lines that `akin export` wrote are taken as they are (`own.rs`).
//!
//! A number in an id field is an id. One that can only be an arXiv id is repaired
//! (`text/arxiv_number.rs`), and a float is turned back into a whole number
//! (`text/whole_number.rs`). A text may be a list of texts (`text/prose.rs`).

use std::borrow::Cow;

use akin_base::categories::is_code;
use akin_base::paper::{Paper, PaperId, PartialDate};
use serde_json::{Map, Value};

use super::keys::{IDS, PLAIN_TEXT, PLAIN_TEXTS, TEXTS, TITLES, plain_key};
use super::object::JsonObject;
use super::own;
use crate::format::{FormatReader, JsonSpec, Spec};
use crate::ignored::{Notes, Part};
use crate::record::{DumpContext, Item, Record, RecordError, cleaned};
use crate::reject::Rejection;
use crate::text::clean::clean;
use crate::text::{dates, names, prose, whole_number};

/// Records with a title, or with an id and a text.
pub(crate) const SPEC: Spec = Spec {
    name: "json",
    title: "JSON records",
    feed: None,
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

fn is_record(object: &JsonObject<'_>) -> bool {
    object.has_any(&TITLES) || (object.has_any(&IDS) && object.has_plain_text())
}

/// The field of names with the family name first.
const FULL_NAMES: &str = "authorfullnames";
const AUTHORS: [&str; 7] = [
    FULL_NAMES,
    "authors",
    "author",
    "authornames",
    "firstauthors",
    "creators",
    "creator",
];
const CATEGORIES: [&str; 8] = [
    "categories",
    "category",
    "subjects",
    "fieldsofstudy",
    "indexkeywords",
    "meshterms",
    "emtreemedicalindextermsmajorfocus",
    "woscategories",
];
const PUBLISHED: [&str; 13] = [
    "published",
    "publishedat",
    "publisheddate",
    "publishtime",
    "publicationdate",
    "dateofpublication",
    "coverdate",
    "date",
    "created",
    "year",
    "publicationyear",
    "pubyear",
    "createdate",
];
const JOURNALS: [&str; 8] = [
    "journal",
    "journalref",
    "sourcetitle",
    "publicationtitle",
    "journaltitle",
    "journalbook",
    "journalname",
    "venue",
];
const COMMENTS: [&str; 2] = ["comment", "comments"];
const OTHERS: [&str; 4] = ["upvotes", "externalids", "url", "volume"];
const UPDATED: [&str; 5] = [
    "updated",
    "updatedat",
    "updatedate",
    "updateddate",
    "lastmodified",
];

/// Reads one record.
pub(crate) fn read(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    if let Some(item) = own::read(json) {
        return Ok(item);
    }
    let map: Map<String, Value> = serde_json::from_str(json)?;
    let plain = |(key, value): (String, Value)| (plain_key(&key), value);
    read_fields(map.into_iter().map(plain).collect(), context)
}

/// Reads one record from its fields, whose names are [plain](plain_key).
pub(crate) fn read_fields(
    fields: Vec<(String, Value)>,
    context: &DumpContext,
) -> Result<Item, RecordError> {
    read_these(fields, context, false)
}

/// The same for text fields, in which numbers cannot be recognised.
pub(crate) fn read_cells(
    fields: Vec<(String, Value)>,
    context: &DumpContext,
) -> Result<Item, RecordError> {
    read_these(fields, context, true)
}

fn read_these(
    fields: Vec<(String, Value)>,
    context: &DumpContext,
    are_cells: bool,
) -> Result<Item, RecordError> {
    let mut fields = RecordFields(fields);
    // The name of the record in a map is its id, unless it is a word such as `message`.
    if fields.named(&IDS).is_none() && context.around.contains(|c: char| c.is_ascii_digit()) {
        fields
            .0
            .push(("id".to_owned(), context.around.clone().into()));
    }
    let id = fields.named(&IDS).and_then(|(_, value)| spelling(value));
    let mut notes = Notes::default();
    match fields.paper(context, are_cells, &mut notes) {
        Ok(paper) => Ok(Record::new(paper, id, notes).into()),
        Err(reason) => Err(RecordError { id, reason }),
    }
}

/// The synonyms of this [plain](plain_key) name, the preferred one first; `None` if a field of that
/// name is not read.
pub(crate) fn group(name: &str) -> Option<&'static [&'static str]> {
    let lists: [&[&str]; 9] = [
        &IDS,
        &TITLES,
        &TEXTS,
        &AUTHORS,
        &CATEGORIES,
        &PUBLISHED,
        &UPDATED,
        &JOURNALS,
        &COMMENTS,
    ];
    let single = OTHERS.iter().map(std::slice::from_ref);
    lists
        .into_iter()
        .chain(single)
        .find(|names| names.contains(&name))
}

/// The fields of a record by their plain names.
pub(crate) struct RecordFields(Vec<(String, Value)>);

impl RecordFields {
    fn paper(
        &self,
        context: &DumpContext,
        are_cells: bool,
        notes: &mut Notes,
    ) -> Result<Paper, Rejection> {
        let title = self.required("title", &TITLES)?;
        let bare = clean(&title);
        if bare.is_empty() {
            return self.untitled(context, are_cells);
        }
        let authors = self.named(&AUTHORS).map(|named| authors(named, notes));
        let authors = authors.unwrap_or_default();
        let (id, version) = match self.given_id(are_cells)? {
            Some(found) => found,
            None => (PaperId::from_title(&bare), None),
        };
        let mut paper = cleaned(id, &title, &self.abstract_text(notes))?;
        paper.version = version;
        paper.authors = authors;
        let listed = self.get(&CATEGORIES);
        paper.categories = listed
            .map(|value| categories(value, notes))
            .unwrap_or_default();
        paper.published = self.day(&PUBLISHED, notes);
        paper.updated = self.day(&UPDATED, notes);
        paper.listed = context.listed;
        paper.journal = self.text_or_name(&JOURNALS, Part::Journal, notes);
        paper.comment = self.text_or_name(&COMMENTS, Part::Comment, notes);
        paper.volume = self.get(&["volume"]).and_then(spelling);
        paper.upvotes = self.upvotes(notes);
        self.add_aliases(&mut paper, notes);
        Ok(paper)
    }

    /// A plain text, which needs an id: there is no title to make one from.
    fn untitled(&self, context: &DumpContext, are_cells: bool) -> Result<Paper, Rejection> {
        let texts = if context.is_untitled {
            &PLAIN_TEXTS[..]
        } else {
            &[PLAIN_TEXT]
        };
        if !self.0.iter().any(|(key, _)| texts.contains(&key.as_str())) {
            return Err(Rejection::NoTitle);
        }
        let text = self.required("text", texts)?;
        let text = clean(&text);
        if text.is_empty() {
            return Err(Rejection::Empty);
        }
        let (id, version) = self.given_id(are_cells)?.ok_or(Rejection::NoId)?;
        let mut paper = Paper::untitled(id, text);
        paper.version = version;
        Ok(paper)
    }

    /// The first of the fields `names` that says something.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&Value> {
        self.named(names).map(|(_, value)| value)
    }

    fn named(&self, names: &[&str]) -> Option<(&str, &Value)> {
        let says_something = |value: &Value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        };
        names.iter().find_map(|name| {
            let found = self
                .0
                .iter()
                .find(|(key, value)| key == name && says_something(value));
            found.map(|(key, value)| (key.as_str(), value))
        })
    }

    fn required(&self, field: &'static str, names: &[&str]) -> Result<Cow<'_, str>, Rejection> {
        let Some(value) = self.get(names) else {
            return Ok(Cow::Borrowed(""));
        };
        let found = kind(value);
        prose::of(value).ok_or(Rejection::WrongType { field, found })
    }

    /// The first of the fields for it that holds a text.
    fn abstract_text(&self, notes: &mut Notes) -> Cow<'_, str> {
        let values = TEXTS.iter().filter_map(|name| self.get(&[name]));
        let mut texts = values.filter_map(|value| {
            let text = prose::of(value);
            notes.unless_in(value, text, Part::Abstract)
        });
        texts
            .find(|text| !text.trim().is_empty())
            .unwrap_or_default()
    }

    fn text_or_name(&self, names: &[&str], part: Part, notes: &mut Notes) -> Option<String> {
        let value = self.get(names)?;
        notes.unless_in(value, text_or_name(value), part)
    }

    fn upvotes(&self, notes: &mut Notes) -> Option<u32> {
        let value = self.get(&["upvotes"])?;
        let written = prose::shown(value);
        let whole = whole_number::digits_of(&written);
        let votes = whole.as_deref().unwrap_or(&written).trim().parse().ok();
        notes.unless(votes, Part::Count, Some(&written))
    }

    /// The first of the fields `names` that holds a day.
    fn day(&self, names: &[&str], notes: &mut Notes) -> Option<PartialDate> {
        names.iter().find_map(|name| {
            let value = self.get(&[name])?;
            let Some(written) = prose::of(value) else {
                return notes.unless_in(value, None, Part::Date);
            };
            let date = dates::day(&written).or_else(|| dates::most_exact([&*written]));
            notes.unless_dated(date, [&*written])
        })
    }
}

/// A text or a number as text.
pub(crate) fn spelling(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(whole_number::spelling(number)),
        _ => None,
    }
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names from the field of this name. Columns of full names have the family name first.
fn authors((name, value): (&str, &Value), notes: &mut Notes) -> Vec<String> {
    let order = if name == FULL_NAMES {
        names::Order::FamilyFirst
    } else {
        names::Order::Unknown
    };
    notes.note_nameless(value);
    names::of_value(value, order)
}

/// Codes or names from a list, or from a string that separates them by semicolons, else by commas,
/// outside parentheses; codes alone by spaces too.
fn categories(value: &Value, notes: &mut Notes) -> Vec<String> {
    let mut named = |value: &Value| notes.unless_in(value, text_or_name(value), Part::Category);
    match value {
        Value::String(text) => {
            let are_codes = || text.split_whitespace().all(is_code);
            let mark = [';', ',', ' ']
                .into_iter()
                .find(|mark| text.contains(*mark) && (*mark != ' ' || are_codes()));
            let mut depth = 0_usize;
            let parts = text.split(|c: char| {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && Some(c) == mark
            });
            parts
                .map(clean)
                .filter(|part| !part.is_empty())
                .map(|part| part.into_owned())
                .collect()
        }
        Value::Array(list) => list.iter().filter_map(named).collect(),
        one => named(one).into_iter().collect(),
    }
}

/// A text, or the name of an object that has one.
fn text_or_name(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(object) => ["name", "term", "category"]
            .iter()
            .find_map(|key| object.get(*key)?.as_str())?,
        _ => return None,
    };
    let text = clean(text);
    (!text.is_empty()).then(|| text.into_owned())
}
