//! Entries of arXiv's Atom feeds: the API's answers, and the daily feed of new papers.
//!
//! In: one `entry`. Out: a paper; the entry by which the API reports an error is rejected with its
//! message. The API's feed is described at <https://info.arxiv.org/help/api/user-manual.html>, the
//! daily one at <https://info.arxiv.org/help/rss.html>. In the daily one the date is that of the
//! list, the authors are one string, and `summary` begins with an announcement. There was no
//! genuine sample of the daily one.

use akin_base::paper::{Authority, IdKind, PartialDate, arxiv_version};

use super::answer::DocumentAnswer;
use super::parts::dois;
use super::rules::Rules;
use super::start::StartTags;
use super::tree::{self, Element};
use crate::format::{FormatReader, SourceFeed, Spec, XmlSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::reject::Rejection;
use crate::text::{dates, names};

/// arXiv API feed.
pub(crate) const SPEC: Spec = Spec {
    name: "arxiv-atom",
    title: "arXiv API feed",
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
    is_whole_record: |name| name == b"entry",
    ..Rules::NONE
};

/// Whether the start tag at an index shows that a document is a feed of arXiv.
fn is_start(tags: &StartTags<'_>, at: usize) -> bool {
    let of_arxiv = || tags.document_has(b"arxiv.org") || tags.document_has(b"arXiv.org");
    matches!(tags.name(at), "feed" | "entry") && of_arxiv()
}

/// What an answer without entries says.
fn answer(root: &Element) -> DocumentAnswer {
    if root.name == "feed" {
        DocumentAnswer::Empty
    } else {
        DocumentAnswer::Other
    }
}

/// Reads one record.
pub(crate) fn read(xml: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let entry = tree::parse(xml)?;
    let text = |name: &str| entry.text_at(&[name]);
    let id = text("id");
    if id.as_deref().is_some_and(|id| id.contains("/api/errors")) {
        let message = text("summary")
            .or_else(|| text("title"))
            .unwrap_or_default();
        let reason = Rejection::SourceError { message };
        return Err(RecordError { id, reason });
    }
    let summary = text("summary")
        .or_else(|| text("content"))
        .unwrap_or_default();
    let announced = entry.child("announce_type").is_some();
    let mut found = RawRecord {
        title: text("title").unwrap_or_default().into(),
        text: without_announcement(&summary).to_owned().into(),
        authors: authors(&entry),
        categories: categories(&entry),
        comment: text("comment").map(Into::into),
        journal: text("journal_ref")
            .or_else(|| text("journal_reference"))
            .map(Into::into),
        version: id.as_deref().and_then(arxiv_version),
        listed: context.listed,
        ..RawRecord::default()
    };
    let mut day = |name: &str| {
        let written = text(name)?;
        found.dated(dates::day(&written), [&*written])
    };
    let (published, updated) = (day("published"), day("updated"));
    if announced {
        found.listed = published.and_then(PartialDate::whole).or(found.listed);
    } else {
        (found.published, found.updated) = (published, updated);
    }
    if let Some(id) = &id {
        found.add_spelling(id);
    }
    add_dois(&mut found, &entry);
    found.given_id = id;
    found.item()
}

/// Adds DOIs; one element may hold several.
fn add_dois(found: &mut RawRecord<'_>, entry: &Element) {
    for name in ["doi", "DOI"] {
        for doi in entry.children(name).filter_map(Element::some_text) {
            for doi in dois(&doi) {
                found.add_due_id(IdKind::Doi, doi);
            }
        }
    }
}

/// Names of `author` elements, or those in one string.
fn authors(entry: &Element) -> Vec<String> {
    let listed: Vec<String> = entry
        .children("author")
        .filter_map(|author| names::single(&author.text_at(&["name"])?))
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    let creators = entry.children("creator").filter_map(Element::some_text);
    creators
        .flat_map(|creators| names::split(&creators))
        .collect()
}

/// Codes, the primary one first; MSC and ACM classes are among them in the feed and are left out.
fn categories(entry: &Element) -> Vec<String> {
    let term = |element: &Element| element.attribute("term").map(str::to_owned);
    entry
        .children("primary_category")
        .chain(entry.children("category"))
        .filter_map(term)
        .filter(|term| is_code(term))
        .collect()
}

/// Whether a term is a code of arXiv: `cs.CL`, `hep-th`, `cond-mat.str-el`.
fn is_code(term: &str) -> bool {
    term.starts_with(|c: char| c.is_ascii_lowercase())
        && term
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'.')
}

