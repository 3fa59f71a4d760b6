//! RIS: the exchange format of reference managers and of the databases that export to them.
//!
//! In: the lines of one record, `TY  - …` to `ER  -`, which some write `ER` or leave out. Out: the
//! paper. The format is described by its makers as "RIS Format Specifications" (Research
//! Information Systems, 2011). The meaning of tags differs between exporters, so several are tried
//! in turn:
//!
//! | of a paper | tags |
//! |---|---|
//! | title | `TI`, `T1`, `CT`, `BT`, `ST`, `TT` |
//! | abstract | `AB`, `N2` |
//! | authors | `AU`, `A1`; all others are editors, translators and the like |
//! | ids | `DO`, `DI`; `M3` and `C2` if they hold a DOI or a PMC number; addresses in `UR`, `L1` to `L4`, `LK`. Notes that begin with an id. Also `AN` and `ID` if `DB` or `DP` is PubMed. |
//! | published | the most exact of `PY`, `Y1`, `DA` |
//! | journal | `JF`, `T2`, `JO`, `JA`, `J2`, `J1`, `BT` |
//! | categories | `KW` |
//!
//! `ID` and `AN` of other databases are the record's own id, verbatim, not an id of the paper. A
//! tag is at a line's start, followed by two spaces and a hyphen. One or three spaces and tabs are
//! accepted after known tags only, so that words of a wrapped text are not taken for tags.

use std::collections::HashMap;
use std::mem;

use akin_base::paper::{IdKind, Notice, PaperId};

use super::blocks::{BlockReader, LineLayout, LinePlace, Mark};
use super::fields::{TagPlace, TaggedFields};
use super::ids;
use crate::format::{FormatReader, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// RIS.
pub(crate) const SPEC: Spec = Spec {
    name: "ris",
    title: "RIS",
    feed: None,
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(BlockReader::new(lines, RisLines::default())),
        read,
    }),
};

/// The tags of the specification and those that its readers know.
const TAGS: [&str; 69] = [
    "TY", "A1", "A2", "A3", "A4", "A5", "AB", "AD", "AN", "AU", "AV", "BT", "C1", "C2", "C3", "C4",
    "C5", "C6", "C7", "C8", "CA", "CN", "CP", "CT", "CY", "DA", "DB", "DI", "DO", "DP", "ED", "EP",
    "ER", "ET", "ID", "IS", "J1", "J2", "JA", "JF", "JO", "KW", "L1", "L2", "L3", "L4", "LA", "LB",
    "LK", "M1", "M2", "M3", "N1", "N2", "NV", "OP", "PB", "PY", "SE", "SN", "SP", "ST", "T1", "T2",
    "TI", "TT", "UR", "VL", "Y1",
];

/// What databases call a retracted paper among types and keywords.
const RETRACTED: [&str; 3] = ["retracted publication", "retracted article", "retracted"];

/// Lines before the first record that a dump may have, at most.
const MAX_LINES_BEFORE: usize = 20;

/// Reads one record.
pub(crate) fn read(record: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let fields = TaggedFields::parse(without_bare_end(record), tag);
    let mut found = RawRecord {
        given_id: fields.first(&["ID", "AN"]).map(Into::into),
        title: fields
            .first(&["TI", "T1", "CT", "BT", "ST", "TT"])
            .unwrap_or_default(),
        text: fields.joined(&["AB", "N2"]).unwrap_or_default(),
        authors: authors(&fields),
        categories: fields.keywords(&["KW"]),
        journal: fields.first(&["JF", "T2", "JO", "JA", "J2", "J1", "BT"]),
        volume: fields.first(&["VL"]),
        ..RawRecord::default()
    };
    let dates: Vec<_> = fields
        .values(&["PY"])
        .chain(fields.values(&["Y1", "DA"]))
        .collect();
    let published = dates::most_exact(dates.iter().map(|date| &**date));
    found.published = found.dated(published, dates.iter().map(|date| &**date));
    if fields.says(&["M3", "KW"], &RETRACTED) {
        found.notice = Some(Notice::Retracted);
    }
    add_ids(&mut found, &fields);
    add_number(&mut found);
    found.item()
}

