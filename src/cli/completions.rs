//! `akin completions`: what a shell reads to complete commands, options and values.

use clap::Args;
use clap_complete::Shell;

use super::complete;
use super::fault::Failure;
use super::outcome::Outcome;
use super::terminal;

/// Print what your shell reads to complete commands, ids and names
///
/// The shell then asks akin while you type: for commands and options, ids of the library, follows,
/// categories, models and formats.
///
/// - bash: add `source <(akin completions bash)` to ~/.bashrc
///
/// - zsh: add `source <(akin completions zsh)` to ~/.zshrc, below compinit
///
/// - fish: add `akin completions fish | source` to ~/.config/fish/config.fish
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    complete::register(&args.shell.to_string(), &mut script)?;
    terminal::data().write_all(&script)?;
    Ok(Outcome::Done)
}
