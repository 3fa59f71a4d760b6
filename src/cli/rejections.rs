//! The list of rejected records, for those who mend a dump: JSON Lines with dump, place, id, reason
//! and the record's beginning.
//!
//! The file is that of the last run: it is deleted when a run begins, and made when the first record
//! is rejected.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use akin::Error;
use akin::dump::Rejected;
use serde_json::json;

/// Rejected records on their way to a file.
pub(super) struct Rejections {
    path: Option<PathBuf>,
    file: RefCell<State>,
}

enum State {
    Unopened,
    Open(BufWriter<File>),
    Failed(std::io::Error),
}

impl Rejections {
    /// Rejections that go to a file, or nowhere.
    pub(super) fn to(path: Option<PathBuf>) -> Rejections {
        Rejections {
            path,
            file: RefCell::new(State::Unopened),
        }
    }

    /// Deletes the list of an earlier run.
    pub(super) fn begin(&self) -> Result<(), Error> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Write {
                path: path.clone(),
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Lists one record.
    pub(super) fn note(&self, dump: &str, rejected: &Rejected) {
        let Some(path) = &self.path else {
            return;
        };
        let mut state = self.file.borrow_mut();
        if let State::Unopened = *state {
            *state = match File::create(path) {
                Ok(file) => State::Open(BufWriter::new(file)),
                Err(error) => State::Failed(error),
            };
        }
        if let State::Open(file) = &mut *state {
            let line = json!({
                "dump": dump,
                rejected.unit.to_string(): rejected.line,
                "id": rejected.id,
                "reason": rejected.reason.to_string(),
                "excerpt": rejected.excerpt,
            });
            if let Err(error) = writeln!(file, "{line}") {
                *state = State::Failed(error);
            }
        }
    }

    /// Writes what is left; where the list is, if there is one.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, Error> {
        let Some(path) = self.path else {
            return Ok(None);
        };
        let written = match self.file.into_inner() {
            State::Unopened => return Ok(None),
            State::Open(mut file) => file.flush(),
            State::Failed(error) => Err(error),
        };
        match written {
            Ok(()) => Ok(Some(path)),
            Err(source) => Err(Error::Write { path, source }),
        }
    }
}
