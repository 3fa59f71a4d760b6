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
//! The crate hf-hub gives addresses, requests and the names of the cache's folders. Its own
//! download is left aside: it hands the token on to whatever host a redirect names, takes an answer
//! that is not the part it asked for as if it were, cannot go on from a part that is complete, has
//! no time limits, hides Retry-After, and cannot be stopped. Part files and locks have its names.
//!
//! Invariants: [`Hub::find`] and [`Hub::list`] open no socket, and [`Hub::fetch`] none that is
//! `offline`; the token goes to the hub's own origin alone and is never shown; a file has its name
//! when it is whole and synced, and, if the hub knows its sha256, of that sha256; nothing pickled
//! is fetched.

mod address;
mod cached;
mod headers;
mod id;
mod link;
mod own_file;
mod pace;
mod request;
mod select;
#[cfg(test)]
mod tests;
mod transfer;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use self::id::HubId;

use self::cached::CachedRepo;
use self::request::Client;
use self::transfer::{Remote, Transfer};
use akin_base::error::{Error, Result};
use akin_base::progress::{Observer, Stage};

/// Where the hub is.
pub const HUB_ENDPOINT: &str = "https://huggingface.co";

/// The largest README or licence that is fetched along, in bytes.
const LARGEST_TEXT_BYTES: u64 = 1 << 20;

/// Where the hub is, and the cache of what was fetched from it.
#[derive(Clone)]
pub struct Hub {
    /// The cache's folder, which other tools of the hub share.
    pub cache: PathBuf,
    /// The address of the hub or of a mirror.
    pub endpoint: String,
    /// Says who asks, for models that are gated or private.
    pub token: Option<String>,
    /// Whether no socket may be opened.
    pub offline: bool,
    /// Whether the system's settings for proxies are obeyed (`HTTPS_PROXY` and its like).
    pub obeys_proxy_settings: bool,
    /// How long answers are waited for.
    pub patience: Patience,
}

/// How long a server is waited for that does not answer, or not for now.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in a row that may come to nothing.
    pub max_attempts: u32,
    /// The pause after the first of them; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause that is made unasked.
    pub longest_pause: Duration,
    /// The longest pause that is made because the server asks for it.
    pub longest_wish: Duration,
    /// How long nothing at all may come from an open connection.
    pub silence: Duration,
    /// A stretch of time in which at least `window_bytes` of an answer are to come.
    pub window: Duration,
    /// See `window`.
    pub window_bytes: u64,
    /// How long the list of a model's files may take in all.
    pub listing: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            max_attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            longest_wish: Duration::from_secs(10 * 60),
            silence: Duration::from_secs(60),
            window: Duration::from_secs(60),
            window_bytes: 60 << 10,
            listing: Duration::from_secs(5 * 60),
        }
    }
}

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

impl Hub {
    /// The hub with a cache in this folder, asked by nobody in particular.
    pub fn new(cache: PathBuf) -> Hub {
        Hub {
            cache,
            endpoint: HUB_ENDPOINT.to_owned(),
            token: None,
            offline: false,
            obeys_proxy_settings: false,
            patience: Patience::default(),
        }
    }

    /// Looks for a model in the cache, at a branch, a tag, a commit or at least the first 7 digits
    /// of one. Opens no socket.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] if it is there in part; [`Error::Model`] if several commits begin
    /// with these digits; [`Error::Damaged`] and [`Error::Read`] if the cache cannot be read.
    pub fn find(&self, id: &HubId) -> Result<Option<Snapshot>> {
        let repo = CachedRepo::of(&self.cache, id.name());
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
            let repo = CachedRepo::of(&self.cache, &name);
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
        let remotes: Result<Vec<Remote>> = names.iter().map(|name| client.remote(name)).collect();
        let mut remotes = remotes?;
        remotes.retain(|r| r.n_bytes <= LARGEST_TEXT_BYTES || !select::is_text(&r.name));
        let repo = CachedRepo::of(&self.cache, id.name());
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

impl fmt::Debug for Hub {
    /// All but the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("has_token", &self.token.is_some())
            .field("offline", &self.offline)
            .field("obeys_proxy_settings", &self.obeys_proxy_settings)
            .field("patience", &self.patience)
            .finish()
    }
}
