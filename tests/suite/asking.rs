//! What a question is taken for, and what is said where nothing is found.

use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

/// Papers on a language, and the first about what is asked for.
fn pumps() -> Sandbox {
    let sandbox = Sandbox::new();
    let line = |n: u32| {
        let (title, text) = match n {
            1 => (
                "Bearings for pumps that run at -40 degrees".to_owned(),
                "Grease stiffens at 40 degrees below zero and pumps stall.".to_owned(),
            ),
            n => (
                format!("On subject number {n} of the language C++"),
                format!("Compilers are compared in {n} ways, and links are followed."),
            ),
        };
        let day = "2026-01-01";
        json!({"id": format!("a{n}"), "title": title, "abstract": text, "date": day}).to_string()
    };
    let lines: Vec<String> = (1..=10).map(line).collect();
    sandbox.add(&[&sandbox.file("pumps.jsonl", lines.join("\n"))]);
    sandbox
}

/// The papers found, and those folded into them.
fn all_ids(ran: &Ran) -> Vec<String> {
    let mut ids = ran.ids();
    for hit in ran.json() {
        let folded = hit["duplicates"].as_array().cloned().unwrap_or_default();
        ids.extend(folded.iter().map(|id| id.as_str().unwrap().to_owned()));
    }
    ids
}

/// Asks by meaning and words, by meaning, by words.
fn every_way(sandbox: &Sandbox, question: &[&str]) -> [Ran; 3] {
    [&[][..], &["--dense"], &["--lexical"]].map(|how| {
        let args = [&["search", "--json"], how, question].concat();
        sandbox.akin(&args)
    })
}

#[test]
fn numbers_with_signs_are_no_conditions() {
    let sandbox = pumps();
    for question in [
        "pumps at -40 degrees",
        "pumps at -40 to +85 degrees",
        "grease at -40 C",
        "pumps -2 fold, -80 °C storage, E. coli -K12, a -b, -NH2",
    ] {
        let [both, dense, lexical] = every_way(&sandbox, &[question]);
        for ran in [&both, &dense] {
            // The model is a random one: what counts is that nothing is shut out.
            assert_eq!(all_ids(ran).len(), 10, "{question}: {ran:?}");
        }
        assert!(lexical.ids().contains(&"a1".to_owned()), "{question}");
    }
    for forbidden in ["pumps -grease", "pumps -\"40\""] {
        for ran in every_way(&sandbox, &[forbidden]) {
            assert!(!ran.stdout.contains("\"a1\""), "{forbidden}: {ran:?}");
        }
    }
}

#[test]
fn a_follow_takes_a_question_as_a_search_does() {
    let sandbox = pumps();
    sandbox
        .akin(&["follow", "add", "cold", "pumps at -40 to +85 degrees"])
        .exits(0);
    let args = ["follow", "test", "cold", "--days", "3650", "--json"];
    let found = sandbox.akin(&args).exits(0);
    assert!(found.ids().contains(&"a1".to_owned()), "{found:?}");
}

#[test]
fn where_nothing_is_found_it_is_said_which_condition_or_filter_does_it() {
    let sandbox = pumps();
    let says = |args: &[&str], expected: &str| {
        let ran = sandbox.akin(&[&["search"], args].concat()).exits(1);
        assert!(ran.stdout.is_empty(), "{ran:?}");
        assert_eq!(ran.stderr.trim(), format!("note: {expected}"), "{args:?}");
    };
    for how in [&[][..], &["--dense"], &["--lexical"]] {
        let says = |args: &[&str], expected| says(&[how, args].concat(), expected);
        says(&["pumps +nowhere"], "nothing has nowhere");
        says(&["+grease -pumps"], "nothing has grease without pumps");
        says(
            &["pumps title:grease -\"language c\""],
            "nothing has title:grease",
        );
        says(
            &["x cat:cs.CL cat:math"],
            "nothing has cat:cs.CL or cat:math",
        );
        says(
            &["pumps", "--category", "nosuch"],
            "no paper passes the filters: none is of the category \"nosuch\"",
        );
        says(
            &["pumps", "--since", "2030"],
            "no paper passes the filters: none is dated 2030-01-01 or later",
        );
    }
    says(
        &["--lexical", "zebras and okapis"],
        "nothing has a word of \"zebras and okapis\"",
    );
    says(
        &["--lexical", "grease -pumps"],
        "nothing has a word of \"grease\" without pumps",
    );
    for ran in every_way(&sandbox, &["grease -pumps"]) {
        assert!(!ran.stderr.contains("filters"), "{ran:?}");
    }
}

