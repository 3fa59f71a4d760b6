//! How a search finds rows, and why it does it that way.

use std::fmt;

/// How a search finds rows, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How rows are found.
    pub route: Route,
    /// Why they are found that way.
    pub reason: PlanReason,
    /// Number of rows that may be returned.
    pub n_allowed: usize,
}

/// How a search finds rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Every allowed row is compared.
    Exact,
    /// Every segment's graph is walked and every other row is compared.
    Graph {
        /// Number of candidates kept in each walk.
        ef: usize,
    },
}

/// Why a search finds rows the way it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanReason {
    /// The caller's [`Mode`](super::Mode) asks for it.
    Asked,
    /// No segment has a graph that can be trusted.
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
