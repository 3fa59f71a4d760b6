//! What people bring along from other programs: `akin` alone, help, other names, settings, completions, the
//! manual, exit codes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, copy, data, papers, tiny_model};

const FIELDS: &[(&str, &str, &str)] = &[
    ("2401.00001", "Graphs", "A text of graphs and their edges."),
    ("2401.00002", "Trees", "A text of trees, which have leaves."),
    ("hep-th/9901001", "Strings", "A text of strings on a torus."),
];

pub(crate) fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("fields.jsonl", papers(FIELDS))]);
    sandbox
}

/// Runs with variables.
pub(crate) fn with(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = sandbox.command(args);
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap())
}

/// The names of all commands, as `akin help` groups them.
pub(crate) fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.akin(&["help"]).exits(0).stdout;
    let groups = help.split("Global options:").next().unwrap();
    let lines = groups.lines().filter(|line| line.starts_with("  "));
    let names = lines.map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.collect()
}

#[test]
fn akin_alone_says_what_it_is_where_the_library_is_and_what_comes_first() {
    let sandbox = Sandbox::new();
    let empty = sandbox.akin(&[]).exits(0);
    assert!(empty.stderr.is_empty(), "{empty:?}");
    assert!(empty.stdout.contains("none yet at"), "{empty:?}");
    let dump = sandbox.file("fields.jsonl", papers(FIELDS));
    sandbox.add(&[&dump]);
    let full = sandbox.akin(&[]).exits(0).stdout;
    let library = sandbox.library().display().to_string();
    assert!(full.contains(&format!("{library}, 3 papers")), "{full}");
    for line in full.lines().filter(|line| !line.starts_with("Library:")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(full.lines().count() < 24, "{full}");
    let named = commands(&sandbox);
    let first: Vec<&str> = full
        .lines()
        .filter_map(|line| line.strip_prefix("  akin ")?.split_whitespace().next())
        .collect();
    assert_eq!(first.len(), 6);
    assert!(
        first
            .iter()
            .all(|name| named.iter().any(|known| known == name))
    );
    sandbox.file("library/papers.db", b"no database");
    let damaged = sandbox.akin(&[]).exits(0).stdout;
    assert!(damaged.contains("akin check"), "{damaged}");
}

#[test]
fn help_has_groups_and_the_global_options_in_one_place() {
    let sandbox = Sandbox::new();
    let whole = sandbox.akin(&["--help"]).exits(0).stdout;
    for heading in ["Find papers:", "The library:", "Every morning:", "Setup:"] {
        assert_eq!(whole.matches(heading).count(), 1, "{heading} in {whole}");
    }
    assert_eq!(sandbox.akin(&["help"]).exits(0).stdout, whole);
    let names = commands(&sandbox);
    assert!(names.len() > 20, "{names:?}");
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    for line in sandbox.akin(&["-h"]).exits(0).stdout.lines() {
        assert!(
            line.chars().count() <= 80 || line.starts_with(['`', 'E']),
            "{line}"
        );
    }
    for name in &names {
        let long = sandbox.akin(&[name, "--help"]).exits(0).stdout;
        assert_eq!(sandbox.akin(&["help", name]).exits(0).stdout, long);
        let headings: Vec<&str> = long
            .lines()
            .filter(|line| line.ends_with(':') && !line.starts_with(' '))
            .collect();
        let of_all = headings
            .iter()
            .position(|line| *line == "Global options:")
            .unwrap();
        assert_eq!(
            headings[of_all + 1..],
            ["Examples:"],
            "{name}: {headings:?}"
        );
        let (_, of_all) = long.split_once("Global options:").unwrap();
        assert!(
            of_all.contains("--library <DIR>") && of_all.contains("AKIN_LIBRARY"),
            "{of_all}"
        );
        let short = sandbox.akin(&[name, "-h"]).exits(0).stdout;
        assert!(!short.contains("--library <DIR>"), "{short}");
        assert!(short.contains("`akin help options`"), "{short}");
    }
    let options = sandbox.akin(&["help", "options"]).exits(0).stdout;
    for option in [
        "--library <DIR>",
        "-j, --threads",
        "--precision",
        "[env: AKIN_LOG]",
    ] {
        assert!(options.contains(option), "{option} in {options}");
    }
    let formats = sandbox.akin(&["help", "formats"]).exits(0).stdout;
    assert!(
        formats.contains("bibtex") && formats.contains("MEDLINE"),
        "{formats}"
    );
    let codes = sandbox.akin(&["help", "exit-codes"]).exits(0).stdout;
    assert!(codes.contains("130"), "{codes}");
    let nested = sandbox.akin(&["help", "follow", "add"]).exits(0).stdout;
    assert!(nested.contains("akin follow add toric"), "{nested}");
    sandbox.akin(&["help", "nothing"]).exits(2);
}

/// A place in which the examples find what they name.
fn place_of_examples() -> Sandbox {
    let sandbox = Sandbox::new();
    let sample = std::fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let merged = "{\"id\":\"2401.00001\",\"title\":\"Graphs\",\"authors\":\"Ada Lee\",\
                  \"abstract\":\"A text of graphs.\"}\n";
    let withdrawn = "{\"id\":\"2401.00002\",\"title\":\"Loops\",\"abstract\":\"This paper has been \
                     withdrawn by the authors.\"}\n";
    let bib = "@article{graphs, title={Graphs}, author={Ada Lee}, abstract={A text of graphs.}, \
               doi={10.1000/graphs}, eprint={2401.00001}, archiveprefix={arXiv}}";
    let daily = data("formats/daily").display().to_string();
    // Those that examples name, and few others: `akin model use` embeds all of them.
    let is_named = |line: &&str| line.contains("\"1603.") || line.contains("\"2019-03-");
    let mut named: Vec<&str> = sample.lines().take(10).collect();
    named.extend(sample.lines().skip(10).filter(is_named));
    sandbox.add(&[
        &sandbox.file("sample.jsonl", named.join("\n")),
        &daily,
        &sandbox.file("merged.jsonl", format!("{merged}{withdrawn}")),
        &sandbox.file("merged.bib", bib),
    ]);
    // What is embedded by the bundled model is small.
    let few: Vec<&str> = sample.lines().take(4).collect();
    sandbox.file("arxiv-1000.jsonl", few.join("\n") + "\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, merged.as_bytes()).unwrap();
    sandbox.file("papers.jsonl.gz", packed.finish().unwrap());
    sandbox.file(
        "draft.tex",
        "\\title{On graphs}\\begin{abstract}Their edges.\\end{abstract}",
    );
    copy(&data("formats/beir"), &sandbox.path("beir"));
    sandbox
}

/// The examples in a command's help.
fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help.split_once("Examples:").unwrap_or(("", ""));
    let lines = examples
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    let commands = lines.filter(|line| !line.trim_start().starts_with('#'));
    commands.map(|line| line.trim().to_owned()).collect()
}

#[cfg(unix)]
#[test]
fn every_example_of_every_help_works() {
    let sandbox = place_of_examples();
    let bin = Path::new(env!("CARGO_BIN_EXE_akin")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut n_examples = 0;
    let mut pages: Vec<Vec<String>> = commands(&sandbox)
        .into_iter()
        .map(|name| vec![name])
        .collect();
    for below in ["follow add", "pull arxiv", "pull hf-daily"] {
        pages.push(below.split(' ').map(str::to_owned).collect());
    }
    for page in pages {
        let args: Vec<&str> = std::iter::once("help")
            .chain(page.iter().map(String::as_str))
            .collect();
        let help = sandbox.akin(&args).exits(0).stdout;
        let examples = examples(&help);
        assert!((2..=4).contains(&examples.len()), "{page:?}: {examples:?}");
        for example in examples {
            n_examples += 1;
            let command = sandbox.command(&[]);
            let mut shell = Command::new("bash");
            shell.args(["-c", &format!("set -o pipefail; {example}")]);
            let set = command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?)));
            shell.envs(set).env("PATH", &path).env("AKIN_OFFLINE", "1");
            shell
                .env("EDITOR", "true")
                .env_remove("VISUAL")
                .current_dir(sandbox.path(""));
            let ran = Ran::of(shell.stdin(std::process::Stdio::null()).output().unwrap());
            let needs_network = ["akin pull", "akin model fetch"];
            let of_others = ["| man", "| source", "completions zsh"];
            let may_find_nothing = ["akin trending", "akin follow test"];
            let code = ran.code.unwrap();
            if needs_network.iter().any(|start| example.starts_with(start)) {
                assert!(
                    code == 2 && ran.stderr.contains("offline"),
                    "{example}: {ran:?}"
                );
            } else if may_find_nothing
                .iter()
                .any(|start| example.starts_with(start))
            {
                // Whether anything rises, or is new, is a matter of the papers.
                assert!(code <= 1, "{example}: {ran:?}");
            } else if of_others.iter().any(|part| example.contains(part)) {
                // Another program's affair; what it is given is tested elsewhere.
                assert!(
                    !ran.stderr.contains("error: unexpected"),
                    "{example}: {ran:?}"
                );
            } else if example.contains("| head") {
                // head may leave before akin has written all.
                assert!(!ran.stderr.contains("error"), "{example}: {ran:?}");
            } else {
                assert_eq!(code, 0, "{example}: {ran:?}");
            }
        }
    }
    assert!(n_examples > 50, "{n_examples}");
}

