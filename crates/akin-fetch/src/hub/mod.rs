//! Models of the Hugging Face hub: finds them in the cache that the hub's tools share, or fetches
//! them into it.
//!
//! ```text
//! HubId ──► find ──────────────────────────────────────────────► Snapshot
//!   │       cached: refs, snapshots, blobs                          ▲
//!   └─────► fetch ──► listing ──► wanted files ──► transfer ────────┘
//!                     request     select           resumed, verified
//! ```
//!
//! In: an id such as `BAAI/bge-small-en-v1.5@main`, and a [`Hub`] with the places of cache and hub.
//! Out: a [`Snapshot`]: the folder of one commit, which is loaded like any model's folder.
//!
//! Partial files and locks have the same names as in the crate hf-hub.
//!
//! Invariants: [`Hub::find`] and [`Hub::list`] open no socket, nor does [`Hub::fetch`] when
//! `offline`. The token goes only to the hub's own origin and is never shown. A file gets its name
//! once it is complete, synced, and verified against the hub's sha256 if there is one. Nothing
//! pickled is fetched.

mod cached;
mod headers;
mod id;
mod link;
mod own_file;
mod remote;
mod request;
mod select;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;
mod transfer;

pub use self::id::HubId;
pub use self::settings::{HUB_ENDPOINT, Hub, Patience};
pub use self::snapshot::{Snapshot, SnapshotFile};

use self::cached::CachedRepo;
use self::remote::RemoteFile;
use self::request::Client;
use self::transfer::Transfer;
use akin_base::error::{Error, Result};
use akin_base::progress::{Observer, Stage};

/// The size in bytes of the largest README or licence that is fetched.
const LARGEST_TEXT_BYTES: u64 = 1 << 20;

impl Hub {
    /// Looks up a model in the cache, at a branch, a tag, or a commit, given by at least 7 digits.
    /// Opens no socket.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] if it is incomplete; [`Error::Model`] if several commits begin with
    /// these digits; [`Error::Damaged`] or [`Error::Read`] if the cache cannot be read.
    pub fn find(&self, id: &HubId) -> Result<Option<Snapshot>> {
        let repo = CachedRepo::new(&self.cache, id.name());
        let Some(commit) = repo.commit_of(id)? else {
            return Ok(None);
        };
        let Some(snapshot) = repo.snapshot(id.clone(), &commit)? else {
            return Ok(None);
        };
        if snapshot.missing.is_empty() {
            return Ok(Some(snapshot));
        }
        let folder = snapshot.folder.display();
        Err(Error::ModelMissing {
            id: id.to_string(),
            reason: format!("{folder} lacks {}", snapshot.missing.join(", ")),
        })
    }

    /// Lists every commit of every model in the cache, complete or not, by name. Opens no socket.
    ///
    /// # Errors
    /// [`Error::Read`] if the cache cannot be read.
    pub fn list(&self) -> Result<Vec<Snapshot>> {
        let mut all = Vec::new();
        for name in cached::names(&self.cache)? {
            let repo = CachedRepo::new(&self.cache, &name);
            let refs = repo.references()?;
            for commit in repo.commits()? {
                let named = refs.iter().find(|(_, target)| *target == commit);
                let revision = named.map_or(&commit, |(revision, _)| revision);
                let Ok(id) = HubId::new(&name, Some(revision)) else {
                    continue;
                };
                all.extend(repo.snapshot(id, &commit)?);
            }
        }
        Ok(all)
    }

    /// Fetches the files of a sentence-transformers model into the cache, at the revision's present
    /// commit. Files in the cache are verified and kept; partial files are resumed.
    ///
    /// # Errors
    /// [`Error::Offline`]; [`Error::UnknownModel`]; [`Error::ModelDenied`] if it is gated or
    /// private; [`Error::Model`] if it cannot be used, before anything is fetched.
    /// [`Error::Unreachable`], [`Error::Refused`] or [`Error::BadAnswer`] if the hub gives no
    /// usable answer; [`Error::WrongBytes`] if a file has another sha256 than at the hub;
    /// [`Error::Write`]; [`Error::Interrupted`].
    pub fn fetch(&self, id: &HubId, observer: &dyn Observer) -> Result<Snapshot> {
        if self.offline {
            let what = format!("the model {id}");
            return Err(Error::Offline { what });
        }
        let client = Client::open(self, id, observer)?;
        let listing = client.listing()?;
        let names = select::wanted(&listing.names).map_err(|reason| Error::model(id, reason))?;
        let client = client.at(&listing.commit)?;
        let remotes: Result<Vec<RemoteFile>> =
            names.iter().map(|name| client.remote(name)).collect();
        let mut remotes = remotes?;
        remotes.retain(|r| r.n_bytes <= LARGEST_TEXT_BYTES || !select::is_text(&r.name));
        let repo = CachedRepo::new(&self.cache, id.name());
        let transfer = Transfer::new(&client, &repo, &listing.commit);
        observer.begin(Stage::Fetch, Some(remotes.iter().map(|r| r.n_bytes).sum()));
        let fetched: Result<Vec<_>> = remotes.iter().map(|r| transfer.bring(r)).collect();
        observer.end();
        let fetched = fetched?;
        if !names.iter().any(|name| name == select::MODULES) {
            repo.note_absent(&listing.commit, select::MODULES)?;
        }
        if id.revision() != listing.commit {
            repo.set_reference(id.revision(), &listing.commit)?;
        }
        self.fetched(id, &listing.commit, fetched)
    }

    /// The fetched snapshot, with the hashes computed on the way.
    fn fetched(&self, id: &HubId, commit: &str, fetched: Vec<SnapshotFile>) -> Result<Snapshot> {
        let at_commit = HubId::new(id.name(), Some(commit))?;
        let mut snapshot = match self.find(&at_commit) {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return Err(Error::model(id, "it was fetched, and is gone again")),
            // Fetching it again would come to the same.
            Err(Error::ModelMissing { reason, .. }) => {
                return Err(Error::model(
                    id,
                    format!("all of it was fetched, and {reason}"),
                ));
            }
            Err(error) => return Err(error),
        };
        snapshot.id = id.clone();
        for file in &mut snapshot.files {
            let same = fetched.iter().find(|other| other.name == file.name);
            file.sha256 = same.map_or(file.sha256.take(), |other| other.sha256.clone());
        }
        Ok(snapshot)
    }
}
