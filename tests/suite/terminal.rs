//! What strangers write, on a terminal: the program runs on one that the test reads.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;
use std::ptr;

use serde_json::json;

use crate::sandbox::{Sandbox, tiny_model};

/// A terminal: its own end, and that of the program on it.
#[expect(unsafe_code, reason = "only the system makes terminals")]
fn terminal() -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (0, 0);
    let (any_name, usual, any_size) = (ptr::null_mut(), ptr::null(), ptr::null());
    // SAFETY: both numbers are written before it returns 0; name, settings and size may be null.
    let made = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, any_name, usual, any_size) };
    assert_eq!(made, 0, "no terminal");
    // SAFETY: both are open, and nobody else's.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// What a person would see, with the escape sequences that the terminal obeys.
fn seen(sandbox: &Sandbox, args: &[&str]) -> String {
    let (mut ours, theirs) = terminal();
    let mut command = sandbox.command(args);
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    command.stdout(Stdio::from(theirs.try_clone().unwrap()));
    command.stderr(Stdio::from(theirs));
    let mut child = command.spawn().unwrap();
    // The program's end is closed here, so that reading ends when the program does.
    drop(command);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // At its end Linux says that there is an error.
    while let Ok(n @ 1..) = ours.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..n]);
    }
    child.wait().unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Fails where anything but our own styles, bars and line ends would be obeyed.
#[track_caller]
fn assert_harmless(seen: &str) {
    let own = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[2m",
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[36m",
        // The line of a bar is cleared.
        "\u{1b}[2K",
    ];
    let rest = own
        .iter()
        .fold(seen.to_owned(), |seen, own| seen.replace(own, ""));
    let is_harmful = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let harmful: Vec<char> = rest.chars().filter(is_harmful).collect();
    assert!(harmful.is_empty(), "{harmful:?} in {seen:?}");
}

/// What no terminal should be told: titles, the clipboard, colours, other directions of writing.
const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{1b}]52;c;eHg=\u{7}\u{1b}[31mb\u{9b}2J\u{202e}c\u{2066}\
    \u{200b}\u{2028}\u{e0041}\u{7f}d";

fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let line = json!({
        "id": "theirs", "title": format!("Title {HOSTILE}"),
        "abstract": format!("Abstract {HOSTILE}"), "authors": [format!("Ann {HOSTILE}")],
        "categories": [format!("cs{HOSTILE}")], "journal": HOSTILE, "comment": HOSTILE,
    });
    let plain = json!({ "id": "plain", "title": "Erdős on TiO₂", "abstract": "語." });
    sandbox.add(&[&sandbox.file("d.jsonl", format!("{line}\n{plain}\n"))]);
    sandbox
}

#[test]
fn no_text_of_a_dump_is_obeyed_by_a_terminal() {
    let sandbox = library();
    for args in [
        &["show", "--raw", "theirs"][..],
        &["show", "--raw", "--json", "theirs"],
        &["show", "--sources", "theirs"],
        &["search", "title"],
        &[
            "search",
            "title",
            "--facets",
            "--explain",
            "--color",
            "never",
        ],
        &["search", "title", "--json"],
        &["related", "theirs"],
        &["remove", "theirs"],
    ] {
        let seen = seen(&sandbox, args);
        assert!(seen.len() > 3, "{args:?}");
        assert_harmless(&seen);
    }
    let plain = seen(&sandbox, &["show", "plain"]);
    assert!(
        plain.contains("\u{1b}[1mErdős on TiO₂\u{1b}[0m"),
        "{plain:?}"
    );
}

#[test]
fn raw_text_is_shown_on_a_terminal_and_left_alone_in_a_pipe() {
    let sandbox = Sandbox::new();
    let line = json!({ "id": "x", "title": "A \u{1b}]0;owned\u{7} $x$", "abstract": "b\u{9b}c" });
    sandbox.add(&[&sandbox.file("d.jsonl", line.to_string())]);
    let seen = seen(&sandbox, &["show", "--raw", "x"]);
    assert!(seen.contains("␛]0;owned␇"), "{seen:?}");
    let piped = sandbox.akin(&["show", "--raw", "x"]).exits(0).stdout;
    assert!(piped.contains("\u{1b}]0;owned\u{7}"), "{piped:?}");
    assert!(!piped.contains("\u{1b}[1m"), "{piped:?}");
    let json = sandbox.akin(&["show", "--raw", "--json", "x"]).exits(0);
    assert!(
        json.stdout.is_ascii() && !json.stdout.contains('\u{1b}'),
        "{json:?}"
    );
    assert_eq!(json.json()[0]["abstract"], "b\u{9b}c");
}

