//! What the record readers share: the reader's type, what it gives, ids, titles and small conversions.

use jiff::civil::Date;

use super::clean::clean;
use super::field::Field;
use super::{Reason, arxiv_number};
use crate::paper::{Paper, PaperId};

/// What is known about a whole dump and said in none of its records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context {
    /// The day of the list, from the file's name or from around the records.
    pub(super) listed: Option<Date>,
}

/// Why a record is no paper, with its id where it has one.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) id: Option<String>,
    pub(super) reason: Reason,
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Fault {
        Fault { id: None, reason }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Fault {
        let message = error.to_string().replace("line 1 column", "column");
        Fault::from(Reason::NotJson { message })
    }
}

/// One record of a dump that is a paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The paper, under the normal form of its id.
    pub paper: Paper,
    /// The id as it stands in the record, a number as it would be written; the paper's own where
    /// the record has none.
    pub given_id: String,
}

impl Record {
    pub(super) fn new(paper: Paper, given_id: Option<String>) -> Record {
        let given_id = given_id.unwrap_or_else(|| paper.id.to_string());
        Record { paper, given_id }
    }
}

/// A reader of one record in one format.
pub(super) type ReadRecord = fn(&str, &Context) -> Result<Record, Fault>;

/// The id of a record of arXiv: numbers are mended, see `arxiv_number.rs`.
pub(super) fn arxiv_id(field: &Field<'_>) -> Result<PaperId, Reason> {
    if let Some(repaired) = field.spelling().and_then(arxiv_number::repair) {
        return usable_id(&repaired);
    }
    verbatim_id(field)
}

/// The id of a record as it stands.
pub(super) fn verbatim_id(field: &Field<'_>) -> Result<PaperId, Reason> {
    match field {
        Field::Other(found) => Err(Reason::WrongType { field: "id", found }),
        other => usable_id(other.spelling().unwrap_or("")),
    }
}

fn usable_id(spelling: &str) -> Result<PaperId, Reason> {
    match PaperId::parse(spelling) {
        Some(id) => Ok(id),
        None if spelling.trim().is_empty() => Err(Reason::NoId),
        None => Err(Reason::UnusableId),
    }
}

/// A paper with its title and its abstract cleaned.
pub(super) fn paper(id: PaperId, title: &Field<'_>, text: &Field<'_>) -> Result<Paper, Reason> {
    let title = clean(title.required("title")?);
    if title.is_empty() {
        return Err(Reason::NoTitle);
    }
    let text = clean(text.required("abstract")?);
    Ok(Paper::new(id, title, text))
}

/// A field's text, clean; `None` where nothing is left.
pub(super) fn optional(field: &Field<'_>) -> Option<String> {
    let text = clean(field.text()?);
    (!text.is_empty()).then(|| text.into_owned())
}

/// The DOI of a record, where it is another name than its id.
pub(super) fn add_alias(paper: &mut Paper, spelling: Option<&str>) {
    let alias = spelling.and_then(PaperId::parse);
    if let Some(alias) = alias.filter(|alias| *alias != paper.id && !paper.aliases.contains(alias))
    {
        paper.aliases.push(alias);
    }
}

/// Attaches the id, as it stands in the record, to what the record came to.
pub(super) fn with_id(id: &Field<'_>, outcome: Result<Paper, Reason>) -> Result<Record, Fault> {
    let id = id.spelling().map(str::to_owned);
    match outcome {
        Ok(paper) => Ok(Record::new(paper, id)),
        Err(reason) => Err(Fault { id, reason }),
    }
}
