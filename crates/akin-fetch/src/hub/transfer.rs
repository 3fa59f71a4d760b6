//! Brings a file from the hub into the cache: resumed where it was cut, synced, verified, linked.
//!
//! ```text
//! blobs/<etag>.part ──► synced ──► its sha256 is the etag ──► blobs/<etag> ◄── snapshots/<commit>/<name>
//! ```
//!
//! The writer of a blob holds `blobs/<etag>.lock`, as in hf-hub; a second one waits and then finds
//! the blob. The etag of an LFS file is its sha256, which is verified. Of other files the size is
//! verified.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::cached::CachedRepo;
use super::link::link;
use super::own_file;
use super::remote::RemoteFile;
use super::request::{Client, HubReply};
use super::snapshot::SnapshotFile;
use crate::http::RequestFailure;
use akin_base::error::{Error, Result};
use akin_base::hex::hex;

/// Bytes of a file that are hashed at once; a stop is looked for between them.
const CHUNK_BYTES: usize = 1 << 20;
/// Interval at which a lock held by another process is tried again.
const LOCK_EVERY: Duration = Duration::from_millis(50);

/// Brings the files of one commit into the cache.
pub(super) struct Transfer<'a> {
    client: &'a Client<'a>,
    repo: &'a CachedRepo,
    commit: &'a str,
}

/// Reports bytes to an observer, each once, however often they are fetched.
struct Meter {
    n_told: u64,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(client: &'a Client, repo: &'a CachedRepo, commit: &'a str) -> Self {
        Transfer {
            client,
            repo,
            commit,
        }
    }

    /// Brings a file into the cache, unless it is there already.
    pub(super) fn bring(&self, remote: &RemoteFile) -> Result<SnapshotFile> {
        self.client.connection().go_on()?;
        let mut meter = Meter { n_told: 0 };
        let blob = self.repo.blob(&remote.etag);
        let pointer = self.repo.snapshot_folder(self.commit).join(&remote.name);
        let folder = blob.parent().unwrap_or(&blob);
        std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
        let lock = self.lock(&blob.with_extension("lock"))?;
        let sha256 = match self.sound(&blob, remote)? {
            Some(sha256) => sha256,
            None => self.download(remote, &blob, &mut meter)?,
        };
        link(&blob, &pointer, &remote.name)?;
        drop(lock);
        meter.reach(remote.n_bytes, self.client);
        Ok(SnapshotFile {
            name: remote.name.clone(),
            n_bytes: remote.n_bytes,
            sha256: Some(sha256),
        })
    }

