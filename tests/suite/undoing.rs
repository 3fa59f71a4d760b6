//! `akin undo`, as a user meets it.

use crate::sandbox::{Sandbox, papers};

/// What every search and every paper says: ids, titles, records.
fn everything(sandbox: &Sandbox) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for args in [
        &["search", "bees", "--json", "-k", "99"][..],
        &["search", "--lexical", "bees", "--json", "-k", "99"],
    ] {
        for mut paper in sandbox.akin(args).json() {
            // Words of removed papers count in how rare words are until a compaction.
            let hit = paper.as_object_mut().unwrap();
            [
                "score",
                "word_score",
                "rank",
                "lexical_rank",
                "dense_rank",
                "percentile",
            ]
            .iter()
            .for_each(|name| drop(hit.remove(*name)));
            said.push(paper.to_string());
        }
    }
    let status = sandbox.akin(&["status", "--json"]).json().remove(0);
    said.push(status["papers"].to_string());
    let check = sandbox.akin(&["check", "--json"]).exits(0).json().remove(0);
    said.push(check["findings"].to_string());
    said.sort();
    said
}

fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let first = [
        ("1", "Bees over cities", "We counted bees."),
        ("2", "Bees in ports", "We counted bees in ports."),
        ("3", "Wasps on trams", "No bees at all."),
    ];
    sandbox.add(&[
        "--collection",
        "own",
        &sandbox.file("first.jsonl", papers(&first)),
    ]);
    sandbox
}

#[test]
fn the_last_add_is_taken_back_and_can_be_added_once_more() {
    let sandbox = library();
    let before = everything(&sandbox);
    let later = [
        ("2", "Bees in harbours", "We counted bees in harbours."),
        ("4", "Bees along canals", "We counted bees along canals."),
        ("5", "Bees at night", "We heard bees."),
    ];
    let dump = sandbox.file("later.jsonl", papers(&later));
    sandbox.add(&["--collection", "own", &dump]);
    let after = everything(&sandbox);
    assert_ne!(after, before);

    let said = sandbox.akin(&["undo", "--dry-run"]).exits(0).stdout;
    assert!(said.starts_with("would take back: add of "), "{said}");
    assert!(
        said.contains("later.jsonl at ") && said.contains(": 2 papers removed, 1 changed back"),
        "{said}"
    );
    assert_eq!(everything(&sandbox), after, "nothing was changed");
    let said = sandbox.akin(&["undo"]).exits(0).stdout;
    assert!(said.starts_with("took back: add of "), "{said}");
    assert_eq!(everything(&sandbox), before);
    let ran = sandbox.akin(&["undo"]).exits(1);
    assert!(ran.stderr.contains("nothing to take back"), "{ran:?}");
    assert_eq!(everything(&sandbox), before);

    let report = sandbox.add(&["--collection", "own", &dump]);
    assert_eq!(
        (&report["stored"], &report["changed"]),
        (&2.into(), &1.into()),
        "{report}"
    );
    assert_eq!(everything(&sandbox), after);
}

#[test]
fn a_removal_and_a_merge_and_a_split_are_taken_back() {
    let sandbox = library();
    let before = everything(&sandbox);
    sandbox.akin(&["remove", "1", "3"]).exits(0);
    let said = sandbox.akin(&["undo", "--json"]).exits(0).json().remove(0);
    assert_eq!(
        (&said["command"], &said["put_back"]),
        (&"akin remove".into(), &2.into()),
        "{said}"
    );
    assert_eq!(everything(&sandbox), before);

    let entry = |key: &str, note: &str| {
        format!(
            "@article{{{key}, title={{Bees over cities and over ports}}, author={{Vas, Ada and Sha, Noa}}, \
         doi={{10.5555/bees}}, year={{2024}}, note={{{note}}}}}\n"
        )
    };
    sandbox.add(&[&sandbox.file("a.bib", entry("a", "one"))]);
    let before = everything(&sandbox);
    sandbox.add(&[&sandbox.file("b.bib", entry("b", "two"))]);
    let merged = everything(&sandbox);
    let show = || {
        sandbox
            .akin(&["show", "10.5555/bees", "--sources", "--json"])
            .exits(0)
            .json()
            .len()
    };
    let n_shown = show();
    sandbox.akin(&["split", "10.5555/bees", "2"]).exits(0);
    assert_ne!(everything(&sandbox), merged);
    let said = sandbox.akin(&["undo"]).exits(0).stdout;
    assert!(said.contains("split of "), "{said}");
    assert_eq!(everything(&sandbox), merged);
    assert_eq!(show(), n_shown);
    // One change is kept.
    sandbox.akin(&["undo"]).exits(1);
    assert_ne!(merged, before);
}

#[test]
fn a_compaction_forgets_what_was_removed() {
    let sandbox = library();
    sandbox.akin(&["remove", "1"]).exits(0);
    sandbox.akin(&["compact"]).exits(0);
    sandbox.akin(&["undo"]).exits(1);
    sandbox.akin(&["show", "1"]).exits(1);
    sandbox.akin(&["check"]).exits(0);
}
