//! `akin help`: the help of a command, or of what concerns all of them.

use std::io::Write;

use akin::dump::Format;
use clap::{Args, Command};

use super::args::GLOBAL;
use super::fault::Failure;
use super::misuse;
use super::outcome::Outcome;
use super::terminal::{self, BOLD};

/// What help can be about, besides commands.
pub(super) const TOPICS: [(&str, &str); 3] = [
    ("options", "the options that every command takes"),
    ("formats", "the formats that are read"),
    ("exit-codes", "how programs learn how it went"),
];

/// Explain a command, or the options that all commands take
///
/// Besides commands there are `akin help options`, `akin help formats` and `akin help exit-codes`.
#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// The command, such as search or follow add; or options, formats, exit-codes
    #[arg(value_name = "COMMAND")]
    about: Vec<String>,
}

/// Exit codes, each with its meaning.
pub(super) const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "done"),
    (
        "1",
        "nothing was found, or something was rejected: an unknown paper, a bad record",
    ),
    ("2", "failed or misused: the reason is on stderr"),
    ("130", "interrupted; what was committed stays"),
];

/// Prints help. `program` is the whole command line.
pub(super) fn run(args: &HelpArgs, program: Command) -> Result<Outcome, Failure> {
    match args.about.first().map(String::as_str) {
        Some("options") => print_of(options(program)),
        Some("formats") => formats(),
        Some("exit-codes") => exit_codes(),
        _ => {
            let path = args.about.iter().map(String::as_str);
            let line = std::iter::once("akin").chain(path).chain(["--help"]);
            let help = program.clone().try_get_matches_from(line).err();
            printed(help, program)
        }
    }
}

/// Prints the help of a command.
fn print_of(command: Command) -> Result<Outcome, Failure> {
    let help = command
        .clone()
        .try_get_matches_from(["akin", "--help"])
        .err();
    printed(help, command)
}

/// clap's help comes as an error, also where there is no such command.
fn printed(help: Option<clap::Error>, program: Command) -> Result<Outcome, Failure> {
    match help {
        Some(help) => Ok(misuse::report(help, program)?),
        None => Ok(Outcome::Done),
    }
}

/// The global options as a command of their own.
fn options(mut program: Command) -> Command {
    program.build();
    let of_all = program
        .get_arguments()
        .filter(|arg| arg.get_help_heading() == Some(GLOBAL));
    let of_all: Vec<clap::Arg> = of_all
        .map(|arg| arg.clone().hide_short_help(false))
        .collect();
    Command::new("akin")
        .about("The options that every command takes, before its name or after it")
        .max_term_width(100)
        .disable_version_flag(true)
        .args(of_all)
        .help_template("{about-with-newline}\n{options}{after-help}\n")
        .after_help(
            "A flag comes before the environment, the environment before the file, the file before the default. \
             `akin config list` shows each value and where it comes from; `akin config edit` opens the file.",
        )
}

/// Prints the names of the formats.
fn formats() -> Result<Outcome, Failure> {
    let mut out = terminal::stdout();
    writeln!(
        out,
        "akin recognises these formats from the content of a file, whatever its name:\n"
    )?;
    let width = Format::names().map(str::len).max().unwrap_or_default();
    for format in Format::all() {
        writeln!(
            out,
            "  {BOLD}{:<width$}{BOLD:#}  {}",
            format.name(),
            format.title()
        )?;
    }
    writeln!(
        out,
        "\nFiles may be compressed (.gz, .zst, .xz, .bz2), in a .zip, in a folder, or on stdin (-).\n\
         --format NAME insists on one of them. --column title=NAME says which column of a table is the title."
    )?;
    Ok(Outcome::Done)
}

/// Prints what exit codes mean.
fn exit_codes() -> Result<Outcome, Failure> {
    let mut out = terminal::stdout();
    for (code, meaning) in EXIT_CODES {
        writeln!(out, "{BOLD}{code:>4}{BOLD:#}  {meaning}")?;
    }
    Ok(Outcome::Done)
}
