//! The command line: one file a command, and what they share.
//!
//! Answers go to stdout, progress and complaints to stderr. Exit codes: 0 done, 1 nothing found
//! or something rejected, 2 failed or misused, 130 interrupted.

mod add;
mod args;
mod cache;
mod caches;
mod check;
mod citations;
mod cite;
mod claim;
mod compact;
mod complete;
mod completions;
mod config;
mod config_file;
mod context;
mod corpora;
mod daily;
mod dates;
mod digest;
mod drafts;
mod embed;
mod embed_missing;
mod estimate;
mod eval;
mod examples;
mod export;
mod facets;
mod fault;
mod folders;
mod follow;
mod guide;
mod help;
mod hub;
mod layout;
mod list;
mod log;
mod log_lines;
mod mail;
mod man;
mod misuse;
mod model;
mod moment;
mod open;
mod outcome;
mod output;
mod outside;
mod overview;
mod pager;
mod progress;
mod pull;
mod reading;
mod rejections;
mod related;
mod remove;
mod restore;
mod search;
mod settings;
mod show;
#[cfg(unix)]
mod signal;
mod since;
mod sink;
mod spelling;
mod split;
mod status;
#[cfg(feature = "styles")]
mod styled;
mod subscribe;
mod terminal;
mod trending;
mod undo;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::args::{Common, LogFormat};
use self::context::Context;
use self::fault::Failure;
use self::outcome::Outcome;
use self::settings::Settings;

/// Semantic search over scientific papers, on your own machine
///
/// akin embeds the title and abstract of each paper with a small language model. It finds the
/// papers closest in meaning to a sentence, a draft, or other papers. Everything happens on this
/// machine. Only `akin pull` and `akin model fetch` fetch anything, and only `akin digest` sends
/// anything: mail.
#[derive(Debug, Parser)]
#[command(name = "akin", version, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do. Its group in `akin help`, its other names and its examples are in `guide.rs` and
/// `examples.rs`.
#[derive(Debug, Subcommand)]
enum Command {
    Add(add::AddArgs),
    Pull(pull::PullArgs),
    Search(search::SearchArgs),
    Related(related::RelatedArgs),
    Follow(follow::FollowArgs),
    Digest(digest::DigestArgs),
    Subscribe(subscribe::SubscribeArgs),
    Daily(daily::DailyArgs),
    Trending(trending::TrendingArgs),
    List(list::PaperListArgs),
    Show(show::ShowArgs),
    Open(open::OpenArgs),
    Cite(cite::CiteArgs),
    Export(export::ExportArgs),
    Remove(remove::RemoveArgs),
    Split(split::SplitArgs),
    Restore(restore::RestoreArgs),
    Undo(undo::UndoArgs),
    Status(status::StatusArgs),
    Check(check::CheckArgs),
    Compact(compact::CompactArgs),
    Cache(caches::CacheArgs),
    Embed(embed::EmbedArgs),
    EmbedMissing(embed_missing::EmbedMissingArgs),
    Eval(eval::EvalArgs),
    Model(model::ModelCommandArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
}

/// The whole command line, with its help.
fn program() -> clap::Command {
    guide::dressed(Arguments::command())
}

impl Command {
    /// Whether its answer is read by a person, and may be long.
    fn is_paged(&self) -> bool {
        matches!(
            self,
            Command::Search(_)
                | Command::Related(_)
                | Command::List(_)
                | Command::Daily(_)
                | Command::Trending(_)
                | Command::Digest(_)
                | Command::Show(_)
        )
    }
}

/// Parses the arguments, runs the command, and turns its end into an exit code.
pub(crate) fn main() -> ExitCode {
    if complete::answer(program) {
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(tell_of_panic));
    progress::make_limits_errors();
    let ended = match program().try_get_matches() {
        Ok(matches) => Arguments::from_arg_matches(&matches).map_or_else(told_of_misuse, begin),
        Err(misuse) => told_of_misuse(misuse),
    };
    pager::finish();
    match ended {
        Ok(outcome) => outcome.into(),
        Err(fault) if fault.is_closed_pipe() => ExitCode::SUCCESS,
        Err(fault) => {
            fault.print();
            fault.exit_code()
        }
    }
}

/// Says what is wrong with the arguments. Which of them could be read is not known.
fn told_of_misuse(misuse: clap::Error) -> Result<Outcome, Failure> {
    let typed: Vec<_> = std::env::args_os().collect();
    let asks_for_json = typed.iter().any(|arg| arg == "--log=json")
        || typed
            .windows(2)
            .any(|pair| pair[0] == "--log" && pair[1] == "json");
    if asks_for_json || settings::log_of_environment() == Some(LogFormat::Json) {
        terminal::make_json();
    }
    Ok(misuse::report(misuse, program())?)
}

/// Settles what holds for every command, and runs the one that is given. Those about akin itself
/// work with a config file that is wrong, too.
fn begin(arguments: Arguments) -> Result<Outcome, Failure> {
    let Arguments { common, command } = arguments;
    if settings::early_log(&common) == Some(LogFormat::Json) {
        terminal::make_json();
    }
    if let Some(color) = common.color {
        color.write_global();
    }
    match &command {
        Some(Command::Config(args)) => return config::run(args, &common),
        Some(Command::Completions(args)) => return completions::run(args),
        Some(Command::Man(args)) => return man::run(args, program()),
        Some(Command::Help(args)) => return help::run(args, program()),
        _ => {}
    }
    let settings = Settings::resolve(&common)?;
    settings.color.value.write_global();
    if let Some(format) = settings.log_format() {
        log::start(format);
    }
    let context = Context::new(&settings)?;
    match command {
        Some(command) => {
            if command.is_paged() && !context.json {
                terminal::page(pager::command(settings.pager.value.as_deref()));
            }
            run(command, &context)
        }
        None => Ok(overview::run(&context.library)?),
    }
}

/// A panic's message may quote the input. One that is caught becomes an error.
fn tell_of_panic(panic: &std::panic::PanicHookInfo<'_>) {
    if akin::caught::is_expected() {
        return;
    }
    let trace = std::backtrace::Backtrace::capture();
    let _ = writeln!(terminal::stderr(), "{panic}");
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = writeln!(terminal::stderr(), "{trace}");
    }
}

