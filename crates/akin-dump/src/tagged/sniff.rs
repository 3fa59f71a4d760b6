//! The format of a bibliography, recognised by its first lines.

use crate::format::FormatReader;
use crate::registry::Format;

/// The format of a text, recognised by its start.
pub(crate) fn sniff(start: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(start);
    Format::all().find(|format| match &format.spec().reader {
        FormatReader::Tagged(spec) => (spec.looks_like)(&text),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Framed, MAX_LINE_BYTES};
    use crate::record::DumpContext;

    const FORMATS: [Format; 6] = [
        Format::Ris,
        Format::Medline,
        Format::EndNote,
        Format::WebOfScience,
        Format::ArxivAbs,
        Format::Bibtex,
    ];

    /// Pieces of all formats, to be put together at random.
    const PIECES: [&str; 56] = [
        "\n",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "  ",
        "      ",
        "   ",
        ",",
        ", ",
        ";",
        "x",
        "Roe",
        "J.",
        "é",
        "王",
        "and",
        " and ",
        "=",
        "#",
        "\"",
        "{",
        "{",
        "}",
        "}",
        "(",
        ")",
        "\\",
        "\\\\",
        "$",
        "%",
        "@a{k,",
        "@string{s = {v}}",
        "@comment{",
        "title = {x}",
        "author = ",
        "year = 2000",
        "TY  - JOUR",
        "ER  -",
        "TI  - x",
        "AU  - Roe, J",
        "PMID- 7",
        "MH  - *a/b",
        "TI  - [x].",
        "%0 Book",
        "%T x",
        "%A Roe, J",
        "PT J",
        "TI x",
        "ER",
        "arXiv:2503.11731",
        "Title: x",
        "Date: Mon, 3 Mar 2025 10:00:00 GMT   (0kb,I)",
        "Authors: J. Roe",
        "----------------------------",
    ];

    proptest! {
        #[test]
        fn no_text_panics_and_all_end(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
            let text: String = pieces.iter().map(|&piece| PIECES[piece]).collect();
            sniff(text.as_bytes());
            for format in FORMATS {
                let bytes = Box::new(std::io::Cursor::new(text.clone().into_bytes()));
                let FormatReader::Tagged(spec) = &format.spec().reader else {
                    panic!("{format} has no tags");
                };
                let mut frame = (spec.frame)(bytes);
                let mut context = DumpContext::default();
                let mut buffer = Vec::new();
                let mut chunks = 0;
                while !matches!(frame.next_chunk(&mut buffer), Framed::End) {
                    chunks += 1;
                    prop_assert!(chunks <= text.len() && buffer.len() <= MAX_LINE_BYTES);
                    frame.set_context(&mut context);
                    let record = String::from_utf8_lossy(&buffer);
                    let _ = (spec.read)(record.trim(), &context);
                }
            }
        }
    }

    fn check(start: &str, expected: Option<Format>) {
        assert_eq!(sniff(start.as_bytes()), expected, "{start}");
    }

    #[test]
    fn formats_are_told_by_their_first_lines() {
        check("1.\r\nTY  - JOUR\r\n", Some(Format::Ris));
        check("PMID- 1\nOWN - NLM", Some(Format::Medline));
        check("%0 Journal Article\n%T x", Some(Format::EndNote));
        check("FN Clarivate\nVR 1.0\nPT J", Some(Format::WebOfScience));
        check("@misc{k, title = {x}}", Some(Format::Bibtex));
        check("\\\\\narXiv:2503.11731\n", Some(Format::ArxivAbs));
    }

    #[test]
    fn other_texts_are_none_of_them() {
        for text in [
            "",
            "title,abstract\nTY  - JOUR,x",
            "A title\n\nAn abstract that goes on. PMID- 5",
            "PT\tAU\tTI\nJ\tx\ty",
            "%PDF-1.7",
            "%!PS-Adobe",
            "% a comment\n\\section{x}",
            "TYPE - x\nAB - y",
            "caf\u{fffd} au lait",
        ] {
            check(text, None);
        }
    }
}
