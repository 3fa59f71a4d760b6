//! The command line: one file a command, and what they share.
//!
//! Answers go to stdout, progress and complaints to stderr. Exit codes: 0 done, 1 nothing found
//! or something rejected, 2 failed or misused, 130 interrupted.

mod add;
mod args;
mod cache;
mod check;
mod claim;
mod compact;
mod completions;
mod config;
mod context;
mod corpora;
mod daily;
mod digest;
mod embed;
mod eval;
mod facets;
mod fault;
mod follow;
mod hub;
mod layout;
mod log;
mod mail;
mod minus;
mod model;
mod moment;
mod outcome;
mod output;
mod outside;
mod progress;
mod pull;
mod reading;
mod rejections;
mod related;
mod remove;
mod restore;
mod search;
mod show;
mod split;
mod status;
mod subscribe;
mod terminal;
mod trending;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::args::Common;
use self::context::Context;
use self::fault::Failure;
use self::outcome::Outcome;

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
    command: Command,
}

/// Number of lines shown about wrong arguments.
const MISUSE_LINES: usize = 60;

/// What to do.
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
    Show(show::ShowArgs),
    Remove(remove::RemoveArgs),
    Split(split::SplitArgs),
    Restore(restore::RestoreArgs),
    Status(status::StatusArgs),
    Check(check::CheckArgs),
    Compact(compact::CompactArgs),
    Embed(embed::EmbedArgs),
    Eval(eval::EvalArgs),
    Model(model::ModelCommandArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Parses the arguments, runs the command, and turns its end into an exit code.
pub(crate) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_of_panic));
    progress::make_limits_errors();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(misuse) => return tell_of_misuse(&misuse),
    };
    arguments.common.color.write_global();
    if let Some(format) = arguments.common.log_format() {
        log::start(format);
    }
    match Context::new(&arguments.common).and_then(|context| run(arguments.command, &context)) {
        Ok(outcome) => outcome.into(),
        Err(fault) if fault.is_closed_pipe() => ExitCode::SUCCESS,
        Err(fault) => {
            fault.print();
            fault.exit_code()
        }
    }
}

/// Prints help if it is requested, else what is wrong with the arguments (they may be names of
/// files).
fn tell_of_misuse(misuse: &clap::Error) -> ExitCode {
    if !misuse.use_stderr() {
        let printed = misuse.print();
        return ExitCode::from(u8::from(printed.is_err()));
    }
    let mut err = terminal::stderr();
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let tip = minus::tip(misuse, &arguments);
    // A value that is wrong is quoted, however long it is.
    for line in misuse.render().to_string().lines().take(MISUSE_LINES) {
        match &tip {
            Some(tip) if line.trim_start().starts_with("tip: to pass ") => {
                for line in tip.lines() {
                    let _ = writeln!(err, "{}", terminal::one_line(line));
                }
            }
            _ => {
                let _ = writeln!(err, "{}", terminal::one_line(line));
            }
        }
    }
    ExitCode::from(2)
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
        Command::Show(args) => show::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
        Command::Split(args) => split::run(&args, context),
        Command::Restore(args) => restore::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::Compact(args) => compact::run(&args, context),
        Command::Embed(args) => embed::run(&args, context),
        Command::Eval(args) => eval::run(&args, context),
        Command::Model(args) => model::run(&args, context),
        Command::Completions(args) => completions::run(&args, Arguments::command()),
        Command::Man(args) => completions::man(&args, Arguments::command()),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
