//! Whether a file may be written: never a file that is not akin's own, unless --force is given, and
//! never one that the command reads.
//!
//! In: the name that a person gave for an output, and what the command reads. Out: nothing, or why
//! not. akin recognises an earlier output by its beginning, or by the mark that it leaves in files
//! of its kind. An empty file, a pipe and a device may always be written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use akin::Error;
use akin::dump::Source;
use akin::ingest::{Npy, WRITER};
use same_file::Handle;
use serde_json::Value;

use super::context::Context;
use super::fault::Failure;

/// Number of bytes of a file's beginning, and of its end, that are examined.
const LOOKED_AT_BYTES: u64 = 64 << 10;

/// What a file is that akin writes under a name that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputKind<'a> {
    /// What `akin add` rejected.
    Rejections,
    /// Vectors, in any format.
    Vectors,
    /// The ids beside these vectors.
    IdsOf(&'a Path),
    /// What says which space these vectors are in.
    SpaceOf(&'a Path),
    /// A digest, in any form.
    Digest,
    /// A TREC run.
    Run,
}

/// What a command writes, and what it reads.
pub(super) struct Claim<'a> {
    pub(super) kind: OutputKind<'a>,
    /// Whether a file that is not akin's is replaced.
    pub(super) force: bool,
    /// Files that the command reads; `-` is stdin.
    pub(super) inputs: &'a [PathBuf],
}

impl Claim<'_> {
    /// Makes sure that a file may be written.
    pub(super) fn check(&self, path: &Path, context: &Context) -> Result<(), Failure> {
        let refused = |why: &str| Err(Failure::usage(format!("{} {why}", path.display())));
        let Ok(metadata) = path.metadata() else {
            return if path.is_symlink() {
                refused("is a broken link; name a file")
            } else {
                Ok(())
            };
        };
        if metadata.is_dir() {
            return refused("is a folder; name a file");
        }
        if !metadata.is_file() {
            // A pipe or a device.
            return Ok(());
        }
        if self.is_read(path) {
            return refused("is read by this command, and would be replaced; name another file");
        }
        let is_own =
            metadata.len() == 0 || self.kind.has_written(path).map_err(Error::read(path))?;
        if is_own {
            return Ok(());
        }
        if is_within(path, &context.library) {
            return refused("is a part of the library; name another file");
        }
        if is_of_model(path) {
            return refused("is a part of a model; name another file");
        }
        if self.force {
            Ok(())
        } else {
            refused(&format!(
                "exists and is not a {} that akin wrote; name another file, or replace it with \
                 --force",
                self.kind.name()
            ))
        }
    }

    /// Whether the command reads a file, under whatever name.
    fn is_read(&self, path: &Path) -> bool {
        let Ok(output) = Handle::from_path(path) else {
            return false;
        };
        let is_output = |input: &PathBuf| {
            let input = match input.as_path() == Path::new("-") {
                true => Handle::stdin(),
                // A pipe would be waited for.
                false if !input.is_file() => return false,
                false => Handle::from_path(input),
            };
            input.is_ok_and(|input| input == output)
        };
        self.inputs.iter().any(is_output)
    }
}

/// The files that sources are read from.
pub(super) fn files_of(sources: &[Source]) -> Vec<PathBuf> {
    let file = |source: &Source| match source {
        Source::File(path) | Source::Found(path) => Some(path.clone()),
        Source::Member { archive, .. } => Some(archive.clone()),
        Source::Stdin => Some(PathBuf::from("-")),
        Source::Memory { .. } => None,
    };
    sources.iter().filter_map(file).collect()
}

/// Whether a file lies in a model's folder, or in one of a module of it.
fn is_of_model(path: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else {
        return false;
    };
    path.ancestors().skip(1).take(2).any(|folder| {
        let has = |name: &str| folder.join(name).is_file();
        has("modules.json")
            || (has("config.json") && (has("tokenizer.json") || has("model.safetensors")))
    })
}

fn is_within(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

impl OutputKind<'_> {
    fn name(self) -> &'static str {
        match self {
            OutputKind::Rejections => "list of rejected records",
            OutputKind::Vectors => "file of vectors",
            OutputKind::IdsOf(_) => "list of ids beside vectors",
            OutputKind::SpaceOf(_) => "description of a space beside vectors",
            OutputKind::Digest => "digest",
            OutputKind::Run => "run",
        }
    }

    /// Whether akin has written a file of this kind there.
    pub(super) fn has_written(self, path: &Path) -> io::Result<bool> {
        if let OutputKind::IdsOf(vectors) | OutputKind::SpaceOf(vectors) = self {
            return Ok(vectors.is_file() && Npy::is_whole(vectors)?);
        }
        let mut start = Vec::new();
        File::open(path)?
            .take(LOOKED_AT_BYTES)
            .read_to_end(&mut start)?;
        if self == OutputKind::Vectors && start.starts_with(b"\x93NUMPY") {
            return Npy::is_whole(path);
        }
        if self == OutputKind::Vectors && start.starts_with(b"PAR1") {
            return Ok(holds(&end_of(path)?, WRITER_NAME));
        }
        if self == OutputKind::Vectors && start.starts_with(&[0xFF; 4]) {
            return Ok(holds(&start, WRITER_NAME));
        }
        let start = String::from_utf8_lossy(&start);
        let line = start.lines().next().unwrap_or_default();
        Ok(match self {
            OutputKind::Rejections => is_rejection(line),
            OutputKind::Vectors => {
                line.starts_with("{\"id\":\"") && line.contains("\",\"embedding\":[")
            }
            OutputKind::Digest => is_digest(&start, line),
            OutputKind::Run => line.ends_with("akin") && is_ranked(line),
            OutputKind::IdsOf(_) | OutputKind::SpaceOf(_) => false,
        })
    }
}

