//! Papers to text that other programs read: BibTeX, RIS, CSL-JSON, CSV, and akin's own JSON Lines.
//!
//! ```text
//! papers, one at a time ──► PaperWriter ──► bibtex ris csl_json csv json ──► bytes
//!                           keys, names, ids
//! ```
//!
//! In: papers, in the caller's order. Out: the bytes of one file. A format is one file, and one
//! variant of [`ExportFormat`]. `key.rs` makes citation keys, `person.rs` takes names apart, `ids.rs`
//! finds the field for an id, `tex.rs` writes text as TeX.
//!
//! Invariants:
//! - What is written, akin reads back as the same paper. That holds for title, authors, date, journal,
//!   volume, categories and abstract, and for ids that the format has a field for. JSON Lines keep every
//!   field.
//! - A date is written as far as it is known.
//! - Memory does not grow with the papers, but for 16 bytes a citation key.
//! - A cell of a CSV file never begins as a formula does.

mod bibtex;
mod csl_json;
mod format;
mod ids;
mod json;
mod key;
mod kind;
mod person;
mod ris;
mod table;
#[cfg(test)]
mod tests;
mod tex;
mod writer;

pub use format::ExportFormat;
pub use writer::PaperWriter;
