//! MEDLINE text, also called PubMed format and `.nbib`.
//!
//! In: the lines of one record, `PMID- …` up to the next. Out: the paper. Tags have four places
//! and a hyphen, and values go on in lines indented by six. The tags are described in "MEDLINE/
//! PubMed Data Element (Field) Descriptions" (National Library of Medicine).
//!
//! | of a paper | tags |
//! |---|---|
//! | ids | `PMID`; the DOI in `LID`, `AID` or `SO`; `PMC` |
//! | title | `TI`, in brackets if it is translated; of a book `BTI`, `CTI`, `VTI`; `TT` if there is no translated one |
//! | abstract | `AB`, else `OAB` |
//! | authors | `FAU`, else `AU`, and `CN`; editors do not count |
//! | published | the most exact of `DP`, `DEP` |
//! | journal | `JT`, `TA`, of a chapter its book |
//! | categories | `MH` without qualifiers, else `OT` |
//! | notice | `PT` and `RIN` |

use std::borrow::Cow;

use akin_base::paper::{Authority, IdKind, Notice};

use super::blocks::{BlockReader, LineLayout, LinePlace, Mark};
use super::fields::{MAX_KEYWORDS, TagPlace, TaggedFields};
use super::ids;
use crate::format::{FormatReader, SourceFeed, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// MEDLINE.
pub(crate) const SPEC: Spec = Spec {
    name: "medline",
    title: "MEDLINE",
    feed: Some(SourceFeed::new("pubmed", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(BlockReader::new(lines, MedlineLines::default())),
        read,
    }),
};

/// Reads one record.
pub(crate) fn read(record: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let fields = TaggedFields::parse(record, tag);
    let (title, book) = titles(&fields);
    let mut found = RawRecord {
        given_id: fields.first(&["PMID"]).map(Into::into),
        title,
        text: abstract_text(&fields),
        authors: authors(&fields),
        categories: categories(&fields),
        journal: fields.first(&["JT", "TA"]).or(book),
        volume: fields.first(&["VI"]),
        ..RawRecord::default()
    };
    let dates: Vec<_> = fields
        .values(&["DP"])
        .chain(fields.values(&["DEP"]))
        .collect();
    let published = dates::most_exact(dates.iter().map(|date| &**date));
    found.published = found.dated(published, dates.iter().map(|date| &**date));
    let is_retracted =
        fields.says(&["PT"], &["retracted publication"]) || fields.first(&["RIN"]).is_some();
    found.notice = is_retracted.then_some(Notice::Retracted);
    add_ids(&mut found, &fields);
    found.item()
}

/// The title, and that of the book which holds it.
fn titles<'a>(fields: &TaggedFields<'a>) -> (Cow<'a, str>, Option<Cow<'a, str>>) {
    let book = fields.first(&["BTI", "CTI", "VTI"]);
    let Some(title) = fields.first(&["TI"]) else {
        let title = book.or_else(|| fields.first(&["TT"]));
        return (title.unwrap_or_default(), None);
    };
    let is_missing = title
        .trim_matches(['[', ']', '.'])
        .eq_ignore_ascii_case("not available");
    let original = is_missing.then(|| fields.first(&["TT"])).flatten();
    (original.unwrap_or(title), book)
}

/// The abstract, or one from elsewhere if it is more than a remark that there is one.
fn abstract_text<'a>(fields: &TaggedFields<'a>) -> Cow<'a, str> {
    let says = |text: &Cow<'_, str>| {
        !text
            .to_ascii_lowercase()
            .contains("abstract available from the publisher")
    };
    fields
        .joined(&["AB"])
        .or_else(|| fields.values(&["OAB"]).find(says))
        .map(|text| match text.strip_prefix("Publisher: ") {
            Some(rest) => Cow::Owned(rest.to_owned()),
            None => text,
        })
        .unwrap_or_default()
}

