//! Search by words and by meaning: what either finds, conditions, and an index of words that is
//! missing, behind or damaged.

use std::fs;

use crate::sandbox::{Sandbox, data, papers};

const PAPERS: &[(&str, &str, &str)] = &[
    (
        "2401.00001",
        "Attention is all you need",
        "Transformers without recurrence.",
    ),
    (
        "2401.00002",
        "The GPT-4 technical report",
        "A large transformer, with attention.",
    ),
    (
        "2401.00003",
        "Surfaces of TiO2",
        "Photocatalysis on rutile and its oxygen vacancies.",
    ),
    (
        "2401.00004",
        "NF-κB signalling",
        "The p53 pathway in Erdős cells.",
    ),
];

fn shelf() -> Sandbox {
    let sandbox = Sandbox::new();
    let line = |(paper, author, category): (&(&str, &str, &str), &str, &str)| {
        let (id, title, text) = paper;
        serde_json::json!({
            "id": id, "title": title, "abstract": text, "authors": [author], "categories": [category],
        })
        .to_string()
    };
    let authors = ["Ashish Vaswani", "Open AI", "Jürgen Young", "Ada Vaswani"];
    let categories = ["cs.CL", "cs.LG", "cond-mat.mtrl-sci", "q-bio.MN"];
    let with = PAPERS.iter().zip(authors).zip(categories);
    let lines: Vec<String> = with.map(|((paper, a), c)| line((paper, a, c))).collect();
    sandbox.add(&[&sandbox.file("papers.jsonl", lines.join("\n"))]);
    sandbox
}

fn found(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let ran = sandbox.akin(&[&["search", "--json"], args].concat());
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    ran.ids()
}

#[test]
fn words_bring_papers_up_and_hide_none() {
    let sandbox = shelf();
    for (question, id) in [
        ("gpt4", "2401.00002"),
        ("TiO2", "2401.00003"),
        ("p53", "2401.00004"),
        ("NF-kappaB", "2401.00004"),
        ("jurgen", "2401.00003"),
        ("vacancy", "2401.00003"),
    ] {
        let hybrid = found(&sandbox, &[question]);
        assert_eq!(hybrid.len(), 4, "{question}: all papers are ranked");
        let place = |ids: &[String]| ids.iter().position(|found| found == id).unwrap();
        let dense = found(&sandbox, &["--dense", question]);
        // The tiny model's opinion is noise, and counts as much as that of a good one.
        assert!(place(&hybrid) <= place(&dense), "{question}");
        assert_eq!(
            found(&sandbox, &["--lexical", question]),
            [id],
            "{question}"
        );
        assert_eq!(dense.len(), 4);
    }
    assert_eq!(found(&sandbox, &["--lexical", "unheard-of"]), [""; 0]);
}

