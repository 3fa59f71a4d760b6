//! One filter of authors, whichever way it is asked for: `--author`, `author:` in a question, and the
//! authors of a follow.

use serde_json::json;

use crate::sandbox::Sandbox;

const PAPERS: [(&str, &[&str]); 7] = [
    ("p1", &["Ada Lee", "Bo Li"]),
    ("p2", &["Ada Leeson"]),
    ("p3", &["A. B. Lee", "Mary O’Neil"]),
    ("p4", &["Pál Erdős", "Bob Smith‐Jones"]),
    ("p5", &["Jan van der Berg", "Jerzy Łoś"]),
    ("p6", &["World Health Organization", "Karl Weiß"]),
    ("p7", &[]),
];

fn shelf() -> Sandbox {
    let sandbox = Sandbox::new();
    let line = |(id, authors): &(&str, &[&str])| {
        json!({"id": id, "title": format!("Peat {id}"), "abstract": "Moss in bogs.",
            "published": "2020-01-01", "authors": authors})
        .to_string()
    };
    let lines: Vec<String> = PAPERS.iter().map(line).collect();
    sandbox.add(&[&sandbox.file("papers.jsonl", lines.join("\n"))]);
    sandbox
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

fn searched(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let ran = sandbox.akin(&[&["search", "--json"], args].concat());
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    sorted(ran.ids())
}

/// The papers that a follow of an author finds in the whole library.
fn followed(sandbox: &Sandbox, name: &str) -> Vec<String> {
    sandbox
        .akin(&["follow", "add", "somebody", "--author", name])
        .exits(0);
    let args = [
        "digest",
        "--to",
        "json",
        "--since",
        "2000-01-01",
        "--dry-run",
    ];
    let ran = sandbox.akin(&args);
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
    sandbox.akin(&["follow", "remove", "somebody"]).exits(0);
    let ids = PAPERS.iter().map(|(id, _)| (*id).to_owned());
    let is_shown = |id: &String| ran.stdout.contains(&format!("\"{id}\""));
    ids.filter(is_shown).collect()
}

#[test]
fn every_way_to_ask_for_an_author_finds_the_same_papers() {
    let sandbox = shelf();
    for (name, expected) in [
        ("lee", &["p1", "p3"][..]),
        ("LEE", &["p1", "p3"]),
        ("Ada Lee", &["p1", "p3"]),
        ("a. lee", &["p1", "p3"]),
        ("Lee, Ada", &["p1", "p3"]),
        ("ada", &["p1", "p2"]),
        ("leeson", &["p2"]),
        ("bo lee", &[]),
        ("ees", &[]),
        ("oneil", &["p3"]),
        ("O'Neil", &["p3"]),
        ("OʼNeil", &["p3"]),
        ("erdos", &["p4"]),
        ("Smith-Jones", &["p4"]),
        ("smith jones", &["p4"]),
        ("van der berg", &["p5"]),
        ("berg", &["p5"]),
        ("los", &["p5"]),
        ("weiss", &["p6"]),
        ("world health organization", &["p6"]),
        ("nobody", &[]),
    ] {
        let in_question = format!("author:\"{name}\"");
        assert_eq!(
            searched(&sandbox, &["peat", "--author", name]),
            expected,
            "{name}"
        );
        for how in [&["--dense"][..], &["--lexical"], &[]] {
            let asked = [how, &["peat", &in_question]].concat();
            assert_eq!(searched(&sandbox, &asked), expected, "{name} {how:?}");
        }
        assert_eq!(
            searched(&sandbox, &[&in_question]),
            expected,
            "{name} alone"
        );
        assert_eq!(followed(&sandbox, name), expected, "{name} followed");
    }
}

#[test]
fn conditions_on_authors_add_up() {
    let sandbox = shelf();
    for (question, expected) in [
        ("peat author:lee author:li", &["p1"][..]),
        ("peat author:lee -author:li", &["p3"]),
        ("author:lee title:p3", &["p3"]),
        ("peat -author:lee -author:leeson", &["p4", "p5", "p6", "p7"]),
    ] {
        assert_eq!(searched(&sandbox, &[question]), expected, "{question}");
    }
    let any = ["peat", "--author", "lee", "--author", "erdos"];
    assert_eq!(searched(&sandbox, &any), ["p1", "p3", "p4"]);
    let both = ["peat author:lee", "--author", "li"];
    assert_eq!(searched(&sandbox, &both), ["p1"]);
}

#[test]
fn authors_are_held_without_an_index_of_words() {
    let sandbox = shelf();
    std::fs::remove_dir_all(sandbox.library().join("lexical")).unwrap();
    let dense = ["--dense", "peat", "author:lee"];
    assert_eq!(searched(&sandbox, &dense), ["p1", "p3"]);
}
