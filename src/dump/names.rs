//! Lists of authors written as one string, to names.
//!
//! `A. Author (1), B. Author and C. Author, for the X Collaboration ((1) University)` is three
//! names: what stands in parentheses, `et al.` and "for the …" or "on behalf of …" are dropped; a
//! collaboration that signs as an author is kept; `Jr.` and initials that a comma cut off go back
//! to their name, and `Doe, J.; Roe, R.` is turned round.

use super::clean::clean;

/// Splits a string of authors into clean names.
pub(super) fn split(authors: &str) -> Vec<String> {
    let mut cleaned = clean(authors).into_owned();
    if cleaned.contains(['~', '\\']) {
        cleaned = cleaned
            .replace(" ~", " ")
            .replace('~', " ")
            .replace(" \\and ", " and ");
    }
    let bare = if cleaned.contains('(') {
        without_parentheses(&cleaned)
    } else {
        cleaned
    };
    let parts: Vec<&str> = bare
        .split(';')
        .map(trim_name)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.len() > 1 && parts.iter().all(|part| part.matches(',').count() == 1) {
        return parts.iter().map(|part| turned_round(part)).collect();
    }
    let listed = parts.iter().flat_map(|part| part.split(','));
    if bare.split(' ').any(is_between_names) {
        let whole = listed.flat_map(split_and).map(without_behalf);
        return gathered(whole.map(without_et_al));
    }
    gathered(listed)
}

/// Words that stand between names or after them, where an author's own words do not.
fn is_between_names(word: &str) -> bool {
    let bare = word.trim_end_matches(',');
    ["and", "&", "for", "on", "et"]
        .iter()
        .any(|known| bare.eq_ignore_ascii_case(known))
        || bare.ends_with(':')
}

/// Names from parts, with what a comma cut off put back.
fn gathered<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts.map(trim_name) {
        match names.last_mut() {
            _ if !part.contains(char::is_alphanumeric) => {}
            Some(last) if is_suffix(part) => {
                last.push(' ');
                last.push_str(part);
            }
            Some(last) if is_initials(part) && !last.contains(['.', ' ']) => {
                *last = format!("{part} {last}");
            }
            _ => names.push(part.to_owned()),
        }
    }
    names
}

/// Cleans a name that stands alone: the comma of a list it was cut from goes.
pub(super) fn single(name: &str) -> Option<String> {
    let cleaned = clean(name);
    let name = trim_name(&cleaned);
    name.contains(char::is_alphanumeric)
        .then(|| name.to_owned())
}

/// Joins the parts of a name, such as given name, family name and suffix.
pub(super) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect();
    single(&words.join(" ")).map(|name| name.replace(". -", ".-"))
}

/// Reads a name that stands alone and may be written family name first: `Lovelace, Ada`,
/// `King, Martin Luther, Jr.`, `King, Jr., Martin Luther`, `King, Martin Luther Jr`.
///
/// A name without a comma is in its order already.
pub(super) fn family_first(name: &str) -> Option<String> {
    let cleaned = clean(name);
    let mut parts = cleaned.splitn(3, ',').map(str::trim);
    let family = parts.next().unwrap_or("");
    let (mut given, mut suffix) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    if is_suffix(given) {
        std::mem::swap(&mut given, &mut suffix);
    } else if let Some((rest, last)) = given.rsplit_once(' ').filter(|_| suffix.is_empty())
        && is_suffix(last)
    {
        (given, suffix) = (rest, last);
    }
    joined([given, family, suffix])
}

/// Reads a name whose initials follow it without a comma, as indexes write it: `Lovelace AK`,
/// `van der Berg J`, `King ML Jr`.
pub(super) fn initials_last(name: &str) -> Option<String> {
    let cleaned = clean(name);
    let (bare, suffix) = match cleaned.rsplit_once(' ') {
        Some((rest, last)) if is_suffix(last) => (rest, last),
        _ => (&*cleaned, ""),
    };
    let is_initials = |word: &str| {
        word.chars().count() <= 4
            && word
                .chars()
                .all(|c| c.is_uppercase() || c == '-' || c == '.')
    };
    match bare.rsplit_once(' ') {
        Some((family, initials)) if is_initials(initials) => joined([initials, family, suffix]),
        _ => single(&cleaned),
    }
}

fn trim_name(part: &str) -> &str {
    part.trim_matches(|c: char| c.is_whitespace() || ",;:*".contains(c))
}

/// Drops what stands in parentheses, nested or not; an open one that nothing closes is dropped to
/// the end.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Splits at "and", "&", and after a collaboration's colon.
fn split_and(part: &str) -> Vec<&str> {
    part.split(" and ")
        .flat_map(|part| part.split(" & "))
        .flat_map(|part| part.split(": "))
        .map(|part| part.trim())
        .map(|part| part.strip_prefix("and ").unwrap_or(part))
        .map(|part| if part == "and" { "" } else { part })
        .map(|part| part.strip_suffix(" and").unwrap_or(part))
        .collect()
}

/// What stands before "on behalf of …" or "for the … Collaboration".
fn without_behalf(part: &str) -> &str {
    let lower = part.to_ascii_lowercase();
    ["on behalf of ", "for the ", "for and on behalf of "]
        .iter()
        .filter_map(|phrase| lower.find(phrase))
        .filter(|&at| at == 0 || lower.as_bytes()[at - 1] == b' ')
        .min()
        .map_or(part, |at| &part[..at])
}

