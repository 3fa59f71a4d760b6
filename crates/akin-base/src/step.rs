//! The named steps of writing that must survive a kill, and what is put on the disk when.
//!
//! In: every place where a file, a folder or a transaction becomes durable says so. Out: in a debug
//! build, a [`watch`]er is told, which the fault tests use to stop there; a release build does
//! nothing at all.

use std::path::Path;

/// A step of writing, after which a kill may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The folder of a space and its empty row file are on the disk; no transaction names them.
    SpaceMade,
    /// A batch's records stand in an open transaction.
    Staged,
    /// A batch's embeddings are appended and synced; no transaction counts them.
    RowsSynced,
    /// A transaction is committed.
    Committed,
    /// A compaction has copied the rows that live to a file that no transaction names.
    RowsCopied,
    /// A compaction has deleted the row file that is no longer named.
    LeftoversRemoved,
    /// A segment is complete and synced under a name that is not its own.
    SegmentWritten,
    /// A segment has its name, in no manifest.
    SegmentNamed,
    /// A manifest is complete and synced under a name that is not its own.
    ManifestWritten,
    /// The manifest has been replaced.
    ManifestNamed,
    /// Segments that the manifest no longer names are deleted.
    SegmentsRemoved,
    /// The background of a space is complete and synced under a name that is not its own.
    BackgroundWritten,
    /// The background has been replaced.
    BackgroundNamed,
    /// A digest has been taken by whom it was handed to; no transaction says so.
    DigestTaken,
}

impl Step {
    /// Every step of taking in papers.
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

/// What a watcher is told.
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

    /// Has every event of this process told to `watcher` from now on, in place of any other.
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

/// Says that a step is reached.
pub fn reached(step: Step) {
    watching::tell(Event::Reached(step));
}

/// Says that a file or a folder is synced.
pub fn synced(path: &Path) {
    watching::tell(Event::Synced(path));
}