#[test]
fn a_hit_says_how_it_was_found() {
    let sandbox = shelf();
    let hits = sandbox.akin(&["search", "--json", "gpt4"]).exits(0).json();
    assert_eq!(hits[0]["lexical_rank"], 1);
    assert!(hits[0]["dense_rank"].as_u64().is_some());
    assert!(hits[0]["word_score"].as_f64().unwrap() > 0.0);
    assert!(hits[1]["lexical_rank"].is_null() && hits[1]["word_score"] == 0.0);
    let scores: Vec<f64> = hits
        .iter()
        .map(|hit| hit["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn a_hit_is_explained_by_a_sentence_and_the_words_it_shares() {
    let sandbox = shelf();
    let question = "oxygen photocatalysts of TiO2";
    let hits = sandbox
        .akin(&["search", "--json", "--explain", question])
        .exits(0)
        .json();
    let hit = hits.iter().find(|hit| hit["id"] == "2401.00003").unwrap();
    assert_eq!(
        hit["sentence"],
        "Photocatalysis on rutile and its oxygen vacancies."
    );
    let words: Vec<&str> = hit["shared_words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words.contains(&"TiO2") && words.contains(&"oxygen"),
        "{words:?}"
    );
    let shown = sandbox
        .akin(&["search", "--explain", question])
        .exits(0)
        .stdout;
    assert!(
        shown.contains("by words: ") && shown.contains("by meaning"),
        "{shown}"
    );
    let shown = sandbox
        .akin(&["related", "--explain", "2401.00001"])
        .exits(0)
        .stdout;
    assert!(shown.contains("attention"), "{shown}");
    let near = sandbox
        .akin(&["related", "--json", "2401.00001"])
        .exits(0)
        .json();
    let ranks: Vec<_> = near
        .iter()
        .filter_map(|hit| hit["dense_rank"].as_u64())
        .collect();
    assert!(ranks.contains(&1), "the paper itself has no rank: {near:?}");
    let hits = sandbox
        .akin(&["search", "--json", question])
        .exits(0)
        .json();
    assert!(hits[0].get("sentence").is_none());
}

#[test]
fn conditions_hold_for_every_hit() {
    let sandbox = shelf();
    for (question, expected) in [
        ("transformers cat:cs", &["2401.00001", "2401.00002"][..]),
        ("transformers cat:cs.LG", &["2401.00002"]),
        ("cells author:vaswani", &["2401.00001", "2401.00004"]),
        (
            "attention -gpt",
            &["2401.00001", "2401.00003", "2401.00004"],
        ),
        ("anything +rutile", &["2401.00003"]),
        ("title:attention", &["2401.00001"]),
        ("id:arXiv:2401.00004v2", &["2401.00004"]),
        ("anything +\"all you need\"", &["2401.00001"]),
        ("anything +nowhere", &[]),
    ] {
        for how in [&[][..], &["--dense"]] {
            let mut ids = found(&sandbox, &[how, &[question]].concat());
            ids.sort();
            assert_eq!(ids, expected, "{question} {how:?}");
        }
    }
    let filtered = found(&sandbox, &["attention", "--category", "cs.CL"]);
    assert_eq!(filtered, ["2401.00001"]);
}

#[test]
fn every_word_of_a_draft_is_a_word() {
    let sandbox = shelf();
    let draft = sandbox.file("draft.txt", "Rutile: -vacancies +nowhere title:x");
    assert_eq!(found(&sandbox, &["--file", &draft])[0], "2401.00003");
    assert_eq!(found(&sandbox, &["--file", &draft]).len(), 4);
}

#[test]
fn without_the_words_meaning_answers_and_says_so() {
    let sandbox = shelf();
    let dense = found(&sandbox, &["--dense", "gpt4"]);
    let words = sandbox.library().join("lexical");
    for harm in [
        &(|| fs::remove_dir_all(&words).unwrap()) as &dyn Fn(),
        &|| {
            fs::create_dir(&words).unwrap();
            fs::write(words.join("meta.json"), "{}").unwrap();
        },
    ] {
        harm();
        let ran = sandbox.akin(&["search", "--json", "gpt4"]).exits(0);
        assert_eq!(ran.ids(), dense);
        assert!(
            ran.stderr.contains("words of the papers are not indexed"),
            "{ran:?}"
        );
        for args in [
            ["search", "--lexical", "gpt4"],
            ["search", "--dense", "x +gpt4"],
        ] {
            let ran = sandbox.akin(&args).exits(2);
            assert!(ran.stderr.contains("check --repair"), "{ran:?}");
        }
    }
    let ran = sandbox.akin(&["check"]).exits(1);
    assert!(ran.stdout.contains("lexical"), "{ran:?}");
    let report = &sandbox
        .akin(&["check", "--repair", "--json"])
        .exits(0)
        .json()[0];
    assert_eq!(
        (&report["indexed_words"], &report["lexical_papers"]),
        (&4.into(), &4.into())
    );
    assert_eq!(found(&sandbox, &["gpt4"])[0], "2401.00002");
}

#[test]
fn words_follow_every_change_of_the_papers() {
    let sandbox = shelf();
    sandbox.akin(&["remove", "2401.00003"]).exits(0);
    assert_eq!(found(&sandbox, &["--lexical", "rutile"]), [""; 0]);
    let changed = papers(&[("2401.00001", "Convolutions", "Not what it was.")]);
    sandbox.add(&[&sandbox.file("later/papers.jsonl", changed)]);
    assert_eq!(
        found(&sandbox, &["--lexical", "convolution"]),
        ["2401.00001"]
    );
    assert_eq!(found(&sandbox, &["--lexical", "recurrence"]), [""; 0]);
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(
        found(&sandbox, &["--lexical", "convolution"]),
        ["2401.00001"]
    );
    let report = &sandbox.akin(&["check", "--json"]).exits(0).json()[0];
    assert_eq!(
        (&report["lexical_papers"], &report["lexical_behind"]),
        (&3.into(), &0.into())
    );
}

#[test]
fn words_that_are_behind_find_nothing_that_is_no_more() {
    let sandbox = shelf();
    let words = sandbox.library().join("lexical");
    let old = sandbox.path("old");
    fs::rename(&words, &old).unwrap();
    let changed = papers(&[
        ("2401.00001", "Convolutions", "Not what it was."),
        ("n1", "New", "Fresh."),
    ]);
    sandbox.add(&[&sandbox.file("later/papers.jsonl", changed)]);
    sandbox.akin(&["remove", "2401.00002"]).exits(0);
    fs::remove_dir_all(&words).unwrap();
    fs::rename(&old, &words).unwrap();
    assert_eq!(found(&sandbox, &["--lexical", "attention"]), [""; 0]);
    assert_eq!(found(&sandbox, &["attention"]).len(), 4);
    let report = &sandbox.akin(&["check", "--json"]).exits(0).json()[0];
    assert_eq!(
        (&report["lexical_papers"], &report["lexical_behind"]),
        (&2.into(), &2.into())
    );
    sandbox.akin(&["check", "--repair"]).exits(0);
    assert_eq!(
        found(&sandbox, &["--lexical", "convolution"]),
        ["2401.00001"]
    );
}

#[test]
fn eval_measures_files_of_trec_and_runs_of_others() {
    let sandbox = Sandbox::new();
    let lines = std::fs::read_to_string(data("formats/beir/corpus.jsonl")).unwrap();
    let corpus = sandbox.file("corpus.jsonl", &lines);
    let first: Vec<serde_json::Value> = lines
        .lines()
        .take(3)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let id = |n: usize| first[n]["_id"].as_str().unwrap();
    let topic = |n: usize| {
        let title = first[n]["title"].as_str().unwrap();
        format!("<top>\n<num> Number: {n}\n<title> {title}\n</top>\n")
    };
    let topics = sandbox.file("topics", (0..3).map(topic).collect::<String>());
    let judged = |n: usize| format!("{n} 0 {} {}\n", id(n), n + 1);
    let qrels = sandbox.file("qrels", (0..3).map(judged).collect::<String>());
    let task = [
        "eval",
        "--corpus",
        &corpus,
        "--queries",
        &topics,
        "--qrels",
        &qrels,
        "--json",
    ];
    let ours = &sandbox.akin(&task).exits(0).json()[0];
    assert_eq!(
        (&ours["queries"], &ours["mrr@10"]),
        (&3.into(), &1.0.into()),
        "{ours}"
    );
    // Another's run: a tie, which goes against the lesser id, and a query that is missing.
    let (low, high) = ("aaa", id(0));
    let run = format!(
        "0 Q0 {low} 1 0.5 x\n0 Q0 {high} 2 0.5 x\n1 Q0 {} 1 0.1 x\n",
        id(1)
    );
    let run = sandbox.file("run", run);
    let other = [
        &task[..],
        &["--score", &run, "--metric", "MRR@10", "--metric", "MAP"],
    ]
    .concat();
    let theirs = &sandbox.akin(&other).exits(0).json()[0];
    let tied = if high > low { 1.0 } else { 0.5 };
    assert!(
        (theirs["mrr@10"].as_f64().unwrap() - (tied + 1.0) / 3.0).abs() < 1e-9,
        "{theirs}"
    );
    let compared = [&task[..], &["--against", &run, "--metric", "MRR@10"]].concat();
    let compared = &sandbox.akin(&compared).exits(0).json()[0];
    assert_eq!(compared["mrr@10_against"], theirs["mrr@10"]);
    assert!(
        compared["mrr@10_p"].as_f64().unwrap() > 0.1,
        "three queries prove nothing"
    );
    let by_id = sandbox.file("by_id.jsonl", format!("{{\"_id\":\"{}\"}}\n", id(0)));
    let related = sandbox.file("related", format!("{} 0 {} 1\n", id(0), id(1)));
    let task = [
        "eval",
        "--corpus",
        &corpus,
        "--queries",
        &by_id,
        "--qrels",
        &related,
        "--by-id",
    ];
    let found = &sandbox
        .akin(&[&task[..], &["--json"]].concat())
        .exits(0)
        .json()[0];
    assert_eq!(
        (&found["queries"], &found["recall@100"]),
        (&1.into(), &1.0.into()),
        "{found}"
    );
}
