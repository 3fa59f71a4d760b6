//! Plain English, counted: phrases that read as translated, and sentences of more than 25 words.
//!
//! In: README and CONTRIBUTING, docs/, what `akin help` prints, and the public docs of each crate
//! (`//!` and `///`). Out: two numbers an area, held against [`REACHED`]. A number that rises fails
//! the test, and so does one that falls, until its line here is lowered.
//!
//! Code, addresses and numbers of tables are no words. A cell of a table, an item of a list and a
//! heading are sentences of their own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The longest sentence, in words.
const LONGEST: usize = 25;

/// What has a plainer form: "of which" a sentence of its own, "anew" *again*, "how many" *number
/// of*, "is wanted" *expected*. `is no` after anything but *there* is *is not*.
const PHRASES: [&str; 10] = [
    "of which",
    "so many",
    "anew",
    "is no",
    "what stands",
    "is told",
    "in words",
    "wanted",
    "by nobody",
    "how many",
];

/// What each area has come to: phrases, and sentences that are too long. Never raise a number.
const REACHED: &[(&str, usize, usize)] = &[
    ("akin-base", 0, 0),
    ("akin-dump", 0, 0),
    ("akin-encoder", 0, 0),
    ("akin-fetch", 0, 0),
    ("akin-index", 0, 0),
    ("akin-kernels", 0, 0),
    ("akin-library", 0, 0),
    ("akin-papers", 0, 0),
    ("akin-testing", 0, 0),
    ("docs", 0, 0),
    ("help", 0, 0),
    ("readme", 0, 0),
];

/// What is wrong in an area, in the order in which it was found.
#[derive(Default)]
struct Found {
    phrases: Vec<String>,
    long: Vec<String>,
}

#[test]
fn english_gets_plainer() {
    let found = areas();
    let reached: BTreeMap<&str, (usize, usize)> = REACHED
        .iter()
        .map(|(area, p, l)| (*area, (*p, *l)))
        .collect();
    let mut table = String::new();
    let mut told = String::new();
    for (area, found) in &found {
        let count = (found.phrases.len(), found.long.len());
        writeln!(table, "    ({area:?}, {}, {}),", count.0, count.1).unwrap();
        let before = reached.get(area.as_str()).copied().unwrap_or((0, 0));
        compare(
            &mut told,
            &format!("{area}: phrases"),
            before.0,
            &found.phrases,
        );
        compare(
            &mut told,
            &format!("{area}: long sentences"),
            before.1,
            &found.long,
        );
    }
    let is_complete = reached.keys().all(|area| found.contains_key(*area));
    assert!(
        told.is_empty() && is_complete,
        "{told}\nThe table of tests/suite/english.rs, as it is now; lower numbers, raise none:\n\n{table}"
    );
}

/// Says what has changed: the sentences where there are more, the number where there are fewer.
fn compare(told: &mut String, what: &str, before: usize, found: &[String]) {
    let now = found.len();
    if now > before {
        writeln!(told, "{what} rose from {before} to {now}. They are:").unwrap();
        for sentence in found {
            writeln!(told, "    {sentence}").unwrap();
        }
    } else if now < before {
        writeln!(
            told,
            "{what} fell from {before} to {now}: lower the number."
        )
        .unwrap();
    }
}

fn areas() -> BTreeMap<String, Found> {
    let mut areas = BTreeMap::new();
    for page in crate::console::page::all() {
        let area = if page.name.starts_with("docs/") {
            "docs"
        } else {
            "readme"
        };
        check(
            areas.entry(area.to_owned()).or_default(),
            &page.name,
            &page.prose(),
        );
    }
    let help = areas.entry("help".to_owned()).or_default();
    check_help(help, &mut Vec::new());
    let root = crate::console::page::root();
    let mut crates = vec![("akin-papers".to_owned(), root.join("src"))];
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().display().to_string();
        crates.push((name, entry.path().join("src")));
    }
    for (name, folder) in crates {
        let found = areas.entry(name).or_default();
        for path in rust_files(&folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let place = path.strip_prefix(&root).unwrap().display().to_string();
            check(found, &place, &docs_of(&text));
        }
    }
    areas
}

