//! Records of OAI-PMH interfaces: arXiv's own formats, and Dublin Core from anywhere.
//!
//! In: one `record`, or its metadata alone. Out: a paper, or a deletion if its header says so. The
//! formats are described at <https://info.arxiv.org/help/oa/index.html> and in the schemas
//! `http://www.openarchives.org/OAI/2.0/{OAI-PMH,oai_dc}.xsd` and
//! `http://arxiv.org/OAI/{arXiv,arXivRaw,arXivOld}.xsd`.
//!
//! | of a paper | `arXiv` | `arXivRaw`, `arXivOld` | `oai_dc` |
//! |---|---|---|---|
//! | id | `id` | `id` | the header's `identifier` |
//! | aliases | `doi`, several with spaces between | the same | `identifier` and `relation` that are ids |
//! | authors | `author`s in parts | one string | `creator`, turned round |
//! | categories | `categories` | the same | `subject`, arXiv's names as codes |
//! | published | `created` | first `version`, `date` | first `date` |
//! | updated | `updated` or `created` | last `version` | last `date` |
//! | version | — | last `version` | — |
//! | journal | `journal-ref` | the same | `identifier` that is not an id, `source` |
//! | comment | `comments` | the same | `description` that begins with "Comment:" |
//!
//! A last version without files (`source_type` I) is a withdrawn paper. There was no genuine
//! sample of `arXivRaw` and `arXivOld`.

use akin_base::paper::{Authority, IdKind, Notice, PaperId, PartialDate};

