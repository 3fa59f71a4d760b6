//! What a record is: whose id it has, what it changes, what it joins, what it may never take over.

use akin::library::Library;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, data, tiny_model};

const TEXT: &str = "We look at signals in the fog and show that each of them is lost after a while, \
    whatever the observer may do about it on a cold and quiet day.";

/// A record of the arXiv snapshot.
fn snapshot() -> String {
    json!({
        "id": "1706.03762", "submitter": "x", "authors": "A. Vas, N. Sha, N. Parm, J. Usz",
        "title": "Signals in the fog: a survey", "comments": "3 pages", "doi": null,
        "categories": "cs.CL cs.LG", "abstract": TEXT,
        "versions": [{"version": "v1", "created": "Mon, 12 Jun 2017 17:57:34 GMT"}],
        "update_date": "2017-12-07",
        "authors_parsed": [["Vas", "A.", ""], ["Sha", "N.", ""], ["Parm", "N.", ""], ["Usz", "J.", ""]],
    })
    .to_string()
        + "\n"
}

const POOR_BIB: &str = "@article{vas2017, title={signals in the fog}, author={Vas, A. and others}, \
    journal={arXiv preprint arXiv:1706.03762}, year={2017}, keywords={to read, fog}}\n";

fn shown(sandbox: &Sandbox, id: &str) -> Value {
    sandbox
        .akin(&["show", "--json", id])
        .exits(0)
        .json()
        .remove(0)
}

fn n_papers(sandbox: &Sandbox) -> Value {
    sandbox.akin(&["status", "--json"]).exits(0).json()[0]["papers"].clone()
}

#[track_caller]
fn check_is_whole(paper: &Value) {
    assert_eq!(paper["title"], "Signals in the fog: a survey", "{paper}");
    assert_eq!(paper["abstract"], TEXT, "{paper}");
    assert_eq!(
        paper["authors"].as_array().map(Vec::len),
        Some(4),
        "{paper}"
    );
    assert_eq!(paper["categories"], json!(["cs.CL", "cs.LG"]), "{paper}");
    assert_eq!(paper["published"], "2017-06-12", "{paper}");
    assert_eq!(paper["comment"], "3 pages", "{paper}");
}

#[test]
fn a_poorer_record_under_the_papers_own_id_takes_nothing_over() {
    let poorer: [(&str, &str); 6] = [
        ("b.bib", POOR_BIB),
        (
            "notes.jsonl",
            r#"{"id":"1706.03762","text":"My notes on this: nice."}"#,
        ),
        (
            "list.csv",
            "id,title,authors,year,category\n1706.03762,Signals in the...,A. Vas,2018,todo\n",
        ),
        (
            "c.ris",
            "TY  - JOUR\nTI  - SIGNALS IN THE FOG\nAU  - Vas, A.\nAB  - We look at...\nPY  - 2017\n\
             UR  - https://arxiv.org/abs/1706.03762\nER  - \n",
        ),
        (
            "d.bib",
            "@misc{v, title={Signals in the fog}, author={Vas, A.}, eprint={1706.03762}, \
             note={Accessed: 2020-01-01}}",
        ),
        (
            "e.jsonl",
            r#"{"id":"1706.03762","title":"Recipes with beetroot","authors":["Rosa Rot"],"abstract":"Boil them."}"#,
        ),
    ];
    for (name, text) in poorer {
        for is_first in [false, true] {
            let sandbox = Sandbox::new();
            let (rich, poor) = (
                sandbox.file("a.jsonl", snapshot()),
                sandbox.file(name, text),
            );
            let dumps = if is_first {
                [&poor, &rich]
            } else {
                [&rich, &poor]
            };
            let reports = dumps.map(|dump| sandbox.add(&[dump]));
            if name == "e.jsonl" {
                assert_eq!(reports[1]["kept_apart"], 1, "{reports:?}");
                assert_eq!(n_papers(&sandbox), 2);
                let spelling = if is_first {
                    "arxiv#1706.03762"
                } else {
                    "1706.03762"
                };
                check_is_whole(&shown(&sandbox, spelling));
            } else {
                assert_eq!(reports[1]["merged"], 1, "{name}: {reports:?}");
                check_is_whole(&shown(&sandbox, "1706.03762"));
            }
            sandbox.akin(&["check"]).exits(0);
        }
    }
}

