//! What people mistype on their first day, and what must not come of it.

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const TWO: &[(&str, &str, &str)] = &[
    ("2401.00001", "Fish", "How they swim in schools."),
    ("2401.00002", "Dark matter", "A halo of cold particles."),
];

#[test]
fn a_name_that_is_misspelt_makes_no_library_and_embeds_nothing() {
    let sandbox = Sandbox::new();
    let ran = sandbox.akin(&["add", "misspelt.jsonl"]).exits(2);
    assert!(ran.stderr.contains("misspelt.jsonl"), "{ran:?}");
    assert!(!sandbox.library().exists());
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.akin(&["add", "--words-only", &dump]).exits(0);
    let broken = sandbox.file("broken.jsonl", [0xFF, 0, 1, 2, 0xFE]);
    for dump in ["misspelt.jsonl", &broken] {
        sandbox
            .akin(&["add", "--model", &tiny_model(), dump])
            .exits(2);
        let status = sandbox.akin(&["status"]).exits(0).stdout;
        assert!(status.contains("none of 2 papers"), "{status}");
    }
    let empty = sandbox.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let ran = sandbox
        .akin(&["add", &empty.display().to_string()])
        .exits(2);
    assert!(ran.stderr.contains("there is no file in"), "{ran:?}");
}

#[test]
fn a_dump_without_papers_leaves_no_cache() {
    let sandbox = Sandbox::new();
    let none = sandbox.file("none.jsonl", "");
    sandbox.akin(&["search", "--in", &none, "fish"]).exits(2);
    let list = sandbox.akin(&["cache", "list", "--json"]).exits(0);
    assert!(list.stdout.is_empty(), "{list:?}");
}

#[test]
fn an_export_of_nothing_leaves_the_file_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.akin(&["export", "--digest"]).exits(2);
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    sandbox.akin(&["follow", "add", "fish", "fish"]).exits(0);
    let new = sandbox.file(
        "new.jsonl",
        papers(&[("2402.00001", "Shoals", "Fish swim.")]),
    );
    sandbox.add(&[&new]);
    sandbox.akin(&["digest"]).exits(0);
    let file = sandbox.path("d.bib");
    let export = |args: &[&str]| {
        let name = file.display().to_string();
        sandbox.akin(&[&["export", "-o", &name], args].concat())
    };
    export(&["--digest"]).exits(0);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("Shoals"), "{written}");
    // A digest with nothing new is not the last one with a paper.
    sandbox.akin(&["digest"]);
    export(&["--digest"]).exits(0);
    let ran = export(&["--author", "nobody"]).exits(1);
    assert!(ran.stderr.contains("is not written"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn a_removal_of_several_removes_all_or_says_that_it_removed_none() {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("two.jsonl", papers(TWO))]);
    let ran = sandbox.akin(&["remove", "2401.00001", "nosuch"]).exits(1);
    assert!(ran.stderr.contains("nothing was removed"), "{ran:?}");
    assert_eq!(sandbox.akin(&["list", "--json"]).exits(0).ids().len(), 2);
}

#[test]
fn vectors_are_found_by_ids_that_became_numbers() {
    let sandbox = Sandbox::new();
    let line = r#"{"id":"907.2862","title":"Derivations","abstract":"Stable ones.","authors":"M. Gordji","categories":"math.FA","update_date":"2009-07-16"}"#;
    let dump = sandbox.file("number.jsonl", line);
    let file = sandbox.path("v.jsonl").display().to_string();
    sandbox
        .akin(&["embed", "--model", &tiny_model(), &dump, "-o", &file])
        .exits(0);
    let report = sandbox.add(&["--vectors", &file, &dump]);
    assert_eq!(report["taken"], 1, "{report}");
}

#[test]
fn a_check_of_a_broken_database_says_what_to_do() {
    let sandbox = Sandbox::new();
    let dump = data("formats/generic.jsonl").display().to_string();
    sandbox.add(&[&dump]);
    std::fs::write(sandbox.library().join("papers.db"), "no database").unwrap();
    for args in [&["check"][..], &["check", "--repair"]] {
        let ran = sandbox.akin(args).exits(2);
        assert!(ran.stderr.contains("backup"), "{ran:?}");
        assert!(!ran.stderr.contains("`akin check` says"), "{ran:?}");
    }
}
