//! The way out: export, cite, list, open, and hits as citations, as a user runs them.

use std::path::Path;
use std::process::Command;

use akin_testing::require::missing;
use serde_json::Value;

use crate::sandbox::{Sandbox, data, papers};

const FORMATS: [(&str, &str); 5] = [
    ("bibtex", "bib"),
    ("ris", "ris"),
    ("csl-json", "json"),
    ("csv", "csv"),
    ("json", "jsonl"),
];

/// Four papers with much in their fields.
const RECORDS: &str = r#"{"id":"2503.11731","doi":"10.1000/ABC","title":"=Graph & GPU networks: 50% of $x_1$","abstract":"We show, \"so\".","authors":["Ludwig van Beethoven","Ada Lovelace"],"published":"2024-05-17","categories":["cs.LG","stat.ML"]}
{"id":"10.1000/moss","title":"Moss on roofs","abstract":"Moss grows.","authors":["The Moss Group"],"journal":"Annals of Moss","volume":"7","year":"1999","categories":["Plant Science"]}
{"id":"P18-1001","title":"Parsing words","abstract":"","authors":["Bo Li"],"published":"2018-07-01","upvotes":3}
{"id":"lovelace1843","title":"Notes on the engine","abstract":"Weaves.","authors":["Ada Lovelace"],"year":"1843"}
"#;

/// A library of [`RECORDS`].
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("records.jsonl", RECORDS);
    sandbox.add(&[&dump]);
    sandbox
}

/// A library of 1,000 papers, enough for percentiles.
fn thousand() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&[&data("arxiv-1000.jsonl").display().to_string()]);
    sandbox
}

/// Everything in the library, a JSON object a paper, ordered by title.
fn all(sandbox: &Sandbox) -> Vec<Value> {
    sandbox
        .akin(&["list", "--all", "--sort", "title", "--json"])
        .exits(0)
        .json()
}

#[test]
fn what_is_exported_is_the_same_library_again() {
    let from = sandbox();
    let before = all(&from);
    for (format, extension) in FORMATS {
        let file = from.path(&format!("out.{extension}")).display().to_string();
        let ran = from.akin(&["export", "-o", &file]).exits(0);
        assert!(
            ran.stderr
                .contains(&format!("wrote 4 papers to {file} ({format})")),
            "{ran:?}"
        );
        let to = Sandbox::new();
        to.add(&[&file]);
        let again = all(&to);
        assert_eq!(again.len(), 4, "{format}");
        for (one, other) in before.iter().zip(&again) {
            for field in [
                "title",
                "abstract",
                "authors",
                "date",
                "journal",
                "volume",
                "categories",
            ] {
                assert_eq!(other[field], one[field], "{format} {field}");
            }
        }
        // Any id finds it there.
        for id in [
            "2503.11731",
            "10.1000/abc",
            "P18-1001",
            "lovelace1843",
            "10.1000/moss",
        ] {
            to.akin(&["show", id]).exits(0);
        }
    }
}

#[test]
fn a_file_of_somebody_else_is_not_replaced() {
    let sandbox = sandbox();
    for (format, extension) in FORMATS {
        let own = sandbox
            .path(&format!("out.{extension}"))
            .display()
            .to_string();
        sandbox.akin(&["export", "-o", &own]).exits(0);
        sandbox
            .akin(&["export", "-o", &own, "--since", "2018"])
            .exits(0);
        let foreign = sandbox.file(&format!("mine.{extension}"), "mine\n");
        let ran = sandbox.akin(&["export", "-o", &foreign]).exits(2);
        assert!(
            ran.stderr
                .contains("is not a file of papers that akin wrote"),
            "{format} {ran:?}"
        );
        assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "mine\n");
        sandbox
            .akin(&["export", "-o", &foreign, "--force"])
            .exits(0);
        assert_ne!(std::fs::read_to_string(&foreign).unwrap(), "mine\n");
    }
    let ran = sandbox.akin(&["export", "-o", "out.txt"]).exits(2);
    assert!(
        ran.stderr.contains("says no format; add --format"),
        "{ran:?}"
    );
    let dump = sandbox.path("records.jsonl").display().to_string();
    let ran = sandbox
        .akin(&["export", "--in", &dump, "-o", &dump, "--force"])
        .exits(2);
    assert!(ran.stderr.contains("is read by this command"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&dump).unwrap(), RECORDS);
}

