//! What the fields of records hold, told in every format alike.

use akin_base::paper::Paper;

use super::{open, papers, read, sample};
use crate::Item;
use crate::registry::Format;
use crate::reject::Rejected;

/// The days on which the papers of a dump were published.
#[track_caller]
fn check_days(dump: &str, expected: &[&str]) {
    let (_, papers) = papers("x", dump);
    let day = |day: Option<akin_base::paper::PartialDate>| {
        day.map(|day| day.to_string()).unwrap_or_default()
    };
    let days: Vec<String> = papers.iter().map(|paper| day(paper.published)).collect();
    assert_eq!(days, expected, "{dump}");
}

#[test]
fn a_letter_behind_a_year_tells_works_apart_and_is_no_part_of_it() {
    for dump in [
        "@article{a1, title={A letter behind}, author={Ek, A.}, year={2019a}}",
        "TY  - JOUR\nTI  - A letter behind\nPY  - 2019a\nER  -",
        "title,year\nA letter behind,2019a",
        "%0 Journal Article\n%T A letter behind\n%D 2019a",
        r#"{"title":"A letter behind","year":"2019a"}"#,
        r#"{"title":"A letter behind","date":"2019-a"}"#,
        "PT J\nTI A letter behind\nPY 2019a\nER",
    ] {
        check_days(dump, &["2019"]);
    }
}

