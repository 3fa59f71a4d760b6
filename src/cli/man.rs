//! `akin man`: the manual, a page for the program and one for every command.
//!
//! In: the command line, with the help of every command. Out: pages in roff, with sections for examples,
//! exit status, environment and files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use akin::{Error, files};
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::args::GLOBAL;
use super::config_file::CONFIG_VARIABLE;
use super::fault::Failure;
use super::help::EXIT_CODES;
use super::outcome::Outcome;
use super::settings::SETTINGS;
use super::{examples, layout, terminal};

/// Print a page of the manual, or write all of them
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The page of this command, such as search or follow add, instead of the whole program's
    #[arg(value_name = "COMMAND", conflicts_with = "to")]
    command: Vec<String>,
    /// Write every page into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Other variables that akin obeys, with what they say.
const VARIABLES: [(&str, &str); 7] = [
    (
        CONFIG_VARIABLE,
        "The config file, instead of akin/config.toml in the user's config folder.",
    ),
    ("NO_COLOR", "No colours, unless --color insists on them."),
    ("HTTPS_PROXY", "The proxy for what is fetched."),
    ("HF_HOME, HF_HUB_CACHE", "Where models are kept."),
    (
        "HF_TOKEN, HF_TOKEN_PATH",
        "The access token of the hub of models, or the file with it.",
    ),
    (
        "HF_ENDPOINT, HF_HUB_OFFLINE",
        "The hub's address; whether it may be asked.",
    ),
    ("VISUAL, EDITOR", "The editor for `akin config edit`."),
];

/// Files of akin, with what they hold.
const FILES: [(&str, &str); 4] = [
    (
        "$XDG_CONFIG_HOME/akin/config.toml",
        "Settings, and how mail is sent.",
    ),
    (
        "$XDG_DATA_HOME/akin/library",
        "The library, unless --library names another.",
    ),
    (
        "$XDG_CACHE_HOME/akin",
        "Embeddings of dumps that are searched without a library.",
    ),
    (
        "$XDG_CACHE_HOME/huggingface/hub",
        "Models that were fetched, shared with other programs.",
    ),
];

/// Prints a page, or writes all; `program` is the whole command line.
pub(super) fn run(args: &ManArgs, mut program: Command) -> Result<Outcome, Failure> {
    program.build();
    if let Some(folder) = &args.to {
        return write_all(&program, folder);
    }
    let mut page = &program;
    for name in &args.command {
        let found = page.find_subcommand(name);
        page = found.ok_or_else(|| {
            Failure::usage(format!(
                "there is no command {name:?}; `akin help` lists them"
            ))
        })?;
    }
    let path = path_of(page);
    write(page, &path, &mut terminal::data())?;
    Ok(Outcome::Done)
}

/// Writes every page, and says how many and how to read them.
fn write_all(program: &Command, folder: &Path) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let mut n_pages = 0;
    let mut open = vec![program];
    while let Some(command) = open.pop() {
        open.extend(
            command
                .get_subcommands()
                .filter(|below| !below.is_hide_set()),
        );
        let path = path_of(command);
        let mut page = Vec::new();
        write(command, &path, &mut page)?;
        let file = folder.join(format!("{}.1", name_of(&path)));
        files::replace(&file, &page).map_err(Error::write(&file))?;
        n_pages += 1;
    }
    let pages = layout::counted(n_pages, "page");
    let mut out = terminal::stdout();
    writeln!(out, "{pages} written to {}", folder.display())?;
    Ok(Outcome::Done)
}

/// The names that lead to a command, without the program's own: `follow add`.
fn path_of(command: &Command) -> String {
    let whole = command.get_bin_name().unwrap_or_default();
    whole
        .split_once(' ')
        .map_or(String::new(), |(_, path)| path.to_owned())
}

/// The name of a page: `akin-follow-add`.
fn name_of(path: &str) -> String {
    let words = std::iter::once("akin").chain(path.split_whitespace());
    words.collect::<Vec<_>>().join("-")
}

/// Writes a page.
fn write(command: &Command, path: &str, out: &mut dyn Write) -> io::Result<()> {
    let is_whole = path.is_empty();
    // The options of all commands are on the program's own page.
    let shown = command.clone().mut_args(|arg| {
        let is_left_out = !is_whole && arg.get_help_heading() == Some(GLOBAL);
        let is_hidden = arg.is_hide_set();
        arg.hide(is_hidden || is_left_out)
    });
    let version = env!("CARGO_PKG_VERSION");
    let page = Man::new(shown)
        .title(name_of(path))
        .source(format!("akin {version}"))
        .manual("akin");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(out)?;
    }
    page.render_options_section(out)?;
    let mut rest = Roff::new();
    add_examples(&mut rest, path);
    rest.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        rest.control("TP", []);
        rest.text([bold(code)]);
        rest.text([roman(meaning)]);
    }
    if is_whole {
        add_environment(&mut rest);
    } else {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([
            bold("akin"),
            roman("(1) has the options that every command takes, the environment and the files."),
        ]);
    }
    rest.to_writer(out)
}

fn add_examples(page: &mut Roff, path: &str) {
    let mut examples = examples::of(path).to_vec();
    if path.is_empty() {
        let first = ["add", "search", "related"].iter();
        examples.extend(first.filter_map(|path| examples::of(path).first()));
    }
    if examples.is_empty() {
        return;
    }
    page.control("SH", ["EXAMPLES"]);
    for (what, example) in examples {
        page.control("TP", []);
        page.text([roman(format!("{what}:"))]);
        page.text([bold(example)]);
    }
}

fn add_environment(page: &mut Roff) {
    page.control("SH", ["ENVIRONMENT"]);
    page.text([roman(
        "A flag comes before the environment, the environment before the config file, the file before the default.",
    )]);
    for setting in &SETTINGS {
        page.control("TP", []);
        page.text([bold(setting.variable)]);
        page.text([roman(format!("{} (--{}).", setting.about, setting.name))]);
    }
    for (name, about) in VARIABLES {
        page.control("TP", []);
        page.text([bold(name)]);
        page.text([roman(about)]);
    }
    page.control("SH", ["FILES"]);
    for (name, about) in FILES {
        page.control("TP", []);
        page.text([italic(name)]);
        page.text([roman(about)]);
    }
}
