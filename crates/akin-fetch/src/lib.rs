//! What comes over HTTP: models of the Hugging Face hub, and new records of papers.
//!
//! ```text
//! HubId ──► hub ───► Snapshot, a model's folder
//! day ────► pull ──► records, page by page
//! ```
//!
//! Invariant: nothing here opens a socket but [`hub::Hub::fetch`] and [`pull`]'s functions.

pub mod hub;
pub mod pull;