#[test]
fn a_dump_is_converted_without_a_library() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("records.jsonl", RECORDS.to_owned() + "{\"id\":\"x\"}\n");
    let ran = sandbox
        .akin(&["export", "--in", &dump, "--format", "ris"])
        .exits(1);
    assert_eq!(ran.stdout.matches("TY  - ").count(), 4);
    assert!(ran.stderr.contains("rejected"), "{ran:?}");
    assert!(!sandbox.library().exists() && !sandbox.path("cache").exists());
    let args = [
        "export", "--in", &dump, "--author", "lovelace", "--until", "1900",
    ];
    let ran = sandbox.akin(&args).exits(1);
    assert!(ran.stdout.contains("@misc{lovelace1843,"), "{ran:?}");
    assert_eq!(ran.stdout.matches("\n@").count(), 1);
}

#[test]
fn papers_are_exported_by_what_finds_them() {
    let sandbox = sandbox();
    let titles = |args: &[&str]| {
        let args = [&["export", "--format", "json"], args].concat();
        let ran = sandbox.akin(&args).exits(0);
        let title = |paper: &Value| paper["title"].as_str().unwrap().to_owned();
        ran.json().iter().map(title).collect::<Vec<_>>()
    };
    assert_eq!(titles(&["--search", "+moss"]), ["Moss on roofs"]);
    assert_eq!(titles(&["--related", "2503.11731", "-k", "2"]).len(), 2);
    assert_eq!(titles(&["--category", "cs"]).len(), 1);
    assert_eq!(titles(&["--since", "2018"]).len(), 2);
    sandbox
        .akin(&["follow", "add", "lovelace", "--author", "Lovelace"])
        .exits(0);
    assert_eq!(titles(&["--follow", "lovelace"]).len(), 2);
    let ran = sandbox.akin(&["export", "--digest"]).exits(1);
    assert!(ran.stderr.contains("no digest with a paper"), "{ran:?}");
    let new = r#"{"id":"10.1000/new","title":"More notes","abstract":"Weaves.","authors":["Ada Lovelace"],"year":"2026"}"#;
    let dump = sandbox.file("new.jsonl", new);
    sandbox.add(&[&dump]);
    sandbox.akin(&["digest"]).exits(0);
    assert_eq!(titles(&["--digest"]), ["More notes"]);
    let ran = sandbox.akin(&["export", "--author", "nobody"]).exits(1);
    assert!(
        ran.stderr.contains("no paper passes the filters"),
        "{ran:?}"
    );
}

#[test]
fn a_citation_has_a_readable_key_and_unknown_ids_are_named() {
    let sandbox = sandbox();
    let ran = sandbox
        .akin(&["cite", "arXiv:2503.11731v2", "nowhere", "lovelace1843"])
        .exits(1);
    let expected = "% written by akin ";
    assert!(ran.stdout.starts_with(expected), "{ran:?}");
    for part in [
        "@misc{beethoven2024graph,",
        "  title = {=Graph \\& {GPU} networks: 50\\% of $x_1$},",
        "  author = {van Beethoven, Ludwig and Lovelace, Ada},",
        "  month = may,",
        "  doi = {10.1000/abc},",
        "  eprint = {2503.11731},",
        "@misc{lovelace1843,",
    ] {
        assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("nowhere"), "{ran:?}");
    let ran = sandbox
        .akin(&["cite", "10.1000/moss", "--format", "ris"])
        .exits(0);
    assert!(ran.stdout.starts_with("TY  - JOUR\nID  - "), "{ran:?}");
    let ran = sandbox.akin(&["cite", "P18-1001", "--json"]).exits(0);
    assert_eq!(ran.json()[0]["akin"], 1);
    let ran = sandbox.akin(&["cite", "nowhere"]).exits(1);
    assert_eq!(ran.stdout, "");
}

