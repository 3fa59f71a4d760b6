//! Models of the Hugging Face hub: found in the cache that all its tools share, or fetched into it.
//!
//! ```text
//! HubId ──► find ──────────────────────────────────────────────► Snapshot
//!   │       cached: refs, snapshots, blobs                          ▲
//!   └─────► fetch ──► listing ──► wanted files ──► transfer ────────┘
//!                     request     select           resumed, verified
//! ```
//!
//! In: an id such as `BAAI/bge-small-en-v1.5@main`, and a [`Hub`], which says where the cache and
//! the hub are. Out: a [`Snapshot`]: the folder of one commit, read as any other model's folder.
//!
//! Part files and locks have the names that hf-hub gives them.
//!
//! Invariants: [`Hub::find`] and [`Hub::list`] open no socket, and [`Hub::fetch`] none that is
//! `offline`; the token goes to the hub's own origin alone and is never shown; a file has its name
//! when it is whole and synced, and, if the hub knows its sha256, of that sha256; nothing pickled
//! is fetched.

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

/// The largest README or licence that is fetched along, in bytes.
const LARGEST_TEXT_BYTES: u64 = 1 << 20;

impl Hub {
    /// Looks for a model in the cache, at a branch, a tag, a commit or at least the first 7 digits
    /// of one. Opens no socket.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] if it is there in part; [`Error::Model`] if several commits begin
    /// with these digits; [`Error::Damaged`] and [`Error::Read`] if the cache cannot be read.
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

    /// Every commit of every model in the cache, whole or not, by name. Opens no socket.
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

    /// Fetches what a sentence-transformers model needs into the cache, at the commit that the
    /// revision is at now. What is there already is verified and stays; what was begun is gone on
    /// with.
    ///
    /// # Errors
    /// [`Error::Offline`]; [`Error::UnknownModel`]; [`Error::ModelDenied`] if it is gated or
    /// private; [`Error::Model`] if it cannot be used, before anything is fetched;
    /// [`Error::Unreachable`], [`Error::Refused`] or [`Error::BadAnswer`] if the hub does not
    /// answer as it should; [`Error::WrongBytes`] if a file is not what the hub says it is;
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

    /// The snapshot that was fetched, with the hashes that were computed on the way.
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
