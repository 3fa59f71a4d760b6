//! Files that are replaced atomically, and files that are read whole.
//!
//! In: a path and bytes. Out: a file with the mode of any new file in its folder. Temporary files
//! are often private, and would stay so after a rename, even in a shared folder.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::hex::is_hex;

/// The size of the largest file that is read whole: a manuscript, follows, topics.
const MAX_WHOLE_BYTES: u64 = 64 << 20;

/// Reads a whole file of at most 64 MiB: some files, such as devices, never end.
///
/// # Errors
/// What the system says.
pub fn read_whole(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_WHOLE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_WHOLE_BYTES {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(bytes)
}

/// Hex digits of a sha256.
pub const SHA256_DIGITS: usize = 64;

/// The sha256 in the name of a link's target, as in the cache of the Hugging Face hub's tools. The
/// file is not read.
pub fn sha256_of_link(path: &Path) -> Option<String> {
    let blob = std::fs::read_link(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    is_hex(name, SHA256_DIGITS).then(|| name.to_owned())
}

/// Whether the path is a pipe, a device or a folder.
pub fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// A file that gets its name once it is complete, replacing any file of that name. A link of that
/// name stays, and leads to the new file.
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Unfinished {
    /// Begins a file, named `NAME.part` until it is complete, or differently if that name is taken.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(path: &Path) -> io::Result<Unfinished> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        match Unfinished::called(path, builder().prefix(&name).suffix(".part").rand_bytes(0)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                name.push(".");
                Unfinished::called(path, builder().prefix(&name).suffix(".part"))
            }
            begun => begun,
        }
    }

    fn called(path: &Path, builder: &mut tempfile::Builder<'_, '_>) -> io::Result<Unfinished> {
        if is_special(path) {
            let what = "it is no plain file, and is not replaced";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let path = if path.is_symlink() {
            path.canonicalize()?
        } else {
            path.to_owned()
        };
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Unfinished {
            file: BufWriter::new(file),
            path,
        })
    }

    /// Syncs the file and gives it its name. A file that is dropped before leaves nothing.
    ///
    /// # Errors
    /// The system's error; the earlier file is then unchanged.
    pub fn finish(self) -> io::Result<()> {
        let file = self.file.into_inner()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Unfinished {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The suffix of incomplete files, which a kill may leave behind.
pub const UNFINISHED: &str = ".unfinished";

/// Replaces or creates a file, atomically. The bytes are synced before they get the name.
///
/// # Errors
/// The system's error; the file is then unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Unfinished::called(path, &mut builder())?;
    file.write_all(bytes)?;
    file.finish()
}

fn builder<'a, 'b>() -> tempfile::Builder<'a, 'b> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(UNFINISHED);
    // The system takes away from this what the folder does not give.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused() {
        assert_eq!(read_whole(&b"a draft"[..]).expect("a text"), b"a draft");
        let endless = read_whole(io::repeat(b'x')).expect_err("no end");
        assert_eq!(endless.to_string(), "it is longer than 64 MiB");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_has_the_mode_of_any_other() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::write(&other, "").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions();
        assert_eq!(mode(&path), mode(&other));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(replace(&dir.path().join("no/such/folder"), b"").is_err());
        assert!(replace(dir.path(), b"").is_err());
        #[cfg(unix)]
        {
            let socket = dir.path().join("c");
            let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
            assert!(replace(&socket, b"").is_err() && !socket.is_file());
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_goes_on_leading_to_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
    }

    #[test]
    fn what_does_not_come_to_its_end_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one").unwrap();
        for n_others in [0, 1] {
            let mut file = Unfinished::begin(&path).unwrap();
            file.write_all(b"half").unwrap();
            drop(file);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1 + n_others);
            // Somebody else's.
            std::fs::write(dir.path().join("a.part"), "mine").unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(dir.path().join("a.part")).unwrap(),
            "mine"
        );
    }
}
