//! What is said about wrong arguments: what is wrong, and what was meant.
//!
//! In: clap's complaint, and the arguments as they were typed. Out: the complaint, with a tip where the word
//! is one that other programs have, or where a question begins with a minus sign.

use std::io::{self, Write};

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::examples;
use super::outcome::Outcome;
use super::pager::{self, PagedStdout};
use super::terminal;

/// Number of lines shown about wrong arguments.
const MISUSE_LINES: usize = 60;

/// What people type who know other programs, and what akin has for it.
const FOREIGN: &[(&str, &str)] = &[
    ("init", "`akin add DUMP` makes the library"),
    ("create", "`akin add DUMP` makes the library"),
    (
        "update",
        "`akin pull` adds what is new; `akin add DUMP` again adds what has changed",
    ),
    (
        "upgrade",
        "`cargo install --path .` in a newer clone updates akin; `akin compact` updates a library",
    ),
    ("version", "`akin --version`"),
    ("new", "`akin digest` shows what is new in what you follow"),
    (
        "get",
        "`akin show ID` shows a paper; `akin config get NAME` a setting",
    ),
    ("set", "`akin config set NAME VALUE`"),
    ("edit", "`akin config edit` opens the settings"),
    ("unfollow", "`akin follow remove NAME`"),
    ("unsubscribe", "`akin subscribe remove ADDRESS`"),
    (
        "mail",
        "`akin subscribe add ADDRESS`, then `akin digest --to smtp`",
    ),
    (
        "download",
        "`akin pull` fetches papers, `akin model fetch` a model",
    ),
    ("install", "`akin model fetch NAME` fetches a model"),
    (
        "merge",
        "akin merges the records of one paper when they are added; `akin split` undoes it",
    ),
    ("reindex", "`akin check --repair` makes indexes again"),
    ("repair", "`akin check --repair`"),
    (
        "clean",
        "`akin compact` gives back space, `akin cache clean` what --in keeps",
    ),
    (
        "prune",
        "`akin compact` gives back space, `akin cache clean` what --in keeps",
    ),
    ("options", "`akin help options`"),
    ("formats", "`akin help formats`"),
];

/// Options of other programs, the option that akin has for each, and what to say.
const FOREIGN_OPTIONS: &[(&str, &str, &str)] = &[
    ("--after", "since", "--since DATE includes that day"),
    ("--from", "since", "--since DATE includes that day"),
    ("--newer", "since", "--since DATE includes that day"),
    (
        "--changed-within",
        "since",
        "--since DATE includes that day",
    ),
    ("--before", "until", "--until DATE includes that day"),
    ("--to", "until", "--until DATE includes that day"),
    ("--older", "until", "--until DATE includes that day"),
    ("--max-results", "limit", "-n N, --limit N"),
    ("--max-count", "limit", "-n N, --limit N"),
    ("--num", "limit", "-n N, --limit N"),
    ("--no-color", "color", "--color never, or NO_COLOR=1"),
    ("--debug", "log", "-vv, or --log text"),
    ("--format", "json", "--json prints JSON"),
    (
        "--config",
        "json",
        "AKIN_CONFIG=FILE names another config file",
    ),
    ("--db", "library", "--library DIR"),
    ("--dir", "library", "--library DIR"),
];

/// The commands that take a question.
const ASKING: [&str; 4] = ["search", "find", "query", "ask"];

/// Prints help if it is requested, else what is wrong with the arguments (they may be names of
/// files).
pub(super) fn report(mut misuse: clap::Error, mut program: Command) -> io::Result<Outcome> {
    if !misuse.use_stderr() {
        return show_help(&misuse).map(|()| Outcome::Done);
    }
    let typed: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    if let Some(tip) = tip(&misuse, &typed, &mut program) {
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        // The closest word of clap's, which may be far, gives way.
        for kind in [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::Suggested,
        ] {
            misuse.remove(kind);
        }
        misuse.insert(ContextKind::Suggested, tip);
    }
    let mut err = terminal::stderr();
    // A value that is wrong is quoted, however long it is.
    for line in misuse.render().to_string().lines().take(MISUSE_LINES) {
        let _ = writeln!(err, "{}", terminal::one_line(line));
    }
    Ok(Outcome::Failed)
}

/// Prints help, through the pager on a terminal. The config file, which may be wrong, has no part in it.
fn show_help(help: &clap::Error) -> io::Result<()> {
    if !std::env::args_os().any(|arg| arg == "--no-pager") {
        let of_akin = std::env::var("AKIN_PAGER").ok();
        terminal::page(pager::command(of_akin.as_deref()));
    }
    if !pager::is_begun() {
        return help.print();
    }
    let text = help.render();
    let text = if terminal::has_colors() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    PagedStdout.write_all(text.as_bytes())
}

/// What was meant, where it can be told.
fn tip(misuse: &clap::Error, typed: &[String], program: &mut Command) -> Option<String> {
    let of = |kind| match misuse.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    program.build();
    let (command, path) = command_of(typed, program);
    match misuse.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = of(ContextKind::InvalidSubcommand)?;
            let found = FOREIGN.iter().find(|(foreign, _)| *foreign == word);
            Some(found?.1.to_owned())
        }
        ErrorKind::UnknownArgument => {
            let word = of(ContextKind::InvalidArg)?;
            let name = word.split_once('=').map_or(word, |(name, _)| name);
            let has = |own: &str| {
                command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(own))
            };
            let is_it = |row: &&(&str, &str, &str)| row.0 == name && has(row.1);
            match FOREIGN_OPTIONS.iter().find(is_it) {
                Some((_, _, tip)) => Some((*tip).to_owned()),
                None => of_question(typed),
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let (_, example) = examples::of(&path).first()?;
            Some(format!("for example: {example}"))
        }
        _ => None,
    }
}

/// The command that is typed, by any of its names, and its path: `follow add`.
fn command_of<'a>(typed: &[String], program: &'a Command) -> (&'a Command, String) {
    let mut command = program;
    let mut path = Vec::new();
    for word in typed {
        if let Some(below) = command.find_subcommand(word) {
            command = below;
            path.push(below.get_name());
        }
    }
    (command, path.join(" "))
}

/// A question that begins with a condition such as `-word` has to come after `--`.
fn of_question(typed: &[String]) -> Option<String> {
    let at = typed
        .iter()
        .position(|arg| ASKING.contains(&arg.as_str()))?;
    let is_condition = |arg: &&String| {
        let word = arg.strip_prefix('-').unwrap_or_default();
        word.chars().count() > 1 && word.starts_with(|c: char| c.is_alphanumeric() || c == '"')
    };
    let condition = typed[at + 1..].iter().find(is_condition)?;
    let quoted = match condition.contains(char::is_whitespace) {
        true => format!("'{condition}'"),
        false => condition.clone(),
    };
    Some(format!(
        "a question that begins with - comes after --, and options before it: akin search -- {quoted}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_begins_with_a_minus_sign_is_told_from_an_option() {
        let of = |typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|arg| (*arg).to_owned()).collect();
            of_question(&typed)
        };
        let told = of(&["search", "-theory strings"]).unwrap();
        assert!(told.ends_with("akin search -- '-theory strings'"), "{told}");
        assert!(of(&["find", "-word"]).is_some());
        assert_eq!(of(&["search", "--nolimit", "word"]), None);
        assert_eq!(of(&["search", "-x", "word"]), None);
        assert_eq!(of(&["show", "-word"]), None);
    }
}
