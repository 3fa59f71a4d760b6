//! Completions of shells, and pages of the manual.

use std::process::Command;

use crate::habits::{commands, library, with};
use crate::sandbox::{Ran, Sandbox};

/// What a shell is offered for the last of some words.
fn offered(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let args: Vec<&str> = ["--", "akin"].iter().chain(words).copied().collect();
    let variables = [
        ("AKIN_COMPLETE", "bash"),
        ("_CLAP_COMPLETE_INDEX", &index),
        ("_CLAP_IFS", "\n"),
    ];
    let ran = with(sandbox, &args, &variables).exits(0);
    assert_eq!(ran.stderr, "", "{words:?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn shells_complete_commands_ids_follows_categories_models_and_formats() {
    let sandbox = library();
    let dump =
        r#"{"id":"2402.00001","title":"Edges","abstract":"Of graphs.","categories":["cs.DM"]}"#;
    sandbox.add(&[&sandbox.file("edges.jsonl", dump)]);
    sandbox
        .akin(&["follow", "add", "graphs", "graphs"])
        .exits(0);
    sandbox
        .akin(&["subscribe", "add", "ada@example.org"])
        .exits(0);
    for (words, expected) in [
        (&["sea"][..], "search"),
        (&["show", "2401"], "2401.00001"),
        (&["show", "2401"], "2401.00002"),
        (&["related", "--not", "hep"], "hep-th/9901001"),
        (&["follow", "show", "gr"], "graphs"),
        (&["digest", "--follow", "gr"], "graphs"),
        (&["search", "--category", "cs"], "cs.DM"),
        (&["search", "--model", "bun"], "bundled"),
        (&["add", "--dump-format", "bib"], "bibtex"),
        (&["subscribe", "remove", "ada"], "ada@example.org"),
        (&["config", "get", "thr"], "threads"),
        (&["help", "form"], "formats"),
        (&["--precision", "int"], "int8"),
        (&["search", "--sin"], "--since"),
    ] {
        let found = offered(&sandbox, words);
        assert!(
            found.iter().any(|it| it == expected),
            "{words:?}: {found:?}"
        );
    }
    let other = Sandbox::new().library().display().to_string();
    assert_eq!(
        offered(&sandbox, &["--library", &other, "show", "2401"]),
        [""; 0]
    );
    // Nothing is said of what is broken.
    sandbox.file("library/papers.db", b"no database");
    assert_eq!(offered(&sandbox, &["show", "2401"]), [""; 0]);
    sandbox.file("config/akin/config.toml", "threads = \n");
    assert_eq!(offered(&sandbox, &["show", "2401"]), [""; 0]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.akin(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("AKIN_COMPLETE"), "{script}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    let sandbox = library();
    let program = env!("CARGO_BIN_EXE_akin");
    let script = format!(
        "source <('{program}' completions bash)\nCOMP_WORDS=(akin show 2401); COMP_CWORD=2; COMP_TYPE=9\n\
         $(complete -p akin | sed 's/.*-F \\([^ ]*\\).*/\\1/') akin 2401 show\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let command = sandbox.command(&[]);
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script]);
    bash.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let ran = Ran::of(bash.output().unwrap());
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout, "2401.00001\n2401.00002\n");
}

#[test]
fn the_manual_has_a_page_a_command_with_examples_and_exit_codes() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("man1").display().to_string();
    let told = sandbox.akin(&["man", "--to", &folder]).exits(0).stdout;
    let page = |name: &str| std::fs::read_to_string(sandbox.path("man1").join(name)).unwrap();
    let n_pages = std::fs::read_dir(&folder).unwrap().count();
    assert!(
        told.starts_with(&format!("{n_pages} pages")) && n_pages > 35,
        "{told}"
    );
    assert_eq!(sandbox.akin(&["man"]).exits(0).stdout, page("akin.1"));
    for section in [
        "EXAMPLES",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "GLOBAL OPTIONS",
    ] {
        assert!(
            page("akin.1").contains(&format!(".SH \"{section}\""))
                || page("akin.1").contains(&format!(".SH {section}")),
            "{section}"
        );
    }
    for variable in ["AKIN_LIBRARY", "AKIN_CONFIG", "NO_COLOR", "HF_TOKEN"] {
        assert!(page("akin.1").contains(variable), "{variable}");
    }
    for name in commands(&sandbox) {
        let text = page(&format!("akin-{name}.1"));
        assert_eq!(sandbox.akin(&["man", &name]).exits(0).stdout, text);
        assert!(
            text.contains("EXAMPLES") && text.contains("EXIT STATUS"),
            "{text}"
        );
        assert!(!text.contains("GLOBAL OPTIONS"), "{text}");
    }
    let nested = sandbox.akin(&["man", "follow", "add"]).exits(0).stdout;
    assert_eq!(nested, page("akin-follow-add.1"));
    sandbox.akin(&["man", "nothing"]).exits(2);
}
