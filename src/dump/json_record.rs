//! Records of one's own: JSON objects with a title and, under any of the usual names, the rest;
//! or with nothing but an id and a `text`.
//!
//! Field names are compared without case, `_`, `-` and the like. The first of these that says something wins:
//!
//! | of a paper | field |
//! |---|---|
//! | id | `id` (or `_id`), `paper_id`, `cord_uid`, `openalex_id`, `eid`, `arxiv_id`, `doi`, `corpus_id`, `doc_id`, `uid`, `pmid`, `pmcid`, …; else the name of the record in a map of records; else made from the title |
//! | aliases | every other field with an id of a known kind, `externalIds`, `url` of arXiv or a DOI |
//! | title | `title`, `article_title`, `document_title` |
//! | abstract | `abstract`, `abstract_note`, `summary`, `text`, `description` |
//! | authors | `author_full_names`, `authors`, `author`, `author_names`, `creators`: names, objects with names, or one string (`names.rs`) |
//! | categories | `categories`, `category`, `subjects`, `fields_of_study`, `index_keywords`, `mesh_terms` |
//! | published | `published`, `published_at`, `publish_time`, `publication_date`, `date`, `created`, `year` |
//! | updated | `updated`, `updated_at`, `update_date`, `last_modified` |
//! | journal, comment | `journal`, `journal_ref`, `source_title`, `publication_title`, `venue`; `comment`, `comments` |
//!
//! A number as an id is an id; one that can only be an arXiv id is mended (`arxiv_number.rs`).

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::clean::clean;
use super::record::{Context, Fault, Item, Record, cleaned};
use super::{Reason, arxiv_number, dates, names};
use crate::categories::is_code;
use crate::paper::{IdKind, Paper, PaperId, arxiv_version};

/// Fields that may hold the id.
pub(super) const IDS: [&str; 19] = [
    "id",
    "paperid",
    "corduid",
    "openalexid",
    "uniquewosid",
    "eid",
    "arxivid",
    "doi",
    "corpusid",
    "docid",
    "uid",
    "pmid",
    "pubmedid",
    "medlinepmid",
    "pmcid",
    "s2id",
    "aclid",
    "accessionnumber",
    "zoterokey",
];
/// Fields that hold an id of one kind.
const KINDS: [(&str, IdKind); 11] = [
    ("arxivid", IdKind::Arxiv),
    ("doi", IdKind::Doi),
    ("pmid", IdKind::Pmid),
    ("pubmedid", IdKind::Pmid),
    ("medlinepmid", IdKind::Pmid),
    ("pmcid", IdKind::Pmcid),
    ("openalexid", IdKind::OpenAlex),
    ("corpusid", IdKind::CorpusId),
    ("s2id", IdKind::CorpusId),
    ("s2id", IdKind::SemanticScholar),
    ("aclid", IdKind::Acl),
];
/// The names of Semantic Scholar's external ids, in small letters.
const EXTERNAL: [(&str, IdKind); 6] = [
    ("arxiv", IdKind::Arxiv),
    ("doi", IdKind::Doi),
    ("pubmed", IdKind::Pmid),
    ("pubmedcentral", IdKind::Pmcid),
    ("acl", IdKind::Acl),
    ("corpusid", IdKind::CorpusId),
];
/// Fields that may hold the title.
pub(super) const TITLES: [&str; 5] = [
    "title",
    "articletitle",
    "papertitle",
    "documenttitle",
    "primarytitle",
];
/// Fields that may hold the abstract.
pub(super) const TEXTS: [&str; 8] = [
    "abstract",
    "abstracttext",
    "abstractnote",
    "paperabstract",
    "notesabstract",
    "summary",
    "text",
    "description",
];
/// The field that may stand without a title.
pub(super) const PLAIN_TEXT: &str = "text";
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
pub(super) fn read(json: &str, context: &Context) -> Result<Item, Fault> {
    let map: Map<String, Value> = serde_json::from_str(json)?;
    let plain = |(key, value): (String, Value)| (plain_key(&key), value);
    read_fields(map.into_iter().map(plain).collect(), context)
}

/// Reads one record from its fields, whose names are [plain](plain_key).
pub(super) fn read_fields(fields: Vec<(String, Value)>, context: &Context) -> Result<Item, Fault> {
    let mut fields = Fields(fields);
    // The name of the record in a map is its id, unless it is a word such as `message`.
    if fields.named(&IDS).is_none() && context.around.contains(|c: char| c.is_ascii_digit()) {
        fields
            .0
            .push(("id".to_owned(), context.around.clone().into()));
    }
    let id = fields.named(&IDS).and_then(|(_, value)| spelling(value));
    match fields.paper(context) {
        Ok(paper) => Ok(Record::new(paper, id).into()),
        Err(reason) => Err(Fault { id, reason }),
    }
}