#[test]
fn what_was_merged_under_one_id_is_shown_and_can_be_split_for_good() {
    let sandbox = Sandbox::new();
    let (rich, poor) = (
        sandbox.file("a.jsonl", snapshot()),
        sandbox.file("b.bib", POOR_BIB),
    );
    sandbox.add(&[&rich]);
    sandbox.add(&[&poor]);
    let paper = shown(&sandbox, "vas2017");
    assert_eq!(paper["journal"], "arXiv preprint arXiv:1706.03762");
    assert_eq!(paper["aliases"], json!(["b.bib#vas2017"]));
    let sources = sandbox
        .akin(&["show", "--sources", "--json", "1706.03762"])
        .exits(0)
        .json();
    let collections: Vec<&Value> = sources[1..]
        .iter()
        .map(|line| &line["collection"])
        .collect();
    assert_eq!(collections, ["arxiv", "b.bib"]);
    sandbox.akin(&["split", "1706.03762", "2"]).exits(0);
    assert_eq!(n_papers(&sandbox), 2);
    assert!(shown(&sandbox, "1706.03762").get("journal").is_none());
    assert_eq!(
        shown(&sandbox, "b.bib#1706.03762")["title"],
        "signals in the fog"
    );
    for dump in [&poor, &rich] {
        assert_eq!(sandbox.add(&[dump])["unchanged"], 1);
    }
    let edited = sandbox.file("b.bib", POOR_BIB.replace("fog}, author", "fog 2}, author"));
    assert_eq!(sandbox.add(&[&edited])["changed"], 1);
    assert_eq!(
        shown(&sandbox, "b.bib#1706.03762")["title"],
        "signals in the fog 2"
    );
    check_is_whole(&shown(&sandbox, "1706.03762"));
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn of_two_records_in_one_dump_the_poorer_takes_nothing_over() {
    let head = "cord_uid,sha,source_x,title,doi,pmcid,pubmed_id,license,abstract,publish_time,authors,\
        journal,mag_id,who_covidence_id,arxiv_id,pdf_json_files,pmc_json_files,url,s2_id\n";
    let rich = "ab12cd34,,PMC,Masks on trams,10.5555/c.1,,,cc,We count masks.,2020-04-01,\"Doe, Jane\",J Masks,,,,,,,\n";
    let poor = "ab12cd34,,WHO,Masken in Strassenbahnen,,,,cc,Wir zaehlen Masken.,2020,\"Doe, Jane\",J Masks,,,,,,,\n";
    let entries = [
        "@article{k1, title={Masks on trams}, author={Doe, Jane and Roe, Jo}, date={2020-04-01}, doi={10.5555/c.1}, abstract={We count masks.}}\n",
        "@article{k2, title={Masks on trams}, author={Doe, J.}, year={2020}, doi={10.5555/c.1}}\n",
    ];
    for (name, head, one, other) in [
        ("metadata.csv", head, rich, poor),
        ("refs.bib", "", entries[0], entries[1]),
    ] {
        for records in [[one, other], [other, one]] {
            let sandbox = Sandbox::new();
            let dump = sandbox.file(name, [head, records[0], records[1]].concat());
            let report = sandbox.add(&[&dump]);
            assert_eq!(
                (&report["stored"], &report["merged"]),
                (&json!(1), &json!(1)),
                "{report}"
            );
            let paper = shown(&sandbox, "10.5555/c.1");
            assert_eq!(paper["title"], "Masks on trams", "{paper}");
            assert_eq!(paper["abstract"], "We count masks.", "{paper}");
            assert_eq!(paper["published"], "2020-04-01", "{paper}");
            assert_eq!(sandbox.add(&[&dump])["unchanged"], 2);
        }
    }
}

#[test]
fn two_files_that_count_from_1_are_two_collections() {
    let forms: [(&str, &str, &str); 5] = [
        (
            "csv",
            "id,title\n1,Masks on trams\n2,Masks on boats\n",
            "id,title\n1,Bees over cities\n2,Wasps over cities\n",
        ),
        (
            "jsonl",
            "{\"id\":1,\"title\":\"Masks on trams\"}\n{\"id\":2,\"title\":\"Masks on boats\"}\n",
            "{\"id\":1,\"title\":\"Bees over cities\"}\n{\"id\":2,\"title\":\"Wasps over cities\"}\n",
        ),
        (
            "ris",
            "TY  - JOUR\nID  - 1\nTI  - Masks on trams\nER  - \nTY  - JOUR\nID  - 2\nTI  - Masks on boats\nER  - \n",
            "TY  - JOUR\nID  - 1\nTI  - Bees over cities\nER  - \nTY  - JOUR\nID  - 2\nTI  - Wasps over cities\nER  - \n",
        ),
        (
            "bib",
            "@misc{1, title={Masks on trams}}\n@misc{2, title={Masks on boats}}\n",
            "@misc{1, title={Bees over cities}}\n@misc{2, title={Wasps over cities}}\n",
        ),
        (
            "beir",
            "{\"_id\":\"1\",\"title\":\"Masks on trams\",\"text\":\"Masks.\"}\n{\"_id\":\"2\",\"title\":\"Masks on boats\",\"text\":\"Masks.\"}\n",
            "{\"_id\":\"1\",\"title\":\"Bees over cities\",\"text\":\"Bees.\"}\n{\"_id\":\"2\",\"title\":\"Wasps over cities\",\"text\":\"Wasps.\"}\n",
        ),
    ];
    for (form, one, other) in forms {
        let sandbox = Sandbox::new();
        let named = |n: usize| match form {
            "beir" => format!("set{n}/corpus.jsonl"),
            _ => format!("set{n}.{form}"),
        };
        let dumps = [sandbox.file(&named(1), one), sandbox.file(&named(2), other)];
        for dump in &dumps {
            assert_eq!(sandbox.add(&[dump])["stored"], 2, "{form}");
        }
        let which = sandbox.akin(&["show", "1"]).exits(1);
        assert!(which.stderr.contains("2 papers have the id"), "{which:?}");
        let collection = dumps[0].rsplit('/').next().unwrap();
        let collection = if form == "beir" { "set1" } else { collection };
        let found = shown(&sandbox, &format!("{collection}#1"));
        assert_eq!(found["title"], "Masks on trams", "{form}");
        let hits = sandbox
            .akin(&["search", "masks trams", "--lexical", "--json"])
            .json();
        assert_eq!(hits[0]["id"], format!("{collection}#1"), "{form}");
        assert_eq!(
            sandbox.add(&[&dumps[0], &dumps[1]])["unchanged"],
            4,
            "{form}"
        );
    }
}

#[test]
fn the_same_collection_again_is_an_update_and_another_may_be_named() {
    let sandbox = Sandbox::new();
    let row = |title: &str| format!("id,title\n1,{title}\n");
    let first = sandbox.file("a.csv", row("Masks on trams"));
    sandbox.add(&[&first]);
    let again = sandbox.file("later/a.csv", row("Masks on trams and buses"));
    assert_eq!(sandbox.add(&[&again])["changed"], 1);
    assert_eq!(shown(&sandbox, "1")["title"], "Masks on trams and buses");
    let model = tiny_model();
    let third = sandbox.file("b.csv", row("Masks on trams and buses and boats"));
    let added = sandbox
        .akin(&[
            "add",
            "--json",
            "--model",
            &model,
            "--collection",
            "a.csv",
            &third,
        ])
        .exits(0)
        .json();
    assert_eq!(added[0]["changed"], 1);
    // What cannot be the same paper takes no place in its own collection either.
    let other =
        json!({ "id": "1", "title": "Bees over cities", "abstract": TEXT, "authors": ["Jo Roe"] });
    let one = json!({ "id": "1", "title": "Wasps", "abstract": TEXT.replace("fog", "dark"), "authors": ["Mia Ek"] });
    let (one, other) = (
        sandbox.file("x/c.jsonl", format!("{one}\n")),
        sandbox.file("y/c.jsonl", format!("{other}\n")),
    );
    sandbox.add(&[&one]);
    assert_eq!(sandbox.add(&[&other])["kept_apart"], 1);
    assert_eq!(shown(&sandbox, "c.jsonl#1")["title"], "Wasps");
    assert_eq!(shown(&sandbox, "c.jsonl#1~2")["title"], "Bees over cities");
    assert_eq!(sandbox.add(&[&other])["unchanged"], 1);
}

#[test]
fn a_work_under_anothers_id_is_found_again_however_it_is_kept() {
    let line = |id: &str, title: &str, author: &str, more: Value| {
        let mut record = json!({ "id": id, "title": title, "authors": [author] });
        record
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        format!("{record}\n")
    };
    let bread = line("a", "Bread in old towns", "A B", json!({}));
    let stars = |more| line("a", "Stars over the sea", "C D", more);
    let long = "Stars over the wide northern sea of glass and ice";
    let cases = [
        // Kept apart, and found by its own id and by another at once.
        (
            vec![
                bread.clone(),
                stars(json!({"doi": "10.5555/x"})),
                stars(json!({"doi": "10.5555/x"})),
            ],
            2,
        ),
        (
            vec![
                bread.clone(),
                stars(json!({"doi": "10.5555/x"})),
                stars(json!({"doi": "10.5555/x", "abstract": "Stars."})),
            ],
            2,
        ),
        // Kept apart, and part of a third paper.
        (
            vec![
                bread,
                line("b", long, "C D", json!({"year": 2001})),
                line("a", long, "C D", json!({"year": 2001})),
            ],
            2,
        ),
    ];
    for (lines, n) in cases {
        let sandbox = Sandbox::new();
        let dump = sandbox.file("f.jsonl", lines.concat());
        sandbox.add(&[&dump]);
        assert_eq!(n_papers(&sandbox), n, "{lines:?}");
        for _ in 0..2 {
            assert_eq!(sandbox.add(&[&dump])["unchanged"], 3, "{lines:?}");
        }
        sandbox.akin(&["check"]).exits(0);
    }
}

#[test]
fn what_was_split_and_freed_an_id_is_not_merged_each_time() {
    let sandbox = Sandbox::new();
    let title = "Gaps of random lattices in many dimensions";
    let arxiv =
        json!({"id": "2401.00007", "doi": "10.5555/gap", "title": title, "authors": ["Ada Roe"]});
    let dumps = [
        sandbox.file("p.jsonl", format!("{arxiv}\n")),
        sandbox.file(
            "p.ris",
            format!(
                "TY  - JOUR\nID  - key2\nTI  - {title}\nAU  - Roe, Ada\nDO  - 10.5555/gap\nER  - \n"
            ),
        ),
    ];
    sandbox.add(&[&dumps[0], &dumps[1]]);
    assert_eq!(shown(&sandbox, "key2")["id"], "2401.00007");
    sandbox.akin(&["split", "2401.00007", "p.ris"]).exits(0);
    sandbox.akin(&["remove", "2401.00007"]).exits(0);
    sandbox.add(&[&dumps[1]]);
    for _ in 0..2 {
        assert_eq!(sandbox.add(&[&dumps[1]])["unchanged"], 1);
    }
    assert_eq!(n_papers(&sandbox), 1);
}

#[test]
fn a_cut_abstract_and_a_year_do_not_make_a_second_paper_or_a_worse_day() {
    let whole = json!({"id": "hep-th/9901001", "title": "Winds over the western slopes of old hills", "abstract": format!("{TEXT} {TEXT}"),
        "authors": ["Ada Roe", "Jo Lee"], "update_date": "1992-02-19"});
    let cut = json!({"title": "WINDS OVER THE WESTERN SLOPES OF OLD HILLS", "authors": ["Ada Roe", "Jo Lee"],
        "abstract": format!("{}...", &TEXT[..120]), "year": 1992});
    for order in [[&whole, &cut], [&cut, &whole]] {
        let sandbox = Sandbox::new();
        for (place, record) in order.into_iter().enumerate() {
            sandbox.add(&[&sandbox.file(&format!("{place}.jsonl"), format!("{record}\n"))]);
        }
        assert_eq!(n_papers(&sandbox), 1);
        let paper = shown(&sandbox, "hep-th/9901001");
        assert_eq!(paper["date"], "1992-02-19", "{paper}");
        assert_eq!(paper["abstract"], whole["abstract"], "{paper}");
        assert_eq!(paper["title"], whole["title"], "{paper}");
    }
}

#[test]
fn generic_titles_are_told_apart_by_year_volume_and_text() {
    let ris = |year: u32| {
        format!(
            "TY  - JOUR\nTI  - Editorial\nAU  - Lindqvist, Per\nPY  - {year}\nJO  - Annals of Peat\n\
             VL  - {}\nSP  - 1\nER  - \n",
            year - 2007
        )
    };
    let volumes = |volume: u32| {
        format!(
            "@article{{k{volume}, title={{Preface}}, author={{Ek, Mia}}, year={{2001}}, journal={{Peat}}, volume={{{volume}}}}}\n"
        )
    };
    let cases = [
        ("a.ris", [2018, 2019, 2020].map(ris).concat(), 3),
        (
            "b.bib",
            "@incollection{a, title={Introduction}, author={Ek, Mia}, booktitle={Peat and People}, year={2001}}\n\
             @incollection{b, title={Introduction}, author={Ek, Mia}, booktitle={Moss and Money}, year={2015}}\n"
                .to_owned(),
            2,
        ),
        ("v.bib", [1, 2, 3].map(volumes).concat(), 3),
        (
            "c.csv",
            "title,authors,year\nPreface,Mia Ek,2001\nPreface,Mia Ek,2015\n".to_owned(),
            2,
        ),
        (
            "d.jsonl",
            "{\"title\":\"Editorial\",\"authors\":[\"Mia Ek\"],\"abstract\":\"This issue is on peat fires.\"}\n\
             {\"title\":\"Editorial\",\"authors\":[\"Mia Ek\"],\"abstract\":\"This issue is on bog turtles.\"}\n"
                .to_owned(),
            2,
        ),
        (
            "e.csv",
            "title,abstract\nIntroduction,On the war over the fish stocks.\nIntroduction,A section on \
             quantum computing.\nIntroduction,Thanks to all referees.\n"
                .to_owned(),
            3,
        ),
    ];
    for (name, text, n) in cases {
        let sandbox = Sandbox::new();
        let dump = sandbox.file(name, text);
        let report = sandbox.add(&[&dump]);
        assert_eq!(report["stored"], n, "{name}: {report}");
        assert_eq!(sandbox.add(&[&dump])["unchanged"], n, "{name}");
        sandbox.akin(&["check"]).exits(0);
    }
}

#[test]
fn every_spelling_of_a_doi_is_one_paper_and_addresses_are_encoded() {
    let sandbox = Sandbox::new();
    let dumps = [
        sandbox.file("a.bib", "@article{a, title={Winds over the western slopes}, author={Doe, Jane}, doi={10.1175/1520-0477(1996)077<0935:WOTWSM>2.0.CO;2}}"),
        sandbox.file("b.jsonl", r#"{"title":"Winds over western slopes","authors":["Jane Doe"],"doi":"https://doi.org/10.1175/1520-0477(1996)077%3C0935:WOTWSM%3E2.0.CO;2"}"#),
        sandbox.file("c.ris", "TY  - JOUR\nTI  - WINDS\nAU  - Doe, Jane\nDO  - 10.1175%2F1520-0477%281996%29077%3C0935%3AWOTWSM%3E2.0.CO%3B2\nER  - \n"),
        sandbox.file("d.ris", "TY  - JOUR\nTI  - Winds over slopes\nAU  - Doe, Jane\nUR  - http://dx.doi.org/10.1175%2F1520-0477(1996)077%3C0935:WOTWSM%3E2.0.CO;2\nER  - \n"),
    ];
    for dump in &dumps {
        sandbox.add(&[dump]);
    }
    assert_eq!(n_papers(&sandbox), 1);
    let paper = shown(
        &sandbox,
        "DOI 10.1175/1520-0477(1996)077<0935:WOTWSM>2.0.CO;2.",
    );
    assert_eq!(
        paper["id"],
        "10.1175/1520-0477(1996)077<0935:wotwsm>2.0.co;2"
    );
    assert_eq!(
        paper["url"],
        "https://doi.org/10.1175/1520-0477(1996)077%3C0935:wotwsm%3E2.0.co;2"
    );
    assert_eq!(
        shown(&sandbox, paper["url"].as_str().unwrap())["id"],
        paper["id"]
    );
}

#[test]
fn a_bare_pubmed_number_finds_its_paper() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "a.csv",
        "id,title,pmid\nx1,Masks on trams,95000001.0\nx2,Masks on boats,\n",
    );
    sandbox.add(&[&dump]);
    for spelling in ["95000001", "PMID 95000001", "x1"] {
        assert_eq!(shown(&sandbox, spelling)["title"], "Masks on trams");
    }
    let counted = sandbox.file("b.csv", "id,title\n95000001,Bees over cities\n");
    sandbox.add(&[&counted]);
    sandbox.akin(&["show", "95000001"]).exits(1);
    assert_eq!(
        shown(&sandbox, "b.csv#95000001")["title"],
        "Bees over cities"
    );
}