#[test]
fn the_names_of_other_programs_do_what_they_mean() {
    let sandbox = library();
    let id = "2401.00001";
    let same: &[(&[&str], &[&str])] = &[
        (&["search", "graphs"], &["find", "graphs"]),
        (&["search", "graphs"], &["query", "graphs"]),
        (
            &["search", "graphs", "-k", "1"],
            &["search", "graphs", "-n", "1"],
        ),
        (
            &["search", "graphs", "-k", "1"],
            &["search", "graphs", "--limit=1"],
        ),
        (
            &["search", "graphs", "-k", "1"],
            &["search", "graphs", "--top", "1"],
        ),
        (&["search", "graphs"], &["search", "graphs", "-j", "1"]),
        (&["search", "graphs"], &["search", "graphs", "--jobs=1"]),
        (&["related", id], &["similar", id]),
        (&["show", id], &["info", id]),
        (&["status", "--json"], &["st", "--json"]),
        (&["model", "list"], &["model", "ls"]),
        (&["completions", "bash"], &["completion", "bash"]),
        (&["--version"], &["-V"]),
    ];
    for (one, other) in same {
        let expected = sandbox.akin(one).exits(0).stdout;
        assert!(!expected.is_empty(), "{one:?}");
        assert_eq!(sandbox.akin(other).exits(0).stdout, expected, "{other:?}");
    }
    assert_eq!(
        sandbox
            .akin(&["search", "graphs", "-n1", "--json"])
            .ids()
            .len(),
        1
    );
    for (remove, id) in [("rm", "2401.00001"), ("delete", "2401.00002")] {
        sandbox.akin(&[remove, id]).exits(0);
        sandbox.akin(&["show", id]).exits(1);
    }
    let dump = sandbox.file("fields.jsonl", papers(FIELDS));
    let imported = sandbox.akin(&["import", &dump, "--json"]).exits(0).json();
    assert_eq!(imported[0]["stored"], 2, "{imported:?}");
}

