//! What comes over HTTP: models of the Hugging Face hub, and new records of papers.
//!
//! ```text
//! HubId ──► hub ───► Snapshot, a model's folder
//! day ────► pull ──► records, page by page
//!            └─ both ask through http, the only module that opens sockets
//! ```
//!
//! Invariant: only [`hub::Hub::fetch`] and [`pull::Pull::next_page`] use the network.

mod clock;
mod http;
pub mod hub;
pub mod pull;
