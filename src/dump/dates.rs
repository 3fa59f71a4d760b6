//! The few ways in which dumps write a day.

use jiff::civil::Date;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Reads the day at the start of `text`: `2007-04-02T…`, `2007/04/02`, `Mon, 2 Apr 2007 19:18 GMT`.
///
/// A year or a month alone (`2007`, `2007-04`) is its first day: enough to be filtered by.
pub(super) fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit())
        && text.get(4..5).is_none_or(|c| "-/".contains(c))
    {
        return numeric(text);
    }
    spelled(text)
}

/// Finds a day `YYYY-MM-DD` anywhere in a file's name.
pub(super) fn day_in(name: &str) -> Option<Date> {
    (0..name.len())
        .filter_map(|at| name.get(at..at + 10))
        .filter(|window| window.is_ascii() && window.as_bytes()[4] == b'-')
        .find_map(|window| window.parse().ok())
}

fn numeric(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, ['-', '/']);
    let year = parts.next()?.parse().ok()?;
    let month = parts
        .next()
        .map_or(Some(1), |part| part.trim().parse().ok())?;
    let day = match parts.next() {
        Some(part) => {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            part[..digits].parse().ok()?
        }
        None => 1,
    };
    Date::new(year, month, day).ok()
}

/// Reads `[Mon, ]2 Apr 2007 …`, with the month's name in any length.
fn spelled(text: &str) -> Option<Date> {
    let after_weekday = text.split_once(", ").map_or(text, |(_, rest)| rest);
    let mut words = after_weekday.split_whitespace();
    let day = words.next()?.parse().ok()?;
    let name = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    let year = words.next()?.parse().ok()?;
    Date::new(year, i8::try_from(month).ok()?, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let read = day(text).map(|day| day.to_string());
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn days_are_read() {
        check("2008-11-26", Some("2008-11-26"));
        check("2026-02-26T17:08:18.000Z", Some("2026-02-26"));
        check("2008/1/6", Some("2008-01-06"));
        check("Mon, 2 Apr 2007 19:18:42 GMT", Some("2007-04-02"));
        check("2 April 2007", Some("2007-04-02"));
        check("2007", Some("2007-01-01"));
        check("2007-04", Some("2007-04-01"));
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "soon",
            "2007-13-01",
            "2007-02-30",
            "32 Apr 2007",
            "20070402",
            "é, é é é",
            "2007-",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_day_is_found_in_a_file_name() {
        let found = |name: &str| day_in(name).map(|day| day.to_string());
        assert_eq!(found("2026-03-13").as_deref(), Some("2026-03-13"));
        assert_eq!(
            found("arxiv-é-2026-03-13-cs").as_deref(),
            Some("2026-03-13")
        );
        assert_eq!(found("2026-3-13"), None);
    }
}
