//! Named steps of durable writing, for the fault tests.
//!
//! In: a call wherever a file, a folder or a transaction becomes durable. Out: in a debug build, a
//! call of the [`watch`]er, by which the fault tests stop there; in a release build, nothing.

use std::path::Path;

/// A step of writing, after which a process may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The folder of a space and its empty row file are synced; no transaction names them yet.
    SpaceMade,
    /// A batch's records are stored in an open transaction.
    Staged,
    /// A batch's embeddings are appended and synced; no transaction counts them yet.
    RowsSynced,
    /// A transaction is committed.
    Committed,
    /// A compaction has copied the live rows to a file that no transaction names yet.
    RowsCopied,
    /// A compaction has deleted the old row file.
    LeftoversRemoved,
    /// A segment is complete and synced under a temporary name.
    SegmentWritten,
    /// A segment has its name; no manifest lists it yet.
    SegmentNamed,
    /// A manifest is complete and synced under a temporary name.
    ManifestWritten,
    /// The manifest has been replaced.
    ManifestNamed,
    /// Segments that the manifest no longer lists are deleted.
    SegmentsRemoved,
    /// The background of a space is complete and synced under a temporary name.
    BackgroundWritten,
    /// The background has been replaced.
    BackgroundNamed,
    /// A digest has been delivered; no transaction records that yet.
    DigestTaken,
}

impl Step {
    /// Every step of an ingest.
    pub const ALL: [Step; 13] = [
        Step::SpaceMade,
        Step::Staged,
        Step::RowsSynced,
        Step::Committed,
        Step::RowsCopied,
        Step::LeftoversRemoved,
        Step::SegmentWritten,
        Step::SegmentNamed,
        Step::ManifestWritten,
        Step::ManifestNamed,
        Step::SegmentsRemoved,
        Step::BackgroundWritten,
        Step::BackgroundNamed,
    ];
}

/// An event that a watcher gets.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A step is reached.
    Reached(Step),
    /// A file's bytes, or a folder's names, are on the disk.
    Synced(&'a Path),
}

#[cfg(debug_assertions)]
mod watching {
    use std::sync::RwLock;

    use super::Event;

    type Watcher = Box<dyn Fn(Event<'_>) + Send + Sync>;

    static WATCHER: RwLock<Option<Watcher>> = RwLock::new(None);

    /// Passes every event of this process to `watcher` from now on, replacing any other.
    pub fn watch(watcher: impl Fn(Event<'_>) + Send + Sync + 'static) {
        if let Ok(mut current) = WATCHER.write() {
            *current = Some(Box::new(watcher));
        }
    }

    pub(super) fn tell(event: Event<'_>) {
        if let Ok(watcher) = WATCHER.read()
            && let Some(watcher) = &*watcher
        {
            watcher(event);
        }
    }
}

#[cfg(debug_assertions)]
pub use watching::watch;

#[cfg(not(debug_assertions))]
mod watching {
    pub(super) fn tell(_: super::Event<'_>) {}
}

/// Reports that a step is reached.
pub fn reached(step: Step) {
    watching::tell(Event::Reached(step));
}

/// Reports that a file or a folder is synced.
pub fn synced(path: &Path) {
    watching::tell(Event::Synced(path));
}
