//! The arXiv metadata snapshot: JSON Lines, one paper a line, and its reduced forms.
//!
//! Hard wraps and TeX accents are undone by `clean.rs`; names come from `authors_parsed` where
//! it is there; the first version's date is `published`, the last version's number is `version`.

use serde::Deserialize;

use super::field::{Entry, Field, Items, Written};
use super::record::{Context, Fault, Item, add_alias, arxiv_id, optional, paper, with_id};
use super::{Reason, dates, names};
use crate::paper::{Paper, arxiv_version};

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    id: Field<'a>,
    #[serde(borrow, default)]
    title: Field<'a>,
    #[serde(borrow, default, rename = "abstract")]
    text: Field<'a>,
    #[serde(borrow, default)]
    authors: Written<'a>,
    #[serde(borrow, default)]
    authors_parsed: Items<Items<Field<'a>>>,
    #[serde(borrow, default)]
    categories: Items<Field<'a>>,
    #[serde(borrow, default)]
    versions: Items<Entry<'a>>,
    #[serde(borrow, default)]
    update_date: Field<'a>,
    #[serde(borrow, default)]
    doi: Field<'a>,
    #[serde(borrow, default, rename = "journal-ref")]
    journal: Field<'a>,
    #[serde(borrow, default)]
    comments: Field<'a>,
}

/// Reads one line of a snapshot.
pub(super) fn read(line: &str, _: &Context) -> Result<Item, Fault> {
    let record: Fields<'_> = serde_json::from_str(line)?;
    with_id(&record.id, convert(&record))
}

fn convert(record: &Fields<'_>) -> Result<Paper, Reason> {
    let id = arxiv_id(&record.id)?;
    let mut paper = paper(id, &record.title, &record.text)?;
    paper.authors = authors(record, paper.id.is_arxiv());
    paper.categories = categories(&record.categories);
    let version = |name: &str| name.strip_prefix(['v', 'V'])?.parse().ok();
    let last = record.versions.0.last().and_then(|entry| entry.name.text());
    paper.version = last
        .and_then(version)
        .or_else(|| arxiv_version(record.id.text()?));
    let first = record.versions.0.first();
    paper.published = first.and_then(|entry| dates::day(entry.created.text()?));
    paper.updated = record.update_date.text().and_then(dates::day);
    paper.comment = optional(&record.comments);
    paper.journal = optional(&record.journal);
    // A paper in several parts has several DOIs, with spaces between.
    for doi in record.doi.text().unwrap_or("").split_whitespace() {
        add_alias(&mut paper, Some(doi));
    }
    Ok(paper)
}

/// Names from `authors_parsed` (`[family, given, suffix, affiliations…]`), else from `authors`,
/// which only arXiv is known to write in reading order.
fn authors(record: &Fields<'_>, is_arxiv: bool) -> Vec<String> {
    let parsed = record.authors_parsed.0.iter().filter_map(|parts| {
        let part = |at: usize| parts.0.get(at).and_then(Field::text).unwrap_or("");
        names::joined([part(1), part(0), part(2)])
    });
    let parsed: Vec<String> = parsed.collect();
    if !parsed.is_empty() {
        return parsed;
    }
    let order = match is_arxiv {
        true => names::Order::Reading,
        false => names::Order::Unknown,
    };
    match &record.authors {
        Written::Text(text) => names::in_text(text, order),
        Written::Other(value) => names::of_value(value, order),
    }
}

/// Category codes, whether they stand in one string or in a list.
pub(super) fn categories(field: &Items<Field<'_>>) -> Vec<String> {
    let codes = field
        .0
        .iter()
        .filter_map(Field::text)
        .flat_map(str::split_whitespace);
    codes.map(str::to_owned).collect()
}
