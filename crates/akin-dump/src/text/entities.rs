//! HTML entities in every spelling that titles and abstracts hold: `&amp;`, `&#39;`, `&#x27;`,
//! `&ccaron;`. Also capitalised after escaping (`&Amp;`, `&NBSP;`), escaped twice (`&amp;lt;`), or
//! without their semicolon if no text could be meant (`caf&eacute of`).
//!
//! In: text that starts with `&`. Out: its text and the bytes it took. The names are those of HTML
//! 5, with ISO's among them, as WHATWG lists them. Unknown names stay as they are: an ampersand in
//! a text is more often an ampersand (`AT&T`, `R&D`, `copy &paste`).

use std::borrow::Cow;

use htmlize::ENTITIES;

/// No name of an entity is longer.
const MAX_NAME_BYTES: usize = 32;

/// No number of a character has more digits.
const MAX_DIGITS: usize = 7;

/// Names shorter than this are recognised in their own spelling only: `PR&AC;` is text.
const MIN_RESPELT_BYTES: usize = 3;

/// Names that are an entity without a semicolon if the word ends with them.
const BARE_WORDS: [&str; 5] = ["amp", "lt", "gt", "quot", "nbsp"];

/// Beginnings that no word has: they mean an entity whatever follows.
const BARE_BEGINNINGS: [&str; 16] = [
    "plusmn", "laquo", "raquo", "nbsp", "szlig", "aelig", "AElig", "oelig", "OElig", "lsquo",
    "rsquo", "ldquo", "rdquo", "ndash", "mdash", "hellip",
];

/// What follows the letter in the names of accented letters, which no word begins with either.
const ACCENTS: [&str; 9] = [
    "acute", "grave", "circ", "tilde", "uml", "cedil", "ring", "slash", "caron",
];

/// ISO's names of Greek letters, without their `gr`, in the order of Unicode: `&agr;`, `&THgr;`.
const GREEK: [&str; 25] = [
    "a", "b", "g", "d", "e", "z", "ee", "th", "i", "k", "l", "m", "n", "x", "o", "p", "r", "sf",
    "s", "t", "u", "ph", "kh", "ps", "oh",
];

/// The text of an entity, and its length in bytes.
type Meant = (Cow<'static, str>, usize);

/// Resolves the entity at the start of `text`; `None` if there is none that is known. `after_space`
/// says that only white space, or nothing at all, precedes it.
pub(crate) fn resolve(text: &str, after_space: bool) -> Option<Meant> {
    let (mut meant, used) = after_ampersand(text.strip_prefix('&')?, after_space)?;
    let mut used = 1 + used;
    // Escaped again, the ampersand of an entity is one itself.
    while meant == "&" {
        match after_ampersand(&text[used..], false) {
            Some((inner, inner_bytes)) => {
                meant = inner;
                used += inner_bytes;
            }
            None => break,
        }
    }
    Some((meant, used))
}

/// Resolves the rest of an entity, from behind its ampersand on.
fn after_ampersand(text: &str, after_space: bool) -> Option<Meant> {
    if let Some(number) = text.strip_prefix('#') {
        return numbered(number).map(|(meant, used)| (meant, used + 1));
    }
    let name = start(text, MAX_NAME_BYTES, |byte| byte.is_ascii_alphanumeric());
    if name.is_empty() {
        return None;
    }
    if text[name.len()..].starts_with(';') {
        let meant = named(name).map(Cow::Borrowed).or_else(|| greek(name));
        return meant.map(|meant| (meant, name.len() + 1));
    }
    unended(text, after_space).map(|(meant, used)| (Cow::Borrowed(meant), used))
}

/// The longest start of `text` whose bytes are all so, up to a limit.
fn start(text: &str, limit_bytes: usize, is_part: impl Fn(u8) -> bool) -> &str {
    let bytes = text.bytes().take(limit_bytes);
    &text[..bytes.take_while(|byte| is_part(*byte)).count()]
}

/// The character of a number in decimal or hexadecimal, from behind its `#` on.
fn numbered(number: &str) -> Option<Meant> {
    let (prefix, radix) = match number.as_bytes().first()? {
        b'x' | b'X' => (1, 16),
        _ => (0, 10),
    };
    let is_digit = |byte: u8| char::from(byte).is_digit(radix);
    let digits = start(&number[prefix..], MAX_DIGITS, is_digit);
    let rest = &number[prefix + digits.len()..];
    let is_ended = rest.starts_with(';');
    // Letters go on with a hexadecimal number, and one digit is a place in a list: `&#1`.
    let may_stop = match radix {
        10 => digits.len() > 1,
        _ => !rest.starts_with(|c: char| c.is_alphanumeric()),
    };
    if !is_ended && !may_stop {
        return None;
    }
    let meant = character(u32::from_str_radix(digits, radix).ok()?)?;
    let used = prefix + digits.len() + usize::from(is_ended);
    Some((meant.to_string().into(), used))
}

fn character(code: u32) -> Option<char> {
    if let Ok(byte @ 0x80..=0x9F) = u8::try_from(code) {
        // As every browser reads them: meant is the character that Windows has there.
        return encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next();
    }
    char::from_u32(code).filter(|&c| c != '\0')
}

/// The text of an HTML entity's name.
fn of_html(name: &str) -> Option<&'static str> {
    let mut key = [b'&'; MAX_NAME_BYTES + 2];
    let end = 1 + name.len();
    key.get_mut(1..end)?.copy_from_slice(name.as_bytes());
    *key.get_mut(end)? = b';';
    let meant = ENTITIES.get(&key[..=end])?;
    std::str::from_utf8(meant).ok()
}

