//! A model in the cache.

use std::path::PathBuf;

use super::id::HubId;

/// The files of one commit of a model, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The model, with the requested branch, tag or commit.
    pub id: HubId,
    /// The commit: 40 hex digits.
    pub commit: String,
    /// The folder, in the layout of sentence-transformers.
    pub folder: PathBuf,
    /// Its files, by name.
    pub files: Vec<SnapshotFile>,
    /// Required files that the folder lacks; empty except in [`Hub::list`](super::Hub::list).
    pub missing: Vec<String>,
}

/// A file of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name in the folder, with `/` between the parts.
    pub name: String,
    /// Its size in bytes.
    pub n_bytes: u64,
    /// Its sha256 in hex, if that is known without reading the file, or the file was just fetched.
    pub sha256: Option<String>,
}

impl Snapshot {
    /// The total size of its files, in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.n_bytes).sum()
    }
}
