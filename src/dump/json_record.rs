//! Records of one's own: JSON objects with a title and, under any of the usual names, the rest;
//! or with nothing but an id and a `text`.
//!
//! Field names are compared without case, `_` and `-`. The first of these that says something wins:
//!
//! | of a paper | field |
//! |---|---|
//! | id | `id` (or `_id`), `paper_id`, `arxiv_id`, `doi`, `corpus_id`, `doc_id`, `uid`, `pmid`; else made from the title |
//! | aliases | `arxiv_id`, `doi`, `url` of arXiv or a DOI, `externalIds` |
//! | title | `title` |
//! | abstract | `abstract`, `summary`, `text`, `description` |
//! | authors | `authors`, `author`, `creators`: names, objects with names, or one string |
//! | categories | `categories`, `category`, `subjects`, `fields_of_study` |
//! | published | `published`, `published_at`, `publication_date`, `date`, `created`, `year` |
//! | updated | `updated`, `updated_at`, `update_date`, `last_modified` |
//! | journal, comment | `journal`, `journal_ref`, `venue`; `comment`, `comments` |
//!
//! A number as an id is an id; one that can only be an arXiv id is mended (`arxiv_number.rs`).

use serde_json::{Map, Value};

use super::clean::clean;
use super::record::{Context, Fault, Record, add_alias};
use super::{Reason, arxiv_number, dates, names};
use crate::paper::{Paper, PaperId, arxiv_version};

/// Fields that may hold the id.
pub(super) const IDS: [&str; 8] = [
    "id", "paperid", "arxivid", "doi", "corpusid", "docid", "uid", "pmid",
];
/// Fields that may hold the abstract.
pub(super) const TEXTS: [&str; 4] = ["abstract", "summary", "text", "description"];
/// The field that may stand without a title.
pub(super) const PLAIN_TEXT: &str = "text";
const AUTHORS: [&str; 3] = ["authors", "author", "creators"];
const CATEGORIES: [&str; 4] = ["categories", "category", "subjects", "fieldsofstudy"];
const PUBLISHED: [&str; 8] = [
    "published",
    "publishedat",
    "publisheddate",
    "publicationdate",
    "date",
    "created",
    "year",
    "publicationyear",
];
const JOURNALS: [&str; 3] = ["journal", "journalref", "venue"];
const COMMENTS: [&str; 2] = ["comment", "comments"];
#[cfg(feature = "arrow")]
const OTHERS: [&str; 4] = ["title", "upvotes", "externalids", "url"];
const UPDATED: [&str; 5] = [
    "updated",
    "updatedat",
    "updatedate",
    "updateddate",
    "lastmodified",
];

/// Reads one record.
pub(super) fn read(json: &str, context: &Context) -> Result<Record, Fault> {
    let map: Map<String, Value> = serde_json::from_str(json)?;
    let plain = |(key, value): (String, Value)| (plain_key(&key), value);
    read_fields(map.into_iter().map(plain).collect(), context)
}

/// Reads one record from its fields, whose names are [plain](plain_key).
pub(super) fn read_fields(
    fields: Vec<(String, Value)>,
    context: &Context,
) -> Result<Record, Fault> {
    let fields = Fields(fields);
    let id = fields.named(&IDS).and_then(|(_, value)| spelling(value));
    match fields.paper(context) {
        Ok(paper) => Ok(Record::new(paper, id)),
        Err(reason) => Err(Fault { id, reason }),
    }
}

