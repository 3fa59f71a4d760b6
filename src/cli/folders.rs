//! The user's folders for data, caches and settings.

use etcetera::{BaseStrategy, choose_base_strategy};

use super::fault::Failure;

/// The folders, by the conventions of the system: XDG's on Unix.
pub(super) fn base() -> Result<impl BaseStrategy, Failure> {
    choose_base_strategy().map_err(|e| Failure::usage(format!("there is no home folder: {e}")))
}
