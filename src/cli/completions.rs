//! `akin completions` and `akin man`: for shells and manuals.

use clap::{Args, Command};
use clap_complete::Shell;

use super::fault::Failure;
use super::outcome::Outcome;
use super::terminal;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual as a man page
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The page of this command instead of the whole program's
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Prints completions; `program` is the whole command line.
pub(super) fn run(args: &CompletionsArgs, mut program: Command) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "akin", &mut script);
    terminal::data().write_all(&script)?;
    Ok(Outcome::Done)
}

/// Prints a page of the manual; `program` is the whole command line.
pub(super) fn man(args: &ManArgs, mut program: Command) -> Result<Outcome, Failure> {
    program.build();
    let page = match &args.command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| Failure::usage(format!("there is no command {name:?}")))?
        }
    };
    clap_mangen::Man::new(page).render(&mut terminal::data())?;
    Ok(Outcome::Done)
}