fn authors(fields: &TaggedFields<'_>) -> Vec<String> {
    let whole = fields.first(&["FAU"]).is_some();
    let tags = if whole { ["FAU", "CN"] } else { ["AU", "CN"] };
    let names = fields.tagged_values(&tags);
    names
        .flat_map(|(tag, name)| {
            if tag.eq_ignore_ascii_case("CN") {
                names::single(&name).into_iter().collect()
            } else {
                names::indexed(&name)
            }
        })
        .collect()
}

/// Subject headings, else the authors' keywords.
fn categories(fields: &TaggedFields<'_>) -> Vec<String> {
    let headings = fields.values(&["MH"]).filter_map(|heading| {
        let name = heading.split('/').next()?.trim_start_matches('*').trim();
        Some(name.to_owned())
    });
    let headings = headings.filter(|name| !name.is_empty());
    let headings: Vec<String> = headings.take(MAX_KEYWORDS).collect();
    if headings.is_empty() {
        return fields.keywords(&["OT"]);
    }
    headings
}

fn add_ids(found: &mut RawRecord<'_>, fields: &TaggedFields<'_>) {
    if let Some(number) = fields.first(&["PMID"]) {
        found.add_due_id(IdKind::Pmid, &number);
    }
    for value in fields.values(&["LID", "AID"]) {
        // Older records hold several in one value: `S0140 [pii] 10.1000/x [doi]`.
        for part in value.split_inclusive(']') {
            if let Some(doi) = part.trim_end().strip_suffix("[doi]") {
                ids::add_dois(found, doi);
            }
        }
    }
    for value in fields.values(&["PMC"]) {
        found.add_due_id(IdKind::Pmcid, &value);
    }
    for value in fields.values(&["SO"]) {
        if let Some((_, doi)) = value.split_once("doi: ") {
            ids::add_dois(found, doi.split_whitespace().next().unwrap_or(""));
        }
    }
}

/// Finds the tag of a line.
fn tag(line: &[u8]) -> Option<TagPlace> {
    let name_bytes = line
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        .count();
    let is_padded = line.get(name_bytes..4)?.iter().all(|byte| *byte == b' ');
    let is_named = (2..=4).contains(&name_bytes) && line[0].is_ascii_uppercase();
    let after = line.get(4..)?.strip_prefix(b"-")?;
    let is_spaced = matches!(after.first(), None | Some(b' ' | b'\t'));
    let is_number = line.starts_with(b"PMID-");
    (is_named && is_padded && (is_spaced || is_number)).then_some(TagPlace {
        name: 0..name_bytes,
        value: 5,
    })
}

/// Recognises the lines of MEDLINE.
#[derive(Default)]
pub(super) struct MedlineLines {
    /// The record that is open has its number.
    is_numbered: bool,
}

impl LineLayout for MedlineLines {
    fn mark(&mut self, line: &[u8], place: LinePlace) -> Mark {
        let name = tag(line).map(|tag| &line[tag.name]);
        let begins = match name {
            Some(b"PMID") => {
                let begins = !place.in_record || self.is_numbered;
                self.is_numbered = true;
                begins
            }
            // Records of before 2001 begin with another number.
            Some(b"UI") => {
                let begins = !place.in_record || place.after_blank;
                self.is_numbered &= !begins;
                begins
            }
            _ => false,
        };
        if begins { Mark::Start } else { Mark::Inside }
    }

    fn may_stop(&self) -> bool {
        true
    }
}

