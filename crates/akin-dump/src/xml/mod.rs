//! Dumps in XML: arXiv's OAI-PMH interface and its API, PubMed, the ACL Anthology.
//!
//! In: bytes. Out: the format, recognised from the first elements ([`sniff`]); the elements that
//! are records ([`elements`]); and one reader per format, which takes one of them. `frame.rs` cuts
//! them out by their tags (`scan.rs`) and notes their surroundings (`around.rs`); `rules.rs` says
//! which they are. `recode.rs` decodes other encodings than UTF-8, and `tree.rs` parses one
//! element.
//!
//! Elements are recognised by their local names: prefixes and the place of a namespace's
//! declaration mean nothing. Several documents after one another are one dump. A DOCTYPE is skipped
//! with its declarations: no entity is expanded or fetched.

pub(crate) mod acl;
pub(crate) mod answer;
mod around;
pub(crate) mod arxiv_atom;
mod arxiv_names;
pub(crate) mod arxiv_oai;
mod frame;
mod keep;
mod parts;
pub(crate) mod pubmed;
mod recode;
pub(crate) mod rules;
mod scan;
pub(crate) mod sniff;
pub(crate) mod start;
pub(crate) mod tree;

use self::answer::DocumentAnswer;
use self::rules::Rules;
use crate::format::XmlSpec;
use crate::frame::Frame;
use crate::source::bytes::Bytes;

/// Cuts a document into the elements that are records.
pub(super) fn elements(rules: &'static Rules, bytes: Bytes) -> impl Frame {
    frame::Elements::new(rules, bytes)
}

/// What a whole document without records says.
pub(super) fn answer(spec: &XmlSpec, document: &[u8]) -> DocumentAnswer {
    match tree::parse(&String::from_utf8_lossy(document)) {
        Ok(root) => (spec.answer)(&root),
        Err(_) => DocumentAnswer::Other,
    }
}