/// An abstract without "arXiv:2503.11731v1 Announce Type: new Abstract: " before it.
fn without_announcement(summary: &str) -> &str {
    let is_announced = summary.starts_with("arXiv:") && summary.contains("Announce Type:");
    match summary.split_once("Abstract:") {
        Some((_, text)) if is_announced => text.trim_start(),
        _ => summary,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::check_paper;

    #[track_caller]
    fn check(xml: &str, expected: Value) {
        check_paper(read(xml, &DumpContext::default()), &expected);
    }

    #[test]
    fn entries_of_the_api_are_read() {
        check(
            "<entry><id>http://arxiv.org/abs/hep-th/9901001v3</id><title>On\n engines</title>\
             <updated>2024-02-03T00:00:00Z</updated><published>1999-01-02T00:00:00Z</published>\
             <summary>  We show.\n</summary><category term='math.NA' scheme='s'/>\
             <category term='68T50, 03E75'/><category term='I.2.7'/><category term='cs.PL'/>\
             <arxiv:primary_category term='cs.PL'/><arxiv:comment>2 pages</arxiv:comment>\
             <arxiv:journal_ref>J. Engines 1</arxiv:journal_ref><arxiv:doi>10.1000/A</arxiv:doi>\
             <author><name>Ada Lovelace</name><arxiv:affiliation>X</arxiv:affiliation></author>\
             <author><name>X Collaboration</name></author></entry>",
            json!({
                "id": "hep-th/9901001",
                "aliases": ["10.1000/a"],
                "version": 3,
                "title": "On engines",
                "abstract": "We show.",
                "authors": ["Ada Lovelace", "X Collaboration"],
                "categories": ["cs.PL", "math.NA"],
                "published": "1999-01-02",
                "updated": "2024-02-03",
                "comment": "2 pages",
                "journal": "J. Engines 1",
            }),
        );
    }

    #[test]
    fn entries_of_the_daily_feed_are_read() {
        check(
            "<entry><id>oai:arXiv.org:2401.00001v2</id><title>On engines</title>\
             <summary>arXiv:2401.00001v2 Announce Type: replace \nAbstract: Abstractly, we show.</summary>\
             <category term='cs.PL'/><published>2024-02-03T00:00:00-05:00</published>\
             <arxiv:announce_type>replace</arxiv:announce_type>\
             <dc:creator>Ada Lovelace, Charles Babbage</dc:creator></entry>",
            json!({
                "id": "2401.00001",
                "version": 2,
                "title": "On engines",
                "abstract": "Abstractly, we show.",
                "authors": ["Ada Lovelace", "Charles Babbage"],
                "categories": ["cs.PL"],
                "listed": "2024-02-03",
            }),
        );
    }

    #[test]
    fn an_error_is_no_paper() {
        let xml = "<entry><id>http://arxiv.org/api/errors#bad_id</id><title>Error</title>\
                   <summary>incorrect id format</summary></entry>";
        let fault = read(xml, &DumpContext::default()).expect_err("an error");
        let message = "incorrect id format".to_owned();
        assert_eq!(fault.reason, Rejection::SourceError { message });
        let xml = "<entry><id>http://arxiv.org/abs/2401.00001v1</id><title>Error</title></entry>";
        assert!(read(xml, &DumpContext::default()).is_ok());
    }
}
