//! The way that a search takes, and why.

use std::fmt;

/// Which way a search goes, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The way.
    pub route: Route,
    /// Why it is taken.
    pub reason: PlanReason,
    /// Rows that may be returned.
    pub n_allowed: usize,
}

/// The way of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Every allowed row is compared.
    Exact,
    /// Every segment's graph is walked, every other row compared.
    Graph {
        /// Candidates kept in each walk.
        ef: usize,
    },
}

/// Why a search goes its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanReason {
    /// The caller's [`Mode`](super::Mode) says so.
    Asked,
    /// No segment has been built, or none can be trusted.
    NoGraph,
    /// It is expected to cost less.
    Cheaper,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            Route::Exact => write!(f, "exact scan of {} rows", self.n_allowed)?,
            Route::Graph { ef } => write!(f, "graph with ef {ef} for {} rows", self.n_allowed)?,
        }
        match self.reason {
            PlanReason::Asked => write!(f, ", as asked"),
            PlanReason::NoGraph => write!(f, ", as no graph covers them"),
            PlanReason::Cheaper => write!(f, ", which costs less"),
        }
    }
}
