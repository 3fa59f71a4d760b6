//! The ground that every room of akin stands on.
//!
//! | module | what lives there | the only place that knows |
//! |---|---|---|
//! | [`paper`] | a paper, its id, its passage, its text hash | how ids are spelt |
//! | [`vectors`] | dot product, normalisation, the file of f16 rows | how a row is stored |
//! | [`error`] | what goes wrong, for every room | — |
//! | [`progress`] | who watches long work, and may stop it | — |
//! | [`step`] | what writing has come to, for the fault tests | — |
//! | [`files`] | files that are replaced as a whole | — |
//! | [`hex`](mod@hex) | bytes as hexadecimal digits | — |
//! | [`categories`] | categories as they are compared and shown | what a code is |
//! | [`caught`] | panics of other people's decoders, as errors | — |
//! | [`text`] | text as it is compared | — |
//! | [`name`] | names of people as they are compared | — |
//!
//! Invariant: nothing here knows a room above.

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
