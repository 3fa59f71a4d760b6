//! A file at the hub, as its answers describe it.

use akin_base::files::SHA256_DIGITS;
use akin_base::hex::is_hex;

/// A file at the hub.
#[derive(Debug, Clone)]
pub(super) struct RemoteFile {
    /// Its name in the repository, with `/` between the parts.
    pub(super) name: String,
    /// Identifies its content.
    pub(super) etag: String,
    pub(super) n_bytes: u64,
}

impl RemoteFile {
    /// The file's sha256 in hex, if it is kept in LFS.
    pub(super) fn sha256(&self) -> Option<&str> {
        is_hex(&self.etag, SHA256_DIGITS).then_some(&self.etag)
    }
}
