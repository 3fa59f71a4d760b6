//! What records hold, as the commands show it and filter by it.

use crate::sandbox::Sandbox;

/// Records with these categories each.
fn shelf(categories: &[&[&str]]) -> Sandbox {
    let line = |(n, categories): (usize, &&[&str])| {
        let line = serde_json::json!({
            "id": format!("t{}", n + 1), "title": format!("Paper {}", n + 1), "categories": categories,
        });
        line.to_string()
    };
    let lines: Vec<String> = categories.iter().enumerate().map(line).collect();
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("dump.jsonl", lines.join("\n"))]);
    sandbox
}

#[test]
fn a_category_is_found_by_its_whole_name_alone() {
    let sandbox = shelf(&[
        &["Machine Learning", "Graph Theory"],
        &["Machine Translation"],
        &["Deep Learning", "Nuclear Physics"],
        &["cs.CL", "math-ph"],
        &["Diabetes Mellitus, Type 2", "St. Louis"],
    ]);
    for (category, expected) in [
        ("machine", &[][..]),
        ("learning", &[]),
        ("Physics", &[]),
        ("Machine Learning", &["t1"]),
        ("machine  learning", &["t1"]),
        ("cs", &["t4"]),
        ("CS.cl", &["t4"]),
        ("math", &[]),
        ("math-ph", &["t4"]),
        ("Diabetes Mellitus, Type 2", &["t5"]),
        ("Diabetes Mellitus", &[]),
        ("st", &[]),
        ("", &[]),
    ] {
        let filtered = sandbox.akin(&["search", "--json", "paper", "--category", category]);
        assert_eq!(filtered.ids(), expected, "--category {category:?}");
        if !category.is_empty() {
            let question = format!("paper cat:\"{category}\"");
            let asked = sandbox.akin(&["search", "--json", "--lexical", &question]);
            assert_eq!(asked.ids(), expected, "cat:{category:?}");
        }
    }
}

#[test]
fn one_category_ends_where_the_next_begins() {
    let sandbox = shelf(&[
        &["Humans", "Diabetes Mellitus, Type 2"],
        &["cs.CL", "math.CO"],
    ]);
    let shown = |id: &str| sandbox.akin(&["show", id]).exits(0).stdout;
    let names = shown("t1");
    assert!(
        names.contains("Humans; Diabetes Mellitus, Type 2\n"),
        "{names}"
    );
    let codes = shown("t2");
    assert!(codes.contains("cs.CL math.CO\n"), "{codes}");
    let hits = sandbox.akin(&["search", "paper"]).exits(0).stdout;
    assert!(hits.contains("Humans; Diabetes Mellitus, Type 2"), "{hits}");
}

#[test]
fn a_paper_of_proceedings_is_of_their_year() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "refs.bib",
        "@inproceedings{ola04:lake, author={Ola Frost}, title={Lake ice thickness from sonar}, \
         crossref={coldconf:2004}, pages={12--19}}\n\
         @proceedings{coldconf:2004, title={Proceedings of the Fourth Workshop on Cold Waters}, \
         booktitle={Proceedings of the Fourth Workshop on Cold Waters}, month=jun, year={2004}}\n",
    );
    let report = sandbox.add(&[&dump]);
    assert_eq!(report["stored"], 2, "{report}");
    let found = sandbox.akin(&["search", "--json", "--lexical", "ice", "--since", "2000"]);
    let paper = found.exits(0).json().remove(0);
    assert_eq!(paper["date"], "2004-06", "{paper}");
    let shown = sandbox.akin(&["show", "--json", "ola04:lake"]).exits(0);
    let shown = shown.json().remove(0);
    assert_eq!(
        shown["journal"], "Proceedings of the Fourth Workshop on Cold Waters",
        "{shown}"
    );
}
