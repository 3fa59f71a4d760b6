//! How a command ended.

use std::process::ExitCode;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it.
    Done,
    /// Nothing was found, or something was rejected.
    Partly,
    /// Stopped by the user; what was committed stays.
    Interrupted,
    /// Some of the requested work failed, and was reported.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Partly => 1,
            Outcome::Failed => 2,
            Outcome::Interrupted => 130,
        })
    }
}
