//! The table of the commands: the group of each, and the names that it has in other programs. The help is made
//! of it.
//!
//! In: the command line as the arguments' types declare it. Out: the same with groups, examples, other names,
//! completions, and with the global options in one place. A new command needs one line in [`COMMANDS`] and
//! its examples in `examples.rs`.

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::args::GLOBAL;
use super::{complete, examples, help, settings};

/// What commands are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandGroup {
    Find,
    Library,
    Morning,
    Model,
    WayOut,
    Setup,
}

/// The groups in the order in which they are shown, with their headings.
const GROUPS: [(CommandGroup, &str); 6] = [
    (CommandGroup::Find, "Find papers"),
    (CommandGroup::Library, "The library"),
    (CommandGroup::Morning, "Every morning"),
    (CommandGroup::Model, "Model and vectors"),
    (CommandGroup::WayOut, "The way out"),
    (CommandGroup::Setup, "Setup"),
];

/// Every command: its name, its group, and other names that run it, those of other programs.
pub(super) const COMMANDS: &[(&str, CommandGroup, &[&str])] = &[
    ("search", CommandGroup::Find, &["find", "query", "ask"]),
    ("related", CommandGroup::Find, &["similar", "like"]),
    ("show", CommandGroup::Find, &["info", "view", "cat"]),
    ("add", CommandGroup::Library, &["import", "ingest"]),
    ("pull", CommandGroup::Library, &["fetch", "sync"]),
    ("remove", CommandGroup::Library, &["rm", "delete", "forget"]),
    ("split", CommandGroup::Library, &["unmerge"]),
    ("restore", CommandGroup::Library, &[]),
    ("status", CommandGroup::Library, &["st", "stat", "stats"]),
    (
        "check",
        CommandGroup::Library,
        &["verify", "fsck", "doctor"],
    ),
    ("compact", CommandGroup::Library, &["gc", "vacuum"]),
    ("follow", CommandGroup::Morning, &["watch"]),
    ("digest", CommandGroup::Morning, &["news"]),
    ("subscribe", CommandGroup::Morning, &[]),
    ("daily", CommandGroup::Morning, &["today"]),
    ("trending", CommandGroup::Morning, &[]),
    ("model", CommandGroup::Model, &["models"]),
    ("embed", CommandGroup::Model, &["encode", "vectorize"]),
    ("eval", CommandGroup::Model, &["evaluate", "bench"]),
    ("config", CommandGroup::Setup, &["settings"]),
    (
        "completions",
        CommandGroup::Setup,
        &["completion", "generate-shell-completion"],
    ),
    ("man", CommandGroup::Setup, &["manual"]),
    ("help", CommandGroup::Setup, &[]),
];

/// Other names of what is below a command.
const BELOW: &[(&str, &[&str])] = &[
    ("list", &["ls"]),
    ("hf-daily", &["hf"]),
    ("remove", &["rm", "delete"]),
    ("add", &["new"]),
    ("show", &["info", "view"]),
    ("info", &["show"]),
    ("fetch", &["pull", "download", "install"]),
    ("use", &["set", "switch"]),
    ("set", &["put"]),
    ("unset", &["rm", "delete"]),
];

/// Where `-h` sends for what it leaves out.
const POINTER: &str = "Global options, such as --library and --json: `akin help options`";

/// What the help of the whole program ends with.
const ENDING: &str = "`akin help COMMAND` explains a command, with examples. `akin help options` lists the options \
    that every command takes.\n\nExit codes: 0 done, 1 nothing found or something rejected, 2 failed or misused, \
    130 interrupted.";

/// The whole command line, with its help.
pub(super) fn dressed(program: Command) -> Command {
    let program = program.disable_help_subcommand(true);
    let program = program.mut_args(|arg| complete::attach(shown(arg), "akin"));
    let program = program.mut_subcommands(|command| {
        let row = COMMANDS
            .iter()
            .find(|(name, ..)| *name == command.get_name());
        let others: &[&str] = row.map_or(&[], |(_, _, others)| others);
        let path = command.get_name().to_owned();
        with_help(command, &path, others)
    });
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\n{}\n{{options}}{{after-help}}\n",
        groups(&program),
        heading(&program, GLOBAL)
    );
    program
        .override_usage("akin <COMMAND> [OPTIONS]")
        .help_template(template)
        .after_help(ENDING)
}

