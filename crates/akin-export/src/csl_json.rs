//! CSL-JSON, as <https://github.com/citation-style-language/schema> describes its items (1.0.2).
//!
//! An arXiv id is the number in an archive. Ids without a field are in `custom`, which processors leave
//! alone. `id` and `citation-key` are the same.

use std::io::{self, Write};

use akin_base::paper::{IdKind, Paper, PaperId};
use serde_json::{Map, Value, json};

use crate::ids::{IdFields, number, own_name};
use crate::kind::PublicationKind;
use crate::person::PersonName;

/// Writes an item, without a comma after it.
pub(crate) fn write(out: &mut impl Write, paper: &Paper, key: &str) -> io::Result<()> {
    let key = own_name(paper).unwrap_or_else(|| key.to_owned());
    let kind = match PublicationKind::of(paper) {
        PublicationKind::Article => "article-journal",
        PublicationKind::Proceedings => "paper-conference",
        PublicationKind::Preprint => "article",
        PublicationKind::Other => "document",
    };
    let mut item = Map::new();
    let mut put = |name: &str, value: Value| item.insert(name.to_owned(), value);
    put("id", json!(key));
    put("citation-key", json!(key));
    put("type", json!(kind));
    put("title", json!(paper.title));
    if !paper.authors.is_empty() {
        let people = paper.authors.iter().map(|name| person(name));
        put("author", people.collect());
    }
    if let Some(date) = paper.date() {
        let month = date.month().map(i16::from);
        let day = date.day().map(i16::from);
        let parts: Vec<i16> = [Some(date.year()), month, day]
            .into_iter()
            .flatten()
            .collect();
        put("issued", json!({"date-parts": [parts]}));
    }
    for (name, value) in [
        ("container-title", &paper.journal),
        ("volume", &paper.volume),
        ("note", &paper.comment),
    ] {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    let ids = IdFields::of(paper);
    if let Some(id) = ids.arxiv {
        put("archive", json!("arXiv"));
        put("archive_location", json!(id.as_str()));
    }
    for (name, id) in [("DOI", ids.doi), ("PMID", ids.pmid), ("PMCID", ids.pmcid)] {
        if let Some(id) = id {
            put(name, json!(number_of(id)));
        }
    }
    if let Some(address) = paper.address() {
        put("URL", json!(address));
    }
    if !ids.others.is_empty() {
        put(
            "custom",
            json!({"ids": ids.other_addresses().collect::<Vec<_>>()}),
        );
    }
    if !paper.categories.is_empty() {
        put("keyword", json!(keywords(&paper.categories)));
    }
    if !paper.abstract_text.is_empty() {
        put("abstract", json!(paper.abstract_text));
    }
    put("source", json!("akin"));
    serde_json::to_writer(out, &item)?;
    Ok(())
}

/// An id as its field has it.
fn number_of(id: &PaperId) -> &str {
    match id.kind() {
        Some(IdKind::Pmid) => number(id),
        _ => id.as_str(),
    }
}

fn person(name: &str) -> Value {
    match PersonName::of(name) {
        PersonName::Whole(name) => json!({"literal": name}),
        PersonName::Parts {
            given,
            particle,
            family,
            suffix,
        } => {
            let mut person = Map::new();
            for (part, value) in [
                ("family", family),
                ("given", given),
                ("non-dropping-particle", particle),
                ("suffix", suffix),
            ] {
                if !value.is_empty() {
                    person.insert(part.to_owned(), json!(value));
                }
            }
            Value::Object(person)
        }
    }
}

/// Keywords in one text: between commas, or between semicolons if one has a comma.
pub(crate) fn keywords(categories: &[String]) -> String {
    if !categories.iter().any(|one| one.contains([',', ';'])) {
        return categories.join(", ");
    }
    // A single one with a comma would be taken for two.
    let end = if categories.len() == 1 { ";" } else { "" };
    categories.join("; ") + end
}
