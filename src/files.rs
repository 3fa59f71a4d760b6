//! Files that appear under their names when they are whole.
//!
//! In: a path and bytes. Out: a file with the mode that any new file in its folder gets: temporary files
//! are often their maker's alone, and would stay so after they have been renamed, while a folder that
//! several people use says otherwise (its umask, its group, its access list).

use std::io::{self, Write};
use std::path::Path;

/// What the name of a file ends with that is not whole yet; a kill leaves it.
pub const UNFINISHED: &str = ".unfinished";

/// Puts bytes in the place of a file, or makes it. Nobody sees half of them, and they are on the disk
/// before they have the name.
///
/// # Errors
/// What the system says; then the file is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(UNFINISHED);
    // The system takes away from this what the folder does not give.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
