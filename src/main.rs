//! The `akin` program: arguments in, answers out. Everything it does is in the library `akin`;
//! here are only words, bars and exit codes.

mod cli;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Records are made on one thread and dropped on another, which glibc's allocator is slow at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
