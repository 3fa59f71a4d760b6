//! How long work tells its caller how far it is, and is told to stop.
//!
//! The library calls an [`Observer`]; what it shows, and where, is the caller's business
//! (the command line draws a bar on stderr). Every method has a silent default.

/// A stage of work that takes long enough to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Dumps are read, and nothing is embedded; counted in records.
    Read,
    /// Papers are read from dumps and embedded; counted in papers.
    Embed,
    /// A segment of the index is built; counted in rows.
    Index,
    /// Papers are put into the lexical index; counted in papers.
    Words,
    /// Every paper is read and held against what is said of it elsewhere, or is looked for in an
    /// index that has just been built; counted in papers.
    Check,
    /// A space's rows are written anew without the dead ones; counted in rows.
    Compact,
    /// Queries are answered and judged; counted in queries.
    Evaluate,
    /// A model is fetched; counted in bytes.
    Fetch,
}

/// Who watches long work.
pub trait Observer: Sync {
    /// A stage begins, with its total where it is known.
    fn begin(&self, _stage: Stage, _total: Option<u64>) {}
    /// The current stage's total has become known, or better known.
    fn estimate(&self, _total: u64) {}
    /// `n` more units of the current stage are done.
    fn advance(&self, _n: u64) {}
    /// The current stage is over.
    fn end(&self) {}
    /// Whether the work should end as soon as nothing is lost by it.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
