//! The list of the index's files with lengths and checksums, kept in `meta.json` itself.
//!
//! Tantivy's `meta.json` lists segments, but neither their files nor their contents. So tantivy would
//! accept a file of another index, and not notice one that vanished. Therefore the file is written with a
//! manifest before tantivy's own text, both under one checksum:
//!
//! ```text
//! ┌────────┬──────────────────┬──────────┬──────────────┐
//! │AKINWORD│bytes of manifest │manifest  │tantivy's text│
//! └────────┴───────u32────────┴──JSON────┴─────JSON─────┘
//! ```
//!
//! In: the complete files, and the text to be written. Out: a manifest of the files that belong to the
//! text, bound to it.
//!
//! Invariant: both are replaced at once, so that a manifest never describes another state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"AKINWORD";

/// What a complete file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    /// Bytes of the whole file.
    pub(super) n_bytes: u64,
    /// The checksum of its table of checksums.
    pub(super) sum: u32,
}

/// The files of an index by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealManifest {
    pub(super) files: BTreeMap<String, Seal>,
}

/// What tantivy's text says of the segments.
#[derive(Deserialize)]
struct Meta {
    segments: Vec<LexicalSegment>,
}

#[derive(Deserialize)]
struct LexicalSegment {
    segment_id: String,
    deletes: Option<Deletes>,
}

#[derive(Deserialize)]
struct Deletes {
    opstamp: u64,
}

impl SealManifest {
    /// The files of `complete` that belong to the segments of a text.
    ///
    /// # Errors
    /// Why the text is not one of tantivy's.
    pub(super) fn from_text(
        text: &[u8],
        complete: &BTreeMap<String, Seal>,
    ) -> std::result::Result<SealManifest, String> {
        let meta: Meta = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let mut manifest = SealManifest::default();
        for segment in meta.segments {
            let name = segment.segment_id.replace('-', "");
            let deleted = segment
                .deletes
                .map(|deletes| format!("{name}.{}.del", deletes.opstamp));
            let of_segment = complete.range(name.clone()..).take_while(|(file, _)| {
                file.starts_with(&name) && file.as_bytes().get(name.len()) == Some(&b'.')
            });
            let counts = |file: &String| !file.ends_with(".del") || Some(file) == deleted.as_ref();
            for (file, seal) in of_segment.filter(|(file, _)| counts(file)) {
                manifest.files.insert(file.clone(), *seal);
            }
        }
        Ok(manifest)
    }

    /// Puts itself before the text that it was made of.
    pub(super) fn bound_to(&self, text: &[u8]) -> Vec<u8> {
        let own = serde_json::to_vec(self).expect("names and numbers are plain JSON");
        let n_bytes = u32::try_from(own.len()).expect("a manifest of less than 4 GiB");
        [MAGIC, &n_bytes.to_le_bytes()[..], &own, text].concat()
    }

    /// Takes a manifest and its text apart; no manifest where the text was written without one.
    /// `None` if it is neither.
    pub(super) fn and_text(bytes: &[u8]) -> Option<(Option<SealManifest>, &[u8])> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return bytes.starts_with(b"{").then_some((None, bytes));
        };
        let (n_bytes, rest) = rest.split_first_chunk()?;
        let n_bytes = usize::try_from(u32::from_le_bytes(*n_bytes)).ok()?;
        let (own, text) = rest.split_at_checked(n_bytes)?;
        Some((Some(serde_json::from_slice(own).ok()?), text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"segments":[
        {"segment_id":"0a0b-01","max_doc":3,"deletes":{"num_deleted_docs":1,"opstamp":7}},
        {"segment_id":"0a0b-02","max_doc":3,"deletes":null}],"opstamp":9}"#;

    #[test]
    fn only_files_of_the_segments_as_they_are_belong_to_it() {
        let names = [
            "0a0b01.idx",
            "0a0b01.5.del",
            "0a0b01.7.del",
            "0a0b012.idx",
            "0a0b02.idx",
            "0a0b02.7.del",
            "ffff.idx",
        ];
        let seal = Seal { n_bytes: 1, sum: 2 };
        let complete = names
            .iter()
            .map(|name| ((*name).to_owned(), seal))
            .collect();
        let manifest = SealManifest::from_text(TEXT.as_bytes(), &complete).unwrap();
        let files: Vec<&str> = manifest.files.keys().map(String::as_str).collect();
        assert_eq!(files, ["0a0b01.7.del", "0a0b01.idx", "0a0b02.idx"]);
        let bytes = manifest.bound_to(TEXT.as_bytes());
        let (back, text) = SealManifest::and_text(&bytes).unwrap();
        assert_eq!((back, text), (Some(manifest), TEXT.as_bytes()));
        for end in 0..bytes.len() - TEXT.len() {
            assert_eq!(SealManifest::and_text(&bytes[..end]), None, "{end}");
        }
        assert!(SealManifest::from_text(b"[]", &BTreeMap::new()).is_err());
    }

    #[test]
    fn a_text_from_before_there_were_manifests_has_none() {
        let text = TEXT.as_bytes();
        assert_eq!(SealManifest::and_text(text), Some((None, text)));
        assert_eq!(SealManifest::and_text(b""), None);
    }
}
