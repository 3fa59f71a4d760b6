//! `akin completions` and `akin man`: for shells and manuals.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::fault::Failure;
use super::{Arguments, Outcome, terminal};

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

pub(super) fn run(args: &CompletionsArgs) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "akin", &mut script);
    terminal::data().write_all(&script)?;
    Ok(Outcome::Done)
}

pub(super) fn man(args: &ManArgs) -> Result<Outcome, Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let page = match &args.command {
        None => whole,
        Some(name) => {
            let found = whole.find_subcommand(name).cloned();
            found.ok_or_else(|| Failure::usage(format!("there is no command {name:?}")))?
        }
    };
    clap_mangen::Man::new(page).render(&mut terminal::data())?;
    Ok(Outcome::Done)
}
