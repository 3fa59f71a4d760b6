//! What it means that a dump with bytes gives no record. It was taken for the wrong format, unless
//! it says itself that it is empty.
//!
//! In: the start of a dump, and how it was asked to be read. Out: an [`Error`] that describes the
//! content. An empty list, an answer without results and a table without rows say that they are
//! empty. A line of column names alone does not: it may be all that was understood of a file.

use std::path::{Path, PathBuf};

use akin_base::error::Error;

use crate::format::{FormatReader, Framing};
use crate::json::sniff::is_empty_list;
use crate::options::ReadOptions;
use crate::registry::Format;
use crate::sniff::sniff;
use crate::source::bytes::Peeked;
use crate::xml;
use crate::xml::answer::DocumentAnswer;

/// The start of a dump, kept for an explanation if it gives nothing.
pub(crate) struct Start {
    path: PathBuf,
    bytes: Vec<u8>,
    complete: bool,
    format: Format,
    options: ReadOptions,
}

impl Start {
    pub(crate) fn new(
        path: &Path,
        format: Format,
        peeked: &mut Peeked,
        options: &ReadOptions,
    ) -> Start {
        Start {
            path: path.to_owned(),
            bytes: std::mem::take(&mut peeked.start),
            complete: peeked.complete,
            format,
            options: options.clone(),
        }
    }

    /// Why the dump gave no paper, though `n_items` of its records were read, or none. `None` if it
    /// says itself that it is empty, or if its records say what is wrong.
    pub(crate) fn nothing_read(&self, n_items: u64) -> Option<Error> {
        let reason = match self.looks_like() {
            Some(found) => format!(
                "nothing in it can be read as {}: it looks like {found}",
                self.format
            ),
            None if n_items > 0 => return None,
            None => self.emptiness()?,
        };
        let path = self.path.clone();
        Some(Error::NoRecords { path, reason })
    }

    /// Adds to an error that the dump looks like another format than the requested one.
    pub(crate) fn explained(&self, error: Error) -> Error {
        let Some(found) = self.looks_like() else {
            return error;
        };
        let but = format!("; it looks like {found}, not {}", self.format);
        match error {
            Error::Columns { path, reason } => Error::Columns {
                path,
                reason: reason + &but,
            },
            Error::Damaged { path, what } => Error::Damaged {
                path,
                what: what + &but,
            },
            other => other,
        }
    }

    /// The format of the content, if it differs from the requested one.
    fn looks_like(&self) -> Option<Format> {
        let asked = self.options.format?;
        let guess = ReadOptions {
            format: None,
            ..self.options.clone()
        };
        let (found, _) = sniff(&self.bytes, self.complete, &guess).ok()?;
        (found != asked).then_some(found)
    }

    fn emptiness(&self) -> Option<String> {
        let text = self.bytes.trim_ascii();
        let is_said = match &self.format.spec().reader {
            FormatReader::Json(_) => self.complete && is_empty_list(text),
            FormatReader::Xml(spec) if self.complete => match xml::answer(spec, text) {
                DocumentAnswer::Empty => true,
                DocumentAnswer::Error(said) => {
                    return Some(format!("the source reports an error: {said}"));
                }
                DocumentAnswer::Other => false,
            },
            FormatReader::Items(items) if items.framing == Framing::Cells => {
                return Some("it has a line of column names but no rows".to_owned());
            }
            FormatReader::Items(items) => items.framing == Framing::Table,
            FormatReader::Xml(_) | FormatReader::Tagged(_) => false,
        };
        let format = self.format;
        (!is_said).then(|| format!("it looks like {format}, but it holds no records"))
    }
}
