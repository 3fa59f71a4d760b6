//! A model in the cache.

use std::path::PathBuf;

use super::id::HubId;

/// The files of one commit of a model, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The model, at the branch, tag or commit that it was asked for at.
    pub id: HubId,
    /// The commit: 40 hex digits.
    pub commit: String,
    /// The folder, to be read as a sentence-transformers folder.
    pub folder: PathBuf,
    /// Its files, by name.
    pub files: Vec<SnapshotFile>,
    /// What a model needs and the folder lacks: empty but in [`Hub::list`].
    pub missing: Vec<String>,
}

/// A file of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name in the folder, with `/` between the parts.
    pub name: String,
    /// Its size.
    pub n_bytes: u64,
    /// Its sha256 in hex, where that is known without reading the file, or it was just fetched.
    pub sha256: Option<String>,
}

impl Snapshot {
    /// The size of all its files.
    pub fn n_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.n_bytes).sum()
    }
}