/// A command with its examples, its other names, and all that is below it.
fn with_help(command: Command, path: &str, others: &[&'static str]) -> Command {
    let command = command.mut_args(|arg| with_names(complete::attach(arg, path)));
    let command = command.aliases(others.iter().copied());
    let mut short = examples::shown(&command, path);
    let mut long = short.clone();
    if !others.is_empty() {
        long.push_str(&format!("\n\nOther names: {}", others.join(", ")));
    }
    short.push_str("\n\n");
    short.push_str(POINTER);
    let command = command.after_help(short.trim().to_owned());
    let command = command.after_long_help(long.trim().to_owned());
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        let row = BELOW.iter().find(|(name, _)| *name == below.get_name());
        with_help(below, &path, row.map_or(&[], |(_, others)| others))
    })
}

/// The name of a command with the names that there are.
fn with_names(arg: Arg) -> Arg {
    let is_command = |names: &[clap::builder::Str]| names.iter().any(|name| name == "COMMAND");
    if !arg.get_value_names().is_some_and(is_command) {
        return arg;
    }
    arg.add(ArgValueCandidates::new(|| {
        let names = COMMANDS.iter().map(|(name, ..)| *name);
        let topics = help::TOPICS.iter().map(|(name, _)| *name);
        names.chain(topics).map(CompletionCandidate::new).collect()
    }))
}

/// A global option: not in `-h`, and with its variable in `--help`.
fn shown(arg: Arg) -> Arg {
    if arg.get_help_heading() != Some(GLOBAL) {
        return arg;
    }
    let arg = arg.hide_short_help(true);
    let setting = arg.get_long().and_then(settings::named);
    match (setting, arg.get_help().map(ToString::to_string)) {
        (Some(setting), Some(help)) => {
            arg.long_help(format!("{help}\n[env: {}]", setting.variable))
        }
        _ => arg,
    }
}

/// The commands by groups, each on a line; without groups that have none.
fn groups(program: &Command) -> String {
    let width = COMMANDS.iter().map(|(name, ..)| name.len()).max();
    let width = width.unwrap_or_default();
    let literal = program.get_styles().get_literal();
    let mut text = String::new();
    for (group, title) in GROUPS {
        let lines: Vec<String> = of_group(program, group)
            .map(|command| {
                let about = command.get_about().map(ToString::to_string);
                let name = command.get_name();
                let gap = " ".repeat(width.saturating_sub(name.len()) + 2);
                format!(
                    "  {literal}{name}{literal:#}{gap}{}\n",
                    about.unwrap_or_default()
                )
            })
            .collect();
        if !lines.is_empty() {
            text.push_str(&format!(
                "\n{}\n{}",
                heading(program, title),
                lines.concat()
            ));
        }
    }
    text
}

/// The commands of a group, in the order of the table; those without a row are in the last one.
fn of_group(program: &Command, group: CommandGroup) -> impl Iterator<Item = &Command> {
    let rows = COMMANDS.iter().filter(move |(_, of, _)| *of == group);
    let with_row = rows.filter_map(|(name, ..)| program.find_subcommand(name));
    let is_new = |command: &&Command| {
        let is_known = COMMANDS
            .iter()
            .any(|(name, ..)| *name == command.get_name());
        !is_known && !command.is_hide_set()
    };
    let without = program.get_subcommands().filter(is_new);
    with_row.chain(without.filter(move |_| group == CommandGroup::Setup))
}

/// A heading, as clap writes its own.
fn heading(program: &Command, title: &str) -> String {
    let header = program.get_styles().get_header();
    format!("{header}{title}:{header:#}")
}
