//! Web of Science's field-tagged export, also called ISI or `.ciw`.
//!
//! In: the lines of one record, `PT` to `ER`. Out: the paper. Tags have two characters and one
//! space. Values continue in lines indented by three; for authors every such line is a new one. The
//! tags are described in "Web of Science Core Collection Field Tags" (Clarivate). No genuine sample
//! was at hand: this follows the description. The tab-delimited export is read as a table
//! (`table/delimited.rs`).
//!
//! | of a paper | tags |
//! |---|---|
//! | ids | `UT`, `DI`, `D2`, `PM` |
//! | title, abstract | `TI`; `AB` |
//! | authors | `AF`, else `AU`, of books `BF`, `BA`; and `CA`, a group |
//! | published | `PD` and `PY`, `EA` |
//! | journal | `SO`, `SE` |
//! | categories | `WC`, else `SC`, `DE`, `ID` |
//! | notice | `DT` |

use akin_base::paper::{IdKind, Notice, PartialDate};

use super::blocks::{BlockReader, LineLayout, LinePlace, Mark};
use super::fields::{MAX_KEYWORDS, TagPlace, TaggedFields};
use super::ids;
use crate::format::{FormatReader, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// Web of Science.
pub(crate) const SPEC: Spec = Spec {
    name: "wos",
    title: "Web of Science",
    feed: None,
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(BlockReader::new(lines, WebOfScienceLines::default())),
        read,
    }),
};

/// Tags around records.
const AROUND: [&[u8]; 3] = [b"FN", b"VR", b"EF"];

/// Reads one record.
pub(crate) fn read(record: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let fields = TaggedFields::parse(record, tag);
    let number = fields.first(&["UT"]);
    let mut found = RawRecord {
        given_id: number.as_deref().map(str::to_owned),
        title: fields.first(&["TI"]).unwrap_or_default(),
        text: fields.joined(&["AB"]).unwrap_or_default(),
        authors: authors(&fields),
        categories: categories(&fields),
        journal: fields.first(&["SO", "SE"]),
        volume: fields.first(&["VL"]),
        ..RawRecord::default()
    };
    found.published = published(&mut found, &fields);
    if fields.says(&["DT"], &["retracted publication", "retracted article"]) {
        found.notice = Some(Notice::Retracted);
    }
    if let Some(number) = number.filter(|number| number.contains(':')) {
        found.add_spelling(&number);
    }
    for value in fields.values(&["DI"]).chain(fields.values(&["D2"])) {
        ids::add_due_dois(&mut found, &value);
    }
    for value in fields.values(&["PM"]) {
        found.add_due_id(IdKind::Pmid, &value);
    }
    found.item()
}

/// Authors in full if the record has them so, then the groups.
fn authors(fields: &TaggedFields<'_>) -> Vec<String> {
    let lists = [["AF"], ["AU"], ["BF"], ["BA"]];
    let list = lists.iter().find(|tags| fields.first(&**tags).is_some());
    let people = list.into_iter().flat_map(|tags| fields.lines(tags));
    let groups = fields.lines(&["CA"]).flat_map(|line| line.split(';'));
    people
        .flat_map(names::indexed)
        .chain(groups.filter_map(names::single))
        .collect()
}

/// Subjects, which are lists between semicolons that may be wrapped.
fn categories(fields: &TaggedFields<'_>) -> Vec<String> {
    let subjects = fields.first(&["WC", "SC", "DE", "ID"]);
    let parts = subjects.iter().flat_map(|list| list.split(';'));
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .take(MAX_KEYWORDS)
        .map(str::to_owned)
        .collect()
}

fn published(found: &mut RawRecord<'_>, fields: &TaggedFields<'_>) -> Option<PartialDate> {
    let value = |tag: &str| fields.first(&[tag]).unwrap_or_default();
    let in_print = format!("{} {}", value("PD"), value("PY"));
    let (in_print, early) = (in_print.trim(), value("EA"));
    let published = dates::most_exact([in_print, &*early]);
    let written = [in_print, &*early].into_iter();
    found.dated(published, written.filter(|date| !date.is_empty()))
}