#[test]
fn a_false_notice_hides_nothing_and_a_true_one_is_counted_and_undone() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "a.jsonl",
        "{\"id\":\"1\",\"title\":\"Drugs and the heart\",\"abstract\":\"This paper examines drugs withdrawn from the market between 1990 and 2010.\"}\n\
         {\"id\":\"2\",\"title\":\"Trams\",\"abstract\":\"Trams are late.\"}\n\
         {\"id\":\"3\",\"title\":\"On lemmas\",\"abstract\":\"This paper has been withdrawn by the author due to an error in Lemma 3.\"}\n",
    );
    let model = tiny_model();
    let ran = sandbox.akin(&["add", "--model", &model, &dump]).exits(0);
    assert!(ran.stderr.contains("akin restore ID"), "{ran:?}");
    assert_eq!(sandbox.add(&[&dump])["unchanged"], 3);
    let hits = sandbox.akin(&["search", "drugs heart", "--json"]).exits(0);
    assert_eq!(hits.ids()[0], "1");
    assert!(shown(&sandbox, "1").get("notice").is_none());
    let status = sandbox.akin(&["status", "--json"]).json();
    assert_eq!(status[0]["withdrawn"], json!(["a.jsonl#3"]));
    assert!(
        sandbox
            .akin(&["search", "lemmas", "--lexical", "--json"])
            .ids()
            .is_empty()
    );
    sandbox.akin(&["restore", "3"]).exits(0);
    assert_eq!(
        sandbox
            .akin(&["search", "lemmas", "--lexical", "--json"])
            .ids(),
        ["3"]
    );
    let changed = sandbox.file(
        "a.jsonl",
        "{\"id\":\"3\",\"title\":\"On lemmas\",\"abstract\":\"This paper has been withdrawn by the author.\"}\n",
    );
    assert_eq!(sandbox.add(&[&changed])["withdrawn"], 0);
    assert_eq!(
        sandbox
            .akin(&["search", "lemmas", "--lexical", "--json"])
            .ids(),
        ["3"]
    );
    sandbox.akin(&["check"]).exits(0);
}