/// How [`WRITER`] begins, of whatever version.
const WRITER_NAME: &str = match WRITER.split_at_checked(5) {
    Some((name, _)) => name,
    None => WRITER,
};

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let n_bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(n_bytes.saturating_sub(LOOKED_AT_BYTES)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end)
}

/// Whether a line is one of [`super::rejections`].
fn is_rejection(line: &str) -> bool {
    let Ok(Value::Object(line)) = serde_json::from_str(line) else {
        return false;
    };
    let has = |key: &&str| line.contains_key(*key);
    line.len() == 5 && ["dump", "id", "reason", "excerpt"].iter().all(has)
}

/// Whether a line of a TREC run is one: query, Q0, document, rank, score, tag.
fn is_ranked(line: &str) -> bool {
    let gap = if line.contains('\t') { '\t' } else { ' ' };
    let columns: Vec<&str> = line.split(gap).collect();
    columns.len() == 6 && columns[1] == "Q0" && columns[3] == "1" && columns[5] == "akin"
}

/// Whether a text is a digest: it is headed as one, in any form, or signed as a feed or a letter is.
fn is_digest(start: &str, line: &str) -> bool {
    let tagged = |tag: &str| {
        let (_, rest) = start.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once('<')?.0)
    };
    if line.starts_with("<!DOCTYPE html>") {
        return tagged("title").is_some_and(is_heading);
    }
    if line.starts_with("<?xml") {
        let head = start.split("<item>").next().unwrap_or_default();
        let head = head.split("<entry>").next().unwrap_or_default();
        return head.contains(">akin</generator>");
    }
    if let Some(rest) = line.strip_prefix("{\"made\":\"") {
        // The rest of the line may be longer than the examined part.
        let second = rest.split(',').nth(1);
        return second.is_some_and(|second| second.starts_with("\"message_id\":"));
    }
    let head = start.split("\r\n\r\n").next().unwrap_or_default();
    let is_letter = head.contains("\r\nList-Id: akin digest <akin.");
    is_letter || is_heading(line.strip_prefix("# ").unwrap_or(line))
}

/// Whether this heads a digest: `2 new papers, 2026-03-13`.
fn is_heading(text: &str) -> bool {
    let Some((what, day)) = text.trim_end().rsplit_once(", ") else {
        return false;
    };
    let n_papers = what
        .strip_suffix(" new papers")
        .or(what.strip_suffix(" new paper"));
    let is_what = what == "nothing new" || n_papers.is_some_and(|n| n.parse::<u64>().is_ok());
    is_what && day.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_told_by_its_heading() {
        for (text, expected) in [
            ("2 new papers, 2026-03-13\n\nbread\n", true),
            ("# 1 new paper, 2026-03-13\n", true),
            ("nothing new, 2026-03-13", true),
            ("# Notes, 2026-03-13\n", false),
            ("My new papers, 2026-03-13\n", false),
            (
                "<!DOCTYPE html>\n<title>2 new papers, 2026-03-13</title>",
                true,
            ),
            ("<!DOCTYPE html>\n<title>My page</title>", false),
            (
                "<?xml version=\"1.0\"?><rss><generator>akin</generator><item>",
                true,
            ),
            (
                "<?xml version=\"1.0\"?><rss><item><generator>akin</generator>",
                false,
            ),
            (
                "{\"made\":\"2026-03-13T07:00:00+00:00\",\"message_id\":\"a\",\"notes\":[",
                true,
            ),
            ("{\"title\":\"2 new papers, 2026-03-13\"}", false),
            ("From: a\r\nList-Id: akin digest <akin.x>\r\n\r\n", true),
            ("From: a\r\n\r\nList-Id: akin digest <akin.x>\r\n", false),
            ("\\documentclass{article}\n", false),
        ] {
            let line = text.lines().next().unwrap();
            assert_eq!(is_digest(text, line), expected, "{text}");
        }
    }

    #[test]
    fn lists_and_runs_are_told_by_their_first_line() {
        let rejection = r#"{"dump":"a","excerpt":"","id":null,"line":1,"reason":"empty"}"#;
        assert!(is_rejection(rejection));
        assert!(!is_rejection(r#"{"id":"a","title":"b"}"#) && !is_rejection("text"));
        assert!(is_ranked("q1 Q0 d1 1 0.5 akin") && is_ranked("q 1\tQ0\td1\t1\t0.5\takin"));
        assert!(!is_ranked("q1 Q0 d1 1 0.5 bm25") && !is_ranked("akin"));
    }
}
