//! The list of rejected records, for people who repair a dump: JSON Lines with dump, place, id,
//! reason and the record's beginning.
//!
//! The file is that of the last run: it replaces the earlier one when the run ends. If nothing was
//! rejected, the earlier one is deleted. A file that is not akin's is left alone. In the library,
//! which holds only akin's own files, it is written in place, so that a kill leaves nothing beside
//! it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use akin::Error;
use akin::dump::Rejected;
use akin::files::{self, Unfinished};
use serde_json::json;

use super::claim::OutputKind;
use super::terminal;

/// Rejected records on their way to a file.
pub(super) struct Rejections {
    path: Option<PathBuf>,
    is_in_library: bool,
    state: RefCell<ListState>,
}

enum RejectionList {
    /// In the library, or to a pipe or a device.
    InPlace(BufWriter<Box<dyn Write>>),
    Elsewhere(Unfinished),
}

impl RejectionList {
    fn new(out: Box<dyn Write>) -> RejectionList {
        RejectionList::InPlace(BufWriter::new(out))
    }
}

enum ListState {
    /// The run may not come about.
    Waiting,
    Begun,
    Open(RejectionList),
    Failed(std::io::Error),
}

impl Rejections {
    /// Rejections that go to the library's file, to a chosen file, or nowhere.
    pub(super) fn to(path: Option<PathBuf>, is_in_library: bool) -> Rejections {
        Rejections {
            path,
            is_in_library,
            state: RefCell::new(ListState::Waiting),
        }
    }

    /// Marks the start of the run: an earlier run's list is now obsolete.
    pub(super) fn begin(&self) {
        self.state.replace(ListState::Begun);
    }

    /// Lists one record.
    pub(super) fn note(&self, dump: &str, rejected: &Rejected) {
        let Some(path) = &self.path else {
            return;
        };
        let mut state = self.state.borrow_mut();
        if let ListState::Waiting | ListState::Begun = *state {
            let list = if self.is_in_library {
                // Not through a symbolic link.
                let _ = std::fs::remove_file(path);
                File::create_new(path).map(|file| RejectionList::new(Box::new(file)))
            } else if files::is_special(path) {
                terminal::Outside::open(path).map(|out| RejectionList::new(Box::new(out)))
            } else {
                Unfinished::begin(path).map(RejectionList::Elsewhere)
            };
            *state = match list {
                Ok(list) => ListState::Open(list),
                Err(error) => ListState::Failed(error),
            };
        }
        if let ListState::Open(list) = &mut *state {
            let line = json!({
                "dump": dump,
                rejected.unit.to_string(): rejected.line,
                "id": rejected.id,
                "reason": rejected.reason.to_string(),
                "excerpt": rejected.excerpt,
            });
            let written = match list {
                RejectionList::InPlace(file) => writeln!(file, "{line}"),
                RejectionList::Elsewhere(file) => writeln!(file, "{line}"),
            };
            if let Err(error) = written {
                *state = ListState::Failed(error);
            }
        }
    }

    /// Moves the list to its place; returns the path, if there is a list.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, Error> {
        let is_there = self.settle()?;
        Ok(self.path.clone().filter(|_| is_there))
    }

    fn settle(&self) -> Result<bool, Error> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        let settled = match self.state.replace(ListState::Waiting) {
            ListState::Waiting => Ok(false),
            ListState::Begun => {
                let is_list =
                    path.is_file() && OutputKind::Rejections.has_written(path).unwrap_or(false);
                if is_list {
                    std::fs::remove_file(path).map(|()| false)
                } else {
                    Ok(false)
                }
            }
            ListState::Open(RejectionList::InPlace(mut file)) => file.flush().map(|()| true),
            ListState::Open(RejectionList::Elsewhere(file)) => file.finish().map(|()| true),
            ListState::Failed(error) => Err(error),
        };
        settled.map_err(Error::write(path))
    }
}

impl Drop for Rejections {
    /// A run that failed has its list, too.
    fn drop(&mut self) {
        let _ = self.settle();
    }
}
