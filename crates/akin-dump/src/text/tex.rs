//! TeX's ways of writing letters: `\'e`, `{\"o}`, `\v{s}`, `\o`, `\ss` to Unicode.
//!
//! In: text that starts with `\` or `{`. Out: the letter and the bytes it took. Commands that are
//! not letters (`\alpha`, `\textit{…}`) are for `tex_commands.rs`.

use unicode_normalization::UnicodeNormalization;

use super::tex_commands;

/// How deep accents may be stacked (Vietnamese needs two).
const MAX_DEPTH: usize = 4;

/// No Greek letter's name in braces is longer.
const MAX_GREEK_BYTES: usize = 10;

/// Reads the letter at the start of `text`; `None` if there is none.
pub(crate) fn letter(text: &str) -> Option<(String, usize)> {
    read_letter(text, 0)
}

fn read_letter(text: &str, depth: usize) -> Option<(String, usize)> {
    if depth > MAX_DEPTH {
        return None;
    }
    if text.starts_with('{') {
        return braced(text, |inner| {
            inner
                .starts_with(['\\', '{'])
                .then(|| read_letter(inner, depth + 1))?
        });
    }
    let rest = text.strip_prefix('\\')?;
    let first = rest.chars().next()?;
    if let Some(mark) = symbol_mark(first) {
        let (letter, used) = accented_by_symbol(first, mark, &rest[1..], depth)?;
        return Some((letter, 2 + used));
    }
    let name_bytes = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = rest.split_at(name_bytes);
    if let Some(special) = special(name) {
        return Some((special.to_string(), 1 + name_bytes + swallowed(rest)));
    }
    let mark = letter_mark(name)?;
    if let Some((letter, used)) = torn_greek(name, rest) {
        return Some((letter.to_string(), 1 + name_bytes + used));
    }
    if !rest.starts_with([' ', '{', '\\', '\n']) {
        return None;
    }
    let (letter, used) = match name {
        "t" => braced(rest, two_letters)?,
        _ => base(rest, depth)?,
    };
    let mut chars = letter.chars();
    let first: String = chars.by_ref().take(1).collect();
    let accented = match name {
        "t" => first + "\u{361}" + chars.as_str(),
        _ => compose(&letter, mark),
    };
    Some((accented, 1 + name_bytes + used))
}

/// A Greek letter whose name was taken for an accent: `\b{eta}` was `\beta`.
fn torn_greek(name: &str, rest: &str) -> Option<(&'static str, usize)> {
    let end = rest.bytes().take(MAX_GREEK_BYTES).position(|b| b == b'}')?;
    let inner = rest[..end].strip_prefix('{')?;
    let letter = tex_commands::greek(&format!("{name}{inner}"))?;
    Some((letter, inner.len() + 2))
}

/// Without braces, a symbol makes a letter only if Unicode has that letter precomposed, and `\"`
/// only a vowel. Otherwise quotes that were escaped twice would become accents.
fn accented_by_symbol(
    symbol: char,
    mark: char,
    rest: &str,
    depth: usize,
) -> Option<(String, usize)> {
    let bare = rest.starts_with(|c: char| c.is_alphabetic());
    if rest.starts_with(char::is_whitespace) {
        return None;
    }
    if bare && symbol == '"' && !rest.starts_with(|c: char| "aeiouyAEIOUY".contains(c)) {
        return None;
    }
    let (base, used) = base(rest, depth)?;
    let letter = compose(&base, mark);
    (!bare || letter.chars().count() == 1).then_some((letter, used))
}

/// The letter that an accent is put on: `e`, `{e}`, `\i`, `{\i}`, `{\^a}`, after any spaces.
fn base(text: &str, depth: usize) -> Option<(String, usize)> {
    let trimmed = text.trim_start();
    let skipped = text.len() - trimmed.len();
    let (letter, used) = match trimmed.chars().next()? {
        '{' => braced(trimmed, |inner| base(inner, depth + 1))?,
        '\\' => dotless(trimmed).or_else(|| read_letter(trimmed, depth + 1))?,
        c if c.is_alphabetic() => (c.to_string(), c.len_utf8()),
        _ => return None,
    };
    (depth <= MAX_DEPTH).then_some((letter, skipped + used))
}

/// `\i` and `\j` under an accent are `i` and `j`.
fn dotless(text: &str) -> Option<(String, usize)> {
    let letter = text[1..]
        .chars()
        .next()
        .filter(|c| matches!(c, 'i' | 'j'))?;
    let rest = &text[2..];
    let alone = !rest.starts_with(|c: char| c.is_ascii_alphabetic());
    alone.then(|| (letter.to_string(), 2 + swallowed(rest)))
}

fn two_letters(text: &str) -> Option<(String, usize)> {
    let pair: String = text.chars().take(2).collect();
    let letters = pair.chars().count() == 2 && pair.chars().all(char::is_alphabetic);
    letters.then(|| {
        let used = pair.len();
        (pair, used)
    })
}

/// Reads `{ inner }`, where `inner` must fill the braces.
fn braced(
    text: &str,
    inner: impl FnOnce(&str) -> Option<(String, usize)>,
) -> Option<(String, usize)> {
    let opened = text.trim_start().strip_prefix('{')?.trim_start();
    let (letter, used) = inner(opened)?;
    let closed = opened[used..].trim_start().strip_prefix('}')?;
    Some((letter, text.len() - closed.len()))
}

