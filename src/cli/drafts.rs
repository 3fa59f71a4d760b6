//! Files that are given as drafts and are none: what they are instead, and what to do.

use std::io::{self, ErrorKind};
use std::path::Path;

use akin::Error;

use super::fault::Failure;

/// Beginnings of files that are no text, or no text of an author: what they are, and what to do.
const NO_DRAFTS: [(&[u8], &str); 4] = [
    (
        b"%PDF",
        "is a PDF; akin needs its text: `pdftotext FILE.pdf - | akin related -`",
    ),
    (
        b"PK\x03\x04",
        "is an archive, or a document of Word or LibreOffice; akin needs its text: `pandoc FILE -t plain | akin \
         related -`",
    ),
    (
        b"{\\rtf",
        "is rich text; akin needs plain text: save it as .txt",
    ),
    (
        b"\x1f\x8b",
        "is compressed; `gunzip -c FILE | akin related -` reads a draft, `akin search --in FILE` a dump",
    ),
];

/// Fails if the bytes are not those of a draft.
pub(super) fn ensure_text(name: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = name.display();
    let known = NO_DRAFTS.iter().find(|(start, _)| bytes.starts_with(start));
    if let Some((_, what)) = known {
        return Err(Failure::usage(format!("{name} {what}")));
    }
    if is_of_records(bytes) {
        return Err(Failure::usage(format!(
            "{name} holds records, not a draft; `akin search --in FILE QUESTION` asks a dump, `akin add FILE` adds it"
        )));
    }
    if bytes.contains(&0) {
        return Err(Failure::usage(format!(
            "{name} is not a text; a draft is LaTeX, Markdown or plain text"
        )));
    }
    Ok(())
}

/// Whether the first line is a JSON object with a title, or begins a list of objects, or XML.
fn is_of_records(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let object = serde_json::from_slice::<serde_json::Map<_, _>>(line);
    let is_paper = object.is_ok_and(|object| object.contains_key("title"));
    let is_list = start
        .strip_prefix(b"[")
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{\""));
    is_paper || is_list || start.starts_with(b"<?xml")
}

/// A draft that cannot be read.
pub(super) fn unreadable(name: &Path, error: io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::NotFound => "check the name; `akin related -` reads a draft from stdin",
        ErrorKind::IsADirectory => {
            "name one file in it; `akin add FOLDER` reads all of a folder as dumps"
        }
        _ => return Error::read(name)(error).into(),
    };
    Failure::Advised(Error::read(name)(error), advice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_draft_is_told_from_drafts() {
        let check = |bytes: &[u8], said: &str| match ensure_text(Path::new("f"), bytes) {
            Err(Failure::Usage(told)) => assert!(!said.is_empty() && told.contains(said), "{told}"),
            Ok(()) => assert_eq!(said, "", "{}", String::from_utf8_lossy(bytes)),
            Err(other) => panic!("{other:?}"),
        };
        check(b"%PDF-1.7", "pdftotext");
        check(b"PK\x03\x04rest", "pandoc");
        check(b"{\\rtf1 text}", "rich text");
        check(b"{\"title\": \"A\"}\n{\"title\": \"B\"}\n", "records");
        check(b"[\n  {\"title\": \"A\"}]", "records");
        check(b"<?xml version=\"1.0\"?><a/>", "records");
        check(b"a\0b", "not a text");
        check(b"# A draft\n\nOf words.", "");
        check(b"{\\bf Title} and text", "");
        check(b"{\"_id\": \"q1\", \"text\": \"A question\"}\n", "");
        check(b"[1] Reference", "");
    }
}
