//! EndNote's own export (`.enw`), and the refer format that it grew out of.
//!
//! In: the lines of one record, each with a tag of `%` and one character. Out: the paper. EndNote's
//! records begin with `%0`, its type; those of refer are separated by blank lines. The tags are
//! described in EndNote's manual ("EndNote Import") and in refer(1). No genuine sample was at hand:
//! this follows the descriptions.
//!
//! | of a paper | tags |
//! |---|---|
//! | title | `%T`, `%!` (short), `%Q` (translated) |
//! | abstract | `%X` |
//! | authors | `%A`; `%E`, `%Y` and `%?` are editors and the like |
//! | ids | `%R`, `%U`, `%>`, `%1` to `%3`, and `%M` where `%~` or `%W` is PubMed |
//! | published | the most exact of `%8`, `%D` |
//! | journal | `%J`, `%B`, `%S` |
//! | categories | `%K` |

use akin_base::paper::{IdKind, Notice};

use super::blocks::{BlockReader, LineLayout, LinePlace, Mark};
use super::fields::{TagPlace, TaggedFields};
use super::{ids, ris};
use crate::format::{FormatReader, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// EndNote.
pub(crate) const SPEC: Spec = Spec {
    name: "endnote",
    title: "EndNote",
    feed: None,
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(BlockReader::new(lines, EndNoteLines::default())),
        read,
    }),
};

/// Number of lines that are examined to recognise the format.
const LOOKED_AT: usize = 12;

/// Reads one record.
pub(crate) fn read(record: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let fields = TaggedFields::parse(record, tag);
    let mut found = RawRecord {
        given_id: fields.first(&["%M", "%F"]).map(Into::into),
        title: fields.first(&["%T", "%!", "%Q"]).unwrap_or_default(),
        text: fields.joined(&["%X"]).unwrap_or_default(),
        authors: authors(&fields),
        categories: fields.keywords(&["%K"]),
        journal: fields.first(&["%J", "%B", "%S"]),
        volume: fields.first(&["%V"]),
        ..RawRecord::default()
    };
    let dates: Vec<_> = fields
        .values(&["%D"])
        .chain(fields.values(&["%8"]))
        .collect();
    let published = dates::most_exact(dates.iter().map(|date| &**date));
    found.published = found.dated(published, dates.iter().map(|date| &**date));
    if fields.says(
        &["%9", "%K"],
        &["retracted publication", "retracted article"],
    ) {
        found.notice = Some(Notice::Retracted);
    }
    add_ids(&mut found, &fields);
    found.item()
}

fn authors(fields: &TaggedFields<'_>) -> Vec<String> {
    let values = fields.values(&["%A"]);
    values.flat_map(|value| names::indexed(&value)).collect()
}

fn add_ids(found: &mut RawRecord<'_>, fields: &TaggedFields<'_>) {
    if fields
        .values(&["%~", "%W"])
        .any(|name| ris::is_pubmed(&name))
    {
        for number in fields.values(&["%M"]) {
            found.add_id(IdKind::Pmid, &number);
        }
    }
    for value in fields.values(&["%R"]) {
        ids::add_dois(found, &value);
    }
    for line in fields.lines(&["%U", "%>", "%R"]) {
        ids::add_address(found, line);
    }
    for value in fields.lines(&["%1", "%2", "%3"]) {
        if value.starts_with("PMC") {
            found.add_id(IdKind::Pmcid, value);
        }
    }
    for line in fields.lines(&["%M", "%Z", "%J"]) {
        ids::add_noted(found, line);
    }
}

/// Finds the tag of a line.
fn tag(line: &[u8]) -> Option<TagPlace> {
    let [b'%', name, rest @ ..] = line else {
        return None;
    };
    let is_spaced = matches!(rest.first(), None | Some(b' ' | b'\t'));
    (name.is_ascii_graphic() && is_spaced).then_some(TagPlace {
        name: 0..2,
        value: 2,
    })
}

/// Recognises the lines of EndNote and refer.
#[derive(Default)]
pub(super) struct EndNoteLines {
    /// Records have types, so blank lines mean nothing.
    has_types: bool,
}

impl LineLayout for EndNoteLines {
    fn mark(&mut self, line: &[u8], place: LinePlace) -> Mark {
        if tag(line).is_none() {
            return Mark::Inside;
        }
        let is_type = line[1] == b'0';
        self.has_types |= is_type;
        let is_apart = !place.in_record || (place.after_blank && !self.has_types);
        if is_type || is_apart {
            Mark::Start
        } else {
            Mark::Inside
        }
    }

    fn may_stop(&self) -> bool {
        true
    }
}

/// Whether a text begins with tags, a type or a title among them.
pub(super) fn looks_like(text: &str) -> bool {
    let lines = text.trim_start().lines().take(LOOKED_AT);
    let tags: Vec<char> = lines
        .map_while(|line| {
            let is_tagged = line.is_empty() || tag(line.as_bytes()).is_some();
            is_tagged.then(|| line.chars().nth(1).unwrap_or(' '))
        })
        .collect();
    let known = tags.iter().filter(|tag| tag.is_ascii_alphanumeric());
    tags.first() == Some(&'0') || (tags.contains(&'T') && known.count() > 1)
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
            "%0 Journal Article\n%A Lovelace, Ada\n%A Charles Babbage\n%E Editor, An\n%D 1843\n\
             %8 Sep 5\n%T Notes on the\nengine\n%J Memoirs\n%V 3\n%X We weave.\n\nPatterns.\n\
             %R doi:10.1000/X\n%U https://arxiv.org/abs/2503.11731v2\n%2 PMC7\n%M 42\n%~ PubMed\n\
             %K engines\nlooms\n%! Notes",
            serde_json::json!({
                "id": "pmid:42",
                "aliases": ["10.1000/x", "2503.11731", "PMC7"],
                "version": 2,
                "title": "Notes on the engine",
                "abstract": "We weave. Patterns.",
                "authors": ["Ada Lovelace", "Charles Babbage"],
                "published": "1843-09-05",
                "journal": "Memoirs",
                "categories": ["engines", "looms"],
            }),
        );
        check(
            "%T X\n%A Roe, R.; Doe, J.\n%B Proceedings\n%M 42\n%9 Retracted Publication",
            serde_json::json!({
                "aliases": null,
                "authors": ["R. Roe", "J. Doe"],
                "journal": "Proceedings",
                "notice": "retracted",
            }),
        );
    }

    #[test]
    fn records_begin_with_a_type_or_after_a_blank_line() {
        let check = |text: &str, expected: &[&str]| {
            check_records(EndNoteLines::default(), text, expected);
        };
        check(
            "%0 A\n%X x\n\ny\n\n%T z\n%0 B\n",
            &["1:%0 A|%X x|y|%T z", "7:%0 B"],
        );
        check("%A x\n%T y\n\n\n%T z\n", &["1:%A x|%T y", "5:%T z"]);
    }

    #[test]
    fn a_dump_begins_with_a_type_or_with_tags() {
        for text in ["%0 Book\n", "%A x\n%T y\n", "%T y\n%D 1843"] {
            assert!(looks_like(text), "{text}");
        }
        for text in [
            "%T y",
            "% T\n%D",
            "%%\n",
            "%A x\ny\n",
            "%PDF-1.7\n%T y\n%A x",
            "",
        ] {
            assert!(!looks_like(text), "{text}");
        }
    }
}