/// The text of a name, in its own spelling or as titles are capitalised.
fn named(name: &str) -> Option<&'static str> {
    if let Some(meant) = of_html(name) {
        return Some(meant);
    }
    if name.len() < MIN_RESPELT_BYTES || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let capitalised = format!("{}{}", &name[..1], &lower[1..]);
    of_html(&capitalised).or_else(|| of_html(&lower))
}

/// The Greek letter of an ISO name.
fn greek(name: &str) -> Option<Cow<'static, str>> {
    let name = name.strip_suffix("gr")?;
    let lower = name.to_ascii_lowercase();
    let at = GREEK.iter().position(|known| *known == lower)?;
    let letter = char::from_u32(0x3B1 + u32::try_from(at).ok()?)?;
    let is_capital = name.starts_with(|c: char| c.is_ascii_uppercase());
    let letter = letter.to_string();
    Some(Cow::Owned(if is_capital {
        letter.to_uppercase()
    } else {
        letter
    }))
}

/// The text of an entity without a semicolon, and the length of its name.
fn unended(text: &str, after_space: bool) -> Option<(&'static str, usize)> {
    let word = start(text, MAX_NAME_BYTES, |byte| byte.is_ascii_alphabetic());
    let rest = &text[word.len()..];
    let known = |name: &str| Some((of_html(name)?, name.len()));
    if BARE_WORDS.contains(&word) && !rest.starts_with(char::is_alphabetic) {
        return known(word);
    }
    // `R&ampD`, but "ampere" and "amplifier" go on in small letters.
    let after_amp = word.strip_prefix("amp");
    if after_amp.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())) {
        return known("amp");
    }
    let lower = word.to_ascii_lowercase();
    let stands_alone = after_space && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    if stands_alone && BARE_WORDS.contains(&&*lower) {
        return of_html(&lower).map(|meant| (meant, word.len()));
    }
    let beginnings = BARE_BEGINNINGS.iter().map(|beginning| beginning.len());
    let accented = ACCENTS.iter().map(|accent| 1 + accent.len());
    beginnings.chain(accented).find_map(|length| {
        let name = word.get(..length)?;
        let is_accented = ACCENTS.contains(&&name[1..]);
        (is_accented || BARE_BEGINNINGS.contains(&name)).then(|| known(name))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = resolve(text, true).map(|(meant, used)| format!("{meant}|{}", &text[used..]));
        assert_eq!(shown.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn names_and_numbers_are_resolved() {
        check("&amp; B", "&| B");
        check("&#39;s", "'|s");
        check("&#x1D4;", "ǔ|");
        check("&#64257;nite", "ﬁ|nite");
        check("&eacute;", "é|");
        check("&yuml;", "ÿ|");
        check("&nbsp;", "\u{a0}|");
        check("&omega;", "ω|");
        check("&Omega;", "Ω|");
        check("&mu;-calculus", "μ|-calculus");
        check("&#150;", "–|");
        check("&#x92;s", "’|s");
        check("&sube;", "⊆|");
    }

    #[test]
    fn names_of_html_5_and_of_iso_are_known() {
        check("&epsi;", "ε|");
        check("&ccaron;", "č|");
        check("&Zcaron;", "Ž|");
        check("&inodot;", "ı|");
        check("&ThinSpace;", "\u{2009}|");
        check("&lsqb;", "[|");
        check("&les;", "⩽|");
        check("&fjlig;", "fj|");
        check("&agr;", "α|");
        check("&sgr;", "σ|");
        check("&THgr;", "Θ|");
        check("&ohgr;", "ω|");
        check("&CounterClockwiseContourIntegral;", "∳|");
    }

    #[test]
    fn names_that_were_capitalised_are_known() {
        check("&Amp; B", "&| B");
        check("&AMP;", "&|");
        check("&LT;", "<|");
        check("&QUOT;", "\"|");
        check("&Nbsp;", "\u{a0}|");
        check("&NDASH;", "–|");
        check("&OMEGA;", "Ω|");
        check("&EACUTE;", "É|");
    }

    #[test]
    fn what_was_escaped_again_is_resolved_again() {
        check("&amp;amp; B", "&| B");
        check("&amp;lt;", "<|");
        check("&amp;amp;#39;s", "'|s");
        check("&#38;eacute;", "é|");
        check("&Amp;Lt;", "≪|");
        check("&amp;D", "&|D");
        check("&amp;c.", "&|c.");
    }

    #[test]
    fn a_semicolon_may_lack_where_no_text_is_meant() {
        check("&amp dogs", "&| dogs");
        check("&ampD", "&|D");
        check("&lt 0.05", "<| 0.05");
        check("&lt0.05", "<|0.05");
        check("&gt", ">|");
        check("&eacute of", "é| of");
        check("&eacutes of", "é|s of");
        check("&oslashrsted", "ø|rsted");
        check("&rsquos", "’|s");
        check("&plusmn 2", "±| 2");
        check("&#39s", "'|s");
        check("&#8212 x", "—| x");
        check("&#x2014 x", "—| x");
        check("&Amp dogs", "&| dogs");
        check("&AMP", "&|");
    }

    #[test]
    fn what_is_no_entity_is_left() {
        for text in [
            "&",
            "& B;",
            "&;",
            "&#;",
            "&#x;",
            "&#1 of",
            "&#xD800;",
            "&#0;",
            "&#99999999999;",
            "&unknown;",
            "&\u{e9};",
            "&averyveryverylongnameofnothingatall;",
            "&T",
            "&D",
            "&c.",
            "&ampere",
            "&Amplifier",
            "&ltd",
            "&copy paste",
            "&notes",
            "&reg",
            "&during",
            "&AC;",
            "&x2014",
        ] {
            assert_eq!(resolve(text, true), None, "{text}");
        }
        for text in ["&LT", "&Amp it"] {
            assert_eq!(resolve(text, false), None, "{text}");
        }
    }
}
