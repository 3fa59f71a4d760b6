//! Papers of a collection of the ACL Anthology.
//!
//! In: one `paper`, and around it the tags of its `collection` and `volume` and the volume's
//! `meta`. Out: a paper. The format is described by `data/xml/schema.rnc` of
//! <https://github.com/acl-org/acl-anthology>, ids at <https://aclanthology.org/info/ids/>,
//! retractions and removals at <https://aclanthology.org/info/corrections/>.
//!
//! | of a paper | element |
//! |---|---|
//! | id | collection, volume and paper: `2020.coling-main.1`, `P18-1001`, `W18-6310`; else `url` |
//! | aliases | `doi` |
//! | authors | `author`; editors are none, and names in another script are left out |
//! | published | `year` and `month`, else those of the volume |
//! | updated | the last dated `revision` or `erratum` |
//! | journal | `journal`, else the volume's `journal-title` or `booktitle` |
//! | comment | `note`, and why it was retracted or removed |
//! | notice | `retracted`: retracted; `removed`: withdrawn, for its page and its record stay |

use akin_base::paper::{Authority, IdKind, Notice, PaperId, PartialDate};

use super::answer::empty_without_elements;
use super::parts::{day_of, written_of};
use super::rules::Rules;
use super::start::StartTags;
use super::tree::{self, Element};
use crate::format::{FormatReader, SourceFeed, Spec, XmlSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// ACL Anthology XML.
pub(crate) const SPEC: Spec = Spec {
    name: "acl",
    title: "ACL Anthology XML",
    feed: Some(SourceFeed::new("acl", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Xml(XmlSpec {
        is_start,
        rules: &RULES,
        answer: empty_without_elements,
        read,
    }),
};

pub(super) static RULES: Rules = Rules {
    is_whole_record: |name| name == b"paper",
    is_meta: |name, parent| name == b"meta" && parent == b"volume",
    ..Rules::NONE
};

/// Whether the start tag at an index shows that a document is from the ACL Anthology.
fn is_start(tags: &StartTags<'_>, at: usize) -> bool {
    match (tags.name(at), tags.name(at + 1)) {
        ("collection", "volume") => true,
        ("volume", "meta" | "frontmatter" | "paper") => true,
        ("paper", "title") => tags.tag_has(at, b"id="),
        _ => false,
    }
}

/// Reads one record.
pub(crate) fn read(xml: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let paper = tree::parse(xml)?;
    let around = tree::parse(&context.around).unwrap_or_default();
    let volume = match &*around.name {
        "volume" => &around,
        _ => around.child("volume").unwrap_or(&around),
    };
    let meta = volume.child("meta");
    let text = |name: &str| paper.text_at(&[name]);
    let of_volume = |name: &str| meta?.text_at(&[name]);
    let (notice, reason) = notice(&paper);
    let journal = text("journal")
        .or_else(|| text("booktitle"))
        .or_else(|| of_volume("journal-title"))
        .or_else(|| of_volume("booktitle"));
    let comment: Vec<String> = [text("note"), reason].into_iter().flatten().collect();
    let mut found = RawRecord {
        title: text("title").unwrap_or_default().into(),
        text: text("abstract").unwrap_or_default().into(),
        authors: paper.children("author").filter_map(author).collect(),
        journal: journal.map(Into::into),
        comment: (!comment.is_empty()).then(|| comment.join(" ").into()),
        notice,
        ..RawRecord::default()
    };
    found.published = published(&mut found, &paper, meta);
    found.updated = updated(&mut found, &paper);
    found.given_id = id(&around, volume, &paper);
    if let Some(id) = &found.given_id {
        found.ids.extend(PaperId::parse(id));
    }
    for doi in paper.children("doi") {
        found.add_due_id(IdKind::Doi, &doi.text());
    }
    found.item()
}

/// The paper's id in the Anthology, from its place or from its address.
fn id(around: &Element, volume: &Element, paper: &Element) -> Option<String> {
    let number = paper.attribute("id").map(str::trim);
    let place = match &*around.name {
        "collection" => around.attribute("id").zip(volume.attribute("id")),
        _ => None,
    };
    let made = match (place, number) {
        (Some((collection, volume)), Some(number)) => made_id(collection, volume, number),
        // Before 2019 a volume was a file, and its papers had the numbers of their ids.
        (None, Some(number)) => volume
            .attribute("id")
            .map(|volume| format!("{volume}-{number}")),
        _ => None,
    };
    let is_known = |id: &String| PaperId::of_kind(IdKind::Acl, id).is_some();
    let by_address = || paper.text_at(&["url"]).filter(is_known);
    made.filter(is_known).or_else(by_address)
}

/// An id by the Anthology's rule: since 2020 it has all parts in full. Before, volume and paper
/// have four digits together; in workshops, in C69 and in the later volumes of D19, two each.
fn made_id(collection: &str, volume: &str, number: &str) -> Option<String> {
    if collection.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(format!("{collection}-{volume}.{number}"));
    }
    let volume: u32 = volume.trim().parse().ok()?;
    let number: u32 = number.parse().ok()?;
    let is_wide =
        collection.starts_with('W') || collection == "C69" || (collection == "D19" && volume >= 5);
    Some(if is_wide {
        format!("{collection}-{volume:02}{number:02}")
    } else {
        format!("{collection}-{volume}{number:03}")
    })
}

fn author(author: &Element) -> Option<String> {
    let part = |name: &str| author.text_at(&[name]).unwrap_or_default();
    if author.child("last").is_none() {
        return names::single(&author.text());
    }
    let parts = [part("first"), part("last")];
    names::joined(parts.iter().map(String::as_str))
}

fn published(
    found: &mut RawRecord<'_>,
    paper: &Element,
    meta: Option<&Element>,
) -> Option<PartialDate> {
    let say = |name: &str| {
        let of_volume = || meta?.text_at(&[name]);
        paper.text_at(&[name]).or_else(of_volume)
    };
    let (year, month) = (say("year")?, say("month").unwrap_or_default());
    let written = written_of(&year, &month, "");
    found.dated(day_of(&year, &month, ""), [&*written])
}

fn updated(found: &mut RawRecord<'_>, paper: &Element) -> Option<PartialDate> {
    let changes = paper.children("revision").chain(paper.children("erratum"));
    let written = changes.filter_map(|change| change.attribute("date"));
    let dates: Vec<PartialDate> = written
        .filter_map(|date| found.dated(dates::day(date), [date]))
        .collect();
    dates.into_iter().max()
}

/// What became of the paper, and why.
fn notice(paper: &Element) -> (Option<Notice>, Option<String>) {
    if let Some(retracted) = paper.child("retracted") {
        return (Some(Notice::Retracted), retracted.some_text());
    }
    match paper.child("removed") {
        Some(removed) => (Some(Notice::Withdrawn), removed.some_text()),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn paper(xml: &str, around: &str) -> akin_base::paper::Paper {
        let context = DumpContext {
            around: around.to_owned(),
            ..DumpContext::default()
        };
        match read(xml, &context) {
            Ok(Item::Paper(record)) => record.paper,
            other => panic!("no paper: {xml}: {other:?}"),
        }
    }

    fn check(xml: &str, around: &str, expected: Value) {
        let paper = serde_json::to_value(paper(xml, around)).expect("plain data");
        assert_eq!(paper, expected, "{xml}");
    }

    #[test]
    fn a_paper_is_read_with_its_volume() {
        check(
            "<paper id='7'><title>A <fixed-case>P</fixed-case>arser of <tex-math>n^2</tex-math></title>\
             <author id='x'><first>Ada</first><last>Lovelace</last><variant script='hani'>\
             <last>X</last></variant></author><author><last>Babbage</last></author>\
             <editor><last>Ed</last></editor><abstract>See <url>http://x.y</url>, <b>b</b>.</abstract>\
             <url hash='0'>2020.coling-main.7</url><doi>10.18653/v1/A</doi><award>Best</award>\
             <revision id='2' date='2021-02-03'>Typos.</revision></paper>",
            "<collection id='2020.coling'><volume id='main'><meta><booktitle>Proceedings of \
             <fixed-case>COLING</fixed-case></booktitle><editor><last>Ed</last></editor>\
             <month>8-13 December</month><year>2020</year></meta></volume></collection>",
            json!({
                "id": "2020.coling-main.7",
                "aliases": ["10.18653/v1/a"],
                "title": "A Parser of $n^2$",
                "abstract": "See http://x.y, b.",
                "authors": ["Ada Lovelace", "Babbage"],
                "published": "2020-12",
                "updated": "2021-02-03",
                "journal": "Proceedings of COLING",
            }),
        );
    }

    #[test]
    fn ids_are_made_by_the_rule_of_their_time() {
        let check = |collection: &str, volume: &str, number: &str, expected: &str| {
            let xml = format!("<paper id='{number}'><title>t</title></paper>");
            let around =
                format!("<collection id='{collection}'><volume id='{volume}'/></collection>");
            assert_eq!(paper(&xml, &around).id.as_str(), expected);
        };
        check("P18", "1", "1", "P18-1001");
        check("W18", "63", "10", "W18-6310");
        check("W05", "1", "3", "W05-0103");
        check("C69", "2", "5", "C69-0205");
        check("D19", "1", "5", "D19-1005");
        check("D19", "50", "5", "D19-5005");
        check("2021.tacl", "1", "3", "2021.tacl-1.3");
    }

    #[test]
    fn a_paper_alone_is_known_by_its_address() {
        let alone = "<paper id='1001'><title>t</title><url>http://www.aclweb.org/anthology/P18-1001</url></paper>";
        assert_eq!(paper(alone, "").id.as_str(), "P18-1001");
        assert_eq!(
            paper(alone, "<volume id='P18'></volume>").id.as_str(),
            "P18-1001"
        );
        assert!(paper("<paper><title>t</title></paper>", "").id.is_made());
    }

    #[test]
    fn what_became_of_a_paper_is_said() {
        let check = |element: &str, expected| {
            let xml = format!("<paper id='1'><title>t</title>{element}</paper>");
            let paper = paper(&xml, "");
            assert_eq!(
                (paper.notice, paper.comment.as_deref()),
                expected,
                "{element}"
            );
        };
        check("<note>See also.</note>", (None, Some("See also.")));
        check(
            "<retracted date='2021'>Wrong.</retracted>",
            (Some(Notice::Retracted), Some("Wrong.")),
        );
        check("<removed date='2021'/>", (Some(Notice::Withdrawn), None));
    }
}
