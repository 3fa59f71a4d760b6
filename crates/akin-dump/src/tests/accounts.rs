//! What reading accounts for: values that are left out, and dumps that give nothing.

use std::io;

use super::open;
use crate::record::*;
use crate::registry::*;
use crate::*;

/// What is left out of the records of a dump, each as it is reported.
#[track_caller]
fn check_ignored(bytes: impl Into<Vec<u8>>, expected: &[&str]) {
    let dump = open("x", bytes).expect("a dump");
    let told: Vec<String> = dump
        .flat_map(|item| match item.expect("a paper") {
            Item::Paper(record) => record.ignored,
            other => panic!("{other:?}"),
        })
        .map(|ignored| ignored.to_string())
        .collect();
    assert_eq!(told, expected);
}

/// Why a dump gives nothing; `None` if that is not a fault.
pub(crate) fn nothing(bytes: &[u8], format: Option<Format>) -> Option<String> {
    let options = ReadOptions {
        format,
        ..ReadOptions::default()
    };
    let bytes = Box::new(io::Cursor::new(bytes.to_vec()));
    let mut dump = match Dump::from_reader("x", bytes, &options) {
        Ok(dump) => dump,
        Err(error) => return Some(error.to_string()),
    };
    while dump.next_item().is_some() {}
    dump.nothing_read().map(|error| error.to_string())
}

#[test]
fn a_dump_that_gives_nothing_says_what_was_found() {
    let check = |text: &str, words: &str| {
        let said = nothing(text.as_bytes(), None).unwrap_or_default();
        assert!(said.contains(words) && !words.is_empty(), "{text}: {said}");
    };
    check("id,title\n", "column names but no rows");
    check("@comment{no entry}\n@string{a = {b}}\n", "BibTeX");
    check("<OAI-PMH><Identify/></OAI-PMH>", "arXiv OAI-PMH");
    check(
        "<OAI-PMH><error code='badArgument'>no such set</error></OAI-PMH>",
        "badArgument: no such set",
    );
    check("[5]", "no records");
    check("{}", "no records");
    for empty in [
        "[]",
        " [\n]\n",
        r#"{"results":[],"meta":{"count":0}}"#,
        r#"{"total":0,"data":[]}"#,
        r#"{"date":"2026-03-01","papers":[]}"#,
        "<OAI-PMH><error code='noRecordsMatch'>none</error></OAI-PMH>",
        "<OAI-PMH><ListRecords/></OAI-PMH>",
        "<PubmedArticleSet></PubmedArticleSet>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><link href='http://arxiv.org/api'/></feed>",
    ] {
        assert_eq!(nothing(empty.as_bytes(), None), None, "{empty}");
    }
    assert!(nothing(br#"{"data":[],"x":[{"title":"t"}]}"#, None).is_some());
}

#[test]
fn a_format_that_contradicts_the_content_names_both() {
    let csv = "id,title\n1,Tides\n";
    let ris = "TY  - JOUR\nTI  - Tides\nER  - \n";
    let json = "{\"id\":\"1\",\"title\":\"Tides\"}\n";
    let xml = "<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>";
    let page = "[]";
    for (text, asked, found) in [
        (csv, Format::Ris, "CSV or TSV"),
        (csv, Format::Bibtex, "CSV or TSV"),
        (csv, Format::ArxivOai, "CSV or TSV"),
        (csv, Format::JsonRecords, "CSV or TSV"),
        (csv, Format::ArrowStream, "CSV or TSV"),
        (ris, Format::Delimited, "RIS"),
        (ris, Format::Medline, "RIS"),
        (json, Format::Delimited, "JSON records"),
        (json, Format::PubmedXml, "JSON records"),
        (xml, Format::Ris, "PubMed XML"),
        (xml, Format::ArxivAtom, "PubMed XML"),
        (page, Format::Ris, "JSON records"),
    ] {
        let said = nothing(text.as_bytes(), Some(asked)).expect("a reason");
        let asked = asked.to_string();
        assert!(
            said.contains(&asked) && said.contains(found),
            "{asked}, {found}: {said}"
        );
    }
    assert_eq!(nothing(ris.as_bytes(), Some(Format::Ris)), None);
    // A format that fits in part is taken at its word.
    assert_eq!(nothing(json.as_bytes(), Some(Format::ArxivSnapshot)), None);
}

#[test]
fn what_is_left_out_of_a_record_is_noted() {
    check_ignored(
        r#"{"id":"p1","title":"T","date":"Spring","updated":"soon","doi":"xyz","pmid":{"a":1},
        "authors":["Ada Roe",{"orcid":"0000"},7,null,""],"categories":["cs.CL",5],"journal":7,
        "upvotes":"many","abstract":{"a":1}}"#,
        &[
            r#"author object ignored: "{\"orcid\":\"0000\"}""#,
            r#"author object ignored: "7""#,
            r#"abstract ignored: "{\"a\":1}""#,
            r#"category ignored: "5""#,
            r#"date ignored: "Spring""#,
            r#"date ignored: "soon""#,
            r#"journal ignored: "7""#,
            r#"count ignored: "many""#,
            r#"DOI ignored: "xyz""#,
            r#"id ignored: "{\"a\":1}""#,
        ],
    );
    check_ignored(
        "id,title,year,doi,pmid\n1,A,soon,n/a,\n2,B,2001,xyz,0\n3,C,n.d.,10.5555/c,7.0\n",
        &[r#"date ignored: "soon""#, r#"DOI ignored: "xyz""#],
    );
    check_ignored(
        r#"{"id":"2503.11731","title":"T","abstract":{},"authors":[{"x":1},"A. Roe"],"categories":["cs.CL",1],"authors_parsed":[],"doi":"none yet","update_date":"now"}"#,
        &[
            r#"abstract ignored: "an object""#,
            r#"author object ignored: "{\"x\":1}""#,
            r#"category ignored: "1""#,
            r#"date ignored: "now""#,
            r#"DOI ignored: "yet""#,
        ],
    );
    check_ignored(
        r#"{"id":"https://openalex.org/W2741809807","title":"T","doi":"xyz","publication_date":"x","authorships":[{"author":{"id":1}}]}"#,
        &[
            r#"date ignored: "x""#,
            r#"author object ignored: "an authorship without a name""#,
            r#"DOI ignored: "xyz""#,
        ],
    );
    check_ignored(
        r#"{"corpusid":7,"title":"T","year":"x","authors":[{"authorId":"1"}],"externalids":{"DOI":"xyz","ACL":null}}"#,
        &[
            r#"DOI ignored: "xyz""#,
            r#"author object ignored: "{\"authorId\":\"1\"}""#,
            r#"date ignored: "x""#,
        ],
    );
    check_ignored(
        "TY  - JOUR\nTI  - T\nPY  - soon\nDO  - xyz\nM3  - Journal Article\nER  - \n",
        &[r#"date ignored: "soon""#, r#"DOI ignored: "xyz""#],
    );
}

#[test]
fn nothing_is_noted_of_the_samples() {
    for name in [
        "arxiv-1000.jsonl",
        "formats/arxiv-snapshot.jsonl",
        "formats/daily/2026-03-13.jsonl",
        "formats/hf-daily-api.json",
        "formats/beir/corpus.jsonl",
        "formats/generic.jsonl",
    ] {
        check_ignored(crate::tests::sample(name), &[]);
    }
}
