//! Files that get their name only when they are complete.
//!
//! In: a folder, a name, bytes. Out: the file on the disk under its name.
//!
//! Invariant: a kill at any instant leaves the old file or the new one, never a part of either. An
//! unfinished file has another name: no reader opens it, and the next writer deletes it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use akin_base::error::{Error, Result};
use akin_base::step::{self, Step};

/// Puts a file in the place of any other of its name. The step `written` is reached when the file is
/// complete but still has its other name.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8], written: Step) -> Result<()> {
    let path = dir.join(unfinished(name));
    File::create(&path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(Error::write(&path))?;
    step::synced(&path);
    step::reached(written);
    give_name(dir, name)
}

/// The name of a file until it is complete.
pub(super) fn unfinished(name: &str) -> String {
    format!("{name}.unfinished")
}

/// Renames a complete file to its name, in place of any other, and puts that on the disk.
pub(super) fn give_name(dir: &Path, name: &str) -> Result<()> {
    let path = dir.join(name);
    fs::rename(dir.join(unfinished(name)), &path).map_err(Error::write(&path))?;
    // Only Unix can sync a folder, and only there is it needed.
    #[cfg(unix)]
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::write(dir))?;
    step::synced(dir);
    Ok(())
}
