//! Fetching from a hub on this machine, and finding what was fetched.

mod cache;
mod failures;
mod fetching;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::{Hub, HubId, Patience, Snapshot};
use akin_base::error::{Error, Result};
use akin_base::progress::{Observer, Stage, Unobserved};
use akin_testing::hub_server::{COMMIT, Fault, HubServer, NAME, TOKEN};

/// The weights that the tiny model has.
const WEIGHTS: &str = "model.safetensors";

/// A hub with the tiny model, and an empty cache.
struct Place {
    server: HubServer,
    dir: TempDir,
    hub: Hub,
}

impl Place {
    fn new() -> Place {
        let folder = akin_testing::data("models/tiny-bert-cls");
        Place::of(HubServer::start(&folder))
    }

    /// A hub with files that say their own names.
    fn with(names: &[&str]) -> Place {
        let file = |name: &&str| ((*name).to_owned(), name.as_bytes().to_vec());
        let files: BTreeMap<String, Vec<u8>> = names.iter().map(file).collect();
        Place::of(HubServer::with(files))
    }

    fn of(server: HubServer) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let hub = Hub {
            endpoint: server.address.clone(),
            patience: quick(3),
            ..Hub::new(dir.path().join("hub"))
        };
        Place { server, dir, hub }
    }

    fn fetch(&self) -> Result<Snapshot> {
        self.hub.fetch(&id(NAME), &Unobserved)
    }

    /// The model's folder in the cache.
    fn repo(&self) -> PathBuf {
        self.hub.cache.join("models--tiny--bert-cls")
    }

    /// The place of the weights' blob.
    fn blob_of_weights(&self) -> PathBuf {
        self.repo().join("blobs").join(self.server.sha256(WEIGHTS))
    }
}

fn id(text: &str) -> HubId {
    text.parse().unwrap()
}

/// So many attempts, without a pause between them.
fn quick(max_attempts: u32) -> Patience {
    Patience {
        max_attempts,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        ..Patience::default()
    }
}

/// Counts what it is told, and asks to stop from a number of bytes on.
struct Counter {
    total: AtomicU64,
    n_done: AtomicU64,
    stop_at: u64,
}

impl Counter {
    fn new(stop_at: u64) -> Counter {
        Counter {
            total: AtomicU64::new(0),
            n_done: AtomicU64::new(0),
            stop_at,
        }
    }
}

impl Observer for Counter {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        assert_eq!(stage, Stage::Fetch);
        self.total.store(total.unwrap(), Ordering::Relaxed);
    }

    fn advance(&self, n: u64) {
        self.n_done.fetch_add(n, Ordering::Relaxed);
    }

    fn stop_requested(&self) -> bool {
        self.n_done.load(Ordering::Relaxed) >= self.stop_at
    }
}