#[test]
fn a_year_of_two_digits_is_of_one_of_two_centuries() {
    let abs = |date: &str| {
        format!(
            "\\\\\nPaper: hep-th/9301001\nFrom: someone@example.org\nDate: {date}\n\nTitle: Strings\n\
             Authors: A. Old, B. Older\n\\\\\n  We consider strings.\n\\\\\n"
        )
    };
    check_days(&abs("Mon, 4 Jan 93 12:00:00 EST   (12kb)"), &["1993-01-04"]);
    check_days(&abs("Tue, 5 Jan 99 12:00:00 EST   (12kb)"), &["1999-01-05"]);
    check_days(&abs("Tue, 5 Jan 207 12:00:00 EST   (12kb)"), &[""]);
    check_days(r#"{"title":"t","date":"15 Mar 19"}"#, &["2019-03-15"]);
    let revised = abs("Mon, 4 Jan 93 12:00:00 EST").replace(
        "\n\nTitle",
        "\nDate (revised v2): Fri, 8 Jan 99 12:00:00 EST\n\nTitle",
    );
    let (_, papers) = papers("x", revised);
    let updated = papers[0].updated.map(|day| day.to_string());
    assert_eq!(updated.as_deref(), Some("1999-01-08"));
}

/// The titles of the papers in a dump.
#[track_caller]
fn check_titles(dump: &str, expected: &[&str]) {
    let (_, papers) = papers("x", dump);
    let titles: Vec<&str> = papers.iter().map(|paper| &*paper.title).collect();
    assert_eq!(titles, expected, "{dump}");
}

#[test]
fn records_of_two_fields_are_records() {
    for dump in [
        "TY  - JOUR\nTI  - Bees\nER  - ",
        "TY  - JOUR\nTI  - Bees",
        "@misc{k, title={Bees}}",
        "@misc{title={Bees}, year=2019}",
        "PMID- 1\nTI  - Bees",
        "%0 Journal Article\n%T Bees",
        "%T Bees\n%D 2019",
        "%A Ek, M.\n%T Bees",
        "PT J\nTI Bees\nER",
        "title,year\nBees,2019",
        "doi,title\n10.5555/x,Bees",
        "title\tauthors\nBees\tMia Ek",
        "Title;DOI\nBees;10.5555/x",
        r#"{"title":"Bees","doi":"10.5555/x"}"#,
        r#"{"title":"Bees","year":2019}"#,
        r#"[{"id":"x","title":"Bees"}]"#,
        r#"{"type":"book","title":"Bees"}"#,
    ] {
        check_titles(dump, &["Bees"]);
    }
}

#[test]
fn records_of_ris_end_in_any_way() {
    for end in ["ER  - ", "ER  -", "ER", "ER -", "ER-", "ER  ", "er  - ", ""] {
        let dump = format!(
            "TY  - JOUR\nTI  - Bees\nKW  - roofs\n{end}\n\nTY  - JOUR\nTI  - Wasps\n{end}\n"
        );
        check_titles(&dump, &["Bees", "Wasps"]);
        let (_, papers) = papers("x", dump);
        assert_eq!(papers[0].categories, ["roofs"], "{end}");
    }
    // A word of a wrapped text ends nothing.
    let wrapped = "TY  - JOUR\nTI  - Bees\nAB  - The role of the\nreceptor\nER\nin bees.\nER  -\n";
    let (_, papers) = papers("x", wrapped);
    assert_eq!(
        papers[0].abstract_text,
        "The role of the receptor ER in bees."
    );
}

/// A sample as its format and, a line each, the ids, title and day of its papers or what is wrong.
fn shown(sample_name: &str) -> (Format, Vec<String>) {
    let (format, items) = read(sample_name, sample(sample_name));
    let line = |item: Result<Paper, Rejected>| match item {
        Ok(paper) => {
            let day = paper.published.map(|day| day.to_string());
            let day = day.unwrap_or_default();
            format!(
                "{} | {} | {day} | {}",
                paper.id,
                paper.title,
                paper.authors.join(", ")
            )
        }
        Err(rejected) => rejected.to_string(),
    };
    (format, items.into_iter().map(line).collect())
}

#[test]
fn answers_and_exports_of_bibliographies_are_read_whole() {
    let (format, lines) = shown("seeds/crossref.json");
    assert_eq!(format, Format::Crossref);
    assert_eq!(
        lines,
        [
            "10.5555/ice.1 | Lake ice thickness from sonar: A survey | 2004-06-02 | Ola Frost, Ice Consortium",
            "10.5555/ice.2 | Retraction: Lake ice thickness from sonar |  | ",
            "record 3: no title",
        ]
    );
    let (format, lines) = shown("seeds/zotero.csl.json");
    assert_eq!(format, Format::CslJson);
    assert_eq!(
        lines,
        [
            "10.5555/moss.1 | On moss & roofs | 2019-05-06 | Jan van den Berg Jr., Ada von Humboldt, The Moss Group",
            "http://zotero.org/users/1/items/AB | Fern | 2002 | Mia Ek",
        ]
    );
    let (format, lines) = shown("seeds/europe-pmc.json");
    assert_eq!(format, Format::EuropePmc);
    assert_eq!(
        lines,
        [
            "pmid:95000001 | Lake ice thickness from sonar. | 2004-05-20 | Ola Frost, Ice Consortium",
            "PPR95 | Pond ice | 2019 | O Frost, J van der Berg",
        ]
    );
}

#[test]
fn titles_keep_what_says_that_they_were_translated() {
    check_titles("PMID- 1\nTI  - [On bees].\nLA  - fre\n", &["[On bees]."]);
    check_titles(
        "<PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>[On bees].</ArticleTitle>\
         </Article></MedlineCitation></PubmedArticle>",
        &["[On bees]."],
    );
}

#[test]
fn what_is_raised_is_not_glued_in_any_format() {
    for dump in [
        "<PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>About 10<sup>3</sup> \
         bees in CO<sub>2</sub></ArticleTitle></Article></MedlineCitation></PubmedArticle>",
        r#"{"title":"About 10<sup>3</sup> bees in CO<sub>2</sub>"}"#,
        "@misc{k, title={About 10\\textsuperscript{3} bees in CO\\textsubscript{2}}}",
        "TY  - JOUR\nTI  - About 10&lt;sup&gt;3&lt;/sup&gt; bees in CO<sub>2</sub>\nER  - ",
        r#"{"DOI":"10.5555/x","title":["About 10<jats:sup>3</jats:sup> bees in CO<jats:sub>2</jats:sub>"]}"#,
        "title,year\nAbout 10<sup>3</sup> bees in CO<sub>2</sub>,2019",
    ] {
        check_titles(dump, &["About 10^3 bees in CO2"]);
    }
}

#[test]
fn a_field_of_a_hundred_thousand_ids_is_read_in_part_and_noted() {
    let dois: Vec<String> = (0..100_000).map(|i| format!("10.1000/{i}")).collect();
    let dois = serde_json::json!(dois);
    let record = format!(r#"{{"id":"a","title":"On X","doi":{dois}}}"#);
    let begun = std::time::Instant::now();
    let mut dump = open("x", record).expect("a dump");
    let Some(Ok(Item::Paper(record))) = dump.next_item() else {
        panic!("no paper");
    };
    assert_eq!(record.paper.aliases.len(), 1_000);
    assert!(
        format!("{:?}", record.ignored).contains("99000 more"),
        "{:?}",
        record.ignored
    );
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn an_impossible_date_is_kept_as_far_as_it_is_possible_and_noted() {
    let check = |dump: &str, expected: &str| {
        let read = super::open("x", dump).expect("a dump");
        let records: Vec<_> = read.map(|item| item.expect("a record")).collect();
        let [Item::Paper(record)] = &records[..] else {
            panic!("one record in {dump}: {records:?}");
        };
        let date = record.paper.published.map(|date| date.to_string());
        assert_eq!(date.as_deref(), Some(expected), "{dump}");
        let noted: Vec<&str> = record
            .ignored
            .iter()
            .map(|noted| noted.part.key())
            .collect();
        assert_eq!(noted, ["dates"], "{dump}");
    };
    for dump in [
        "@article{a1, title={A day of none}, author={Ek, A.}, date={2026-02-30}}",
        "@article{a1, title={A day of none}, author={Ek, A.}, year={2026}, month=feb, day=30}",
        "TY  - JOUR\nTI  - A day of none\nPY  - 2026/02/30/\nER  -",
        "title,date\nA day of none,2026-02-30",
        "%0 Journal Article\n%T A day of none\n%8 2026-02-30\n%D 2026",
        r#"{"title":"A day of none","date":"2026-02-30"}"#,
        r#"[{"id":"a","type":"article","title":"A day of none","issued":{"date-parts":[[2026,2,30]]}}]"#,
        r#"{"paperId":"0123456789abcdef0123456789abcdef01234567","corpusId":7,"title":"A day of none","publicationDate":"2026-02-30","year":2026}"#,
        r#"{"id":"https://openalex.org/W7","title":"A day of none","publication_date":"2026-02-30","abstract_inverted_index":{"We":[0]}}"#,
        "PT J\nTI A day of none\nPD FEB 30\nPY 2026\nER",
        "PMID- 7\nTI  - A day of none\nDP  - 2026 Feb 30\n",
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article><Journal><JournalIssue>\
         <PubDate><Year>2026</Year><Month>Feb</Month><Day>30</Day></PubDate></JournalIssue></Journal>\
         <ArticleTitle>A day of none</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
    ] {
        check(dump, "2026-02");
    }
    check(r#"{"title":"A month of none","date":"2026-13-01"}"#, "2026");
    check("title,date\nA month of none,2026/14/01", "2026");
}