#[test]
fn hits_are_citations() {
    let sandbox = sandbox();
    let ran = sandbox.akin(&["search", "+moss", "--bibtex"]).exits(0);
    assert!(
        ran.stdout.contains("@article{mossgroup1999moss,"),
        "{ran:?}"
    );
    let ran = sandbox
        .akin(&["related", "P18-1001", "-k", "2", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 3, "{ran:?}");
    let ran = sandbox
        .akin(&["search", "moss", "--bibtex", "--json"])
        .exits(2);
    assert!(ran.stderr.contains("--format json"), "{ran:?}");
    sandbox
        .akin(&["search", "moss", "--bibtex", "--format", "ris"])
        .exits(2);
}

#[test]
fn every_paper_above_a_percentile_is_listed_and_how() {
    let sandbox = thousand();
    // The tiny model's answers mean nothing, but a paper is close to its own text.
    let sample = std::fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let first: Value = serde_json::from_str(sample.lines().next().unwrap()).unwrap();
    let title = first["title"].as_str().unwrap();
    let draft = format!("{title}\n\n{}\n", first["abstract"].as_str().unwrap());
    let draft = sandbox.file("draft.txt", draft);
    let search = |args: &[&str]| sandbox.akin(&[&["search", "--file", &draft], args].concat());
    let hits = search(&["-k", "50", "--dense", "--json"]).exits(0).json();
    let least = hits[49]["percentile"].as_f64().unwrap();
    assert!(least > 0.0, "{least}");
    let threshold = &*least.to_string();
    let ran = search(&["--all-above", threshold, "--json"]).exits(0);
    let lines = ran.json();
    let about = &lines[0]["search"];
    assert_eq!(about["n_papers"], 1000);
    assert!(
        about["query"].as_str().unwrap().starts_with(title),
        "{about}"
    );
    assert_eq!(about["min_percentile"], least);
    assert_eq!(about["n_found"], lines.len() - 1);
    for field in [
        "akin",
        "library",
        "state",
        "model",
        "computed_on",
        "date",
        "filters",
    ] {
        assert!(about[field].is_string(), "{field} {about}");
    }
    let id = |line: &Value| line["id"].as_str().unwrap().to_owned();
    let mut listed: Vec<String> = lines[1..].iter().map(id).collect();
    listed.sort();
    assert!((50..1000).contains(&listed.len()), "{}", listed.len());
    let percentile = |line: &Value| line["percentile"].as_f64().unwrap();
    let percentiles: Vec<f64> = lines[1..].iter().map(percentile).collect();
    assert!(percentiles.is_sorted_by(|a, b| a >= b) && percentiles.iter().all(|p| *p >= least));
    // The same as a search, where each work is a hit once.
    let args = ["--min-percentile", threshold, "-k", "1000", "--json"];
    let hits = search(&args).exits(0).json();
    let mut found: Vec<String> = hits
        .iter()
        .flat_map(|hit| {
            let folded = hit["duplicates"].as_array().cloned().unwrap_or_default();
            let folded = folded.into_iter().map(|id| id.as_str().unwrap().to_owned());
            folded.chain([id(hit)]).collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    assert_eq!(listed, found);
    let ran = search(&["--all-above", threshold, "--category", "math"]).exits(0);
    let comments: Vec<&str> = ran
        .stdout
        .lines()
        .take_while(|line| line.starts_with("# "))
        .collect();
    assert_eq!(comments.len(), 8, "{comments:?}");
    assert_eq!(comments[5], "# filters: --category \"math\"");
    let ran = search(&["--all-above", threshold, "--bibtex"]).exits(0);
    assert!(ran.stdout.contains(&format!("\n% query: {title}")));
    assert_eq!(ran.stdout.matches("\n@").count(), listed.len());
    let ran = search(&["--all-above", threshold, "--format", "csv"]).exits(0);
    assert!(
        ran.stderr.contains("threshold: percentile "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout.lines().count(), listed.len() + 1);
    search(&["--all-above", threshold, "-k", "3"]).exits(2);
}

#[test]
fn the_library_is_listed_by_pages() {
    let sandbox = sandbox();
    let list = |args: &[&str]| sandbox.akin(&[&["list"], args].concat());
    let ran = list(&[]).exits(0);
    assert_eq!(
        ran.stdout,
        "2024-05-17  2503.11731    =Graph & GPU networks: 50% of $x_1$\n\
         1999        10.1000/moss  Moss on roofs\n\
         2018-07-01  P18-1001      Parsing words\n\
         1843        lovelace1843  Notes on the engine\n"
    );
    assert!(ran.stderr.contains("4 papers"), "{ran:?}");
    let ids = |args: &[&str]| list(&[args, &["--json"]].concat()).exits(0).ids();
    assert_eq!(
        ids(&["--sort", "date", "--reverse", "-n", "2"]),
        ["2503.11731", "P18-1001"]
    );
    assert_eq!(
        ids(&["--sort", "date", "-n", "2", "--page", "2"]),
        ["P18-1001", "2503.11731"]
    );
    assert_eq!(ids(&["--sort", "votes", "--limit", "1"]), ["P18-1001"]);
    assert_eq!(ids(&["--sort", "title", "--offset", "3"]), ["P18-1001"]);
    assert_eq!(ids(&["--sort", "id", "-n", "1"]), ["10.1000/moss"]);
    assert_eq!(
        ids(&["--author", "lovelace", "--since", "2000"]),
        ["2503.11731"]
    );
    let ran = list(&["-n", "3"]).exits(0);
    assert!(ran.stderr.contains("1 to 3 of 4 papers; --page"), "{ran:?}");
    let ran = list(&["--page", "2"]).exits(1);
    assert!(ran.stderr.contains("there are only 4 papers"), "{ran:?}");
    let ran = list(&["--format", "bibtex", "--category", "cs"]).exits(0);
    assert!(ran.stdout.contains("@misc{beethoven2024graph,"), "{ran:?}");
    list(&["--author", "nobody"]).exits(1);
}

#[test]
fn papers_of_two_files_with_one_id_stay_two() {
    let sandbox = Sandbox::new();
    let one = sandbox.file("a.jsonl", papers(&[("1", "Bread", "Crumb.")]));
    let other = sandbox.file("b.jsonl", papers(&[("1", "Lead", "Heavy.")]));
    sandbox.add(&[&one, &other]);
    for (_, extension) in FORMATS {
        let file = sandbox
            .path(&format!("out.{extension}"))
            .display()
            .to_string();
        sandbox.akin(&["export", "-o", &file]).exits(0);
        let to = Sandbox::new();
        to.add(&[&file]);
        assert_eq!(all(&to).len(), 2, "{extension}");
    }
}

#[test]
fn a_page_is_opened_or_printed() {
    let sandbox = sandbox();
    let print = |args: &[&str]| sandbox.akin(&[&["open", "--print"], args].concat());
    assert_eq!(
        print(&["2503.11731"]).exits(0).stdout,
        "https://arxiv.org/abs/2503.11731\n"
    );
    assert_eq!(
        print(&["10.1000/ABC", "--pdf"]).exits(0).stdout,
        "https://arxiv.org/pdf/2503.11731\n"
    );
    let ran = print(&["--pdf", "P18-1001", "10.1000/moss"]).exits(1);
    assert_eq!(ran.stdout, "https://aclanthology.org/P18-1001.pdf\n");
    assert!(
        ran.stderr.contains("has no PDF that akin knows of"),
        "{ran:?}"
    );
    let ran = print(&["lovelace1843"]).exits(1);
    assert!(ran.stderr.contains("has no address"), "{ran:?}");
    print(&["nowhere"]).exits(1);
}

#[cfg(unix)]
#[test]
fn the_browser_is_given_the_address() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox();
    let seen = sandbox.path("seen");
    let script = format!(
        "#!/bin/sh\nprintf '%s' \"$1\" > '{0}.part'\nmv '{0}.part' '{0}'\n",
        seen.display()
    );
    let browser = sandbox.file("browser", script);
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = sandbox.command(&["--offline", "open", "2503.11731"]);
    let output = command.env("BROWSER", &browser).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let start = std::time::Instant::now();
    while !seen.exists() && start.elapsed().as_secs() < 20 {
        std::thread::yield_now();
    }
    assert_eq!(
        std::fs::read_to_string(&seen).unwrap(),
        "https://arxiv.org/abs/2503.11731"
    );
    let mut command = sandbox.command(&["open", "2503.11731"]);
    let missing = sandbox.path("no-browser");
    let output = command.env("BROWSER", missing).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--print prints the address"));
}

/// Other people's readers take what is written.
#[test]
fn exports_are_read_by_the_usual_readers() {
    let probe = Command::new("python3")
        .args(["-c", "import pybtex, rispy, citeproc"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        missing(
            "readers",
            "there is no Python with pybtex, rispy and citeproc-py here",
        );
        return;
    }
    let sandbox = sandbox();
    let file = |extension: &str| {
        let file = sandbox
            .path(&format!("out.{extension}"))
            .display()
            .to_string();
        sandbox.akin(&["export", "-o", &file]).exits(0);
        file
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/readers.py");
    let read = Command::new("python3")
        .arg(script)
        .args(["bib", "ris", "json", "csv"].map(file))
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    let keys = [
        "beethoven2024graph",
        "mossgroup1999moss",
        "li2018parsing",
        "lovelace1843",
    ];
    assert_eq!(read["keys"], serde_json::json!(keys));
    let rest = serde_json::json!([
        ["Moss on roofs", 1, "The Moss Group", "1999"],
        ["Parsing words", 1, "Li", "2018"],
        ["Notes on the engine", 1, "Lovelace", "1843"],
    ]);
    let title = "=Graph & GPU networks: 50% of $x_1$";
    for (format, title) in [
        ("bibtex", "=Graph \\& {GPU} networks: 50\\% of $x_1$"),
        ("ris", title),
        ("csl-json", title),
    ] {
        let rows = read[format].as_array().unwrap();
        assert_eq!(rows[0][0], title, "{format}");
        assert_eq!(
            (&rows[0][1], &rows[0][3]),
            (&2.into(), &"2024".into()),
            "{format}"
        );
        assert_eq!(rows[1..], *rest.as_array().unwrap(), "{format}");
    }
    let styled = read["styled"].as_array().unwrap();
    assert!(
        styled[1].as_str().unwrap().contains("Moss on roofs"),
        "{styled:?}"
    );
    let first = &read["csv"][0];
    assert_eq!(first[0], format!("'{title}"));
    assert_eq!(first[1], "10.1000/abc");
    assert_eq!(first[3], "We show, \"so\".");
}
