//! Reranking through the program: the first hits in a cross-encoder's order, what is said of it, and
//! models that cannot be used.

use std::fs;

use akin::encoder::{CrossEncoder, ModelSource};
use serde_json::Value;

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const PAPERS: &[(&str, &str, &str)] = &[
    ("2401.00001", "Fish", "Schools."),
    ("2401.00002", "Dark matter", "A halo."),
    ("2401.00003", "Rutile", "Its surface."),
    ("2401.00004", "Proteins", "How they fold."),
    (
        "2401.00005",
        "A long one",
        "The abstract of this paper goes on and on, through one clause after another, until no model \
         of sixty-four tokens can see where it comes to an end.",
    ),
];

fn cross(name: &str) -> String {
    data(&format!("models/tiny-cross-{name}"))
        .display()
        .to_string()
}

fn shelf() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("papers.jsonl", papers(PAPERS))]);
    sandbox
}

fn number(hit: &Value, key: &str) -> f64 {
    hit[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {hit}"))
}

/// The scores of hits, which must be what the model says of these texts, and in their order.
#[track_caller]
fn assert_reranked(hits: &[Value], model: &str, question: &str) {
    let passage = |hit: &Value| {
        let text = |key: &str| hit[key].as_str().unwrap().to_owned();
        format!("{}. {}", text("title"), text("abstract"))
    };
    let passages: Vec<String> = hits.iter().map(passage).collect();
    let model = CrossEncoder::load(&ModelSource::Folder(model.into()), Some(1)).unwrap();
    let expected = model.score(question, &passages).unwrap().scores;
    for (hit, expected) in hits.iter().zip(expected) {
        let found = number(hit, "rerank_score");
        assert!(
            (found - f64::from(expected)).abs() < 1e-5,
            "{expected}: {hit}"
        );
        assert_eq!(hit["score"], hit["rerank_score"]);
    }
    let falls = |a: &Value, b: &Value| number(a, "score") >= number(b, "score");
    assert!(hits.is_sorted_by(falls), "{hits:?}");
    let ranks: Vec<f64> = hits.iter().map(|hit| number(hit, "rank")).collect();
    assert_eq!(
        ranks,
        (1..=hits.len()).map(|n| n as f64).collect::<Vec<_>>()
    );
}

#[test]
fn the_hits_of_a_search_are_in_the_order_of_the_reranker() {
    let sandbox = shelf();
    let question = "how do fish swim";
    let mut orders = Vec::new();
    for name in ["bert", "roberta", "xlmr", "modernbert"] {
        for way in [&[][..], &["--dense"], &["--lexical"]] {
            let model = cross(name);
            let args = ["search", "--json", "--rerank", &model, question];
            let ran = sandbox.akin(&[&args[..], way].concat()).exits(0);
            assert_reranked(&ran.json(), &model, question);
            orders.push(ran.ids());
        }
    }
    let plain = sandbox.akin(&["search", "--json", question]).exits(0);
    assert!(
        orders.iter().any(|order| *order != plain.ids()),
        "{orders:?}"
    );
    assert!(
        plain
            .json()
            .iter()
            .all(|hit| hit.get("rerank_score").is_none())
    );
    let args = [
        "search",
        "--json",
        "-k",
        "2",
        "--rerank",
        &cross("bert"),
        question,
    ];
    assert_eq!(sandbox.akin(&args).exits(0).ids(), orders[0][..2]);
}

#[test]
fn it_is_said_what_was_cut_and_what_the_reranker_made_of_a_hit() {
    let sandbox = shelf();
    let model = cross("bert");
    let args = [
        "search",
        "--explain",
        "--rerank",
        &model,
        "how do fish swim",
    ];
    let ran = sandbox.akin(&args).exits(0);
    assert!(ran.stdout.contains(" by the reranker"), "{ran:?}");
    let cut = "1 of 5 papers were truncated for reranking: tiny-cross-bert sees 64 tokens";
    assert!(ran.stderr.contains(cut), "{ran:?}");
    let args = ["search", "--rerank", &model, "id:2401.00001"];
    let ran = sandbox.akin(&args).exits(0);
    assert!(ran.stderr.contains("nothing is reranked"), "{ran:?}");
}

#[test]
fn drafts_and_papers_are_what_related_papers_are_read_with() {
    let sandbox = shelf();
    let model = cross("roberta");
    let draft = sandbox.file("draft.txt", "How proteins fold.\n\nWe fold them.");
    let args = ["search", "--json", "--rerank", &model, "--file", &draft];
    let hits = sandbox.akin(&args).exits(0).json();
    assert_reranked(&hits, &model, "How proteins fold. We fold them.");
    let related = |papers: &[&str]| {
        let args = ["related", "--json", "--rerank", &model];
        sandbox.akin(&[&args[..], papers].concat()).exits(0).json()
    };
    let hits = related(&["2401.00002", "--not", "2401.00003"]);
    assert_eq!(hits.len(), 3);
    assert_reranked(&hits, &model, "Dark matter. A halo.");
    let hits = related(&["2401.00002", "2401.00001"]);
    assert_reranked(&hits, &model, "Dark matter. A halo.\nFish. Schools.");
}

#[test]
fn only_the_first_hundred_are_read_and_the_rest_stay_behind_them() {
    let sandbox = Sandbox::new();
    let sample = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let lines: Vec<&str> = sample.lines().take(120).collect();
    sandbox.add(&[&sandbox.file("papers.jsonl", lines.join("\n"))]);
    let question = "gravitational waves of black holes";
    let deep = ["search", "--json", "-k", "120", question];
    let plain = sandbox.akin(&deep).exits(0).ids();
    let model = cross("bert");
    let ran = sandbox
        .akin(&[&deep[..], &["--rerank", &model]].concat())
        .exits(0);
    let hits = ran.json();
    assert_eq!(hits.len(), 120);
    let is_read = |hit: &Value| hit.get("rerank_score").is_some();
    assert!(hits[..100].iter().all(is_read) && !hits[100..].iter().any(is_read));
    assert_eq!(ran.ids()[100..], plain[100..]);
    assert_ne!(ran.ids()[..100], plain[..100]);
    let falls = |a: &Value, b: &Value| number(a, "score") >= number(b, "score");
    assert!(hits.is_sorted_by(falls));
    let args = ["search", "--json", "-k", "10", question, "--rerank", &model];
    assert_eq!(sandbox.akin(&args).exits(0).ids(), ran.ids()[..10]);
}

#[test]
fn an_evaluation_measures_the_reranked_order() {
    let sandbox = Sandbox::new();
    let (beir, model) = (data("formats/beir").display().to_string(), tiny_model());
    let run = |name: &str, more: &[&str]| {
        let file = sandbox.path(name).display().to_string();
        let args = [
            "eval", &beir, "--model", &model, "--metric", "MAP", "--json", "--run", &file,
        ];
        let ran = sandbox.akin(&[&args[..], more].concat()).exits(0);
        (ran.json().remove(0), fs::read_to_string(&file).unwrap())
    };
    let cross = cross("modernbert");
    let (plain, plain_run) = run("plain", &[]);
    let (reranked, reranked_run) = run("reranked", &["--rerank", &cross]);
    assert_ne!(plain["map"], reranked["map"]);
    assert_eq!(plain_run.lines().count(), reranked_run.lines().count());
    // The run is in its own order: measured by itself it is the same.
    let file = sandbox.path("reranked").display().to_string();
    let args = ["eval", &beir, "--metric", "MAP", "--json", "--score", &file];
    let again = sandbox.akin(&args).exits(0).json().remove(0);
    assert_eq!(again["map"], reranked["map"]);
}

#[test]
fn a_model_that_cannot_be_used_is_refused_before_anything_is_shown() {
    let sandbox = shelf();
    for (folder, reason) in [
        (
            sandbox.path("nowhere").display().to_string(),
            "there is no such folder",
        ),
        (tiny_model(), "a cross-encoder of one Transformer is wanted"),
    ] {
        let ran = sandbox
            .akin(&["search", "--rerank", &folder, "fish"])
            .exits(2);
        assert!(
            ran.stderr.contains(reason) && ran.stdout.is_empty(),
            "{ran:?}"
        );
    }
}