/// Ten sources that overlap: three works, one of them with a namesake.
fn overlapping(sandbox: &Sandbox) -> Vec<String> {
    let openalex = json!({
        "id": "https://openalex.org/W2741809807", "doi": "https://doi.org/10.5555/fog",
        "title": "Signals in the fog", "display_name": "Signals in the fog", "type": "article",
        "publication_date": "2018-03-02",
        "authorships": [{"author": {"display_name": "Anna Vas"}}, {"author": {"display_name": "Nora Sha"}}],
        "abstract_inverted_index": {"We": [0], "look": [1], "at": [2], "fog": [3]},
        "ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/95000002"},
    });
    let s2 = json!({
        "corpusid": 77490025, "externalids": {"ArXiv": "1706.03762", "DOI": "10.5555/fog"},
        "title": "Signals in the Fog: A Survey", "authors": [{"authorId": "1", "name": "A. Vas"}],
        "year": 2017, "venue": "Fog",
    });
    let pubmed = "<?xml version=\"1.0\"?><PubmedArticleSet><PubmedArticle><MedlineCitation>\
        <PMID Version=\"1\">95000002</PMID><Article><Journal><JournalIssue><Volume>7</Volume><PubDate>\
        <Year>2018</Year><Month>Mar</Month></PubDate></JournalIssue><Title>Journal of Fog</Title></Journal>\
        <ArticleTitle>Signals in the fog: a survey.</ArticleTitle><AuthorList><Author><LastName>Vas</LastName>\
        <ForeName>Anna</ForeName></Author></AuthorList></Article></MedlineCitation><PubmedData>\
        <ArticleIdList><ArticleId IdType=\"doi\">10.5555/fog</ArticleId></ArticleIdList></PubmedData>\
        </PubmedArticle></PubmedArticleSet>";
    [
        ("a.jsonl", snapshot()),
        ("b.bib", POOR_BIB.to_owned()),
        ("c.ris", "TY  - JOUR\nTI  - SIGNALS IN THE FOG: A SURVEY\nAU  - Vas, Anna\nPY  - 2018\nVL  - 7\nDO  - 10.5555/FOG\nER  - \n".to_owned()),
        ("d.xml", pubmed.to_owned()),
        ("e.jsonl", format!("{openalex}\n")),
        ("f.jsonl", format!("{s2}\n")),
        ("own.csv", "id,title,authors,year,doi,category\n1,Signals in the...,A. Vas,2018,10.5555/fog,todo\n2,Bees over cities,Jo Roe,2020,,bees\n".to_owned()),
        ("other.csv", "id,title,authors,year\n1,Masks on trams,Jane Doe,2021\n2,\"Bees over the roofs of cities, by day and by night\",Jo Roe,2020\n".to_owned()),
        ("g.bib", "@article{roe, title={Bees over the roofs of cities, by day and by night}, author={Roe, Jo}, year={2021}, doi={10.5555/bees}}\n@misc{ed, title={Editorial}, author={Roe, Jo}, year={2021}}\n".to_owned()),
        ("h.jsonl", "{\"id\":\"10.5555/bees\",\"title\":\"Recipes with beetroot\",\"authors\":[\"Rosa Rot\"]}\n{\"title\":\"Editorial\",\"authors\":[\"Jo Roe\"],\"year\":2022}\n".to_owned()),
    ]
    .map(|(name, text)| sandbox.file(name, text))
    .to_vec()
}