fn without_et_al(part: &str) -> &str {
    ["et al.", "et al", "et. al.", "et. al"]
        .iter()
        .find_map(|phrase| part.strip_suffix(phrase))
        .filter(|name| name.is_empty() || name.ends_with(' '))
        .unwrap_or(part)
}

/// Whether a part of a name says which of the family, or of what standing, somebody is.
pub(super) fn is_suffix(part: &str) -> bool {
    matches!(
        part,
        "Jr" | "Jr."
            | "Sr"
            | "Sr."
            | "2nd"
            | "3rd"
            | "4th"
            | "II"
            | "III"
            | "IV"
            | "Ph.D."
            | "PhD"
            | "M.D."
    )
}

/// Whether a part is initials only: `A. J.`, `J.-P.`.
fn is_initials(part: &str) -> bool {
    part.ends_with('.')
        && part
            .split(['.', ' ', '-'])
            .all(|piece| piece.chars().count() <= 1 && piece.chars().all(char::is_uppercase))
}

fn turned_round(part: &str) -> String {
    let (family, given) = part.split_once(',').unwrap_or((part, ""));
    format!("{} {}", given.trim(), family.trim())
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authors: &str, expected: &[&str]) {
        assert_eq!(split(authors), expected, "{authors}");
    }

    #[test]
    fn names_are_split_at_commas_and_ands() {
        check(
            r"C. Bal\'azs, E. L. Berger, C.-P. Yuan",
            &["C. Balázs", "E. L. Berger", "C.-P. Yuan"],
        );
        check(
            "Ileana Streinu and Louis Theran",
            &["Ileana Streinu", "Louis Theran"],
        );
        check("A. B, C. D, and E. F", &["A. B", "C. D", "E. F"]);
        check("A. B & C. Anderson", &["A. B", "C. Anderson"]);
        check(
            "A. Dharani and, V. Guruviah",
            &["A. Dharani", "V. Guruviah"],
        );
        check("A. ~Viceré \\and B. C, .", &["A. Viceré", "B. C"]);
        check("F. Videbaek, ; H. Sorge", &["F. Videbaek", "H. Sorge"]);
        check("", &[]);
    }

    #[test]
    fn affiliations_are_dropped() {
        check(
            "A. B (1), C. D (1 and 2) ((1) Univ. X, (2) Univ. Y)",
            &["A. B", "C. D"],
        );
        check("A. B (Univ. X, Y), C. D", &["A. B", "C. D"]);
        check("A. B (Univ. X", &["A. B"]);
    }

    #[test]
    fn collaborations_sign_or_are_dropped() {
        check("The ATLAS Collaboration", &["The ATLAS Collaboration"]);
        check("J. Gramling, for the ATLAS Collaboration", &["J. Gramling"]);
        check(
            "Min Suk Kim on behalf of the CMS Collaboration",
            &["Min Suk Kim"],
        );
        check(
            "The X Collaboration: A. B, C. D",
            &["The X Collaboration", "A. B", "C. D"],
        );
        check(
            "CUPID-0 collaboration, :, O. Azzolini",
            &["CUPID-0 collaboration", "O. Azzolini"],
        );
        check(
            "H. Albrecht et al., D. J. Bird, et al.",
            &["H. Albrecht", "D. J. Bird"],
        );
    }

    #[test]
    fn what_a_comma_cut_off_goes_back() {
        check("John Doe, Jr., Jane Roe", &["John Doe Jr.", "Jane Roe"]);
        check("Doe, J. A., Roe, R.", &["J. A. Doe", "R. Roe"]);
        check("Doe, John; Roe, Jane", &["John Doe", "Jane Roe"]);
    }

    #[test]
    fn a_single_name_loses_the_commas_of_its_list() {
        assert_eq!(single("Jingxuan Wei,").as_deref(), Some("Jingxuan Wei"));
        assert_eq!(single(" , "), None);
        assert_eq!(
            joined(["C. -P.", "", "Yuan", ""]).as_deref(),
            Some("C.-P. Yuan")
        );
    }

    #[test]
    fn family_names_go_last() {
        let check = |name: &str, expected: &str| {
            assert_eq!(family_first(name).as_deref(), Some(expected), "{name}");
        };
        check("Lovelace, Ada", "Ada Lovelace");
        check("van der Berg, J. H.", "J. H. van der Berg");
        check("Ada Lovelace", "Ada Lovelace");
        check("King, Martin Luther, Jr.", "Martin Luther King Jr.");
        check("King, Jr., Martin Luther", "Martin Luther King Jr.");
        check("Hoffman, James C 3rd", "James C Hoffman 3rd");
        check("Lovelace,", "Lovelace");
        check(r"Erd\H{o}s, P.", "P. Erdős");
        assert_eq!(family_first(" , "), None);
    }

    #[test]
    fn initials_go_first() {
        let check = |name: &str, expected: &str| {
            assert_eq!(initials_last(name).as_deref(), Some(expected), "{name}");
        };
        check("Lovelace AK", "AK Lovelace");
        check("van der Berg J", "J van der Berg");
        check("King ML Jr", "ML King Jr");
        check("Ada Lovelace", "Ada Lovelace");
        check("Plato", "Plato");
    }
}
