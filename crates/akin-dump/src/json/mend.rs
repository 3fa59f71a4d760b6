//! JSON as programs write it that do not keep to the rules, Python first of all, as JSON.
//!
//! In: text that serde_json could not read. Out: the same with
//!
//! | found | becomes |
//! |---|---|
//! | `NaN`, `Infinity`, `-Infinity`, `None`, `undefined`, a number that no double holds | `null` |
//! | `True`, `False` | `true`, `false` |
//! | half a surrogate pair, `\ud835` | `\ufffd` |
//! | a control character in a string | a space |
//!
//! Other errors stay. This runs only when serde_json cannot read a dump, so sound JSON costs
//! nothing.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Words for a missing value.
const NOTHING: [&str; 8] = [
    "NaN",
    "nan",
    "Infinity",
    "inf",
    "Inf",
    "None",
    "undefined",
    "NaT",
];

/// Reads JSON, and almost-JSON at a second try.
pub(crate) fn read<T, E>(json: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<T, E> {
    read(json).or_else(|error| match mended(json) {
        Some(mended) => read(&mended),
        None => Err(error),
    })
}

/// Whether all of `bytes` is one value.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    let is_json = |bytes: &[u8]| serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    is_json(bytes)
        || mended(&String::from_utf8_lossy(bytes)).is_some_and(|text| is_json(text.as_bytes()))
}

/// A text with the parts replaced that serde_json cannot read; `None` if there are none.
pub(crate) fn mended(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let (used, written) = match c {
            '"' => string(rest),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '+' => word(rest),
            _ => (c.len_utf8(), Cow::Borrowed(&rest[..c.len_utf8()])),
        };
        out.push_str(&written);
        rest = &rest[used..];
    }
    (out != json).then_some(out)
}

/// UTF-8 text with encoded surrogates, which Python's `surrogatepass` and MySQL's `utf8` write. A
/// pair becomes its character, a lone surrogate U+FFFD. `None` if anything else is invalid UTF-8.
pub(crate) fn without_surrogates(bytes: &[u8]) -> Option<String> {
    let unit = |at: usize| match bytes.get(at..at + 3)? {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    };
    let mut sound = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let Some(first) = unit(at) else {
            sound.push(byte);
            at += 1;
            continue;
        };
        let pair = unit(at + 3).map(|second| [first, second]);
        let whole = pair.and_then(|pair| char::decode_utf16(pair).next()?.ok());
        at += if whole.is_some() { 6 } else { 3 };
        let c = whole.unwrap_or(char::REPLACEMENT_CHARACTER);
        sound.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8(sound).ok()
}

/// The string at the start of `rest`, and its replacement.
fn string(rest: &str) -> (usize, Cow<'_, str>) {
    let bytes = rest.as_bytes();
    let mut end = 1;
    let mut is_sound = true;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'"' => break,
            b'\\' => {
                is_sound &= !matches!(bytes.get(end + 1), Some(b'u' | ..b' '));
                end += 1;
            }
            ..b' ' => is_sound = false,
            _ => {}
        }
        end += 1;
    }
    // A backslash may come last, with a character of several bytes after it.
    end = (end + 1).min(bytes.len());
    while !rest.is_char_boundary(end) {
        end += 1;
    }
    let text = &rest[..end];
    let written = if is_sound {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(sound(text))
    };
    (end, written)
}

/// A string without invalid characters.
fn sound(string: &str) -> String {
    let mut out = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(at) = rest.find(|c: char| c == '\\' || c < ' ') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                out.push_str(&rest[..12]);
                12
            }
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                6
            }
            _ if rest.starts_with('\\') => {
                let escape: String = rest.chars().take(2).collect();
                // A line that ends in a backslash goes on: both are dropped.
                if !escape.ends_with(|c: char| c < ' ') {
                    out.push_str(&escape);
                }
                escape.len()
            }
            _ => {
                out.push(' ');
                1
            }
        };
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

/// The code unit of an escape at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// The number or the word at the start of `rest`, and its replacement.
fn word(rest: &str) -> (usize, Cow<'_, str>) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let word = &rest[..end];
    let written = match word {
        "True" => "true",
        "False" => "false",
        _ if NOTHING.contains(&word.trim_start_matches(['-', '+'])) => "null",
        _ if word.parse().is_ok_and(f64::is_infinite) => "null",
        _ => word,
    };
    (end, Cow::Borrowed(written))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a text is read as, or that it is not read.
    #[track_caller]
    fn check(json: &str, expected: &str) {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text);
        let read = match read(json, value) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(read, expected, "{json}");
    }

    #[test]
    fn values_that_are_none_are_null() {
        check(
            r#"{"a": NaN, "b":[Infinity,-Infinity, 1]}"#,
            r#"{"a":null,"b":[null,null,1]}"#,
        );
        check(
            r#"[None,True,False,nan,-inf,undefined]"#,
            "[null,true,false,null,null,null]",
        );
        check("[1e999, -1e999, 1e30]", "[null,null,1e+30]");
        check("NaN", "null");
        check(
            r#"{"NaN": "NaN \" Infinity", "b": NaN}"#,
            r#"{"NaN":"NaN \" Infinity","b":null}"#,
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_a_replacement() {
        check(r#""a \ud835 b""#, "\"a \u{fffd} b\"");
        check(r#""\udc00\ud835""#, "\"\u{fffd}\u{fffd}\"");
        assert!(!is_value(br#""\ud835 \ud8""#));
        check(r#""\ud835\ud835\udc00\u0041""#, "\"\u{fffd}\u{1d400}A\"");
        check(r#""\\ud835 \ud835""#, "\"\\\\ud835 \u{fffd}\"");
        check(r#"{"\ud835": 1}"#, "{\"\u{fffd}\":1}");
    }

    #[test]
    fn surrogates_that_were_written_as_characters_are_read() {
        let check = |bytes: &[u8], expected: Option<&str>| {
            assert_eq!(without_surrogates(bytes).as_deref(), expected, "{bytes:?}");
        };
        check(b"a\xED\xA0\xB5 b", Some("a\u{fffd} b"));
        check(b"\xED\xA0\xB5\xED\xB0\x80", Some("\u{1d400}"));
        check(b"\xED\xB0\x80\xED\xA0\xB5", Some("\u{fffd}\u{fffd}"));
        check(b"\xED\xA0", None);
        check(b"caf\xE9 \xED\xA0\xB5", None);
    }

    #[test]
    fn control_characters_are_spaces() {
        check("\"a\tb\u{0}c\rd\"", "\"a b c d\"");
        check("{\"a\tb\":\t\"\u{1b}[0m\"}", "{\"a b\":\" [0m\"}");
        check("\"a\\\tb\\n\tc\"", "\"ab\\n c\"");
    }

    #[test]
    fn what_is_broken_stays_broken() {
        for broken in [
            "{\"a\": NaN",
            "[NaN,]",
            "{NaN: 1}",
            "\"\\x\tb\"",
            "\"NaN",
            "\"\\",
            "[nil]",
        ] {
            assert!(!is_value(broken.as_bytes()), "{broken}");
        }
        assert_eq!(mended(r#"{"a": [1, -2.5e3, "x\u00e9", true, null]}"#), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_sound_json_stays(pieces in prop::collection::vec(
            prop::sample::select(vec!["\"", "\\", "\\u", "d835", "dc00", "\t", "NaN", "-", "é", "😀", "{", "1e999", ",", " "]),
            0..24,
        )) {
            let text = pieces.concat();
            let mended = mended(&text);
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert_eq!(mended, None);
            }
        }
    }
}
