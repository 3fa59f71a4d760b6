//! What a terminal gets.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;

const TERMINAL: Passage = Passage {
    is_shown: true,
    has_colors: true,
    has_links: false,
};
const PIPE: Passage = Passage {
    is_shown: false,
    has_colors: false,
    has_links: false,
};
const LINKED: Passage = Passage {
    has_links: true,
    ..TERMINAL
};

fn through(passage: Passage, text: &str) -> String {
    String::from_utf8(written(passage, &[text.as_bytes()])).unwrap()
}

#[test]
fn what_a_terminal_obeys_or_hides_is_shown() {
    for (text, shown) in [
        ("a\u{1b}]0;title\u{7}b", "a␛]0;title␇b"),
        ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
        (
            "\u{9b}31m and \u{9d}52;c;x\u{9c}",
            "<U+009B>31m and <U+009D>52;c;x<U+009C>",
        ),
        ("over\rwritten", "over␍written"),
        ("a line\r\nanother\tcell\n", "a line\nanother\tcell\n"),
        ("back\u{8}space\u{7f}\0", "back␈space␡␀"),
        (
            "abc\u{202e}fed\u{2066}x\u{2069}",
            "abc<U+202E>fed<U+2066>x<U+2069>",
        ),
        ("zero\u{200b}width\u{feff}", "zero<U+200B>width<U+FEFF>"),
        ("one\u{2028}two\u{2029}", "one<U+2028>two<U+2029>"),
        ("tag\u{e0041}\u{e007f}", "tag<U+E0041><U+E007F>"),
        ("נ\u{200f} می\u{200c}خواهم 👩\u{200d}🔬", "נ میخواهم 👩🔬"),
        (
            "Erdős, TiO₂, 語, naïve 👍\u{fe0f}",
            "Erdős, TiO₂, 語, naïve 👍\u{fe0f}",
        ),
    ] {
        assert_eq!(through(TERMINAL, text), shown, "{text:?}");
        assert_eq!(through(PIPE, text), text);
    }
    assert_eq!(written(TERMINAL, &[b"a\xffb"]), "a\u{FFFD}b".as_bytes());
    assert_eq!(written(PIPE, &[b"a\xffb"]), b"a\xffb");
}

#[test]
fn styles_are_escape_sequences_where_there_are_colours_and_nothing_elsewhere() {
    let text = format!("{BOLD}a{BOLD:#} {RED}b{RED:#}");
    let colored = "\u{1b}[1ma\u{1b}[0m \u{1b}[1m\u{1b}[31mb\u{1b}[0m";
    assert_eq!(through(TERMINAL, &text), colored);
    assert_eq!(through(PIPE, &text), "a b");
    let plain = Passage {
        has_colors: false,
        ..TERMINAL
    };
    assert_eq!(through(plain, &text), "a b");
}

#[test]
fn an_id_in_cyan_is_a_link_to_its_own_page() {
    let link = |id: &str, address: &str| {
        format!("\u{1b}[36m\u{1b}]8;;{address}\u{1b}\\{id}\u{1b}]8;;\u{1b}\\\u{1b}[0m")
    };
    let named = |name: &str| format!("{CYAN}{name}{CYAN:#}");
    for (id, address) in [
        ("2503.11731", "https://arxiv.org/abs/2503.11731"),
        ("10.1000/a#b", "https://doi.org/10.1000/a%23b"),
    ] {
        assert_eq!(through(LINKED, &named(id)), link(id, address));
        assert_eq!(
            through(TERMINAL, &named(id)),
            format!("\u{1b}[36m{id}\u{1b}[0m")
        );
        assert_eq!(through(PIPE, &named(id)), id);
    }
    for other in [
        "id",
        "lovelace1843",
        "see https://evil.example/",
        "a\u{1b}]8;;x",
    ] {
        assert!(
            !through(LINKED, &named(other)).contains("\u{1b}]8"),
            "{other}"
        );
    }
    // A name that never ends, and one that goes over a line.
    let long = "9".repeat(1000);
    assert_eq!(
        through(LINKED, &format!("{CYAN}{long}")),
        format!("\u{1b}[36m{long}")
    );
    assert_eq!(through(LINKED, &format!("{CYAN}a\nb")), "\u{1b}[36ma\nb");
    assert_eq!(through(LINKED, &format!("{CYAN}a")), "\u{1b}[36ma");
}

#[test]
fn a_message_is_one_line_and_no_word_of_it_is_endless() {
    assert_eq!(one_line("a\nerror: b\u{1b}c"), "a␊error: b␛c");
    assert_eq!(
        one_line("two  spaces and ümläute"),
        "two  spaces and ümläute"
    );
    let cut = one_line(&format!(
        "no answer from https://x.org/?token={} at all",
        "é".repeat(3_000_000)
    ));
    assert!(
        cut.chars().count() < 400 && cut.ends_with("characters more) at all"),
        "{cut}"
    );
}

#[test]
fn of_a_long_message_start_and_end_are_shown() {
    let name = "ümläut ".repeat(200_000);
    let said = one_line(&format!(
        "the follow {name:?} cannot be used: its name is long"
    ));
    assert!(said.len() < 3100, "{} bytes", said.len());
    assert!(said.starts_with("the follow \"ümläut "), "{said}");
    assert!(said.contains(" bytes more) …"), "{said}");
    assert!(said.ends_with("cannot be used: its name is long"), "{said}");
}

/// Stores its input.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(passage: Passage, pieces: &[&[u8]]) -> Vec<u8> {
    let kept = Kept::default();
    let mut door = Door {
        inner: Box::new(kept.clone()),
        passage,
        part: Vec::new(),
        name: None,
    };
    for piece in pieces {
        door.write_all(piece).unwrap();
    }
    drop(door);
    kept.0.lock().unwrap().clone()
}

proptest! {
    #[test]
    fn no_way_of_cutting_text_lets_anything_through(
        text in "[a1.\u{1b}\u{9b}\u{202e}\u{e0041}\u{fdd0}\u{fdd3}\u{fdd5}\r\né👍]{0,20}", at in 0usize..40, to in 0usize..40
    ) {
        let bytes = text.as_bytes();
        let (at, to) = (at.min(bytes.len()), to.min(bytes.len()));
        let (at, to) = (at.min(to), at.max(to));
        let pieces = [&bytes[..at], &bytes[at..to], &bytes[to..]];
        for passage in [TERMINAL, LINKED, PIPE] {
            let whole = written(passage, &[bytes]);
            prop_assert_eq!(&written(passage, &pieces), &whole);
        }
        let shown = String::from_utf8(written(TERMINAL, &[bytes])).unwrap();
        let shown = shown.replace("\u{1b}[1m", "").replace("\u{1b}[36m", "");
        let shown = shown.replace("\u{1b}[0m", "");
        prop_assert!(!shown.chars().any(|c| is_hidden(c) && c != '\n'), "{:?}", shown);
    }
}
