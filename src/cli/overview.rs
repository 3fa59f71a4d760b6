//! `akin` alone: what it is, the library, where help is, and the commands of a first day.

use std::io::{self, Write};
use std::path::Path;

use akin::Error;
use akin::library::Library;

use super::layout::counted;
use super::outcome::Outcome;
use super::terminal::{self, BOLD, CYAN};

/// The commands of a first day.
const FIRST_DAY: [(&str, &str); 6] = [
    ("akin add DUMP", "add the papers of a file or a folder"),
    ("akin pull arxiv --set cs", "add what is new at arXiv"),
    ("akin search \"QUESTION\"", "find papers by what they say"),
    ("akin related ID", "find papers like one that you know"),
    ("akin follow add NAME \"SUBJECT\"", "follow a subject"),
    ("akin digest", "read what is new in what you follow"),
];

/// Prints it. `library` is the folder of the library, whether there is one or not.
pub(super) fn run(library: &Path) -> io::Result<Outcome> {
    let mut out = terminal::stdout();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "{BOLD}akin {version}{BOLD:#} searches scientific papers by meaning, on your own machine."
    )?;
    writeln!(out, "Library: {}", state(library))?;
    writeln!(out, "Help: `akin help`, `akin help COMMAND`, `akin man`.\n")?;
    for (command, what) in FIRST_DAY {
        writeln!(out, "  {CYAN}{command:<32}{CYAN:#} {what}")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// The library in one line.
fn state(root: &Path) -> String {
    let path = root.display();
    match Library::open(root).and_then(|library| library.status()) {
        Ok(status) => format!("{path}, {}", counted(status.n_papers, "paper")),
        Err(Error::LibraryMissing { .. }) => {
            format!("none yet at {path}; `akin add DUMP` makes it.")
        }
        Err(error) => format!("{error}; `akin check` says more."),
    }
}
