//! Random bytes, random text and spoilt samples: nothing panics, and clean text is clean.

use proptest::prelude::*;

use super::{GOOD, gzip, open, sample};
use crate::text::{arxiv_number, clean, dates, names};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(dump) = open("x", bytes) {
            dump.count();
        }
    }

    #[test]
    fn no_text_of_json_and_tex_panics(text in "[\\[{}\\]\",:\\\\$~&;#a-c'é \n0-9u.]{0,200}") {
        let _ = clean::clean(&text);
        let _ = (names::split(&text), names::indexed(&text));
        let _ = names::in_text(&text, names::Order::Unknown);
        let _ = dates::day(&text);
        let _ = arxiv_number::repair(&text);
        let wrapped = format!("{GOOD}\n{text}");
        prop_assert!(open("x", wrapped).expect("a dump").count() >= 1);
        let array = format!("[{GOOD},{text}");
        prop_assert!(open("x", array).expect("a dump").count() >= 1);
    }

    #[test]
    fn no_mutated_sample_panics(which in 0..6_usize, at in 0.0..1.0_f64, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = sample([
            "formats/arxiv-snapshot.jsonl", "formats/hf-daily-api.json", "formats/hf-daily-scrape.json",
            "formats/generic.jsonl", "formats/search-mean-field.txt", "formats/daily/2026-04-10.jsonl",
        ][which]);
        bytes.truncate(16 << 10);
        let place = (at * bytes.len() as f64) as usize;
        bytes[place] = byte;
        if cut {
            bytes.truncate(place + 1);
        }
        for bytes in [gzip(&bytes), bytes] {
            if let Ok(dump) = open("x", bytes) {
                dump.count();
            }
        }
    }

    #[test]
    fn clean_text_has_one_line_and_no_double_spaces(text in "\\PC{0,60}[ \n\t\u{a0}]{0,3}\\PC{0,60}") {
        let cleaned = clean::clean(&text);
        prop_assert!(!cleaned.contains(['\n', '\t']) && !cleaned.contains("  "));
        prop_assert_eq!(cleaned.trim(), cleaned.as_ref());
    }
}