fn run(command: Command, context: &Context) -> Result<Outcome, Failure> {
    match command {
        Command::Add(args) => add::run(&args, context),
        Command::Pull(args) => pull::run(&args, context),
        Command::Search(args) => search::run(&args, context),
        Command::Related(args) => related::run(&args, context),
        Command::Follow(args) => follow::run(&args, context),
        Command::Digest(args) => digest::run(&args, context),
        Command::Subscribe(args) => subscribe::run(&args, context),
        Command::Daily(args) => daily::run(&args, context),
        Command::Trending(args) => trending::run(&args, context),
        Command::List(args) => list::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Open(args) => open::run(&args, context),
        Command::Cite(args) => cite::run(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
        Command::Split(args) => split::run(&args, context),
        Command::Restore(args) => restore::run(&args, context),
        Command::Undo(args) => undo::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::Compact(args) => compact::run(&args, context),
        Command::Cache(args) => caches::run(&args, context),
        Command::Embed(args) => embed::run(&args, context),
        Command::EmbedMissing(args) => embed_missing::run(&args, context),
        Command::Eval(args) => eval::run(&args, context),
        Command::Model(args) => model::run(&args, context),
        // These have run, without a context.
        Command::Config(_) | Command::Completions(_) | Command::Man(_) | Command::Help(_) => {
            Ok(Outcome::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        program().debug_assert();
    }

    #[test]
    fn every_command_has_a_group_a_short_line_and_examples() {
        let program = program();
        for command in program.get_subcommands() {
            let name = command.get_name();
            assert!(
                guide::COMMANDS.iter().any(|(known, ..)| *known == name),
                "{name} needs a line in guide::COMMANDS"
            );
            let about = command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!((1..=64).contains(&about.len()), "{name}: {about:?}");
            assert!(
                examples::of(name).len() > 1,
                "{name} needs examples in examples.rs"
            );
        }
        for (name, ..) in guide::COMMANDS {
            assert!(
                program.find_subcommand(name).is_some(),
                "there is no {name}"
            );
        }
        for (path, _) in examples::EXAMPLES {
            let mut command = &program;
            for name in path.split(' ') {
                let found = command.find_subcommand(name);
                command = found.unwrap_or_else(|| panic!("there is no {path}"));
            }
        }
    }
}
