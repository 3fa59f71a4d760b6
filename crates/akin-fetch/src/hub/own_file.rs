//! Opens files of the shared cache for writing, never through a link.
//!
//! In: a path in a folder that others may write to. Out: the file, opened for reading and writing,
//! created if missing, never truncated. A link, a file with a second name, and anything but a file
//! are errors: they could make akin overwrite another file.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens or creates a file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // What is made so was not there, not even as a link.
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let named = path.symlink_metadata()?;
    if !named.is_file() {
        return Err(refused("it is a link or no file"));
    }
    let file = options.open(path)?;
    let opened = file.metadata()?;
    if !is_same(&named, &opened) {
        return Err(refused("it was replaced while it was opened"));
    }
    if n_names(&opened) > 1 {
        return Err(refused("it has another name as well"));
    }
    Ok(file)
}

fn refused(what: &str) -> io::Error {
    io::Error::other(format!(
        "{what}, and akin writes through no link: remove it"
    ))
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(unix)]
fn n_names(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len()
}

#[cfg(not(unix))]
fn n_names(_: &Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_made_or_opened_and_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        open(&at("own")).unwrap().write_all(b"one").unwrap();
        open(&at("own")).unwrap();
        assert_eq!(std::fs::read(at("own")).unwrap(), b"one");
        std::fs::write(at("victim"), "precious").unwrap();
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
        std::fs::hard_link(at("victim"), at("second")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for name in ["link", "dangling", "second", "folder"] {
            let error = open(&at(name)).unwrap_err().to_string();
            assert!(error.contains("writes through no link"), "{name}: {error}");
        }
        assert_eq!(std::fs::read(at("victim")).unwrap(), b"precious");
        assert!(!at("nothing").exists());
    }
}