/// The help of a command and of those below it. The last lines of an option's help say its values.
fn check_help(found: &mut Found, command: &mut Vec<String>) {
    let mut akin = Command::new(env!("CARGO_BIN_EXE_akin"));
    let output = akin.args(&*command).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let is_common = |line: &&str| line.starts_with("Global options:");
    let own: Vec<&str> = match command.is_empty() {
        true => help.lines().collect(),
        // What every command has is counted once.
        false => help.lines().take_while(|line| !is_common(line)).collect(),
    };
    let place = format!("akin {} --help", command.join(" "));
    // A line that names a command is a paragraph of its own.
    let apart = own.iter().map(
        |line| match line.starts_with("  ") && !line.starts_with("   ") {
            true => format!("\n{line}\n"),
            false => format!("{line}\n"),
        },
    );
    check(found, &place, &apart.collect::<String>());
    // The program's commands are in groups, each under its heading.
    let is_list = |line: &str| line == "Commands:" || command.is_empty() && line.ends_with(':');
    let listed = own.iter().skip_while(|line| !is_list(line)).skip(1);
    let listed = listed.take_while(|line| !is_common(line));
    let named = listed.take_while(|line| command.is_empty() || line.starts_with("  "));
    let named: Vec<&&str> = named.filter(|line| line.starts_with("  ")).collect();
    assert!(!command.is_empty() || named.len() > 20, "{named:?}");
    let is_name = |line: &&&str| !line.starts_with("   ");
    for line in named.iter().copied().filter(is_name).collect::<Vec<_>>() {
        let name = line.split_whitespace().next().unwrap();
        if name != "help" {
            command.push(name.to_owned());
            check_help(found, command);
            command.pop();
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort_unstable();
    for path in entries {
        let name = path.file_name().unwrap().display().to_string();
        if name.starts_with("test") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

/// The heads of a file and the docs of what is public in it, without code.
fn docs_of(text: &str) -> String {
    let mut docs = String::new();
    let mut block = String::new();
    let mut is_public_enum = false;
    let mut is_code = false;
    for line in text.lines().map(str::trim) {
        let doc = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"));
        if let Some(doc) = doc {
            let is_fence = doc.trim().starts_with("```");
            is_code ^= is_fence;
            if !is_code && !is_fence {
                let target = if line.starts_with("//!") {
                    &mut docs
                } else {
                    &mut block
                };
                target.push_str(doc.strip_prefix(' ').unwrap_or(doc));
                target.push('\n');
            }
            continue;
        }
        if line.starts_with("#[") || line.starts_with("//") {
            continue;
        }
        let is_item = [
            "struct ", "enum ", "trait ", "fn ", "mod ", "impl ", "impl<", "const ",
        ]
        .iter()
        .any(|word| line.trim_start_matches("pub ").starts_with(word));
        if is_item {
            is_public_enum = line.starts_with("pub enum ");
        }
        let is_variant = is_public_enum && line.starts_with(char::is_uppercase);
        if line.starts_with("pub ") || is_variant {
            docs.push_str(&block);
        }
        docs.push('\n');
        block.clear();
    }
    docs
}

/// Counts what is wrong in a text.
fn check(found: &mut Found, place: &str, text: &str) {
    for sentence in sentences(text) {
        let words: Vec<String> = sentence.split_whitespace().filter_map(word).collect();
        let shown = format!("{place}: {sentence}");
        for phrase in PHRASES {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            let at = words
                .windows(phrase.len())
                .position(|window| window == phrase);
            let is_there = |at: usize| at > 0 && words[at - 1] == "there";
            if at.is_some_and(|at| phrase != ["is", "no"] || !is_there(at)) {
                found.phrases.push(shown.clone());
            }
        }
        if words.len() > LONGEST {
            found.long.push(format!("{} words, {shown}", words.len()));
        }
    }
}

/// A word as it is compared; `None` for what is no word.
fn word(text: &str) -> Option<String> {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    (!bare.is_empty()).then(|| bare.to_lowercase())
}

/// The sentences of a text in Markdown, or of help, code as one word.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines().map(str::trim) {
        let is_own = line.starts_with(['#', '|', '-', '*', '!', '[']) || starts_with_number(line);
        let is_option = line.starts_with("--") || line.starts_with("-") && line.contains("--");
        if line.is_empty() || is_own {
            paragraphs.push(String::new());
        }
        if line.starts_with('|') {
            paragraphs.extend(line.split('|').map(str::to_owned));
            paragraphs.push(String::new());
        } else if !is_option && !line.starts_with("Usage:") {
            let paragraph = paragraphs.last_mut().unwrap();
            paragraph.push(' ');
            paragraph.push_str(line);
        }
    }
    let said = paragraphs
        .iter()
        .filter(|it| !it.starts_with(" [possible values"));
    said.flat_map(|paragraph| split(&bare(paragraph))).collect()
}

fn starts_with_number(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && rest.starts_with(". ")
}

/// A paragraph without the code in it and the targets of its links.
fn bare(paragraph: &str) -> String {
    let outside = paragraph.split('`').enumerate();
    let without_code: String = outside
        .map(|(index, part)| if index % 2 == 0 { part } else { "x" })
        .collect();
    let mut bare = String::new();
    let mut rest = without_code.as_str();
    while let Some((before, after)) = rest.split_once("](") {
        bare.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    bare + rest
}

/// A paragraph's sentences: they end with a full stop, a question or an exclamation mark.
fn split(paragraph: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let sentence = sentences.last_mut().unwrap();
        sentence.push_str(word);
        sentence.push(' ');
        let bare = word.trim_end_matches(['"', ')', '*', '_']);
        if bare.ends_with(['.', '?', '!']) && !["e.g.", "i.e.", "al.", "St."].contains(&bare) {
            sentences.push(String::new());
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

#[test]
fn sentences_and_phrases_are_counted() {
    let check = |text: &str, wanted: (usize, usize)| {
        let mut found = Found::default();
        self::check(&mut found, "here", text);
        assert_eq!((found.phrases.len(), found.long.len()), wanted, "{text}");
    };
    let long = "word ".repeat(26);
    check(&long, (0, 1));
    check(&format!("{long}.\n\n- {long}"), (0, 2));
    check(&format!("| {long} | {long} |"), (0, 2));
    check(
        "a [link](https://example.org/of which) and `so many`",
        (0, 0),
    );
    check(
        "It is\nbuilt anew. There is no other. This is no test.",
        (2, 0),
    );
    check(&"short. ".repeat(30), (0, 0));
    let rust = "//! Head of which.\n/// wanted\npub struct A;\n/// wanted\nfn b() {}\n";
    check(&docs_of(rust), (2, 0));
}
