//! The writer's lock: one writer per library, with its name.
//!
//! The lock is the operating system's, on the open file `lock`. It ends with its process, so there
//! are no stale locks. The text in the file only names the holder, for messages.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use super::layout::Layout;
use akin_base::error::{Error, Result};

/// Held as long as this value lives.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock, or says at once who holds it. `holder` is how this process is called in
    /// the messages that others get.
    ///
    /// Creates an empty database file if there is none, with the folder's default mode. SQLite
    /// would choose a mode that denies a group writing, also for the files beside it.
    pub(super) fn take(layout: &Layout, holder: &str) -> Result<WriterLock> {
        let path = layout.lock();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::write(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(layout, &path)),
            Err(TryLockError::Error(source)) => return Err(Error::Write { path, source }),
        }
        let who = format!("{holder} (process {})\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(who.as_bytes()))
            .map_err(Error::write(&path))?;
        let database = layout.database();
        match File::create_new(&database) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => {
                Err(Error::write(&database)(source))
            }
            _ => Ok(WriterLock { _file: file }),
        }
    }
}

/// Who holds the lock at this moment, if anybody does.
pub(super) fn holder(layout: &Layout) -> Option<String> {
    let path = layout.lock();
    let file = File::open(&path).ok()?;
    // Held for as long as this line takes, and beside others who ask the same.
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    is_held.then(|| name_in(&path))
}

fn busy(layout: &Layout, path: &Path) -> Error {
    Error::LibraryBusy {
        path: layout.root.clone(),
        holder: name_in(path),
    }
}

/// Who the lock's file says holds it.
fn name_in(path: &Path) -> String {
    let mut who = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut who));
    let who = who.trim();
    if read.is_ok() && !who.is_empty() {
        who.to_owned()
    } else {
        "another process".to_owned()
    }
}
