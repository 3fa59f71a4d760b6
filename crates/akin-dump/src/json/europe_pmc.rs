//! Results of Europe PMC's search, `core` or `lite` (`resultList.result`).
//!
//! | of a paper | field |
//! |---|---|
//! | ids | `pmid`, `pmcid`, `doi`; the `id` of the source (`PPR12345`) if there is none of them |
//! | title, abstract | `title`, `abstractText` |
//! | authors | `authorList`: persons and groups; else `authorString` |
//! | published | the most exact of `firstPublicationDate`, the dates of `journalInfo`, `pubYear` |
//! | updated | `dateOfRevision` |
//! | journal | `journalInfo.journal.title`, `journalTitle`, the book's title |
//! | categories | MeSH headings, else keywords |
//! | notice | a `pubType` "Retracted Publication", or a comment "Retraction in" |
//!
//! Described at <https://europepmc.org/RestfulWebService>. No genuine sample was at hand: this
//! follows the description.

use std::borrow::Cow;

use akin_base::paper::{Authority, IdKind, Notice, PartialDate};
use serde_json::Value;

use super::fields::{Fields, list, text};
use super::object::JsonObject;
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::tagged::ids;
use crate::text::{dates, names};

/// Answers of Europe PMC.
pub(crate) const SPEC: Spec = Spec {
    name: "europe-pmc",
    title: "Europe PMC",
    feed: Some(SourceFeed::new("europe-pmc", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

/// Whether an object has the fields of a result of Europe PMC.
fn is_record(object: &JsonObject<'_>) -> bool {
    let of_europe_pmc = ["authorString", "authorList", "journalInfo", "abstractText"];
    ["id", "source", "title"]
        .iter()
        .all(|name| object.kind(name) == Some(b'"'))
        && of_europe_pmc.iter().any(|name| object.has(name))
}

/// The fields that are read, by their plain names.
const READ: [&str; 21] = [
    "abstracttext",
    "authorlist",
    "authorstring",
    "bookorreportdetails",
    "commentcorrectionlist",
    "dateofrevision",
    "doi",
    "electronicpublicationdate",
    "firstpublicationdate",
    "id",
    "journalinfo",
    "journaltitle",
    "keywordlist",
    "meshheadinglist",
    "pmcid",
    "pmid",
    "pubtype",
    "pubtypelist",
    "pubyear",
    "source",
    "title",
];

/// The source whose ids are PubMed's.
const MEDLINE: &str = "MED";

/// Reads one result.
pub(crate) fn read(json: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let fields = Fields::parse(json, &READ)?;
    let mut found = RawRecord {
        given_id: fields.spelling("id").map(Cow::into_owned),
        title: fields.text(&["title"]).unwrap_or_default().into(),
        text: fields.text(&["abstracttext"]).unwrap_or_default().into(),
        authors: authors(&fields),
        categories: categories(&fields),
        journal: journal(&fields).map(Cow::Borrowed),
        notice: is_retracted(&fields).then_some(Notice::Retracted),
        ..RawRecord::default()
    };
    found.published = published(&mut found, &fields);
    let revised = fields.text(&["dateofrevision"]);
    found.updated = found.dated(revised.and_then(dates::day), revised);
    add_ids(&mut found, &fields);
    found.item()
}

fn add_ids(found: &mut RawRecord<'_>, fields: &Fields) {
    let own = fields.spelling("id").unwrap_or_default();
    if fields.text(&["source"]) == Some(MEDLINE) {
        found.add_id(IdKind::Pmid, &own);
    }
    for (name, kind) in [("pmid", IdKind::Pmid), ("pmcid", IdKind::Pmcid)] {
        if let Some(number) = fields.spelling(name) {
            found.add_id(kind, &number);
        }
    }
    if let Some(doi) = fields.text(&["doi"]) {
        ids::add_dois(found, doi);
    }
    if found.ids.is_empty() {
        found.add_spelling(&own);
    }
}

/// Persons and groups of the list, else the names of the string.
fn authors(fields: &Fields) -> Vec<String> {
    let listed = members(fields, "authorlist", "author");
    let listed: Vec<String> = listed.flat_map(author).collect();
    if !listed.is_empty() {
        return listed;
    }
    // "Frost O, van der Berg J."
    let names = fields.text(&["authorstring"]).unwrap_or_default();
    let names = names.trim_end_matches('.').split(',').map(str::trim);
    names
        .filter(|name| !name.eq_ignore_ascii_case("et al"))
        .flat_map(names::indexed)
        .collect()
}

fn author(value: &Value) -> Vec<String> {
    let part = |name: &str| value.get(name).and_then(text).unwrap_or_default();
    let group = part("collectiveName");
    if !group.is_empty() {
        return names::single(group).into_iter().collect();
    }
    if !part("lastName").is_empty() {
        let given = match part("firstName") {
            "" => part("initials"),
            given => given,
        };
        let name = names::joined([given, part("lastName"), part("suffix")]);
        return name.into_iter().collect();
    }
    names::indexed(part("fullName"))
}

/// The members of a list that an object holds: `{"keyword": [...]}`.
fn members<'a>(fields: &'a Fields, outer: &str, inner: &str) -> impl Iterator<Item = &'a Value> {
    let list_in = move |value: &'a Value| value.get(inner).map(list).unwrap_or_default();
    let lists = fields.get(outer).into_iter();
    lists.flat_map(list_in)
}

fn categories(fields: &Fields) -> Vec<String> {
    let headings = members(fields, "meshheadinglist", "meshHeading");
    let names = headings.filter_map(|heading| text(heading.get("descriptorName")?));
    let names: Vec<String> = names.map(str::to_owned).collect();
    if !names.is_empty() {
        return names;
    }
    let words = members(fields, "keywordlist", "keyword");
    words
        .filter_map(|word| text(word).map(str::to_owned))
        .collect()
}

fn published(found: &mut RawRecord<'_>, fields: &Fields) -> Option<PartialDate> {
    let of_journal = |name: &str| text(fields.get("journalinfo")?.get(name)?);
    let written = [
        fields.text(&["firstpublicationdate"]),
        fields.text(&["electronicpublicationdate"]),
        of_journal("printPublicationDate"),
        of_journal("dateOfPublication"),
    ];
    let year = fields.spelling("pubyear").unwrap_or_default();
    let written = || written.iter().copied().flatten().chain([&*year]);
    found.dated(dates::most_exact(written()), written())
}

fn journal(fields: &Fields) -> Option<&str> {
    let info = fields
        .get("journalinfo")
        .and_then(|info| info.get("journal"));
    let named = |name: &str| text(info?.get(name)?);
    let book = || text(fields.get("bookorreportdetails")?.get("comprisingTitle")?);
    named("title")
        .or_else(|| fields.text(&["journaltitle"]))
        .or_else(|| named("medlineAbbreviation"))
        .or_else(book)
}

fn is_retracted(fields: &Fields) -> bool {
    let says = |value: &Value, words: &str| {
        text(value).is_some_and(|t| t.trim().eq_ignore_ascii_case(words))
    };
    let of_lists = members(fields, "pubtypelist", "pubType");
    let mut types = of_lists.chain(fields.list("pubtype"));
    let mut others = members(fields, "commentcorrectionlist", "commentCorrection");
    types.any(|kind| says(kind, "retracted publication"))
        || others.any(|other| {
            other
                .get("type")
                .is_some_and(|kind| says(kind, "retraction in"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::check_fields;

    #[track_caller]
    fn check(record: Value, expected: Value) {
        check_fields(
            read(&record.to_string(), &DumpContext::default()),
            &expected,
        );
    }

    #[test]
    fn a_result_is_read_in_every_field() {
        check(
            json!({
                "id": "95000001", "source": "MED", "pmid": "95000001", "pmcid": "PMC95001",
                "doi": "10.5555/ICE", "title": "Lake ice.",
                "authorString": "Frost O, Ice Group.",
                "authorList": {"author": [
                    {"fullName": "Frost O", "firstName": "Ola", "lastName": "Frost", "initials": "O"},
                    {"fullName": "van der Berg J"}, {"collectiveName": "Ice Group"},
                ]},
                "journalInfo": {"dateOfPublication": "2004 Jun", "yearOfPublication": 2004,
                    "printPublicationDate": "2004-06-01", "journal": {"title": "Annals of ice", "issn": "1"}},
                "pubYear": "2004", "abstractText": "<h4>Aim</h4>We measure 10<sup>3</sup> lakes.",
                "meshHeadingList": {"meshHeading": [
                    {"majorTopic_YN": "N", "descriptorName": "Ice"},
                    {"descriptorName": "Diabetes Mellitus, Type 2", "meshQualifierList": {}},
                ]},
                "keywordList": {"keyword": ["lakes"]},
                "pubTypeList": {"pubType": ["Journal Article", "Retracted Publication"]},
                "firstPublicationDate": "2004-05-20", "dateOfRevision": "2010-01-02",
            }),
            json!({
                "id": "pmid:95000001",
                "aliases": ["PMC95001", "10.5555/ice"],
                "title": "Lake ice.",
                "authors": ["Ola Frost", "J van der Berg", "Ice Group"],
                "published": "2004-05-20",
                "updated": "2010-01-02",
                "journal": "Annals of ice",
                "abstract": "Aim We measure 10^3 lakes.",
                "categories": ["Ice", "Diabetes Mellitus, Type 2"],
                "notice": "retracted",
            }),
        );
    }

    #[test]
    fn a_lite_result_and_a_preprint_are_read() {
        check(
            json!({
                "id": "PPR95", "source": "PPR", "doi": "10.5555/pre", "title": "Lake ice",
                "authorString": "Frost O, van der Berg J, et al.", "journalTitle": "Ann Ice", "pubYear": "2019",
            }),
            json!({
                "id": "10.5555/pre",
                "aliases": null,
                "authors": ["O Frost", "J van der Berg"],
                "published": "2019",
                "journal": "Ann Ice",
            }),
        );
        check(
            json!({"id": "PPR95", "source": "PPR", "title": "Lake ice", "authorString": "Frost O."}),
            json!({"id": "PPR95", "authors": ["O Frost"]}),
        );
    }

    #[test]
    fn what_lacks_is_not_missed() {
        check(
            json!({
                "id": "7", "source": "MED", "title": "T", "authorList": null, "journalInfo": [],
                "keywordList": {"keyword": ["x"]}, "commentCorrectionList": {"commentCorrection": [
                    {"type": "Retraction in", "id": "8"}]},
            }),
            json!({"id": "pmid:7", "authors": null, "categories": ["x"], "notice": "retracted"}),
        );
    }
}