/// Authors. Some exporters write all of them under both tags; under one tag, two authors may have the
/// same name.
fn authors(fields: &TaggedFields<'_>) -> Vec<String> {
    let mut met: HashMap<String, String> = HashMap::new();
    let mut authors = Vec::new();
    for (tag, value) in fields.tagged_values(&["AU", "A1"]) {
        let tag = tag.to_ascii_uppercase();
        for name in names::indexed(&value) {
            let met_under = met.entry(name.clone()).or_insert_with(|| tag.clone());
            if *met_under == tag {
                authors.push(name);
            }
        }
    }
    authors
}

fn add_ids(found: &mut RawRecord<'_>, fields: &TaggedFields<'_>) {
    let of_pubmed = fields.values(&["DB", "DP"]).any(|name| is_pubmed(&name));
    if of_pubmed {
        for number in fields.values(&["AN", "ID"]) {
            found.add_id(IdKind::Pmid, &number);
        }
    }
    for value in fields.values(&["DO"]).chain(fields.values(&["DI"])) {
        ids::add_due_dois(found, &value);
    }
    for value in fields.values(&["M3"]) {
        ids::add_dois(found, &value);
    }
    for value in fields.values(&["C2"]) {
        if value.starts_with("PMC") {
            found.add_id(IdKind::Pmcid, &value);
        }
    }
    for line in fields.lines(&["UR", "L1", "L2", "L3", "L4", "LK"]) {
        ids::add_address(found, line);
    }
    for line in fields.lines(&["N1", "M1", "AN"]) {
        ids::add_noted(found, line);
    }
}

/// Adds the record's number, which has a meaning in its own file only.
fn add_number(found: &mut RawRecord<'_>) {
    let number = found.given_id.as_deref();
    let is_of_world = |id: &PaperId| id.kind().is_some() || found.ids.contains(id);
    let is_number = |number: &&str| {
        let of_pubmed = PaperId::of_kind(IdKind::Pmid, number);
        !PaperId::parse(number).is_some_and(|id| is_of_world(&id))
            && !of_pubmed.is_some_and(|id| found.ids.contains(&id))
    };
    let own = number.filter(is_number).and_then(PaperId::of_own);
    found.ids.extend(own);
}

/// Whether a database's name is that of PubMed, or of the index that it shows.
pub(super) fn is_pubmed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("pubmed") || name.contains("medline") || name == "nlm"
}

/// Finds the tag of a line.
fn tag(line: &[u8]) -> Option<TagPlace> {
    let start = line.len() - line.trim_ascii_start().len();
    let name = line.get(start..start + 2)?;
    let rest = &line[start + 2..];
    let gap = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let after = rest[gap..].strip_prefix(b"-")?;
    let is_spaced = matches!(after.first(), None | Some(b' ' | b'\t'));
    let is_shaped = name[0].is_ascii_uppercase() && name[1].is_ascii_alphanumeric();
    let is_exact = is_shaped && !name[1].is_ascii_lowercase() && rest.starts_with(b"  -");
    let is_known = TAGS
        .iter()
        .any(|tag| tag.as_bytes().eq_ignore_ascii_case(name));
    let is_near = is_known
        && if is_shaped {
            (1..=3).contains(&gap)
        } else {
            rest.starts_with(b"  -") && is_spaced
        };
    let is_tag = is_exact || (is_near && (is_spaced || gap == 2));
    is_tag.then_some(TagPlace {
        name: start..start + 2,
        value: line.len() - after.len(),
    })
}

/// Whether a line is an incomplete `ER`: `ER`, `ER-`.
fn is_bare_end(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.eq_ignore_ascii_case(b"ER") || line.eq_ignore_ascii_case(b"ER-")
}