#[test]
fn filters_that_contradict_each_other_are_refused() {
    let sandbox = pumps();
    for (args, what) in [
        (
            &["--since", "2020", "--until", "2019"][..],
            "no day lies between",
        ),
        (&["--category", " "], "--category is empty"),
        (&["--author", ""], "--author is empty"),
        (&["-k", "0"], "from 1 to 10,000"),
        (&["-k", "1000000000"], "from 1 to 10,000"),
        (&["-k", "9223372036854775807"], "from 1 to 10,000"),
        (&["--threads", "100000"], "from 1 to 1,024"),
    ] {
        for command in [&["search", "pumps"], &["related", "a1"]] {
            let ran = sandbox.akin(&[&command[..], args].concat()).exits(2);
            assert!(ran.stderr.contains(what), "{ran:?}");
        }
    }
    let lexical = ["search", "--lexical", "pumps", "-k", "10000"];
    sandbox.akin(&lexical).exits(0);
    sandbox.akin(&["related", "a1", "-k", "10000"]).exits(0);
    sandbox.file("config/akin/config.toml", "threads = 100000\n");
    let ran = sandbox.akin(&["search", "pumps"]).exits(2);
    assert!(
        ran.stderr.contains("threads") && ran.stderr.contains("1,024"),
        "{ran:?}"
    );
}

#[test]
fn what_was_not_asked_is_no_number() {
    let sandbox = pumps();
    let [both, dense, lexical] = every_way(&sandbox, &["pumps"]).map(|ran| ran.json().remove(0));
    assert!(both["similarity"].is_f64() && both["word_score"].is_f64());
    assert!(dense["similarity"].is_f64() && dense["word_score"].is_null());
    assert!(dense["lexical_rank"].is_null());
    assert!(lexical["similarity"].is_null() && lexical["word_score"].is_f64());
    assert!(lexical["dense_rank"].is_null() && lexical["percentile"].is_null());

    let shown = |args: &[&str]| sandbox.akin(&[&["search", "pumps"], args].concat()).stdout;
    let lexical = shown(&["--lexical", "--explain"]);
    assert!(
        lexical.starts_with("  1  w   2026-01-01  a1\n"),
        "{lexical}"
    );
    assert!(
        lexical.contains("#1 by words: ") && !lexical.contains("meaning"),
        "{lexical}"
    );
    let dense = shown(&["--dense", "--explain"]);
    assert!(
        dense.contains("#1 by meaning") && !dense.contains("by words"),
        "{dense}"
    );
    // Too few papers for percentiles: no column for them.
    let first = dense.lines().next().unwrap();
    let fields: Vec<&str> = first.split_whitespace().collect();
    assert_eq!((fields.len(), fields[0]), (4, "1"), "{first}");
    assert!(first.len() < 30, "{first}");
}

#[test]
fn a_small_library_says_that_it_has_no_percentiles() {
    let sandbox = pumps();
    let ran = sandbox
        .akin(&["search", "pumps", "--json", "--min-percentile", "99.9"])
        .exits(0);
    assert_eq!(all_ids(&ran).len(), 10);
    assert!(
        ran.stderr
            .contains("need at least 64 papers, and there are 10"),
        "{ran:?}"
    );
}

#[test]
fn what_is_unknown_keeps_nothing_else_from_being_shown() {
    let sandbox = pumps();
    let ran = sandbox
        .akin(&["show", "a1", "nosuch", "a2", "--json"])
        .exits(1);
    assert_eq!(ran.ids(), ["a1", "a2"]);
    assert!(ran.stderr.contains("nosuch"), "{ran:?}");
    let ran = sandbox.akin(&["show", "nosuch", "a1", "nor this"]).exits(1);
    assert!(ran.stdout.starts_with("Bearings"), "{ran:?}");
    assert!(
        ran.stderr.contains("nosuch") && ran.stderr.contains("nor this"),
        "{ran:?}"
    );
    sandbox.akin(&["show", "nosuch"]).exits(1);
}

#[test]
fn a_forbidden_phrase_or_id_takes_out_what_has_it_and_nothing_else() {
    let sandbox = Sandbox::new();
    let lines = r#"{"id":"1","title":"Red fox"}
{"id":"2","title":"Blue whale"}
{"id":"3","title":"Red whale and fox"}
{"id":"2503.11731","title":"Fox and hare"}
"#;
    sandbox.add(&[&sandbox.file("a.jsonl", lines)]);
    let found = |question: &str| {
        let mut ids = sandbox
            .akin(&["search", "--lexical", "--json", question])
            .ids();
        ids.sort();
        ids
    };
    assert_eq!(found("fox -\"red whale\""), ["1", "2503.11731"]);
    // Both words are here, and nowhere side by side.
    assert_eq!(found("fox -\"blue fox\""), ["1", "2503.11731", "3"]);
    assert_eq!(found("whale -title:\"fox blue\""), ["2", "3"]);
    assert_eq!(found("fox -id:1 -id:arXiv:2503.11731v2"), ["3"]);
    // Without quotation marks the shell hands over words, and this one is no option.
    let args = [
        "search",
        "--lexical",
        "--json",
        "red",
        "-40",
        "whale",
        "-k",
        "1",
    ];
    assert_eq!(sandbox.akin(&args).exits(0).ids(), ["3"]);
}
