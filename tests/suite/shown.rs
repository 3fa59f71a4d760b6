//! What is shown of a hit: what found it, how close it is, and words that no paper has.

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, data};

/// The first 100 real papers of the sample, under the bundled model.
fn real() -> Sandbox {
    let sandbox = Sandbox::new();
    let sample = std::fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let first: Vec<&str> = sample.lines().take(100).collect();
    let dump = sandbox.file("dump.jsonl", first.join("\n"));
    sandbox
        .akin(&["add", "--precision", "int8", &dump])
        .exits(0);
    sandbox
}

/// Papers with these titles and abstracts, under the tiny model.
fn papers(texts: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let line = |(n, (title, text)): (usize, &(&str, &str))| {
        json!({"id": format!("p{n}"), "title": title, "abstract": text, "authors": ["Ada Weissman"]})
            .to_string()
    };
    let lines: Vec<String> = texts.iter().enumerate().map(line).collect();
    sandbox.add(&[&sandbox.file("dump.jsonl", lines.join("\n"))]);
    sandbox
}

/// Papers on neutrinos, neutralinos and perturbations.
fn particles() -> Sandbox {
    papers(&[
        ("Neutrinos have mass", "Neutrino beams oscillate."),
        ("Neutrinos from the sun", "A deficit of neutrinos."),
        ("The lightest neutralino", "Neutralino relic density."),
        ("Cosmological perturbations", "Perturbations grow."),
    ])
}

/// The lines that begin a hit.
fn heads(shown: &str) -> Vec<&str> {
    let begins = |line: &&str| {
        let rank = line.split_whitespace().next().unwrap_or_default();
        line.starts_with(' ')
            && line.get(2..5).is_some_and(|gap| gap.ends_with("  "))
            && rank.parse::<usize>().is_ok()
    };
    shown.lines().filter(begins).collect()
}

/// The file of the questions' background.
fn background(sandbox: &Sandbox) -> std::path::PathBuf {
    let spaces = std::fs::read_dir(sandbox.library().join("spaces")).unwrap();
    let space = spaces.map(|entry| entry.unwrap().path()).next().unwrap();
    let folders = std::fs::read_dir(space).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().path());
    let index = folders.find(|path| path.is_dir()).unwrap();
    index.join("questions.json")
}

fn percentiles(ran: &Ran) -> Vec<f64> {
    let hits = ran.json();
    let percentiles = hits.iter().map(|hit| hit["percentile"].as_f64().unwrap());
    percentiles.collect()
}

#[test]
fn a_line_says_what_found_the_paper_and_how_close_it_is_only_where_that_is_the_order() {
    let sandbox = real();
    let question = "the mass of a galaxy";
    let ask = |args: &[&str]| {
        sandbox
            .akin(&[&["search", question], args].concat())
            .exits(0)
    };
    let hits = ask(&["--json"]).json();
    let shown = ask(&[]).stdout;
    let heads_shown = heads(&shown);
    assert_eq!(heads_shown.len(), 10, "{shown}");
    assert!(!shown.contains("top ") && !shown.contains("0."), "{shown}");
    for (hit, head) in hits.iter().zip(heads_shown) {
        let is_first = |rank: &Value| rank.as_u64().is_some_and(|rank| rank <= 10);
        let by = match (is_first(&hit["dense_rank"]), is_first(&hit["lexical_rank"])) {
            (true, false) => ("meaning", "m"),
            (false, true) => ("words", "w"),
            _ => ("both", "mw"),
        };
        assert_eq!(hit["found_by"], by.0, "{hit}");
        assert_eq!(head.split_whitespace().nth(1), Some(by.1), "{head}");
    }
    // By meaning alone, closeness is the order.
    let dense = ask(&["--dense"]).stdout;
    assert!(
        heads(&dense).iter().all(|head| head.contains("  m   top ")),
        "{dense}"
    );
    let listed = percentiles(&ask(&["--dense", "--json"]));
    assert!(listed.is_sorted_by(|a, b| a >= b), "{listed:?}");
    let old = ask(&["--dense", "--half-life", "30"]).stdout;
    assert!(!heads(&old)[0].contains("top "), "{old}");
    let lexical = ask(&["--lexical", "-k", "2"]).stdout;
    assert!(
        heads(&lexical)
            .iter()
            .all(|head| head[5..].starts_with("w   ")),
        "{lexical}"
    );
    // Whoever wants to know more is told.
    let verbose = ask(&["-v"]).stdout;
    assert!(
        heads(&verbose)
            .iter()
            .all(|head| head.contains("  0.") && head.contains("  top "))
    );
    let explained = ask(&["--explain", "-k", "1"]).stdout;
    assert!(explained.contains("by meaning (top "), "{explained}");
}