/// A record without a bare `ER` that ends it.
fn without_bare_end(record: &str) -> &str {
    match record.trim_end().rsplit_once('\n') {
        Some((rest, last)) if is_bare_end(last.as_bytes()) => rest,
        _ => record,
    }
}

/// Recognises the lines of RIS.
#[derive(Default)]
pub(super) struct RisLines {
    /// A record of this dump stopped without `ER`.
    is_open_ended: bool,
    /// A record of this dump ended with `ER` in any form.
    has_ends: bool,
    /// A record of this dump ended with `ER` and its hyphen.
    has_exact_ends: bool,
    /// The line before was a tag's.
    after_tag: bool,
}

impl LineLayout for RisLines {
    fn mark(&mut self, line: &[u8], place: LinePlace) -> Mark {
        let after_tag = mem::take(&mut self.after_tag);
        let Some(tag) = tag(line) else {
            // Where it may be a word of a wrapped text, it is one.
            let is_end = is_bare_end(line) && after_tag && !self.has_exact_ends;
            self.has_ends |= is_end;
            return if is_end { Mark::End } else { Mark::Inside };
        };
        self.after_tag = true;
        let is_exact = line[tag.name.end..].starts_with(b"  -");
        let is_blank = line[tag.value..].trim_ascii().is_empty();
        match &*line[tag.name].to_ascii_uppercase() {
            b"TY" => {
                self.is_open_ended |= place.in_record;
                Mark::Start
            }
            // A wrapped line of an abstract can begin with "ER - positive".
            b"ER" if is_exact || is_blank => {
                self.has_ends = true;
                self.has_exact_ends = true;
                Mark::End
            }
            b"TI" | b"T1" | b"AU" | b"A1" if !place.in_record => Mark::Start,
            _ => Mark::Inside,
        }
    }

    /// If no record has ended with `ER`, the last one need not either; if they do, it is cut off.
    fn may_stop(&self) -> bool {
        self.is_open_ended || !self.has_ends
    }
}