#[test]
fn no_name_of_a_file_is_obeyed_by_a_terminal() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let name = HOSTILE.replace('/', "");
    let good = json!({ "id": "x", "title": "Any", "abstract": "Text." });
    let folder = sandbox.path("dumps");
    sandbox.file(&format!("dumps/{name}.jsonl"), format!("{good}\n{{\n"));
    sandbox.file(&format!("dumps/{name}\nerror: of nobody.pdf"), "%PDF-");
    let folder = folder.display().to_string();
    let shown = seen(&sandbox, &["add", "--explain", "--model", &model, &folder]);
    assert!(shown.contains("not readable as JSON"), "{shown:?}");
    assert_harmless(&shown);
    assert!(!shown.contains("\nerror: of nobody"), "{shown:?}");
    for args in [
        &["add", &name][..],
        &["search", "--in", &name, "x"],
        &["show", &name],
        &["follow", "show", &name],
        &[&format!("--{name}")],
        &["--library", &name, "status"],
    ] {
        let seen = seen(&sandbox, args);
        assert!(
            seen.contains("error: ") || seen.contains("error:\u{1b}"),
            "{seen:?}"
        );
        assert_harmless(&seen);
    }
}

#[test]
fn follows_of_others_are_not_obeyed_by_a_terminal() {
    let sandbox = library();
    let query: String = HOSTILE
        .chars()
        .map(|c| format!("\\U{:08X}", u32::from(c)))
        .collect();
    let file = format!("[[follow]]\nname = \"theirs\"\nquery = \"{query}\"\n");
    sandbox
        .akin(&["follow", "import", &sandbox.file("f.toml", file)])
        .exits(0);
    for args in [
        &["follow", "list"][..],
        &["follow", "show", "theirs"],
        &["follow", "export"],
        &["digest", "--dry-run", "--since", "7d"],
        &["digest", "--dry-run", "--to", "md"],
        &["follow", "remove", "theirs"],
    ] {
        let seen = seen(&sandbox, args);
        assert!(seen.contains("theirs"), "{args:?}: {seen:?}");
        assert_harmless(&seen);
    }
}

#[test]
fn no_message_is_endless() {
    let sandbox = library();
    let long = "é".repeat(50_000);
    let ran = sandbox.akin(&["show", &long]).exits(1);
    assert!(ran.stderr.len() < 2000, "{}", ran.stderr.len());
    assert!(ran.stderr.contains("characters more"), "{ran:?}");
}

#[test]
fn a_first_answer_by_words_comes_before_the_papers_are_embedded() {
    let sandbox = Sandbox::new();
    let line = |n: usize| {
        let text = format!("It is about {n} and {HOSTILE}.");
        json!({"id": format!("p{n}"), "title": format!("Paper {n}"), "abstract": text}).to_string()
    };
    let lines: Vec<String> = (0..150).map(line).collect();
    let dump = sandbox.file("many.jsonl", lines.join("\n"));
    let model = tiny_model();
    let args = ["search", "--in", &dump, "--model", &model, "paper 77"];
    let first = seen(&sandbox, &args);
    let (before, after) = first
        .split_once("by their words, until the papers are embedded:")
        .unwrap_or_else(|| panic!("{first}"));
    assert!(!before.contains("Paper 77"), "{first}");
    assert_eq!(
        after.matches("Paper 77").count(),
        2,
        "first and whole: {first}"
    );
    assert_harmless(&first);
    // What is embedded answers at once.
    let second = seen(&sandbox, &args);
    assert!(
        !second.contains("until the papers are embedded"),
        "{second}"
    );
    assert_eq!(second.matches("Paper 77").count(), 1, "{second}");
}
