//! What all crates of akin share.
//!
//! | module | what lives there | the only place that knows |
//! |---|---|---|
//! | [`paper`] | a paper, its id, its passage, its text hash | how ids are spelt |
//! | [`vectors`] | dot product, normalisation, the file of f16 rows | how a row is stored |
//! | [`error`] | the error type of every crate | — |
//! | [`progress`] | progress of long work, and requests to stop | — |
//! | [`step`] | durable steps of writing, for the fault tests | — |
//! | [`files`] | files that are replaced atomically | — |
//! | [`hex`](mod@hex) | bytes as hexadecimal digits | — |
//! | [`categories`] | categories as they are compared and shown | what a code is |
//! | [`caught`] | panics of third-party decoders, as errors | — |
//! | [`text`] | text as it is compared | — |
//! | [`name`] | names of people as they are compared | — |
//!
//! Invariant: nothing here knows another crate of akin.

pub mod categories;
pub mod caught;
pub mod error;
pub mod files;
pub mod hex;
pub mod name;
pub mod paper;
pub mod progress;
pub mod step;
pub mod text;
pub mod vectors;

pub use error::{Error, Result};
