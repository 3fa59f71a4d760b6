//! Whole numbers that a table or a program took for floats, as pandas does in a column with a gap:
//! `95000001.0` or `9.5000001e7` for 95000001.
//!
//! In: a number as it is spelt. Out: its digits, if it is whole and small enough for a float to
//! hold all of them. Others are not: `1.5`, `704.0001`, `1e300`. Ids that are numbers are read
//! through [`id_of_kind`].

use akin_base::paper::{IdKind, PaperId};
use serde_json::Number;

/// From here on a float leaves whole numbers out.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The digits of a whole number that is written as a float; `None` for other numbers.
pub(crate) fn digits_of(spelling: &str) -> Option<String> {
    let text = spelling.trim();
    let is_float = text.contains(['.', 'e', 'E']) && text.starts_with(|c: char| c.is_ascii_digit());
    // `0704.0000` has digits of its own, like an id.
    let is_padded = text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    let may_be = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+');
    if !is_float || is_padded || !text.chars().all(may_be) {
        return None;
    }
    whole(text.parse().ok()?)
}

/// The digits of a number that is whole.
pub(crate) fn whole(number: f64) -> Option<String> {
    let is_whole = number.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&number);
    is_whole.then(|| format!("{number:.0}"))
}

/// A number as it would be written, whole ones without a point.
pub(crate) fn spelling(number: &Number) -> String {
    let float = number.as_f64().filter(|_| number.is_f64());
    float.and_then(whole).unwrap_or_else(|| number.to_string())
}

/// The id in a field for ids of one kind; `None` if the value is not such an id. The DOI of a paper
/// of arXiv is its arXiv id.
pub(crate) fn id_of_kind(kind: IdKind, value: &str) -> Option<PaperId> {
    let of_kind = |value: &str| PaperId::of_kind(kind, value);
    of_kind(value).or_else(|| match kind {
        IdKind::Pmid | IdKind::Pmcid | IdKind::CorpusId => of_kind(&digits_of(value)?),
        IdKind::Doi => PaperId::parse(value).filter(PaperId::is_arxiv),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_lose_their_point() {
        let check = |spelling, expected: Option<&str>| {
            assert_eq!(digits_of(spelling).as_deref(), expected, "{spelling}");
        };
        check("95000001.0", Some("95000001"));
        check(" 95000001.00 ", Some("95000001"));
        check("9.5000001e7", Some("95000001"));
        check("9.5000001E+07", Some("95000001"));
        check("7.", Some("7"));
        check("0.0", Some("0"));
        for other in [
            "",
            "7",
            "7.5",
            "704.0001",
            "1.5e0",
            "1e300",
            "1e-3",
            "-7.0",
            "0704.0000",
            "e7",
            "1.0.0",
            "v1.0",
            "99999999999999999999.0",
            "inf",
            "10.1000/1.0",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn ids_that_are_numbers_are_read_as_floats_too() {
        let check = |kind, value, expected: Option<&str>| {
            let id = id_of_kind(kind, value).map(|id| id.to_string());
            assert_eq!(id.as_deref(), expected, "{value}");
        };
        check(IdKind::Pmid, "95000001.0", Some("pmid:95000001"));
        check(IdKind::Pmid, "9.5000001e7", Some("pmid:95000001"));
        check(IdKind::Pmid, "95000001", Some("pmid:95000001"));
        check(IdKind::Pmcid, "35282.0", Some("PMC35282"));
        check(IdKind::CorpusId, "77490025.0", Some("corpusid:77490025"));
        check(IdKind::Pmid, "95000001.5", None);
        check(IdKind::Doi, "10.0", None);
        check(IdKind::Doi, "10.48550/arXiv.2503.11731", Some("2503.11731"));
    }
}
