//! Values for completions: ids of the library, follows, categories, models, subscribers, files.
//!
//! In: what is typed so far. Out: what it may become. The shell asks on every press of a key, so nothing here
//! computes, waits or complains. Where something cannot be read, there is nothing to offer.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use akin::library::Library;
use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::args::Common;
use super::context::Context;
use super::settings::{SETTINGS, Settings};

/// The variable by which a shell asks, with its own name as the value.
const ASKED_BY: &str = "AKIN_COMPLETE";

/// The most ids that are offered.
const MOST_IDS: usize = 100;

/// Number of papers whose categories are offered.
const LATE_PAPERS: usize = 1000;

/// Answers a shell that asks for completions; `false` if this is an ordinary run.
pub(super) fn answer(program: fn() -> Command) -> bool {
    if std::env::var_os(ASKED_BY).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(program).var(ASKED_BY);
    // An error would be printed into the line that is being typed.
    let _ = asked.try_complete(std::env::args_os(), here.as_deref());
    true
}

/// Writes what a shell reads to ask this program for completions.
pub(super) fn register(shell: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let shells = Shells::builtins();
    match shells.completer(shell) {
        Some(shell) => shell.write_registration(ASKED_BY, "akin", "akin", &program_path(), out),
        None => Ok(()),
    }
}

/// How the shell finds this program again: by name if it was found by name.
fn program_path() -> String {
    let path = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    let is_named = path.components().count() < 2;
    let whole = std::path::absolute(&path).ok().filter(|_| !is_named);
    whole.unwrap_or(path).to_string_lossy().into_owned()
}

/// An argument with what can be offered for it, by the name of its value.
pub(super) fn attach(arg: Arg, path: &str) -> Arg {
    let name = arg
        .get_value_names()
        .and_then(|names| names.first())
        .cloned();
    let offered: Offer = match name.as_deref() {
        Some("ID") => ids,
        Some("FOLLOW") => follows,
        Some("CODE") => categories,
        Some("MODEL") => models,
        Some("ADDRESS") if path.starts_with("subscribe") => subscribers,
        Some("SETTING") => settings,
        Some("DUMP" | "FILE") => return arg.value_hint(ValueHint::AnyPath),
        Some("DIR" | "FOLDER") => return arg.value_hint(ValueHint::DirPath),
        _ => return arg,
    };
    arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let Some(typed) = typed.to_str() else {
            return Vec::new();
        };
        offered(typed).unwrap_or_default()
    }))
}

type Offer = fn(&str) -> Option<Vec<CompletionCandidate>>;

/// What commands would work with that are typed now.
fn context() -> Option<Context> {
    let common = Common {
        library: typed_library(std::env::args_os()),
        ..Common::default()
    };
    let settings = Settings::resolve(&common).ok()?;
    Context::new(&settings).ok()
}

/// The folder that `--library` names in the line that is typed.
fn typed_library(words: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let words: Vec<OsString> = words.collect();
    let mut given = words.iter().enumerate().filter_map(|(place, word)| {
        let word = word.to_str()?;
        match word.strip_prefix("--library=") {
            Some(folder) => Some(PathBuf::from(folder)),
            None if word == "--library" => words.get(place + 1).map(PathBuf::from),
            None => None,
        }
    });
    given.next_back()
}

fn library() -> Option<Library> {
    Library::open(&context()?.library).ok()
}

fn ids(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let found = library()?.ids_beginning(typed, MOST_IDS).ok()?;
    let offered = found
        .into_iter()
        .map(|(id, title)| offer(id.as_str(), Some(&title)));
    Some(offered.collect())
}

fn follows(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let follows = library()?.follows().ok()?;
    Some(beginning(
        typed,
        follows.iter().map(|follow| follow.name.as_str()),
    ))
}

fn subscribers(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let subscribers = library()?.subscribers().ok()?;
    Some(beginning(
        typed,
        subscribers.iter().map(|it| it.address.as_str()),
    ))
}

fn categories(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let categories = library()?.late_categories(LATE_PAPERS).ok()?;
    Some(beginning(typed, categories.iter().map(String::as_str)))
}

/// Models that are there, and folders.
fn models(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let snapshots = context()?.hub.list().unwrap_or_default();
    let names = snapshots.iter().map(|snapshot| snapshot.id.name());
    let mut offered = beginning(typed, std::iter::once("bundled").chain(names));
    offered.dedup_by(|a, b| a.get_value() == b.get_value());
    Some(offered)
}

fn settings(typed: &str) -> Option<Vec<CompletionCandidate>> {
    let of_typed = SETTINGS
        .iter()
        .filter(|setting| setting.name.starts_with(typed));
    Some(of_typed.map(|it| offer(it.name, Some(it.about))).collect())
}

/// Those that begin with what is typed, in capitals or not.
fn beginning<'a>(typed: &str, all: impl Iterator<Item = &'a str>) -> Vec<CompletionCandidate> {
    let begins = |text: &&str| {
        let start = text.get(..typed.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(typed))
    };
    all.filter(begins).map(|text| offer(text, None)).collect()
}

/// A value, and what the shell says beside it. Neither may carry what a terminal obeys.
fn offer(value: &str, about: Option<&str>) -> CompletionCandidate {
    let visible = |text: &str| text.replace(char::is_control, " ");
    let about = about.map(|text| visible(text).into());
    CompletionCandidate::new(visible(value)).help(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_that_is_typed_is_the_one_that_is_asked() {
        let of = |words: &[&str]| typed_library(words.iter().map(OsString::from));
        assert_eq!(of(&["akin", "show", "2401"]), None);
        assert_eq!(of(&["akin", "--library", "/a", "show"]), Some("/a".into()));
        assert_eq!(of(&["akin", "--library=/b", "show"]), Some("/b".into()));
    }

    #[test]
    fn what_begins_like_that_is_offered() {
        let offered = beginning("CS.", ["cs.CL", "math.AG", "cs", "cs.LG"].into_iter());
        let values: Vec<_> = offered.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(values, ["cs.CL", "cs.LG"]);
    }
}
