//! The few ways in which dumps write a day.

use jiff::civil::Date;

/// The names of the months, of which three letters tell them apart.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
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
    let month = MONTHS.iter().position(|month| month[..3] == name)? + 1;
    let year = words.next()?.parse().ok()?;
    Date::new(year, i8::try_from(month).ok()?, day).ok()
}

/// A date as bibliographies write it, of which often not all is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Partial {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
}

/// The most exact date that the fields of one record give: `2012 Oct 15`, `2003 Jan-Feb`,
/// `2019/03/01/`, `2019//`, `20121008`, `March 15, 2019`; a field without a year (`MAR 15`) goes
/// with the year of another. Among equally exact ones the first wins.
///
/// What is not known is the first of its kind, as in [`day`].
pub(super) fn most_exact<'a>(fields: impl IntoIterator<Item = &'a str>) -> Option<Date> {
    let read: Vec<Partial> = fields.into_iter().map(partial).collect();
    let mut best = Partial::default();
    for date in read.iter().filter(|date| date.year.is_some()) {
        if date.known() > best.known() {
            best = *date;
        }
    }
    if best.month.is_none()
        && let Some(rest) = read
            .iter()
            .find(|date| date.year.is_none() && date.month.is_some())
    {
        best.month = rest.month;
        best.day = rest.day;
    }
    best.date()
}

impl Partial {
    /// How many parts are known; of those below a part that is not, none is.
    fn known(self) -> usize {
        let parts = [
            self.year.is_some(),
            self.month.is_some(),
            self.day.is_some(),
        ];
        parts.iter().take_while(|known| **known).count()
    }

    /// The day, or the first of the month where it has no such day.
    fn date(self) -> Option<Date> {
        let (year, month) = (self.year?, self.month.unwrap_or(1));
        let day = self.month.and(self.day).unwrap_or(1);
        Date::new(year, month, day)
            .or_else(|_| Date::new(year, month, 1))
            .ok()
    }
}

/// Reads what is there of a date; of a range its start.
fn partial(text: &str) -> Partial {
    let mut date = Partial::default();
    // Numbers of two digits, the first of which stand before the year, and the rest after it.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        if let Some(month) = month_named(word) {
            date.month = date.month.or(Some(month));
        } else if let Some(whole) = eight_digits(word) {
            return whole;
        } else if let Some(year) = year(word) {
            if date.year.is_some() {
                break;
            }
            date.year = Some(year);
        } else if let Some(number) = small_number(word) {
            let side = if date.year.is_some() {
                &mut after
            } else {
                &mut before
            };
            side.push(number);
        }
    }
    let day = |number: &i8| (1..=31).contains(number).then_some(*number);
    let month = |number: &i8| (1..=12).contains(number).then_some(*number);
    if date.month.is_some() {
        date.day = before.iter().chain(&after).find_map(day);
    } else if let Some(first) = after.first() {
        date.month = month(first);
        date.day = date.month.and(after.get(1).and_then(day));
    } else {
        // `15/03/2019` is read, and `03/04/2019` is a year: nobody can tell which month.
        match (before[..].as_ref(), date.year.is_some()) {
            ([first], true) => date.month = month(first),
            ([first @ 13..=31, second, ..], true) => {
                date.month = month(second);
                date.day = date.month.and(day(first));
            }
            ([first, second @ 13..=31, ..], true) => {
                date.month = month(first);
                date.day = date.month.and(day(second));
            }
            _ => {}
        }
    }
    date
}

/// The month whose name `word` is, or the first three letters of it or more.
fn month_named(word: &str) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    let at = MONTHS
        .iter()
        .position(|name| word.len() >= 3 && name.starts_with(&*word))?;
    i8::try_from(at + 1).ok()
}

fn year(word: &str) -> Option<i16> {
    let digits = word.trim_start_matches(['c', 'C']);
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits
        .parse()
        .ok()
        .filter(|year| (1000..=2999).contains(year))
}

fn eight_digits(word: &str) -> Option<Partial> {
    if word.len() != 8 || !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Partial {
        year: Some(year(&word[..4])?),
        month: word[4..6].parse().ok().filter(|month| *month > 0),
        day: word[6..].parse().ok().filter(|day| *day > 0),
    })
}

/// A number of one or two digits, with what may follow it: `15th`, `01T00`.
fn small_number(word: &str) -> Option<i8> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = word.split_at(digits);
    let is_known = matches!(rest, "" | "st" | "nd" | "rd" | "th") || rest.starts_with('T');
    ((1..=2).contains(&digits) && is_known).then(|| number.parse().ok())?
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

    fn check_fields(fields: &[&str], expected: Option<&str>) {
        let date = most_exact(fields.iter().copied()).map(|date| date.to_string());
        assert_eq!(date.as_deref(), expected, "{fields:?}");
    }

    #[test]
    fn dates_of_bibliographies_are_read() {
        for (text, expected) in [
            ("2002 Sep", "2002-09-01"),
            ("2012 Oct 15", "2012-10-15"),
            ("2003 Jan-Feb", "2003-01-01"),
            ("2000 Dec-2001 Jan", "2000-12-01"),
            ("2010 Nov 1-15", "2010-11-01"),
            ("1998 Spring", "1998-01-01"),
            ("2019//", "2019-01-01"),
            ("2019/03//", "2019-03-01"),
            ("2019/03/01/", "2019-03-01"),
            ("2019-03-17T10:00:00Z", "2019-03-17"),
            ("20121008", "2012-10-08"),
            ("March 15, 2019", "2019-03-15"),
            ("15th Sept 2019", "2019-09-15"),
            ("15/03/2019", "2019-03-15"),
            ("03/15/2019", "2019-03-15"),
            ("03/04/2019", "2019-01-01"),
            ("3/2019", "2019-03-01"),
            ("c1996.", "1996-01-01"),
            ("2019 Feb 31", "2019-02-01"),
            ("2019/13/45", "2019-01-01"),
        ] {
            check_fields(&[text], Some(expected));
        }
        for text in ["", "in press", "MAR 15", "12345", "3", "99"] {
            check_fields(&[text], None);
        }
    }

    #[test]
    fn the_most_exact_field_wins_and_lends_its_year() {
        check_fields(&["2019", "2018/12/03/"], Some("2018-12-03"));
        check_fields(&["2019", "2018"], Some("2019-01-01"));
        check_fields(&["MAR 15", "2019"], Some("2019-03-15"));
        check_fields(&["2019 Apr", "MAR 15"], Some("2019-04-01"));
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
