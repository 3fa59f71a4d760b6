//! Which collection the records of a dump belong to.
//!
//! In: the dump's format and where it is read from. Out: a [`Collection`]. Records of a registry or
//! a catalogue belong to its feed, whatever the file is called. Any other dump is a collection of
//! its own, under its name without the compression suffix. `corpus.jsonl` of a BEIR folder is
//! called as its folder.

use std::path::Path;

use akin_base::paper::{Authority, Collection, collection_name};

use crate::registry::Format;
use crate::source::Source;

/// Endings that say how a file is compressed.
const COMPRESSIONS: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".zstd"];

/// The collection of a dump; `asked` is the name that the user gave.
pub(crate) fn of(format: Format, source: &Path, asked: Option<&str>) -> Collection {
    let feed = format.spec().feed;
    let name = match (asked, feed) {
        (Some(asked), _) => collection_name(asked),
        (None, Some(feed)) => feed.name.to_owned(),
        (None, None) => own_name(format, source),
    };
    Collection {
        name,
        authority: feed.map_or(Authority::Export, |feed| feed.authority),
        is_feed: feed.is_some_and(|feed| feed.lists_once),
    }
}

/// The name of a dump as a collection.
fn own_name(format: Format, source: &Path) -> String {
    let file_name = |path: &Path| {
        let name = path.file_name()?.to_string_lossy();
        let bare = COMPRESSIONS.iter().find_map(|end| name.strip_suffix(end));
        Some(bare.unwrap_or(&name).to_owned())
    };
    let name = file_name(source).unwrap_or_else(|| source.display().to_string());
    let folder = || {
        let whole = source.canonicalize().ok()?;
        file_name(whole.parent()?)
    };
    let is_generic = format.spec().generic_file == Some(&name);
    collection_name(&is_generic.then(folder).flatten().unwrap_or(name))
}

impl Source {
    /// The name of a dump's own collection, as a path.
    pub(crate) fn collection_path(&self) -> std::path::PathBuf {
        match self {
            Source::Member { archive, name, .. } => {
                let archive = archive.file_name().unwrap_or_default().to_string_lossy();
                // One component, so that the archive stays part of the name.
                format!("{archive}:{}", name.replace(['/', '\\'], ":")).into()
            }
            other => other.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_a_collection_and_a_feed_is_one_over_all_its_dumps() {
        let name = |format, path: &str| of(format, Path::new(path), None).name;
        assert_eq!(name(Format::Delimited, "folder/a.csv.gz"), "a.csv");
        assert_eq!(
            name(Format::ArxivSnapshot, "x.json"),
            name(Format::ArxivOai, "y.xml")
        );
        assert_eq!(
            name(Format::JsonRecords, "standard input"),
            "standard input"
        );
        let asked = of(Format::Ris, Path::new("a.ris"), Some("mine #1"));
        assert_eq!(asked.name, "mine _1");
        let dir = tempfile::tempdir().expect("a folder");
        let corpus = dir.path().join("fish/corpus.jsonl");
        std::fs::create_dir_all(corpus.parent().expect("a parent")).expect("a folder");
        std::fs::write(&corpus, "x").expect("a file");
        assert_eq!(of(Format::Beir, &corpus, None).name, "fish");
    }
}