    /// Waits until no other process writes this blob.
    fn lock(&self, path: &Path) -> Result<File> {
        let file = own_file::open(path).map_err(Error::write(path))?;
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => self.client.connection().pause(LOCK_EVERY)?,
                // Some network file systems have no locks; the last rename wins there.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
            }
        }
    }

    /// The sha256 of a blob that matches the hub's description. Any other blob is removed.
    fn sound(&self, blob: &Path, remote: &RemoteFile) -> Result<Option<String>> {
        let Ok(meta) = blob.metadata() else {
            return Ok(None);
        };
        if meta.len() == remote.n_bytes {
            let sha256 = self.hash(blob)?;
            if remote.sha256().is_none_or(|expected| expected == sha256) {
                return Ok(Some(sha256));
            }
        }
        std::fs::remove_file(blob).map_err(Error::write(blob))?;
        Ok(None)
    }

    /// Fetches a blob, and returns its sha256.
    fn download(&self, remote: &RemoteFile, blob: &Path, meter: &mut Meter) -> Result<String> {
        let part = blob.with_extension("part");
        let url = self.client.url(&remote.name);
        let mut file = own_file::open(&part).map_err(Error::write(&part))?;
        self.client.connection().persist(&url, || {
            let start = self.begin(&mut file, remote).map_err(Error::write(&part))?;
            meter.reach(start, self.client);
            if start == remote.n_bytes {
                return Ok(());
            }
            let reply = self.client.content(&remote.name, start)?;
            let start = self.judge(&reply, start, remote)?;
            let reply = self.client.succeeded(&url, reply)?;
            (file.set_len(start))
                .and_then(|()| file.seek(SeekFrom::Start(start)))
                .map_err(Error::write(&part))?;
            self.receive(reply, start, (&mut file, &part), remote, meter)
        })?;
        file.sync_all().map_err(Error::write(&part))?;
        drop(file);
        let found = self.hash(&part)?;
        if let Some(expected) = remote.sha256().filter(|expected| *expected != found) {
            std::fs::remove_file(&part).map_err(Error::write(&part))?;
            return Err(Error::WrongBytes {
                file: remote.name.clone(),
                of: self.client.id().to_string(),
                found,
                expected: expected.to_owned(),
            });
        }
        std::fs::rename(&part, blob).map_err(Error::write(blob))?;
        sync_folder(blob.parent().unwrap_or(blob));
        Ok(found)
    }

    /// The number of bytes that are there already. A file that is too long starts again.
    fn begin(&self, file: &mut File, remote: &RemoteFile) -> io::Result<u64> {
        let there = file.metadata()?.len();
        if there <= remote.n_bytes {
            return Ok(there);
        }
        file.set_len(0)?;
        Ok(0)
    }

    /// The position of an answer's bytes in the file.
    fn judge(
        &self,
        reply: &HubReply,
        start: u64,
        remote: &RemoteFile,
    ) -> Result<u64, RequestFailure> {
        match reply.answer.status {
            206 => {
                let range = reply.headers.content_range.as_deref().unwrap_or_default();
                let begins = range.trim_start().starts_with(&format!("bytes {start}-"));
                let total = reply.headers.total();
                if begins && total.is_none_or(|total| total == remote.n_bytes) {
                    return Ok(start);
                }
                Err(self.bad(
                    remote,
                    format!("bytes from {start} on were asked for, not {range:?}"),
                ))
            }
            // The whole file, from a server that knows no parts.
            200 => Ok(0),
            416 => Err(self.bad(remote, "it ends before the announced size".to_owned())),
            _ => Ok(start),
        }
    }

    fn bad(&self, remote: &RemoteFile, reason: String) -> RequestFailure {
        RequestFailure::Final(Error::BadAnswer {
            page: remote.name.clone(),
            url: self.client.url(&remote.name),
            reason,
        })
    }

    /// Writes the bytes of an answer from `start` on.
    fn receive(
        &self,
        reply: HubReply,
        start: u64,
        (file, path): (&mut File, &Path),
        remote: &RemoteFile,
        meter: &mut Meter,
    ) -> Result<(), RequestFailure> {
        let mut body = reply.answer.body;
        let mut position = start;
        let cut = |failure: RequestFailure, at: u64| {
            failure.after_gain(self.client.is_gain(at - start, remote.n_bytes))
        };
        loop {
            self.client.connection().go_on()?;
            let next = body.next_chunk(self.client.observer);
            let Some(chunk) = next.map_err(|failure| cut(failure, position))? else {
                break;
            };
            file.write_all(&chunk).map_err(Error::write(path))?;
            position += chunk.len() as u64;
            if position > remote.n_bytes {
                file.set_len(0).map_err(Error::write(path))?;
                return Err(self.bad(remote, "it is longer than announced".to_owned()));
            }
            meter.reach(position, self.client);
        }
        if position < remote.n_bytes {
            let reason = format!("it ended after {position} of {} bytes", remote.n_bytes);
            return Err(cut(RequestFailure::cut(reason), position));
        }
        Ok(())
    }

    /// The sha256 of a file, in hex.
    fn hash(&self, path: &Path) -> Result<String> {
        let mut file = File::open(path).map_err(Error::read(path))?;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut hash = Sha256::new();
        loop {
            self.client.connection().go_on()?;
            match file.read(&mut chunk).map_err(Error::read(path))? {
                0 => break,
                n => hash.update(&chunk[..n]),
            }
        }
        Ok(hex(hash.finalize()))
    }
}

impl Meter {
    /// Reports that the file has this number of bytes.
    fn reach(&mut self, position: u64, client: &Client) {
        let n_new = position.saturating_sub(self.n_told);
        if n_new > 0 {
            client.observer.advance(n_new);
            self.n_told = position;
        }
    }
}

/// Syncs a folder after a rename, on systems that can.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
