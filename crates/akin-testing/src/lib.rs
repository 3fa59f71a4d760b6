//! Helpers that the tests of several crates share. For tests only.

#![expect(clippy::print_stdout, reason = "tests say what they tried")]
#![expect(clippy::unwrap_used, reason = "tests may fail")]

mod dice;
pub mod fuzz;
pub mod hub_server;
pub mod require;
pub mod server;

pub use dice::Dice;

use std::path::{Path, PathBuf};

/// The root folder of the repository.
pub fn repository() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("the crate is in crates/ of the repository")
}

/// The path of a file or folder in `tests/data`.
pub fn data(name: &str) -> PathBuf {
    repository().join("tests/data").join(name)
}