/// Finds the tag of a line.
fn tag(line: &[u8]) -> Option<TagPlace> {
    let is_named = line.first()?.is_ascii_uppercase()
        && line
            .get(1)
            .is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_spaced = matches!(line.get(2), None | Some(b' '));
    (is_named && is_spaced).then_some(TagPlace {
        name: 0..2,
        value: 2,
    })
}

/// Recognises the lines of Web of Science.
#[derive(Default)]
pub(super) struct WebOfScienceLines {
    /// Records of this dump stop without `ER`.
    is_open_ended: bool,
}

impl LineLayout for WebOfScienceLines {
    fn mark(&mut self, line: &[u8], place: LinePlace) -> Mark {
        match tag(line).map(|tag| &line[tag.name]) {
            Some(b"PT") => {
                self.is_open_ended |= place.in_record;
                Mark::Start
            }
            Some(b"ER") => Mark::End,
            Some(name) if AROUND.contains(&name) => Mark::Outside,
            Some(_) if !place.in_record => Mark::Start,
            _ => Mark::Inside,
        }
    }

    fn may_stop(&self) -> bool {
        self.is_open_ended
    }
}

/// Whether a text begins with the head of an export, or with a record.
pub(super) fn looks_like(text: &str) -> bool {
    let mut lines = text.trim_start().lines();
    let mut next = || {
        let line = lines.next().unwrap_or("");
        let tag = tag(line.as_bytes())?;
        Some((&line[tag.name], line[tag.value..].trim()))
    };
    match next() {
        Some(("FN", _)) => matches!(next(), Some(("VR" | "PT", _))),
        Some(("PT", kind)) => kind.len() == 1 && next().is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tagged::blocks::tests::check_records;
    use crate::tests::check_fields;

    #[track_caller]
    fn check(record: &str, expected: serde_json::Value) {
        check_fields(read(record, &DumpContext::default()), &expected);
    }

    #[test]
    fn a_record_is_a_paper() {
        check(
            "PT J\nAU Lovelace, A\n   Babbage, C\nAF Lovelace, Ada\n   Babbage, Charles\n\
             BE Editor, A\nCA Engine Group\nTI Notes on the\n   engine\nSO MEMOIRS\n\
             DT Article; Retracted Publication\nDE looms\nAB We weave\n   patterns.\nPD SEP 5\n\
             PY 1843\nDI 10.1000/X\nWC Computer Science, Theory & Methods; Mathematics,\n   Applied\n\
             UT WOS:000123\nPM 42\nER",
            serde_json::json!({
                "id": "WOS:000123",
                "aliases": ["10.1000/x", "pmid:42"],
                "title": "Notes on the engine",
                "abstract": "We weave patterns.",
                "authors": ["Ada Lovelace", "Charles Babbage", "Engine Group"],
                "published": "1843-09-05",
                "journal": "MEMOIRS",
                "categories": [
                    "Computer Science, Theory & Methods",
                    "Mathematics, Applied",
                ],
                "notice": "retracted",
            }),
        );
        check(
            "PT B\nAU [Anonymous]\n   Roe, R\nTI X\nPY 2020\nEA APR 2019\nDE a; b\nER",
            serde_json::json!({
                "authors": ["R Roe"],
                "published": "2019-04",
                "categories": ["a", "b"],
            }),
        );
    }

    #[test]
    fn records_go_from_pt_to_er() {
        let check = |text: &str, expected: &[&str]| {
            check_records(WebOfScienceLines::default(), text, expected);
        };
        check(
            "FN X\nVR 1.0\nPT J\nAB x\n   PT y\nER\n\nPT J\nPT B\nER\nEF\nFN X\nTI z\nER",
            &[
                "3:PT J|AB x|   PT y|ER",
                "8:PT J",
                "9:PT B|ER",
                "13:TI z|ER",
            ],
        );
        check("PT J\nTI x", &["1:?"]);
    }

    #[test]
    fn a_dump_begins_with_its_head_or_a_record() {
        for text in ["FN Clarivate\nVR 1.0\n", "PT J\nAU x\n"] {
            assert!(looks_like(text), "{text}");
        }
        for text in ["PT\tAU\n", "PT J", "FN x\ny", "AN apple\nA day\n", ""] {
            assert!(!looks_like(text), "{text}");
        }
    }
}
