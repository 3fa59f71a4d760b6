//! Names as the columns of exports list them.
//!
//! In: one cell. Out: names in reading order. `['Marx, Karl', 'Lindgren, Astrid']` is Python's way
//! of writing a list; `Madani, Tariq A; Doe, Jane` lists families first, and `Liu R., Adler D.G.`
//! does so too, with initials.

use super::names;

/// Names that commas, semicolons or a list separate.
pub(super) fn listed(text: &str) -> Vec<String> {
    if let Some(elements) = elements(text) {
        return elements
            .iter()
            .filter_map(|name| names::family_first(name))
            .collect();
    }
    let listed = names::split(text);
    let turned: Option<Vec<String>> = listed.iter().map(|name| by_initials(name)).collect();
    turned.unwrap_or(listed)
}

/// Names that semicolons separate, each with its family first; what stands in parentheses, such
/// as an index's number of the author, goes.
pub(super) fn families_first(text: &str) -> Vec<String> {
    if let Some(elements) = elements(text) {
        return elements
            .iter()
            .filter_map(|name| names::family_first(name))
            .collect();
    }
    let bare = |name: &'_ str| names::family_first(name.split('(').next().unwrap_or(name));
    text.split(';').filter_map(bare).collect()
}

/// The texts of a list as Python or JSON write it.
pub(super) fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut elements = Vec::new();
    let mut rest = inner.trim_start();
    while let Some(quote) = rest.chars().next() {
        if !matches!(quote, '\'' | '"') {
            return None;
        }
        let (element, after) = quoted(&rest[1..], quote)?;
        elements.push(element);
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some(elements)
}

/// A text up to its closing quote, and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => element.push(chars.next()?.1),
            c if c == quote => return Some((element, &text[at + 1..])),
            c => element.push(c),
        }
    }
    None
}

/// `Adler D.G.` as `D.G. Adler`; `None` where no initials end the name.
fn by_initials(name: &str) -> Option<String> {
    let (family, last) = name.rsplit_once(' ')?;
    // PubMed ends its list with a full stop.
    let is_end = last.len() > 2 && last.find('.') == Some(last.len() - 1);
    let name = if is_end {
        name.trim_end_matches('.')
    } else {
        name
    };
    let turned = names::initials_last(name)?;
    (turned != name && family.contains(char::is_lowercase)).then_some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(listed(text), expected, "{text}");
    }

    #[test]
    fn lists_of_every_kind_are_read() {
        check(
            "['Marx, Karl', 'Lindgren, Astrid']",
            &["Karl Marx", "Astrid Lindgren"],
        );
        check(
            r#"["O'Neil, A", "Ada Lovelace"]"#,
            &["A O'Neil", "Ada Lovelace"],
        );
        check(r"['O\'Neil, A',]", &["A O'Neil"]);
        check("[]", &[]);
        check("Liu R., Adler D.G.", &["R. Liu", "D.G. Adler"]);
        check("Madani TA, Al-Ghamdi AA.", &["TA Madani", "AA Al-Ghamdi"]);
        check(
            "Madani, Tariq A; Doe, Jane",
            &["Tariq A Madani", "Jane Doe"],
        );
        check("Ada Lovelace, C. Babbage", &["Ada Lovelace", "C. Babbage"]);
        check("John Doe II, Jane Roe", &["John Doe II", "Jane Roe"]);
        check("", &[]);
    }

    #[test]
    fn families_come_first_where_they_must() {
        let check = |text: &str, expected: &[&str]| assert_eq!(families_first(text), expected);
        check("Madani, Tariq A", &["Tariq A Madani"]);
        check(
            "Liu, Rui (572); Adler, Douglas G. (35)",
            &["Rui Liu", "Douglas G. Adler"],
        );
        check(
            "Doe, John, Jr.; WHO Ebola Team; ",
            &["John Doe Jr.", "WHO Ebola Team"],
        );
        check("", &[]);
    }
}