/// What TeX swallows after the name of a letter: `{}`, or one space.
fn swallowed(rest: &str) -> usize {
    if rest.starts_with("{}") {
        2
    } else {
        usize::from(rest.starts_with([' ', '\n']))
    }
}

fn compose(base: &str, mark: char) -> String {
    base.chars().chain([mark]).nfc().collect()
}

fn symbol_mark(symbol: char) -> Option<char> {
    Some(match symbol {
        '`' => '\u{300}',
        '\'' => '\u{301}',
        '^' => '\u{302}',
        '~' => '\u{303}',
        '=' => '\u{304}',
        '.' => '\u{307}',
        '"' => '\u{308}',
        _ => return None,
    })
}

fn letter_mark(name: &str) -> Option<char> {
    Some(match name {
        "u" => '\u{306}',
        "r" => '\u{30A}',
        "H" => '\u{30B}',
        "v" => '\u{30C}',
        "d" => '\u{323}',
        "c" => '\u{327}',
        "k" => '\u{328}',
        "b" => '\u{331}',
        "textcommabelow" => '\u{326}',
        "t" => '\u{361}',
        _ => return None,
    })
}

fn special(name: &str) -> Option<char> {
    Some(match name {
        "ss" => 'ß',
        "ae" => 'æ',
        "AE" => 'Æ',
        "oe" => 'œ',
        "OE" => 'Œ',
        "aa" => 'å',
        "AA" => 'Å',
        "o" => 'ø',
        "O" => 'Ø',
        "l" => 'ł',
        "L" => 'Ł',
        "i" => 'ı',
        "j" => 'ȷ',
        "dh" => 'ð',
        "DH" => 'Ð',
        "th" => 'þ',
        "TH" => 'Þ',
        "dj" => 'đ',
        "DJ" => 'Đ',
        "ng" => 'ŋ',
        "NG" => 'Ŋ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let read = letter(text).map(|(letter, used)| letter + "|" + &text[used..]);
        assert_eq!(read.as_deref(), Some(expected), "{text}");
    }

    fn check_left(text: &str) {
        assert_eq!(letter(text), None, "{text}");
    }

    #[test]
    fn symbol_accents_with_and_without_braces() {
        check(r"\'ee", "é|e");
        check(r"\'{e}e", "é|e");
        check(r"{\'e}e", "é|e");
        check(r"\'{ e }e", "é|e");
        check(r"\`a", "à|");
        check(r"\^ole", "ô|le");
        check(r#"\"odinger"#, "ö|dinger");
        check(r#"{\"O}"#, "Ö|");
        check(r"\~ao", "ã|o");
        check(r"\=ans", "ā|ns");
        check(r"\.Zuk", "Ż|uk");
    }

    #[test]
    fn letter_accents_with_and_without_braces() {
        check(r"\v{c}evi", "č|evi");
        check(r"\v cevi", "č|evi");
        check(r"{\v s}", "š|");
        check(r"{{\v{s}}}", "š|");
        check(r"\textcommabelow{s}", "ș|");
        check(r"\H{o}s", "ő|s");
        check(r"{\H o}s", "ő|s");
        check(r"\c{c}a", "ç|a");
        check(r"\k a", "ą|");
        check(r"\r{a}", "å|");
        check(r"\u{g}", "ğ|");
        check(r"\d{a}m", "ạ|m");
        check(r"\b{b}", "ḇ|");
        check(r"\t{oo}", "o\u{361}o|");
    }

    #[test]
    fn accents_on_dotless_and_stacked() {
        check(r"\'\i n", "í|n");
        check(r"\'{\i}n", "í|n");
        check(r"{\'\i}n", "í|n");
        check(r"\u{\i}", "ĭ|");
        check(r"\v{\j}", "ǰ|");
        check(r"\'{\^a}", "ấ|");
        check(r"\'{\ae}", "ǽ|");
    }

    #[test]
    fn special_letters_swallow_a_space_or_braces() {
        check(r"\o stergaard", "ø|stergaard");
        check(r"{\o}rdam", "ø|rdam");
        check(r"\L{}ukasz", "Ł|ukasz");
        check(r"\ss{}", "ß|");
        check(r"\O \ are", r"Ø|\ are");
    }

    #[test]
    fn greek_letters_that_were_torn_are_whole_again() {
        check(r"\b{eta}-decay", "β|-decay");
        check(r"\r{ho}(r)", "ρ|(r)");
        check(r"\c{hi}", "χ|");
    }

    #[test]
    fn what_is_no_letter_is_left() {
        for text in [
            r"\alpha",
            r"\b{et}",
            r"\cite{x}",
            r"\vs",
            r"\'",
            r"\",
            "{",
            "{}",
            r"{\it x}",
            r"\'{}",
            r#"\"hello\""#,
            r#"\" a"#,
            r"\'t",
            r"\v",
            r"\v{",
            r"\'{e",
            r"\t{a}",
            r"\'{\'{\'{\'{\'{\'{\'{e}}}}}}}",
        ] {
            check_left(text);
        }
    }
}
