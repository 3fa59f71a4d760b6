//! Bibliographies as text: lines with tags, or entries.
//!
//! | format | reader | a record is |
//! |---|---|---|
//! | RIS | `ris.rs` | `TY` to `ER` |
//! | MEDLINE, `.nbib` | `medline.rs` | `PMID` up to the next |
//! | EndNote, refer | `endnote.rs` | `%0` up to the next, or the lines between blank lines |
//! | Web of Science | `web_of_science.rs` | `PT` to `ER` |
//! | BibTeX, Biblatex | `bibtex/` | `@type{…}` |
//! | arXiv `.abs` | `arxiv_abs.rs` | three lines `\\` and the text between them |
//!
//! A frame cuts a text into records (`blocks.rs`; `entries.rs` and `inherited.rs` of `bibtex/`),
//! [`sniff`] tells the format by the first lines. `fields.rs` splits a block of tagged lines,
//! `ids.rs` finds the ids in bibliographies. Text that is not in UTF-8 is decoded before it reaches
//! a reader.

pub(crate) mod arxiv_abs;
pub(crate) mod bibtex;
mod blocks;
pub(crate) mod endnote;
mod fields;
pub(crate) mod ids;
pub(crate) mod medline;
pub(crate) mod ris;
pub(crate) mod sniff;
pub(crate) mod web_of_science;
