//! Every reader over spoilt dumps of its format: none panics, every record that is given can be
//! stored and shown, and reading ends.

use std::collections::BTreeSet;
use std::fs;

use akin_base::error::Result;
use akin_base::paper::Paper;
use akin_testing::fuzz::fuzz;

use super::{gzip, open, zstd};
use crate::format::Framing;
use crate::registry::*;
use crate::*;

/// The longest seed: what is long is slow and has no more in it.
const SEED_BYTES: usize = 6 << 10;

/// Pieces of the formats that mean something where they stand, and where they do not.
const TOKENS: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\t",
    ",",
    ";",
    "\"",
    "\"\"",
    "'",
    "\\",
    "\\\\\n",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "-0",
    "1e999",
    "18446744073709551616",
    ":",
    "\\u0000",
    "\\ud800",
    "\\udc00\\ud83d",
    "<",
    ">",
    "/>",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml",
    "?>",
    "<!DOCTYPE x [<!ENTITY a \"b\">]>",
    "&",
    "&amp;",
    "&#0;",
    "&#x110000;",
    "&#xD800;",
    "&a;",
    "xmlns:",
    "@",
    "@article{",
    "@string{",
    "@comment",
    "@preamble{",
    "#",
    "=",
    "{\\\"",
    "$",
    "$$",
    "\\begin{",
    "\\end{",
    "\\'",
    "\\v",
    "~",
    "%0 ",
    "%",
    "TY  - ",
    "ER  - ",
    "AB  - ",
    "PMID- ",
    "PT ",
    "ER\n",
    "EF\n",
    "FN ",
    "VR ",
    "------------",
    "arXiv:",
    "Date: ",
    "0000-00-00",
    "9999-12-31",
    "10000-01-01",
    "2020-02-30",
    "Feb 30",
    "0",
    "\u{0}",
    "\u{1}",
    "\u{feff}",
    "\u{200b}",
    "\u{301}",
    "\u{2028}",
    "\u{fffd}",
    "é",
    "ß",
    "İ",
    "\u{1d54f}",
    "👩\u{200d}🔬",
    "id",
    "title",
    "abstract",
    "authors",
    "date",
    "2503.11731",
    "hep-th/9901001v99",
    "10.1000/",
    "doi:",
    "http://",
    "  ",
];

/// Dumps of every format, with their names.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let data = akin_testing::data("");
    let mut folders = vec![data.join("seeds"), data.join("formats")];
    let mut seeds = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("a folder of seeds");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).expect("a seed");
            bytes.truncate(SEED_BYTES);
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            seeds.push((name, bytes));
        }
    }
    #[cfg(feature = "arrow")]
    {
        use crate::tests::table::{arrow_file_of_two, parquet_of_two, two_batches};
        seeds.push(("table.arrows".to_owned(), two_batches()));
        seeds.push(("table.arrow".to_owned(), arrow_file_of_two()));
        seeds.push(("table.parquet".to_owned(), parquet_of_two()));
    }
    let (name, bytes) = (
        "refs.ris",
        seeds.iter().find(|(name, _)| name == "refs.ris"),
    );
    let bytes = bytes.expect("a seed").1.clone();
    seeds.push((format!("{name}.gz"), gzip(&bytes)));
    seeds.push((format!("{name}.zst"), zstd(&bytes)));
    let utf16 = String::from_utf8(bytes).expect("text");
    let utf16 = std::iter::once(0xFEFF).chain(utf16.encode_utf16());
    seeds.push((
        format!("{name}.utf16"),
        utf16.flat_map(u16::to_be_bytes).collect(),
    ));
    seeds
}

/// Reads everything and looks at all of it.
fn read_whole(name: &str, bytes: &[u8]) -> Result<(Format, usize), String> {
    // Parquet is read from its end, so it wants a file.
    let file;
    let dump = if name.ends_with("parquet") {
        file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), bytes).expect("a file");
        Dump::open(
            &Source::File(file.path().to_owned()),
            &ReadOptions::default(),
        )
    } else {
        open(name, bytes)
    };
    let mut dump = dump.map_err(|error| format!("{name}: {error}"))?;
    let (mut n_items, mut n_papers) = (0, 0);
    while let Some(item) = dump.next_item() {
        n_items += 1;
        // Compressed, a few bytes are many records.
        if n_items > 1000 * (bytes.len() + 1) {
            panic!("{name}: no end of items");
        }
        match item {
            Err(rejected) => {
                let _ = rejected.to_string();
                if rejected.reason.ends_the_dump() {
                    break;
                }
            }
            Ok(item) => {
                let Some(paper) = item.into_paper() else {
                    continue;
                };
                n_papers += 1;
                check_paper(&paper);
            }
        }
    }
    Ok((dump.format(), n_papers))
}

/// What is given as a paper can be stored, and comes out of the store as it went in.
#[track_caller]
fn check_paper(paper: &Paper) {
    assert!(!paper.id.as_str().is_empty(), "{paper:?}");
    let json = serde_json::to_string(paper).expect("plain data");
    let stored: Paper = serde_json::from_str(&json).expect("a record");
    assert_eq!(&stored, paper);
    for text in [&paper.title, &paper.abstract_text] {
        assert!(!text.contains('\0'), "{paper:?}");
    }
    let _ = (paper.passage(), paper.text_hash(), paper.record_hash());
}

#[test]
fn fuzz_readers() {
    let (names, seeds): (Vec<String>, Vec<Vec<u8>>) = seeds().into_iter().unzip();
    let mut formats = BTreeSet::new();
    for (name, seed) in names.iter().zip(&seeds) {
        let read = read_whole(name, seed);
        if let Ok((format, n_papers)) = read
            && n_papers > 0
        {
            formats.insert(format!("{format:?}"));
        } else {
            // A folder's other files: judgments, and what was cut within its first record.
            assert!(
                !name.starts_with("refs") && !name.starts_with("table"),
                "{name}: {read:?}"
            );
        }
    }
    // Arrow and Parquet are read in builds with the feature only.
    let is_read = |format: &Format| cfg!(feature = "arrow") || format.framing() != Framing::Table;
    let known: BTreeSet<String> = Format::all()
        .filter(is_read)
        .map(|format| format!("{format:?}"))
        .collect();
    assert_eq!(formats, known, "every format has a seed");
    println!("seeds of {} formats: {formats:?}", formats.len());
    fuzz("readers", &seeds, TOKENS, |which, bytes| {
        // That it is no dump is an answer too.
        let _ = read_whole(&names[which], bytes);
        Ok(())
    });
}