/// A field's name without case, separators and other marks.
pub(super) fn plain_key(key: &str) -> String {
    let letters = key.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The names that stand for the same as this [plain](plain_key) one, the one that wins first;
/// `None` where a field of that name is not read.
pub(super) fn group(name: &str) -> Option<&'static [&'static str]> {
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

struct Fields(Vec<(String, Value)>);

impl Fields {
    fn paper(&self, context: &Context) -> Result<Paper, Reason> {
        let title = self.required("title", &TITLES)?;
        let bare = clean(title);
        if bare.is_empty() {
            return self.untitled();
        }
        let authors = self.named(&AUTHORS).map(authors).unwrap_or_default();
        let (id, version) = match self.given_id()? {
            Some(found) => found,
            None => (PaperId::from_title(&bare), None),
        };
        let mut paper = cleaned(id, title, self.required("abstract", &TEXTS)?)?;
        paper.version = version;
        paper.authors = authors;
        paper.categories = self.get(&CATEGORIES).map(categories).unwrap_or_default();
        paper.published = self.day(&PUBLISHED);
        paper.updated = self.day(&UPDATED);
        paper.listed = context.listed;
        paper.journal = self.get(&JOURNALS).and_then(text_or_name);
        paper.comment = self.get(&COMMENTS).and_then(text_or_name);
        paper.volume = self.get(&["volume"]).and_then(spelling);
        paper.upvotes = self
            .get(&["upvotes"])
            .and_then(|value| spelling(value)?.trim().parse().ok());
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

    /// The first of the fields `names` that holds a day.
    fn day(&self, names: &[&str]) -> Option<Date> {
        names.iter().find_map(|name| {
            let written = spelling(self.get(&[name])?)?;
            dates::day(&written).or_else(|| dates::most_exact([written.as_str()]))
        })
    }

    /// The id and the version in its spelling. What cannot be an id of its field's kind is passed
    /// over; numbers that were arXiv ids are mended.
    fn given_id(&self) -> Result<Option<(PaperId, Option<u32>)>, Reason> {
        for name in IDS {
            let Some(value) = self.get(&[name]) else {
                continue;
            };
            let written = spelling(value).ok_or(Reason::WrongType {
                field: "id",
                found: kind(value),
            })?;
            let is_arxiv = name == "arxivid" || value.is_f64();
            let repaired = is_arxiv.then(|| arxiv_number::repair(&written)).flatten();
            let spelling = repaired.unwrap_or(written);
            let id = match kinds(name).next() {
                Some(_) => kinds(name).find_map(|kind| PaperId::of_kind(kind, &spelling)),
                None => Some(PaperId::parse(&spelling).ok_or(Reason::UnusableId)?),
            };
            if let Some(id) = id {
                return Ok(Some((id, arxiv_version(&spelling))));
            }
        }
        Ok(None)
    }

    fn add_aliases(&self, paper: &mut Paper) {
        let mut add = |id: Option<PaperId>| {
            if let Some(id) = id.filter(|id| *id != paper.id && !paper.aliases.contains(id)) {
                paper.aliases.push(id);
            }
        };
        for (name, kind) in KINDS {
            let written = self.get(&[name]).and_then(spelling);
            add(written.and_then(|id| PaperId::of_kind(kind, &id)));
        }
        if let Some(Value::Object(others)) = self.get(&["externalids"]) {
            for (name, value) in others {
                let kind = EXTERNAL.iter().find(|(known, _)| *known == plain_key(name));
                let written = spelling(value);
                add(kind.and_then(|(_, kind)| PaperId::of_kind(*kind, &written?)));
            }
        }
        let url = self.get(&["url"]).and_then(Value::as_str);
        let named = url.and_then(PaperId::parse);
        add(named.filter(|id| id.address().is_some()));
    }
}

/// The kinds of id that a field of this name holds.
fn kinds(name: &str) -> impl Iterator<Item = IdKind> {
    let of_name = KINDS.iter().filter(move |(known, _)| *known == name);
    of_name.map(|(_, kind)| *kind)
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

/// Names from the field of this name. Columns of full names have the family name first.
fn authors((name, value): (&str, &Value)) -> Vec<String> {
    let order = match name == FULL_NAMES {
        true => names::Order::FamilyFirst,
        false => names::Order::Unknown,
    };
    names::of_value(value, order)
}

/// Codes or names from a list, or from a string that separates them by semicolons, else by commas,
/// outside parentheses; codes alone by spaces too.
fn categories(value: &Value) -> Vec<String> {
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
