//! The ids in a record of `plain.rs`: its own, and its other names.
//!
//! In: the record's fields. Out: ids. A field named after a kind of ids holds such an id or none:
//! other values are skipped and noted. A number that can only be an arXiv id is mended
//! (`text/arxiv_number.rs`), and one that was made a float is whole again (`text/whole_number.rs`).

use akin_base::paper::{IdKind, Paper, PaperId, arxiv_version};
use serde_json::Value;

use super::keys::{IDS, plain_key};
use super::plain::{RecordFields, kind, spelling};
use crate::ignored::{Notes, Part};
use crate::reject::Rejection;
use crate::text::whole_number::{self, id_of_kind};
use crate::text::{arxiv_number, prose};

/// Ids of one field that are read: a work has a few.
const MAX_IDS: usize = 1_000;

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
/// The names of these fields, each once, in the order of [`KINDS`], and what their ids are called.
const KIND_NAMES: [(&str, Part); 10] = [
    ("arxivid", Part::Id),
    ("doi", Part::Doi),
    ("pmid", Part::Id),
    ("pubmedid", Part::Id),
    ("medlinepmid", Part::Id),
    ("pmcid", Part::Id),
    ("openalexid", Part::Id),
    ("corpusid", Part::Id),
    ("s2id", Part::Id),
    ("aclid", Part::Id),
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

impl RecordFields {
    /// The id and the version in its spelling. What cannot be an id of its field's kind is passed
    /// over; numbers that were arXiv ids are mended.
    pub(crate) fn given_id(
        &self,
        are_cells: bool,
    ) -> Result<Option<(PaperId, Option<u32>)>, Rejection> {
        for name in IDS {
            let Some(value) = self.get(&[name]) else {
                continue;
            };
            if kinds(name).next().is_some() {
                if let Some(found) = of_kinds(name, value).into_iter().next() {
                    return Ok(Some(found));
                }
                continue;
            }
            let written = spelling(value).ok_or(Rejection::WrongType {
                field: "id",
                found: kind(value),
            })?;
            let repaired = value.is_f64().then(|| arxiv_number::repair(&written));
            let whole = are_cells.then(|| whole_number::digits_of(&written));
            let repaired = repaired.flatten().or(whole.flatten());
            let spelling = repaired.unwrap_or(written);
            let id = PaperId::parse(&spelling).ok_or(Rejection::UnusableId)?;
            return Ok(Some((id, arxiv_version(&spelling))));
        }
        Ok(None)
    }

    pub(crate) fn add_aliases(&self, paper: &mut Paper, notes: &mut Notes) {
        // Duplicates are dropped when the record is made.
        let mut add = |id: PaperId| paper.aliases.push(id);
        for (name, part) in KIND_NAMES {
            let Some(value) = self.get(&[name]) else {
                continue;
            };
            let ids = of_kinds(name, value);
            if ids.is_empty() {
                notes.note(part, &prose::shown(value));
            }
            let n_more = value.as_array().map_or(0, Vec::len);
            if n_more > MAX_IDS {
                notes.note(part, &format!("{} more", n_more - MAX_IDS));
            }
            ids.into_iter().for_each(|(id, _)| add(id));
        }
        if let Some(Value::Object(others)) = self.get(&["externalids"]) {
            for (name, value) in others {
                let kind = EXTERNAL.iter().find(|(known, _)| *known == plain_key(name));
                let Some((_, kind)) = kind else { continue };
                let written = prose::shown(value);
                let id = id_of_kind(*kind, &written);
                notes
                    .unless(id, Part::of_id(*kind), Some(&written))
                    .into_iter()
                    .for_each(&mut add);
            }
        }
        let url = self.get(&["url"]).and_then(Value::as_str);
        let named = url.and_then(PaperId::parse);
        named
            .filter(|id| id.address().is_some())
            .into_iter()
            .for_each(add);
    }
}

/// The ids of its field's kinds that a value holds, alone or in a list, with their versions.
fn of_kinds(name: &str, value: &Value) -> Vec<(PaperId, Option<u32>)> {
    let values = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let values = values.iter().take(MAX_IDS);
    let ids = values.filter_map(spelling).filter_map(|written| {
        let repaired = (name == "arxivid").then(|| arxiv_number::repair(&written));
        let spelling = repaired.flatten().unwrap_or(written);
        let id = kinds(name).find_map(|kind| id_of_kind(kind, &spelling))?;
        Some((id, arxiv_version(&spelling)))
    });
    ids.collect()
}

/// The kinds of id that a field of this name holds.
fn kinds(name: &str) -> impl Iterator<Item = IdKind> {
    let of_name = KINDS.iter().filter(move |(known, _)| *known == name);
    of_name.map(|(_, kind)| *kind)
}