/// Every paper of a library, whole.
fn papers_of(sandbox: &Sandbox) -> Vec<String> {
    let library = Library::open(&sandbox.library()).unwrap();
    let ids = library.ids().unwrap();
    let mut papers: Vec<String> = ids
        .iter()
        .map(|id| library.find(id.as_str()).unwrap().paper)
        .map(|paper| serde_json::to_string(&paper).unwrap())
        .collect();
    papers.sort();
    papers
}

#[test]
fn a_library_of_version_2_is_claimed_by_its_dumps_and_embeds_nothing() {
    let sandbox = Sandbox::new();
    let folder = "spaces/tiny-bert-cls-dc7be11e/vectors-0.f16";
    for file in ["papers.db", folder] {
        let bytes = std::fs::read(data("library-2").join(file)).unwrap();
        sandbox.file(&format!("library/{file}"), bytes);
    }
    let ran = sandbox.akin(&["show", "1"]).exits(2);
    assert!(ran.stderr.contains("format 2"), "{ran:?}");
    sandbox.akin(&["compact"]).exits(0);
    sandbox.akin(&["check"]).exits(0);
    assert_eq!(n_papers(&sandbox), 7);
    for id in ["1", "peat2001", "light2024", "2401.00009"] {
        shown(&sandbox, id);
    }
    let counts = |dump: &str, expected: Value| {
        let report = sandbox
            .add(&[&sandbox.file(dump, std::fs::read(data("library-2").join(dump)).unwrap())]);
        let found = json!([
            report["changed"],
            report["unchanged"],
            report["stored"],
            report["merged"],
            report["embedded"]
        ]);
        assert_eq!(found, expected, "{dump}: {report}");
    };
    counts("own.jsonl", json!([2, 2, 0, 0, 0]));
    counts("refs.bib", json!([3, 0, 0, 0, 0]));
    counts("twin.jsonl", json!([0, 1, 0, 0, 0]));
    counts("own.jsonl", json!([0, 4, 0, 0, 0]));
    counts("refs.bib", json!([0, 3, 0, 0, 0]));
    assert_eq!(n_papers(&sandbox), 7);
    assert_eq!(shown(&sandbox, "own.jsonl#1")["title"], "Masks on trams");
    assert_eq!(
        shown(&sandbox, "refs.bib#peat2001")["title"],
        "Introduction"
    );
    // Another file that counts from 1 claims nothing.
    let other = sandbox.file(
        "other.csv",
        "id,title,authors\n1,Wasps over cities,Jo Roe\n",
    );
    assert_eq!(sandbox.add(&[&other])["stored"], 1);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn the_order_of_adding_sources_does_not_change_the_papers() {
    let reference = Sandbox::new();
    let dumps = overlapping(&reference);
    for dump in &dumps[..9] {
        reference.add(&[dump]);
    }
    let expected = papers_of(&reference);
    assert_eq!(expected.len(), 5, "{expected:#?}");
    let order = Just((0..9).collect::<Vec<usize>>()).prop_shuffle();
    let mut runner = TestRunner::new(Config::with_cases(12));
    runner
        .run(&order, |order| {
            let sandbox = Sandbox::new();
            let dumps = overlapping(&sandbox);
            for place in &order {
                sandbox.add(&[&dumps[*place]]);
            }
            prop_assert_eq!(papers_of(&sandbox), expected.clone());
            for dump in &dumps[..9] {
                let again = sandbox.add(&[dump]);
                prop_assert_eq!(&again["unchanged"], &again["read"]);
            }
            sandbox.akin(&["check"]).exits(0);
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_source_vanishes_whatever_the_order() {
    let sandbox = Sandbox::new();
    let dumps = overlapping(&sandbox);
    let mut n_read = 0;
    for dump in dumps.iter().rev() {
        let report = sandbox.add(&[dump]);
        n_read += report["read"].as_u64().unwrap();
        assert_eq!(report["changed"], 0, "{report}");
    }
    let library = Library::open(&sandbox.library()).unwrap();
    let ids = library.ids().unwrap();
    let n_sources: usize = ids
        .iter()
        .map(|id| library.find(id.as_str()).unwrap().key)
        .map(|key| library.lookup().known(key).unwrap().sources.len())
        .sum();
    assert_eq!(n_sources as u64, n_read);
}
