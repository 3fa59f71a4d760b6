//! The `akin` program: arguments in, answers out. Everything it does is in the library `akin`;
//! here are only words, bars and exit codes.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
