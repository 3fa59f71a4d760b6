//! Daily arXiv lists: JSON Lines of the announcements of one day.
//!
//! The day is in the file's name and becomes `listed`; the records themselves have no dates.

use akin_base::paper::{Authority, Paper, arxiv_version};
use serde::Deserialize;

use super::arxiv_snapshot::categories;
use super::keys::TITLES;
use super::object::JsonObject;
use crate::field::{Items, ListEntry, ScalarField};
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::ignored::{Notes, Part};
use crate::record::{DumpContext, Item, RecordError, arxiv_id, optional, paper, with_id};
use crate::reject::Rejection;
use crate::text::names;

/// A daily arXiv list.
pub(crate) const SPEC: Spec = Spec {
    name: "arxiv-daily",
    title: "daily arXiv list",
    feed: Some(SourceFeed::new("arxiv-daily", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

fn is_record(object: &JsonObject<'_>) -> bool {
    let has_address = object.has("abs") || object.has("pdf");
    object.has_any(&TITLES) && object.has("summary") && object.has("categories") && has_address
}

#[derive(Deserialize)]
struct DailyFields<'a> {
    #[serde(borrow, default)]
    id: ScalarField<'a>,
    #[serde(borrow, default)]
    title: ScalarField<'a>,
    #[serde(borrow, default)]
    summary: ScalarField<'a>,
    #[serde(borrow, default)]
    authors: Items<ListEntry<'a>>,
    #[serde(borrow, default)]
    categories: Items<ScalarField<'a>>,
    #[serde(borrow, default)]
    comment: ScalarField<'a>,
}

/// Reads one line of a daily list.
pub(crate) fn read(line: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let record: DailyFields<'_> = serde_json::from_str(line)?;
    let mut notes = Notes::default();
    let outcome = convert(&record, context, &mut notes);
    with_id(&record.id, notes, outcome)
}

fn convert(
    record: &DailyFields<'_>,
    context: &DumpContext,
    notes: &mut Notes,
) -> Result<Paper, Rejection> {
    let id = arxiv_id(&record.id)?;
    let mut paper = paper(id, &record.title, &record.summary, notes)?;
    let authors = record.authors.0.iter();
    let authors = authors.filter_map(|entry| entry.written(notes));
    paper.authors = authors.filter_map(names::single).collect();
    paper.categories = categories(&record.categories, notes);
    paper.version = record.id.text().and_then(arxiv_version);
    paper.comment = optional(&record.comment, Part::Comment, notes);
    paper.listed = context.listed;
    Ok(paper)
}
