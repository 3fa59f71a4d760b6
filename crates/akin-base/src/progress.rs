//! Progress of long work, and requests to stop it.
//!
//! The library calls an [`Observer`], which decides what to show (the command line draws a bar on
//! stderr). Every method has a silent default.

/// A stage of long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reads dumps without embedding; counted in records.
    Read,
    /// Reads papers from dumps and embeds them; counted in papers.
    Embed,
    /// Builds a segment of the index; counted in rows.
    Index,
    /// Adds papers to the lexical index; counted in papers.
    Words,
    /// Checks every paper against its copies elsewhere, or looks it up in a new index; counted in
    /// papers.
    Check,
    /// Copies a space's live rows; counted in rows.
    Compact,
    /// Answers queries and judges the results; counted in queries.
    Evaluate,
    /// Fetches a model; counted in bytes.
    Fetch,
}

/// Watches long work.
pub trait Observer: Sync {
    /// A stage begins, with its total if that is known.
    fn begin(&self, _stage: Stage, _total: Option<u64>) {}
    /// A new estimate of the current stage's total.
    fn estimate(&self, _total: u64) {}
    /// `n` more units of the current stage are done.
    fn advance(&self, _n: u64) {}
    /// The current stage has ended.
    fn end(&self) {}
    /// Whether the work should stop as soon as that loses nothing.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// Ignores progress and never asks to stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
