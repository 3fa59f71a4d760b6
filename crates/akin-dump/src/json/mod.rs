//! Records that are JSON objects: one file a format, and what these share.
//!
//! `sniff.rs` recognises the format by the fields of the first record (`object.rs`, `keys.rs`),
//! `values.rs` cuts a dump into objects, `mend.rs` repairs almost-JSON. `fields.rs` and `ids.rs`
//! take objects apart; `plain.rs` reads records of no known source.

pub(crate) mod arxiv_daily;
pub(crate) mod arxiv_snapshot;
pub(crate) mod beir;
pub(crate) mod csl_json;
pub(crate) mod europe_pmc;
mod fields;
pub(crate) mod hf_daily;
mod ids;
pub(crate) mod keys;
pub(crate) mod mend;
pub(crate) mod object;
pub(crate) mod openalex;
mod own;
pub(crate) mod plain;
pub(crate) mod renamed;
pub(crate) mod semantic_scholar;
pub(crate) mod sniff;
pub(crate) mod values;
