//! Dump files to papers: the only place that knows file formats.
//!
//! ```text
//! source/ ──► sniff ──► frame, one record at a time ──► reader of the format ──► item
//! bytes       registry  json/ xml/ tagged/               json/ xml/ tagged/       record
//!                       page/ table/: rows and pages are read by readers of their own
//! ```
//!
//! In: a [`Source`]. Out: a [`Dump`], an iterator that gives one [`Item`] per record, most often a
//! paper. A bad record gives a [`Rejected`] that says where it is and what is wrong.
//!
//! A format is one file with a `Spec` and one row of `registry.rs`. Families share what they have
//! in common: `json/`, `xml/`, `tagged/` (bibliographies), `table/` (rows), `page/`. `text/` cleans
//! the text in records. `collection.rs` tells whose ids they are. A [`Manuscript`] is the user's
//! own (`manuscript/`).
//!
//! Invariants: every record gives exactly one item. What is left out of a kept record is noted with
//! it (`ignored.rs`). A dump that gives no record says why ([`Dump::nothing_read`],
//! `emptiness.rs`). Memory does not grow with the dump. It holds one record of at most
//! [`MAX_LINE_BYTES`], or one batch of rows as written, and the decoder's window. Nothing in a
//! dump's content is an [`Error`](akin_base::Error) once it is open.

mod collection;
mod dump;
mod emptiness;
mod field;
mod format;
mod frame;
mod ignored;
mod json;
mod lines;
mod manuscript;
mod options;
mod page;
mod record;
mod registry;
mod reject;
mod sniff;
mod source;
mod table;
mod tagged;
#[cfg(test)]
mod tests;
mod text;
mod xml;

pub use dump::Dump;
pub use frame::MAX_LINE_BYTES;
pub use ignored::{Ignored, Part};
pub use manuscript::Manuscript;
pub use options::ReadOptions;
pub use record::{Item, Record};
pub use registry::Format;
pub use reject::{Rejected, Rejection, Unit, shorten};
pub use source::Source;
pub use source::archive::MemberPlace;
pub use text::arxiv_number::repair as repaired_arxiv_number;
