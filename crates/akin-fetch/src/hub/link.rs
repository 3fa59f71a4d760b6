//! Links a blob into a snapshot; on systems without links, puts the file itself there.

use std::io;
use std::path::{Path, PathBuf};

use akin_base::error::{Error, Result};

/// Makes a snapshot's file a link to a blob, replacing what was there.
pub(super) fn link(blob: &Path, pointer: &Path, name: &str) -> Result<()> {
    let folder = pointer.parent().unwrap_or(pointer);
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let target = relative(blob, name);
    if std::fs::read_link(pointer).is_ok_and(|there| there == target) {
        return Ok(());
    }
    match std::fs::remove_file(pointer) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::write(pointer)(error));
        }
        _ => {}
    }
    let linked = symlink(&target, pointer)
        .or_else(|_| std::fs::hard_link(blob, pointer))
        .or_else(|_| std::fs::copy(blob, pointer).map(drop));
    linked.map_err(Error::write(pointer))
}

/// The relative path from a snapshot's file of this name to a blob.
fn relative(blob: &Path, name: &str) -> PathBuf {
    let n_up = 2 + name.matches('/').count();
    let mut way: PathBuf = std::iter::repeat_n("..", n_up).collect();
    way.push("blobs");
    way.push(blob.file_name().unwrap_or_default());
    way
}

#[cfg(unix)]
fn symlink(target: &Path, pointer: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, pointer)
}

#[cfg(windows)]
fn symlink(target: &Path, pointer: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, pointer)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
