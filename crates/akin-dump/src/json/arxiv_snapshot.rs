//! The arXiv metadata snapshot: JSON Lines, one paper a line, and its reduced forms.
//!
//! `text/clean.rs` undoes hard wraps and TeX accents. Names come from `authors_parsed` if it is
//! there. The first version's date is `published`, the last version's number is `version`.

use akin_base::paper::{Authority, Paper, arxiv_version};
use serde::Deserialize;

use super::keys::TITLES;
use super::object::JsonObject;
use crate::field::{Items, ListEntry, ScalarField, Written};
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::ignored::{Notes, Part};
use crate::record::{
    DumpContext, Item, RecordError, add_alias, arxiv_id, day, optional, paper, with_id,
};
use crate::reject::Rejection;
use crate::text::names;

/// The arXiv metadata snapshot.
pub(crate) const SPEC: Spec = Spec {
    name: "arxiv-snapshot",
    title: "arXiv metadata snapshot",
    feed: Some(SourceFeed::new("arxiv", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

fn is_record(object: &JsonObject<'_>) -> bool {
    object.has_any(&TITLES)
        && object.has("id")
        && object.has("abstract")
        && (object.kind("categories") == Some(b'"') || object.has("authors_parsed"))
}

#[derive(Deserialize)]
struct SnapshotFields<'a> {
    #[serde(borrow, default)]
    id: ScalarField<'a>,
    #[serde(borrow, default)]
    title: ScalarField<'a>,
    #[serde(borrow, default, rename = "abstract")]
    text: ScalarField<'a>,
    #[serde(borrow, default)]
    authors: Written<'a>,
    #[serde(borrow, default)]
    authors_parsed: Items<Items<ScalarField<'a>>>,
    #[serde(borrow, default)]
    categories: Items<ScalarField<'a>>,
    #[serde(borrow, default)]
    versions: Items<ListEntry<'a>>,
    #[serde(borrow, default)]
    update_date: ScalarField<'a>,
    #[serde(borrow, default)]
    doi: ScalarField<'a>,
    #[serde(borrow, default, rename = "journal-ref")]
    journal: ScalarField<'a>,
    #[serde(borrow, default)]
    comments: ScalarField<'a>,
}

/// Reads one line of a snapshot.
pub(crate) fn read(line: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let record: SnapshotFields<'_> = serde_json::from_str(line)?;
    let mut notes = Notes::default();
    let outcome = convert(&record, &mut notes);
    with_id(&record.id, notes, outcome)
}

fn convert(record: &SnapshotFields<'_>, notes: &mut Notes) -> Result<Paper, Rejection> {
    let id = arxiv_id(&record.id)?;
    let mut paper = paper(id, &record.title, &record.text, notes)?;
    paper.authors = authors(record, paper.id.is_arxiv(), notes);
    paper.categories = categories(&record.categories, notes);
    let version = |name: &str| name.strip_prefix(['v', 'V'])?.parse().ok();
    let last = record.versions.0.last().and_then(|entry| entry.name.text());
    paper.version = last
        .and_then(version)
        .or_else(|| arxiv_version(record.id.text()?));
    let first = record.versions.0.first();
    paper.published = first.and_then(|entry| day(&entry.created, notes));
    paper.updated = day(&record.update_date, notes);
    paper.comment = optional(&record.comments, Part::Comment, notes);
    paper.journal = optional(&record.journal, Part::Journal, notes);
    // A paper in several parts has several DOIs, with spaces between.
    let dois = record.doi.prose_or_note(Part::Doi, notes).unwrap_or("");
    for doi in dois.split_whitespace() {
        add_alias(&mut paper, doi, notes);
    }
    Ok(paper)
}

/// Names from `authors_parsed` (`[family, given, suffix, affiliations…]`), else from `authors`,
/// which only arXiv is known to write in reading order.
fn authors(record: &SnapshotFields<'_>, is_arxiv: bool, notes: &mut Notes) -> Vec<String> {
    let parsed = record.authors_parsed.0.iter().filter_map(|parts| {
        let part = |at: usize| parts.0.get(at).and_then(ScalarField::text).unwrap_or("");
        names::joined([part(1), part(0), part(2)])
    });
    let parsed: Vec<String> = parsed.collect();
    if !parsed.is_empty() {
        return parsed;
    }
    let order = if is_arxiv {
        names::Order::Reading
    } else {
        names::Order::Unknown
    };
    match &record.authors {
        Written::Text(text) => names::in_text(text, order),
        Written::Other(value) => {
            notes.note_nameless(value);
            names::of_value(value, order)
        }
    }
}

/// Category codes, from a string or a list.
pub(crate) fn categories(field: &Items<ScalarField<'_>>, notes: &mut Notes) -> Vec<String> {
    let mut code = |field: &'_ ScalarField<'_>| {
        let text = field.text().map(str::to_owned);
        notes.unless(text, Part::Category, field.shown())
    };
    let lists: Vec<String> = field.0.iter().filter_map(&mut code).collect();
    let codes = lists.iter().flat_map(|list| list.split_whitespace());
    codes.map(str::to_owned).collect()
}