/// Whether a text begins with a record, after numbers and lines like `Provider: …`.
pub(super) fn looks_like(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.take(MAX_LINES_BEFORE) {
        if let Some(tag) = tag(line.as_bytes()) {
            return line[tag.name].eq_ignore_ascii_case("TY");
        }
        let is_number = line
            .trim_end_matches('.')
            .bytes()
            .all(|b| b.is_ascii_digit());
        let is_about = line.split_once(':').is_some_and(|(name, _)| {
            name.len() <= 20 && name.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
        });
        if !is_number && !is_about {
            return false;
        }
    }
    false
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

    #[track_caller]
    fn check_frame(text: &str, expected: &[&str]) {
        check_records(RisLines::default(), text, expected);
    }

    #[test]
    fn a_record_is_a_paper() {
        check(
            "TY  - JOUR\nID  - 77\nTI  - Notes on the\n  Engine\nAU  - Lovelace, Ada\n\
             AU  - King, Martin, Jr.\nA2  - Editor, An\nAB  - We weave.\n\n Patterns.\n\
             DO  - http://dx.doi.org/10.1000/X\nUR  - https://arxiv.org/abs/2503.11731v2\n\
             L2  - http://www.ncbi.nlm.nih.gov/pubmed/42\nPY  - 1843\nDA  - 1843/09/05/\n\
             T2  - Memoirs\nJA  - Mem.\nKW  - engines\nKW  - *algebra; looms\nER  -",
            serde_json::json!({
                "id": "10.1000/x",
                "aliases": ["2503.11731", "pmid:42", "@#77"],
                "version": 2,
                "title": "Notes on the Engine",
                "abstract": "We weave. Patterns.",
                "authors": ["Ada Lovelace", "Martin King Jr."],
                "published": "1843-09-05",
                "journal": "Memoirs",
                "categories": ["engines", "algebra", "looms"],
            }),
        );
    }

    #[test]
    fn tags_of_other_exporters_are_known() {
        check(
            "TY  - JOUR\nAN  - 42\nDB  - Ovid MEDLINE(R)\nT1  - X\nA1  - Roe, R.\nN2  - Text.\n\
             Y1  - 2019//\nM3  - doi: 10.1000/x\nC2  - PMC7\nJO  - J\nM3  - Retracted\nER  -",
            serde_json::json!({
                "id": "pmid:42",
                "aliases": ["10.1000/x", "PMC7"],
                "title": "X",
                "abstract": "Text.",
                "authors": ["R. Roe"],
                "published": "2019",
                "journal": "J",
                "notice": "retracted",
            }),
        );
        check(
            "TY  - JOUR\nID  - 42\nTI  - X\nAU  - Roe, R.; Doe, J.\nAU  - Anonymous\n\
             N1  - PMID: 7\nN1  - Cited By :9",
            serde_json::json!({"id": "pmid:7", "authors": ["R. Roe", "J. Doe"], "comment": null}),
        );
    }

    #[test]
    fn authors_of_one_name_are_two_and_those_of_two_tags_are_one() {
        check(
            "TY  - JOUR\nTI  - X\nAU  - Cao, J.\nAU  - Cao, J.\nA1  - Cao, J.\nA1  - Roe, R.\nER  -",
            serde_json::json!({"authors": ["J. Cao", "J. Cao", "R. Roe"]}),
        );
    }

    #[test]
    fn tags_are_told_from_words() {
        let check = |line: &str, expected: Option<&str>| {
            let found = tag(line.as_bytes()).map(|tag| &line[tag.value..]);
            assert_eq!(found, expected, "{line}");
        };
        check("TI  - x", Some(" x"));
        check("ZZ  -x", Some("x"));
        check("JF\t- x", Some(" x"));
        check("ID \t- x", Some(" x"));
        check("AB - x", Some(" x"));
        check("ER  -", Some(""));
        check("ti  - x", Some(" x"));
        for line in [
            "T1- and T2-weighted",
            "IN - vitro",
            "is - x",
            "x",
            "",
            "é  - x",
            "TI x",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn records_go_from_ty_to_er() {
        check_frame(
            "1.\nTY  - A\n\nx\nER  - \nNL  - x\n2.\nTY  - B\nER  -",
            &["2:TY  - A|x|ER  - ", "8:TY  - B|ER  -"].map(str::trim_end),
        );
        check_frame("TY  - A\nTY  - B\n", &["1:TY  - A", "2:TY  - B"]);
        check_frame(
            "TY  - A\nER  -\nTI  - B\nER  -\nTY  - C",
            &["1:TY  - A|ER  -", "3:TI  - B|ER  -", "5:?"],
        );
        check_frame(
            "TY  - A\nER - positive\nER  -",
            &["1:TY  - A|ER - positive|ER  -"],
        );
        check_frame("TY  - A\n", &["1:TY  - A"]);
        check_frame(
            "TY  - A\nTI  - x\nER\n\nTY  - B\nER\nTY  - C",
            &["1:TY  - A|TI  - x|ER", "5:TY  - B|ER", "7:?"],
        );
        check_frame(
            "TY  - A\nER  -\nTY  - B\nAB  - of\nER\nx\nER  -",
            &["1:TY  - A|ER  -", "3:TY  - B|AB  - of|ER|x|ER  -"],
        );
    }

    #[test]
    fn a_dump_begins_with_a_type() {
        assert!(looks_like(
            "Provider: X\nContent: text/plain; charset=\"UTF-8\"\n\nTY  - JOUR"
        ));
        assert!(!looks_like("AU  - x\nTY  - JOUR"));
        assert!(!looks_like("Some text.\nTY  - JOUR"));
    }
}
