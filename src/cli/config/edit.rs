//! `akin config edit`: the file in an editor, checked when the editor is done.

use std::path::Path;
use std::process::{Command, ExitStatus};

use super::template;
use crate::cli::config_file;
use crate::cli::fault::Failure;
use crate::cli::outcome::Outcome;
use crate::cli::settings;

/// Opens the file, which is begun if it is not there.
pub(super) fn run() -> Result<Outcome, Failure> {
    let (path, _) = config_file::place()?;
    if !path.exists() {
        config_file::write(&path, &template::text())?;
    }
    let editor = editor();
    let status = open(&editor, &path)
        .map_err(|e| Failure::usage(format!("the editor {editor:?} cannot be started: {e}")))?;
    if !status.success() {
        return Err(Failure::usage(format!(
            "the editor {editor:?} ended with {status}; VISUAL and EDITOR name another"
        )));
    }
    let text = std::fs::read_to_string(&path).map_err(akin::Error::read(&path))?;
    let file = config_file::parse(&path, &text)?;
    settings::ensure_usable(&file)?;
    Ok(Outcome::Done)
}

/// The editor that the environment names, with its arguments.
fn editor() -> String {
    let named = ["VISUAL", "EDITOR"].iter();
    let mut named = named.filter_map(|name| std::env::var(name).ok());
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    named
        .find(|editor| !editor.trim().is_empty())
        .unwrap_or_else(|| usual.to_owned())
}

/// Runs the editor, as git does: its arguments are the shell's affair.
#[cfg(unix)]
fn open(editor: &str, path: &Path) -> std::io::Result<ExitStatus> {
    let line = format!("{editor} \"$1\"");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &line, "akin config edit"])
        .arg(path)
        .status()
}

#[cfg(not(unix))]
fn open(editor: &str, path: &Path) -> std::io::Result<ExitStatus> {
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    Command::new(program).args(words).arg(path).status()
}