/// Whether a text begins with a record.
pub(super) fn looks_like(text: &str) -> bool {
    let line = text.trim_start().lines().next().unwrap_or("");
    let Some(tag) = tag(line.as_bytes()) else {
        return false;
    };
    let value = line[tag.value..].trim();
    matches!(&line[tag.name], "PMID" | "UI")
        && !value.is_empty()
        && value.bytes().all(|b| b.is_ascii_digit())
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
            "PMID- 42\nOWN - NLM\nDP  - 1843 Sep\nTI  - Notes on the\n      engine.\n\
             LID - S1-2 [pii] 10.1000/X\n      [doi]\nAB  - PURPOSE: We weave\n      patterns.\n\
             CI  - (c) 1843\nFAU - Lovelace, Ada K Jr\nAU  - Lovelace AK\nCN  - Engine Group\n\
             FAU - Babbage, Charles\nAU  - Babbage C\nFED - Editor, An\nPT  - Journal Article\n\
             DEP - 18430905\nTA  - Mem\nJT  - Memoirs\nMH  - *Engines/adverse\n      effects/*use\n\
             MH  - Humans\nOT  - looms\nPMC - PMC7\nAID - 10.1000/x [doi]\n\
             SO  - Mem. 1843;3:1. doi: 10.1000/x. Epub 1843.",
            serde_json::json!({
                "id": "pmid:42",
                "aliases": ["10.1000/x", "PMC7"],
                "title": "Notes on the engine.",
                "abstract": "PURPOSE: We weave patterns.",
                "authors": ["Ada K Lovelace Jr", "Engine Group", "Charles Babbage"],
                "published": "1843-09-05",
                "journal": "Memoirs",
                "categories": ["Engines", "Humans"],
                "notice": null,
            }),
        );
    }

    #[test]
    fn what_is_missing_is_looked_for_elsewhere() {
        check(
            "PMID- 42\nTI  - [The [old] engine].\nOAB - Publisher: Abstract available from the\n      \
             publisher.\nOAB - Publisher: Wir weben.\nAU  - van der Berg J\nOT  - *looms\n\
             RIN - J. 1844;1:1. PMID: 43\nSO  - J. 1843. doi: 10.1000/x.",
            serde_json::json!({
                "aliases": ["10.1000/x"],
                "title": "[The [old] engine].",
                "abstract": "Wir weben.",
                "authors": ["J van der Berg"],
                "categories": ["looms"],
                "notice": "retracted",
            }),
        );
        check(
            "PMID- 42\nTI  - [Not Available].\nTT  - Die Maschine.\nPT  - Retracted Publication",
            serde_json::json!({"title": "Die Maschine.", "notice": "retracted"}),
        );
        check(
            "PMID- 42\nBTI - Book\nTI  - Chapter\nPT  - Book Chapter",
            serde_json::json!({"title": "Chapter", "journal": "Book"}),
        );
        check(
            "PMID- 42\nBTI - Book",
            serde_json::json!({"title": "Book", "journal": null}),
        );
        check(
            "PMID- 42\nTI  - [A] and [B].",
            serde_json::json!({"title": "[A] and [B]."}),
        );
    }

    #[test]
    fn a_record_begins_with_its_number() {
        let check = |text: &str, expected: &[&str]| {
            check_records(MedlineLines::default(), text, expected);
        };
        check(
            "\nPMID- 1\r\nAB  - x\r\n      y\n\nPMID- 2\nTI  - z\n",
            &["2:PMID- 1|AB  - x|      y", "6:PMID- 2|TI  - z"],
        );
        check(
            "UI  - 9\nPMID- 1\n\nUI  - 8\nPMID- 2\nPMID- 3",
            &["1:UI  - 9|PMID- 1", "4:UI  - 8|PMID- 2", "6:PMID- 3"],
        );
    }

    #[test]
    fn tags_have_four_places() {
        let check = |line: &str, expected: Option<&str>| {
            let found = tag(line.as_bytes()).map(|tag| &line[tag.name]);
            assert_eq!(found, expected, "{line}");
        };
        check("TI  - x", Some("TI"));
        check("PMID-1", Some("PMID"));
        check("OAB -", Some("OAB"));
        for line in [
            "",
            "      x",
            "MRSA-related",
            "COVID-19",
            "T",
            "5HT - x",
            "Ti  - x",
        ] {
            check(line, None);
        }
    }
}