#[test]
fn a_word_that_is_no_command_is_answered_with_the_one_that_was_meant() {
    let sandbox = Sandbox::new();
    for (args, tip) in [
        (&["serach", "x"][..], "'search'"),
        (&["upgrade"], "cargo install"),
        (&["init"], "akin add DUMP"),
        (&["version"], "akin --version"),
        (&["search", "x", "--after", "2024"], "--since DATE"),
        (&["search", "x", "--before=2024"], "--until DATE"),
        (&["search", "x", "--max-count", "3"], "-n N"),
        (&["search", "-theory", "strings"], "akin search -- -theory"),
        (
            &["search", "-theory strings"],
            "akin search -- '-theory strings'",
        ),
        (&["search", "x", "--limt", "3"], "'--limit'"),
        (&["search"], "for example: akin search"),
        (&["similar"], "for example: akin related"),
        (&["eval", "--corpus", "a"], "for example: akin eval beir"),
        (&["follow", "add"], "for example: akin follow add toric"),
    ] {
        let ran = sandbox.akin(args).exits(2);
        let told = ran.stderr.lines().find(|line| line.contains("tip:"));
        assert!(
            told.is_some_and(|line| line.contains(tip)),
            "{args:?}: {ran:?}"
        );
        assert_eq!(ran.stderr.matches("tip:").count(), 1, "{ran:?}");
    }
    let ran = sandbox.akin(&["status", "--after", "2024"]).exits(2);
    assert!(!ran.stderr.contains("--since"), "{ran:?}");
    let sandbox = library();
    let ran = sandbox
        .akin(&["search", "--json", "--", "-trees text"])
        .exits(0);
    assert!(!ran.ids().contains(&"2401.00002".to_owned()), "{ran:?}");
}

