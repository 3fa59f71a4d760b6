//! The console blocks of README.md, CONTRIBUTING.md and docs/: shown output is what `akin` prints.
//!
//! In: every block marked `console`. A line `$ COMMAND` is run, lines `> …` continue it, and the
//! lines below are its output, stdout and stderr together. Out: the differences, all at once.
//!
//! The blocks of one page share a shell, a home and a library, all of them fresh, from top to
//! bottom; the working folder holds links to `tests` and `models`. `...` stands for what differs
//! from run to run: alone on a line for any lines, within a line for any text. A command that
//! fails has `$ echo $?` below it. `AKIN_CONSOLE=overwrite cargo test console` writes what akin
//! prints into the pages.
//!
//! Neither `trycmd` nor `snapbox` fits: they run single programs, no pipes, no `cd` and no `$?`,
//! which a reader types, and their `[..]` would be shown to readers. Blocks marked `sh` or `text`
//! are not run: they use the network, or files that only the reader has.

mod format_table;
mod links;
pub(crate) mod page;
mod promises;

use page::{Command, Page};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Encloses each exit code in what a page's shell prints; no page has it.
const MARK: char = '\u{1}';

#[test]
fn console_blocks_show_what_akin_prints() {
    let overwrites = std::env::var("AKIN_CONSOLE").is_ok_and(|wish| wish == "overwrite");
    let mut differences = Vec::new();
    for page in page::all() {
        let commands = page.commands();
        if commands.is_empty() {
            continue;
        }
        let ran = run(&page, &commands);
        let mut is_stale = false;
        for (index, (command, ran)) in commands.iter().zip(&ran).enumerate() {
            let is_status_shown = commands.get(index + 1).is_some_and(Command::shows_status);
            if ran.code != 0 && !is_status_shown {
                let told = format!("exits with {}; show it with `$ echo $?`", ran.code);
                differences.push(told_of(&page, command, &told));
            }
            if !matches(&command.expected, &ran.lines) {
                is_stale = true;
                let told = format!("prints:\n{}", ran.lines.join("\n"));
                differences.push(told_of(&page, command, &told));
            }
        }
        if is_stale && overwrites {
            let printed: Vec<_> = ran.into_iter().map(|ran| ran.lines).collect();
            page.overwrite(&commands, &printed, matches);
        }
    }
    assert!(
        differences.is_empty(),
        "AKIN_CONSOLE=overwrite writes this into the pages:\n\n{}",
        differences.join("\n\n")
    );
}

#[test]
fn every_block_says_what_it_is() {
    const KNOWN: &[&str] = &["console", "sh", "text", "toml", "rust", "json", "diff"];
    for page in page::all() {
        for (line, language) in page.languages() {
            let place = format!("{}:{line}", page.name);
            assert!(KNOWN.contains(&language), "{place}: a block {language:?}");
        }
    }
}

/// The difference that a command makes, with its place.
fn told_of(page: &Page, command: &Command, told: &str) -> String {
    let Command { line, script, .. } = command;
    format!("{}:{line}: $ {script}\n{told}", page.name)
}

/// What one command of a page came to.
struct Ran {
    lines: Vec<String>,
    code: i32,
}

/// Runs all commands of a page in one shell.
fn run(page: &Page, commands: &[Command]) -> Vec<Ran> {
    let place = fresh_folder(page);
    let script = place.join("commands.sh");
    std::fs::write(&script, script_of(commands)).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_akin")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = std::process::Command::new("sh")
        .arg(&script)
        .current_dir(place.join("work"))
        .env_clear()
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", place.join("home"))
        .envs([("LANG", "C.UTF-8"), ("TZ", "UTC")])
        // What pages show must not depend on the processor.
        .env("AKIN_PRECISION", "f32")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let parts: Vec<&str> = printed.split(MARK).collect();
    assert_eq!(
        parts.len(),
        2 * commands.len() + 1,
        "{}: the shell ended early:\n{printed}{}",
        page.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let ran = |part: &[&str]| Ran {
        lines: part[0].lines().map(str::to_owned).collect(),
        code: part[1].parse().unwrap(),
    };
    parts.chunks_exact(2).map(ran).collect()
}

/// A folder of the page's own, with an empty home and a working folder.
fn fresh_folder(page: &Page) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("console")
        .join(page.name.replace('/', "-"));
    if place.exists() {
        std::fs::remove_dir_all(&place).unwrap();
    }
    std::fs::create_dir_all(place.join("home")).unwrap();
    std::fs::create_dir_all(place.join("work")).unwrap();
    for name in ["tests", "models"] {
        let target = page::root().join(name);
        std::os::unix::fs::symlink(target, place.join("work").join(name)).unwrap();
    }
    place
}

/// The commands as a script, an exit code behind what each prints.
fn script_of(commands: &[Command]) -> String {
    let mut script = "exec 2>&1\n".to_owned();
    for command in commands {
        script.push_str(&command.script);
        script.push_str("\nstatus=$?; printf '\\001%s\\001' $status; (exit $status)\n");
    }
    script
}

/// Whether lines are what is expected of them, with its elisions.
fn matches(expected: &[String], lines: &[String]) -> bool {
    let Some((first, rest)) = expected.split_first() else {
        return lines.is_empty();
    };
    if first.trim() == "..." {
        return (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..]));
    }
    match lines.split_first() {
        Some((line, lines)) => line_matches(first, line) && matches(rest, lines),
        None => false,
    }
}

/// Whether a line is what is expected of it, `...` for any text.
fn line_matches(expected: &str, line: &str) -> bool {
    let (expected, line) = (expected.trim_end(), line.trim_end());
    let Some((start, rest)) = expected.split_once("...") else {
        return expected == line;
    };
    let Some(line) = line.strip_prefix(start) else {
        return false;
    };
    let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.into_iter().any(|at| line_matches(rest, &line[at..]))
}

#[test]
fn an_elision_stands_for_any_text_and_nothing_else_does() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let check = |expected: &str, printed: &str, wanted: bool| {
        assert_eq!(
            matches(&lines(expected), &lines(printed)),
            wanted,
            "{expected}"
        );
    };
    check("a\nb", "a\nb", true);
    check("a\nb", "a\nb\nc", false);
    check("a\nb", "a", false);
    check("a\n...\nd", "a\nb\nc\nd", true);
    check("a\n...", "a", true);
    check("in ... s (... papers/s)", "in 2.0 s (16 papers/s)", true);
    check("in ... s", "in 2.0 ms and more", false);
    check("", "note: more", false);
}