#[test]
fn a_question_is_measured_by_questions_and_a_paper_by_pairs() {
    let sandbox = real();
    let file = background(&sandbox);
    let (question, id) = ("X-ray emission of supernova remnants", "astro-ph/9405031");
    let related = ["related", id, "--json"];
    let before = sandbox.akin(&related).exits(0).stdout;
    assert!(!file.exists(), "a question makes it");
    let lexical = sandbox.akin(&["search", question, "--lexical"]).exits(0);
    assert!(!file.exists() && lexical.stderr.is_empty(), "{lexical:?}");
    let ask = ["search", question, "--json"];
    let first = sandbox.akin(&ask).exits(0);
    let made = std::fs::read(&file).unwrap();
    assert_eq!(sandbox.akin(&related).exits(0).stdout, before);
    // A file that is lost or damaged is made again, the same.
    for damage in [None, Some("rubbish")] {
        match damage {
            None => std::fs::remove_file(&file).unwrap(),
            Some(text) => std::fs::write(&file, text).unwrap(),
        }
        let again = sandbox.akin(&ask).exits(0);
        assert_eq!((&again.stdout, &*again.stderr), (&first.stdout, ""));
        assert_eq!(std::fs::read(&file).unwrap(), made);
    }
    // One paper of the library is the least share.
    let found = percentiles(&first);
    assert!(
        found[0] > 97.0 && found.iter().all(|p| *p <= 99.0),
        "{found:?}"
    );
    let limit = format!("--min-percentile={}", (found[0] + found[9]) / 2.0);
    let near = percentiles(&sandbox.akin(&[&ask[..], &[&limit]].concat()).exits(0));
    let limit = (found[0] + found[9]) / 2.0;
    let due: Vec<f64> = found.iter().copied().filter(|p| *p >= limit).collect();
    assert!(
        near.len() >= due.len() && near.iter().all(|p| *p >= limit),
        "{near:?}"
    );
    // The first paper of a title's own subject is close, though the title is short.
    let title = first.json()[0]["title"].as_str().unwrap().to_owned();
    assert!(percentiles(&sandbox.akin(&["search", &title, "--json"]).exits(0))[0] >= 99.0);
}

#[test]
fn a_word_that_no_paper_has_is_said_with_the_nearest_ones() {
    let sandbox = particles();
    let ran = sandbox
        .akin(&["search", "neutrlino mass", "--json"])
        .exits(0);
    let said = "note: no paper has \"neutrlino\"; did you mean neutrino or neutralino?";
    assert!(ran.stderr.contains(said), "{ran:?}");
    let expected = json!([{"word": "neutrlino", "nearest": ["neutrino", "neutralino"]}]);
    assert!(
        ran.json()
            .iter()
            .all(|hit| hit["unknown_words"] == expected),
        "{ran:?}"
    );
    // An ending that is wrong, two of them, and one that is like nothing.
    let check = |question: &str, said: &[&str]| {
        let ran = sandbox.akin(&["search", question]).exits(0);
        let notes: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|line| line.contains("no paper has"))
            .collect();
        assert_eq!(notes, said, "{question}");
    };
    check(
        "perturbatoins",
        &["note: no paper has \"perturbatoins\"; did you mean perturbations?"],
    );
    check(
        "neutrno xylophones",
        &[
            "note: no paper has \"neutrno\"; did you mean neutrino?",
            "note: no paper has \"xylophones\"",
        ],
    );
    // Known words in any form, numbers, formulas, names of authors and conditions on them are not.
    for fine in [
        "neutrino mass",
        "masses of a neutrino",
        "2026 H2O GPT-4 p53",
        "weissman",
        "author:weismann mass",
    ] {
        let ran = sandbox.akin(&["search", fine]);
        assert!(!ran.stderr.contains("no paper has"), "{ran:?}");
    }
    let dense = sandbox.akin(&["search", "--dense", "neutrlino"]).exits(0);
    assert!(!dense.stderr.contains("no paper has"), "{dense:?}");
    let none = sandbox.akin(&["search", "+neutrlino", "--json"]).exits(1);
    assert!(none.stderr.contains("did you mean neutrino"), "{none:?}");
    assert!(none.stdout.is_empty(), "{none:?}");
}

#[test]
fn a_minus_before_the_first_word_is_explained() {
    let sandbox = particles();
    for (args, tip) in [
        (
            &["search", "-glass spin"][..],
            "akin search -- '-glass spin'",
        ),
        (
            &["search", "-k", "3", "spin", "-glass"],
            "akin search -- -glass",
        ),
    ] {
        let ran = sandbox.akin(args).exits(2);
        assert!(ran.stderr.contains("comes after --"), "{ran:?}");
        assert!(ran.stderr.contains(tip), "{ran:?}");
    }
    let ran = sandbox.akin(&["search", "--glass"]).exits(2);
    assert!(ran.stderr.contains("'-- --glass'"), "{ran:?}");
    sandbox
        .akin(&["search", "--json", "--", "-sun neutrinos"])
        .exits(0);
}