#[test]
fn with_a_log_in_json_all_of_stderr_is_json() {
    let sandbox = library();
    let dump = sandbox.file(
        "bad.jsonl",
        "{\"id\": 1}\n{\"title\": \"A\", \"id\": \"b\"}\n",
    );
    for args in [
        &["follow", "list"][..],
        &["show", "nothing"],
        &["add", &dump],
        &["add", "/nowhere"],
        &["search", "graphs", "-v"],
        &["search", "--nothing"],
        &["list"],
        &["pull", "arxiv", "--offline"],
        &["related", "--file", "/nowhere"],
    ] {
        for by_variable in [false, true] {
            let ran = match by_variable {
                true => with(&sandbox, args, &[("AKIN_LOG", "json")]),
                false => sandbox.akin(&[args, &["--log", "json"]].concat()),
            };
            assert!(!ran.stderr.is_empty(), "{args:?}");
            for line in ran.stderr.lines() {
                let value: Value =
                    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(
                    value["timestamp"].is_string() && value["level"].is_string(),
                    "{line}"
                );
            }
        }
    }
    let ran = sandbox.akin(&["show", "nothing", "--log", "json"]).exits(1);
    let last: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(
        last["hint"].as_str().unwrap().starts_with("ids look like"),
        "{last}"
    );
}

#[test]
fn exit_codes_agree() {
    let sandbox = library();
    let check = |args: &[&str], code: i32| {
        sandbox.akin(args).exits(code);
    };
    // Nothing of that name.
    check(&["show", "nothing"], 1);
    check(&["related", "nothing"], 1);
    check(&["remove", "nothing"], 1);
    check(&["restore", "nothing"], 1);
    check(&["split", "nothing", "1"], 1);
    check(&["split", "2401.00001", "nothing"], 1);
    check(&["follow", "show", "nothing"], 1);
    check(&["follow", "test", "nothing"], 1);
    check(&["follow", "edit", "nothing", "text"], 1);
    check(&["follow", "remove", "nothing"], 1);
    check(&["follow", "export", "nothing"], 1);
    check(&["subscribe", "remove", "ada@example.org"], 1);
    check(&["digest", "--follow", "nothing"], 1);
    check(&["digest", "--subscriber", "ada@example.org"], 1);
    check(&["config", "get", "threads"], 1);
    // Nothing there.
    check(&["follow", "list"], 1);
    check(&["subscribe", "list"], 1);
    check(&["digest"], 1);
    check(&["daily"], 1);
    check(&["trending"], 1);
    check(&["search", "graphs", "--category", "nothing"], 1);
    // Misused, or failed.
    check(&["search"], 2);
    check(&["nothing"], 2);
    check(&["search", "graphs", "--nothing"], 2);
    check(&["add", "/nowhere"], 2);
    check(&["model", "info", "nobody/nothing"], 2);
    check(&["--library", "/nowhere", "status"], 2);
    check(&["completions", "tcsh"], 2);
}

#[test]
fn hints_are_those_of_the_place() {
    let sandbox = library();
    let folder = sandbox.path("").display().to_string();
    let dump = sandbox.file("d.jsonl", papers(FIELDS));
    let zip = sandbox.file("draft.docx", b"PK\x03\x04\x00\x00");
    let empty = sandbox.file("empty.txt", " \n");
    let binary = sandbox.file("g.bin", b"\x00\x01\x02garbage");
    let bib = sandbox.file("g.bib", b"\x00\x01\x02garbage");
    for (args, told) in [
        (
            &["related", "--file", "/nowhere.tex"][..],
            "hint: check the name; `akin related -`",
        ),
        (&["search", "--file", &folder], "hint: name one file in it"),
        (
            &["related", "--file", &dump],
            "holds records, not a draft; `akin search --in",
        ),
        (&["related", "--file", &zip], "pandoc"),
        (&["related", "--file", &empty], "no text in"),
        (&["related", "--file", &binary], "is not a text"),
        (
            &["eval", &folder],
            "hint: a folder of BEIR has corpus.jsonl",
        ),
        (
            &["eval", "--corpus", "/a", "--queries", "/b", "--qrels", "/c"],
            "hint: check the names after",
        ),
        (&["add", &bib], "here perhaps bibtex"),
        (&["add", &binary], "`akin help formats`"),
    ] {
        let ran = sandbox.akin(args).exits(2);
        assert!(ran.stderr.contains(told), "{args:?}: {ran:?}");
        assert!(ran.stderr.lines().all(|line| line.len() < 300), "{ran:?}");
    }
    let tiny = tiny_model();
    let draft = sandbox.file("draft.md", "# On trees\n\nTheir leaves.\n");
    let related = sandbox.akin(&[
        "similar", "--file", &draft, "--model", &tiny, "-n", "1", "--json",
    ]);
    assert_eq!(related.exits(0).ids().len(), 1);
}