use super::answer::DocumentAnswer;
use super::arxiv_names;
use super::parts::dois;
use super::rules::Rules;
use super::start::StartTags;
use super::tree::{self, Element};
use crate::format::{FormatReader, SourceFeed, Spec, XmlSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::reject::Rejection;
use crate::text::{dates, names};

/// arXiv OAI-PMH.
pub(crate) const SPEC: Spec = Spec {
    name: "arxiv-oai",
    title: "arXiv OAI-PMH",
    feed: Some(SourceFeed::new("arxiv", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Xml(XmlSpec {
        is_start,
        rules: &RULES,
        answer,
        read,
    }),
};

pub(super) static RULES: Rules = Rules {
    is_whole_record: |name| name == b"record",
    is_foreign,
    ..Rules::NONE
};

/// Whether a start tag is a `record` of another format than OAI-PMH, such as MARC inside it.
fn is_foreign(tag: &[u8]) -> bool {
    let has = |words: &[u8]| tag.windows(words.len()).any(|window| window == words);
    has(b"xmlns=") && !has(b"openarchives.org/OAI/2.0")
}

/// Whether the start tag at an index shows that a document is OAI-PMH.
fn is_start(tags: &StartTags<'_>, at: usize) -> bool {
    match tags.name(at) {
        "OAI-PMH" | "ListRecords" | "GetRecord" => true,
        "record" => tags.name(at + 1) == "header",
        _ => false,
    }
}

/// What an answer without records says.
fn answer(root: &Element) -> DocumentAnswer {
    let Some(error) = root.child("error") else {
        let is_empty = root.child("ListRecords").is_some();
        return if is_empty {
            DocumentAnswer::Empty
        } else {
            DocumentAnswer::Other
        };
    };
    match error.attribute("code").unwrap_or("error") {
        "noRecordsMatch" => DocumentAnswer::Empty,
        code => DocumentAnswer::Error(format!("{code}: {}", error.text().trim())),
    }
}

/// Reads one record.
pub(crate) fn read(xml: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let record = tree::parse(xml)?;
    let identifier = record.text_at(&["header", "identifier"]);
    let status = record
        .path(&["header"])
        .and_then(|header| header.attribute("status"));
    if status.is_some_and(|status| status.eq_ignore_ascii_case("deleted")) {
        let id = identifier.as_deref().and_then(PaperId::parse);
        return Ok(Item::Deletion(id.ok_or(Rejection::NoId)?));
    }
    let holder = record.child("metadata").unwrap_or(&record);
    let found = holder
        .elements()
        .find_map(|metadata| match &*metadata.name {
            "arXiv" | "arXivRaw" | "arXivOld" => Some(of_arxiv(metadata, identifier.as_deref())),
            "dc" => Some(of_dublin_core(metadata, identifier.as_deref())),
            _ => None,
        });
    match found {
        Some(found) => found.item(),
        None => Err(RecordError {
            id: identifier,
            reason: Rejection::NoTitle,
        }),
    }
}

/// Reads `arXiv`, `arXivRaw` or `arXivOld`.
fn of_arxiv(metadata: &Element, identifier: Option<&str>) -> RawRecord<'static> {
    let text = |name: &str| metadata.text_at(&[name]);
    let mut found = RawRecord {
        given_id: text("id").or_else(|| identifier.map(str::to_owned)),
        title: text("title").unwrap_or_default().into(),
        text: text("abstract").unwrap_or_default().into(),
        authors: metadata.child("authors").map(authors).unwrap_or_default(),
        journal: text("journal-ref").map(Into::into),
        comment: text("comments").map(Into::into),
        ..RawRecord::default()
    };
    let categories = text("categories").unwrap_or_default();
    found.categories = categories.split_whitespace().map(str::to_owned).collect();
    for id in text("id").as_deref().into_iter().chain(identifier) {
        found.add_spelling(id);
    }
    for doi in dois(&text("doi").unwrap_or_default()) {
        found.add_due_id(IdKind::Doi, doi);
    }
    let mut day = |name: &str| {
        let written = text(name)?;
        found.dated(dates::day(&written), [&*written])
    };
    let published = day("created").or_else(|| day("date"));
    found.updated = day("updated").or(published);
    found.published = published;
    add_versions(&mut found, metadata);
    found
}

/// Adds the data of the versions in `arXivRaw`.
fn add_versions(found: &mut RawRecord<'_>, metadata: &Element) {
    let number = |version: &Element| -> Option<u32> {
        let number = version.attribute("version")?.trim();
        number.trim_start_matches(['v', 'V']).parse().ok()
    };
    let mut versions: Vec<&Element> = metadata.children("version").collect();
    versions.sort_by_key(|version| number(version));
    let (Some(first), Some(last)) = (versions.first(), versions.last()) else {
        return;
    };
    let mut day = |version: &Element| {
        let written = version.text_at(&["date"])?;
        found.dated(dates::day(&written), [&*written])
    };
    let (first, updated) = (day(first), day(last));
    found.version = number(last);
    found.published = first.or(found.published);
    found.updated = updated.or(found.updated);
    let has_no_files = last
        .text_at(&["source_type"])
        .is_some_and(|flags| flags.contains('I'));
    found.notice = has_no_files.then_some(Notice::Withdrawn);
}

/// Names from `author` elements, or from one string.
fn authors(list: &Element) -> Vec<String> {
    if list.child("author").is_none() {
        return names::split(&list.text());
    }
    let name = |author: &Element| {
        let part = |name: &str| author.text_at(&[name]).unwrap_or_default();
        let parts = [part("forenames"), part("keyname"), part("suffix")];
        names::joined(parts.iter().map(String::as_str))
    };
    list.children("author").filter_map(name).collect()
}

/// Reads `oai_dc`, of arXiv or of another archive.
fn of_dublin_core(metadata: &Element, identifier: Option<&str>) -> RawRecord<'static> {
    let all = |name: &str| -> Vec<String> {
        metadata
            .children(name)
            .filter_map(Element::some_text)
            .collect()
    };
    let identifiers = all("identifier");
    let mut found = RawRecord {
        given_id: identifier.map(str::to_owned),
        title: all("title").into_iter().next().unwrap_or_default().into(),
        text: abstract_of(metadata).into(),
        authors: all("creator")
            .iter()
            .flat_map(|name| names::indexed(name))
            .collect(),
        comment: comments(&all("description")).map(Into::into),
        ..RawRecord::default()
    };
    add_ids(&mut found, identifier, &identifiers, &all("relation"));
    let of_arxiv = found.ids.first().is_some_and(PaperId::is_arxiv);
    found.categories = subjects(all("subject"), of_arxiv);
    let days: Vec<PartialDate> = all("date")
        .iter()
        .filter_map(|day| found.dated(dates::day(day), [&**day]))
        .collect();
    found.published = days.iter().min().copied();
    found.updated = days.iter().max().copied();
    let cited = if of_arxiv { identifiers } else { all("source") };
    found.journal = cited
        .into_iter()
        .find(|text| is_citation(text))
        .map(Into::into);
    found
}

/// Adds the header's identifier and those in the metadata that are ids of a known kind.
fn add_ids(
    found: &mut RawRecord<'_>,
    identifier: Option<&str>,
    identifiers: &[String],
    relations: &[String],
) {
    found.ids.extend(identifier.and_then(PaperId::parse));
    for spelling in identifiers {
        if PaperId::parse(spelling).is_some_and(|id| id.kind().is_some()) {
            found.add_spelling(spelling);
            found.given_id.get_or_insert_with(|| spelling.clone());
        }
    }
    // "info:eu-repo/semantics/altIdentifier/doi/10.1000/1" is the same work elsewhere.
    for relation in relations {
        if let Some((_, doi)) = relation.split_once("altIdentifier/doi/") {
            found.add_id(IdKind::Doi, doi);
        }
    }
}

/// The longest description that is not a comment, preferably an English one.
fn abstract_of(metadata: &Element) -> String {
    let is_english = |element: &Element| {
        let language = element.attribute("lang");
        language.is_none_or(|language| language.to_ascii_lowercase().starts_with("en"))
    };
    metadata
        .children("description")
        .filter_map(|element| Some((is_english(element), element.some_text()?)))
        .filter(|(_, text)| comment(text).is_none())
        .max_by_key(|(english, text)| (*english, text.len()))
        .map(|(_, text)| text)
        .unwrap_or_default()
}

fn comments(descriptions: &[String]) -> Option<String> {
    let comments: Vec<&str> = descriptions
        .iter()
        .filter_map(|text| comment(text))
        .collect();
    (!comments.is_empty()).then(|| comments.join("; "))
}

/// What a description says that is a comment.
fn comment(description: &str) -> Option<&str> {
    ["Comment:", "Comments:"]
        .iter()
        .find_map(|word| description.strip_prefix(word))
        .map(str::trim)
}

/// Subjects as categories: of arXiv, codes, and no classes of mathematics or computing.
fn subjects(subjects: Vec<String>, of_arxiv: bool) -> Vec<String> {
    if !of_arxiv {
        return subjects;
    }
    let category = |subject: String| match arxiv_names::code(&subject) {
        Some(code) => Some(code),
        None => (!is_class(&subject)).then_some(subject),
    };
    subjects.into_iter().filter_map(category).collect()
}

/// Whether a subject is made of MSC or ACM classes: `03E75, 03E35`, `I.2.7`.
fn is_class(subject: &str) -> bool {
    let first = subject.split([' ', ',', ';']).next().unwrap_or_default();
    first.contains(|c: char| c.is_ascii_digit())
}

/// Whether a text says where the work appeared, and is neither an id nor an address.
fn is_citation(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_other = [
        "http:", "https:", "urn:", "doi:", "oai:", "issn", "isbn", "eissn", "info:",
    ]
    .iter()
    .any(|start| lower.starts_with(start));
    let is_id = PaperId::parse(text).is_none_or(|id| id.kind().is_some());
    !is_other && !is_id && text.contains(char::is_alphabetic) && text.contains(' ')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(metadata: &str, expected: Value) {
        let xml = format!(
            "<record><header><identifier>oai:arXiv.org:2401.00001</identifier></header>\
             <metadata>{metadata}</metadata></record>"
        );
        let Ok(Item::Paper(record)) = read(&xml, &DumpContext::default()) else {
            panic!("no paper: {xml}");
        };
        let paper = serde_json::to_value(&record.paper).expect("plain data");
        assert_eq!(paper, expected, "{xml}");
    }

    #[test]
    fn arxiv_is_read() {
        check(
            "<x:arXiv xmlns:x='http://arxiv.org/OAI/arXiv/'><id>2401.00001</id>\
             <created>2024-01-02</created><updated>2024-02-03</updated><authors>\
             <author><keyname>Lovelace</keyname><forenames>Ada</forenames><suffix>II</suffix></author>\
             <author><keyname>X Collaboration</keyname></author></authors>\
             <title>On\n  engines</title><categories>cs.PL math.NA</categories>\
             <comments>2 pages</comments><journal-ref>J. Engines 1</journal-ref>\
             <doi>10.1000/A;10.1000/b</doi><abstract>  We &lt; they.\n</abstract></x:arXiv>",
            json!({
                "id": "2401.00001",
                "aliases": ["10.1000/a", "10.1000/b"],
                "title": "On engines",
                "abstract": "We < they.",
                "authors": ["Ada Lovelace II", "X Collaboration"],
                "categories": ["cs.PL", "math.NA"],
                "published": "2024-01-02",
                "updated": "2024-02-03",
                "comment": "2 pages",
                "journal": "J. Engines 1",
            }),
        );
    }

    #[test]
    fn versions_say_when_and_whether_a_paper_was_withdrawn() {
        check(
            "<arXivRaw><id>hep-th/9901001</id><submitter>B. Babbage</submitter>\
             <version version='v2'><date>Sun, 4 Feb 2024 10:00:00 GMT</date>\
             <source_type>I</source_type></version>\
             <version version='v1'><date>Tue, 2 Jan 2024 10:00:00 GMT</date></version>\
             <title>On engines</title><authors>A. Lovelace (Univ. X) and B. Babbage</authors>\
             <abstract>We show.</abstract></arXivRaw>",
            json!({
                "id": "hep-th/9901001",
                "aliases": ["2401.00001"],
                "title": "On engines",
                "abstract": "We show.",
                "authors": ["A. Lovelace", "B. Babbage"],
                "version": 2,
                "published": "2024-01-02",
                "updated": "2024-02-04",
                "notice": "withdrawn",
            }),
        );
    }

    #[test]
    fn dublin_core_of_arxiv_is_read() {
        check(
            "<oai_dc:dc><dc:title>On engines</dc:title><dc:creator>Lovelace, Ada</dc:creator>\
             <dc:creator>Babbage, C., Jr.</dc:creator><dc:creator>Ek, Mia, 1960-</dc:creator>\
             <dc:creator>Fanning E.</dc:creator><dc:subject>Mathematics - Logic</dc:subject>\
             <dc:subject>03E75 (Primary), 03E35</dc:subject><dc:description>We show.</dc:description>\
             <dc:description>Comment: 2 pages, but long ones</dc:description>\
             <dc:date>2024-01-02</dc:date><dc:date>2024-02-03</dc:date>\
             <dc:identifier>http://arxiv.org/abs/2401.00001</dc:identifier>\
             <dc:identifier>J. Engines 1 (2024), 2-3</dc:identifier>\
             <dc:identifier>doi:10.1000/a</dc:identifier></oai_dc:dc>",
            json!({
                "id": "2401.00001",
                "aliases": ["10.1000/a"],
                "title": "On engines",
                "abstract": "We show.",
                "authors": ["Ada Lovelace", "C. Babbage Jr.", "Mia Ek", "E. Fanning"],
                "categories": ["math.LO"],
                "published": "2024-01-02",
                "updated": "2024-02-03",
                "comment": "2 pages, but long ones",
                "journal": "J. Engines 1 (2024), 2-3",
            }),
        );
    }

    #[test]
    fn dublin_core_of_another_archive_is_read() {
        let xml = "<record><header><identifier>oai:archive.example:7</identifier></header><metadata>\
            <dc><title>On engines</title><description>International audience</description>\
            <description xml:lang='fr'>Nous montrons que les machines tournent.</description>\
            <description xml:lang='en'>We show that engines turn.</description>\
            <subject>[INFO] Computing</subject><date>2024</date><date>soon</date>\
            <identifier>https://archive.example/7</identifier>\
            <relation>info:eu-repo/semantics/altIdentifier/doi/10.1000/a</relation>\
            <source>ISSN: 0000-0000</source><source>Journal of Engines, 1</source></dc></metadata></record>";
        let Ok(Item::Paper(record)) = read(xml, &DumpContext::default()) else {
            panic!("no paper");
        };
        let paper = record.paper;
        assert_eq!(paper.id.as_str(), "oai:archive.example:7");
        assert_eq!(paper.aliases[0].as_str(), "10.1000/a");
        assert_eq!(paper.abstract_text, "We show that engines turn.");
        assert_eq!(paper.categories, ["[INFO] Computing"]);
        assert_eq!(paper.journal.as_deref(), Some("Journal of Engines, 1"));
    }

    #[test]
    fn deletions_and_records_that_say_nothing() {
        let read = |xml: &str| read(xml, &DumpContext::default());
        let header =
            "<header status='deleted'><identifier>oai:arXiv.org:2401.00001</identifier></header>";
        let id = PaperId::parse("2401.00001").expect("an id");
        assert_eq!(
            read(&format!("<record>{header}</record>")),
            Ok(Item::Deletion(id))
        );
        let fault = read("<record><header status='deleted'/></record>").expect_err("no id");
        assert_eq!(fault.reason, Rejection::NoId);
        let header = "<header><identifier>oai:x:1</identifier></header>";
        for metadata in [
            "",
            "<metadata><thesis/></metadata>",
            "<metadata><dc/></metadata>",
        ] {
            let xml = format!("<record>{header}{metadata}</record>");
            let fault = read(&xml).expect_err("no title");
            assert_eq!(
                (fault.id.as_deref(), fault.reason),
                (Some("oai:x:1"), Rejection::NoTitle)
            );
        }
    }
}