/// A field's name without case and separators.
pub(super) fn plain_key(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a field of this [plain](plain_key) name is read.
#[cfg(feature = "arrow")]
pub(super) fn is_known(name: &str) -> bool {
    let lists: [&[&str]; 9] = [
        &IDS,
        &TEXTS,
        &AUTHORS,
        &CATEGORIES,
        &PUBLISHED,
        &UPDATED,
        &JOURNALS,
        &COMMENTS,
        &OTHERS,
    ];
    lists.iter().any(|names| names.contains(&name))
}

struct Fields(Vec<(String, Value)>);

impl Fields {
    fn paper(&self, context: &Context) -> Result<Paper, Reason> {
        let title = clean(self.required("title", &["title"])?);
        if title.is_empty() {
            return self.untitled();
        }
        let text = clean(self.required("abstract", &TEXTS)?);
        let (id, version) = match self.given_id()? {
            Some(found) => found,
            None => (PaperId::from_title(&title), None),
        };
        let mut paper = Paper::new(id, title, text);
        paper.version = version;
        paper.authors = self.get(&AUTHORS).map(authors).unwrap_or_default();
        paper.categories = self.get(&CATEGORIES).map(categories).unwrap_or_default();
        paper.published = self
            .get(&PUBLISHED)
            .and_then(spelling)
            .and_then(|day| dates::day(&day));
        paper.updated = self
            .get(&UPDATED)
            .and_then(spelling)
            .and_then(|day| dates::day(&day));
        paper.listed = context.listed;
        paper.journal = self.get(&JOURNALS).and_then(text_or_name);
        paper.comment = self.get(&COMMENTS).and_then(text_or_name);
        paper.upvotes = self
            .get(&["upvotes"])
            .and_then(|v| u32::try_from(v.as_u64()?).ok());
        self.add_aliases(&mut paper);
        Ok(paper)
    }

    /// A plain text, which needs an id: there is no title to make one from.
    fn untitled(&self) -> Result<Paper, Reason> {
        if !self.0.iter().any(|(key, _)| key == PLAIN_TEXT) {
            return Err(Reason::NoTitle);
        }
        let text = clean(self.required("text", &[PLAIN_TEXT])?);
        if text.is_empty() {
            return Err(Reason::Empty);
        }
        let (id, version) = self.given_id()?.ok_or(Reason::NoId)?;
        let mut paper = Paper::untitled(id, text);
        paper.version = version;
        Ok(paper)
    }

    /// The first of the fields `names` that says something.
    fn get(&self, names: &[&str]) -> Option<&Value> {
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

    fn required(&self, field: &'static str, names: &[&str]) -> Result<&str, Reason> {
        match self.get(names) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Reason::WrongType {
                field,
                found: kind(other),
            }),
        }
    }

    /// The field that holds the id, and its spelling; numbers that were arXiv ids are mended.
    fn id_field(&self) -> Option<(&str, String)> {
        let (key, value) = self.named(&IDS)?;
        let written = spelling(value)?;
        let is_arxiv = key == "arxivid" || value.is_f64();
        let repaired = is_arxiv.then(|| arxiv_number::repair(&written)).flatten();
        Some((key, repaired.unwrap_or(written)))
    }

    fn given_id(&self) -> Result<Option<(PaperId, Option<u32>)>, Reason> {
        match (self.id_field(), self.named(&IDS)) {
            (Some((_, spelling)), _) => {
                let id = PaperId::parse(&spelling).ok_or(Reason::UnusableId)?;
                Ok(Some((id, arxiv_version(&spelling))))
            }
            (None, Some((_, value))) => Err(Reason::WrongType {
                field: "id",
                found: kind(value),
            }),
            (None, None) => Ok(None),
        }
    }

    fn add_aliases(&self, paper: &mut Paper) {
        for name in ["arxivid", "doi"] {
            add_alias(paper, self.get(&[name]).and_then(Value::as_str));
        }
        if let Some(Value::Object(others)) = self.get(&["externalids"]) {
            for name in ["ArXiv", "DOI"] {
                add_alias(paper, others.get(name).and_then(Value::as_str));
            }
        }
        let url = self.get(&["url"]).and_then(Value::as_str);
        let named = url.filter(|url| PaperId::parse(url).is_some_and(|id| id.address().is_some()));
        add_alias(paper, named);
    }
}

fn spelling(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Names from a list of names, a list of objects with names, or one string.
fn authors(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => names::split(text),
        Value::Array(list) => list.iter().filter_map(author).collect(),
        _ => Vec::new(),
    }
}

fn author(value: &Value) -> Option<String> {
    let Value::Object(object) = value else {
        return names::single(value.as_str()?);
    };
    let text = |key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(name) = ["name", "full_name", "fullname", "display_name"]
        .iter()
        .find_map(|key| text(key))
    {
        return names::single(name);
    }
    let part = |keys: [&str; 3]| keys.iter().find_map(|key| text(key)).unwrap_or("");
    let middle = match object.get("middle") {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        _ => String::new(),
    };
    let given = part(["first", "given", "first_name"]);
    let family = part(["last", "family", "last_name"]);
    names::joined([given, &middle, family, text("suffix").unwrap_or("")])
}

/// Codes from a list, or from a string that separates them by commas, semicolons or spaces.
fn categories(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let worded = text.contains([',', ';']);
            let parts = text.split(|c: char| {
                if worded {
                    c == ',' || c == ';'
                } else {
                    c == ' '
                }
            });
            parts
                .map(clean)
                .filter(|part| !part.is_empty())
                .map(|part| part.into_owned())
                .collect()
        }
        Value::Array(list) => list.iter().filter_map(text_or_name).collect(),
        _ => Vec::new(),
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
