//! `corpus.jsonl` of a BEIR folder: `_id`, `title`, `text`, and `metadata`, which is not read.
//!
//! Ids are kept verbatim, except that arXiv ids and DOIs are normalised. A document without a title
//! is legal there: the start of its text becomes its title.

use akin_base::paper::Paper;
use serde::Deserialize;

use super::keys::TITLES;
use super::object::JsonObject;
use crate::field::ScalarField;
use crate::format::{FormatReader, JsonSpec, Spec};
use crate::ignored::Notes;
use crate::record::{DumpContext, Item, RecordError, verbatim_id, with_id};
use crate::reject::Rejection;
use crate::text::clean::clean;

/// `corpus.jsonl` of a BEIR folder.
pub(crate) const SPEC: Spec = Spec {
    name: "beir",
    title: "BEIR corpus",
    feed: None,
    generic_file: Some("corpus.jsonl"),
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

fn is_record(object: &JsonObject<'_>) -> bool {
    object.has_any(&TITLES) && object.has("_id") && object.has("text")
}

#[derive(Deserialize)]
struct BeirFields<'a> {
    #[serde(borrow, default, rename = "_id")]
    id: ScalarField<'a>,
    #[serde(borrow, default)]
    title: ScalarField<'a>,
    #[serde(borrow, default)]
    text: ScalarField<'a>,
}

/// Reads one line of a corpus.
pub(crate) fn read(line: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let record: BeirFields<'_> = serde_json::from_str(line)?;
    with_id(&record.id, Notes::default(), convert(&record))
}

fn convert(record: &BeirFields<'_>) -> Result<Paper, Rejection> {
    let id = verbatim_id(&record.id)?;
    let title = clean(record.title.required("title")?);
    let text = clean(record.text.required("text")?);
    match (title.is_empty(), text.is_empty()) {
        (true, true) => Err(Rejection::Empty),
        (true, false) => Ok(Paper::untitled(id, text)),
        _ => Ok(Paper::new(id, title, text)),
    }
}
