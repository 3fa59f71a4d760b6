//! The few ways in which dumps write a day.

use std::ops::RangeInclusive;

use akin_base::paper::PartialDate;
use akin_base::text::fold;
use jiff::civil::Date;

/// The names of the months in English and in the languages of Western Europe, folded. Three letters
/// of a name suffice if they fit one month only.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "januar", "janvier", "enero", "gennaio", "janeiro", "januari", "jaenner",
    ],
    &[
        "february",
        "februar",
        "fevrier",
        "febrero",
        "febbraio",
        "fevereiro",
        "februari",
    ],
    &["march", "marz", "mars", "marzo", "marco", "maart", "maerz"],
    &["april", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "maio", "mei", "maj"],
    &["june", "juni", "juin", "junio", "giugno", "junho"],
    &["july", "juli", "juillet", "julio", "luglio", "julho"],
    &["august", "aout", "agosto", "augustus", "augusti"],
    &[
        "september",
        "septembre",
        "septiembre",
        "setiembre",
        "settembre",
        "setembro",
    ],
    &[
        "october", "oktober", "octobre", "octubre", "ottobre", "outubro",
    ],
    &["november", "novembre", "noviembre", "novembro"],
    &[
        "december",
        "dezember",
        "decembre",
        "diciembre",
        "dicembre",
        "dezembro",
        "desember",
    ],
];

/// The years that a paper can be of.
const YEARS: RangeInclusive<i16> = 1000..=2999;

/// Reads the date at the start of `text`: `2007-04-02T…`, `2007/04/02`, `Mon, 2 Apr 2007 19:18 GMT`.
///
/// A year or a month alone (`2007`, `2007-04`) stays one, and so does a date whose day or month is
/// impossible (`2007-02-30`). Two-digit years, and the three-digit years of some programs after
/// 1999, are read as RFC 5322 (4.3) says. There are no papers of the first millennium.
pub(crate) fn day(text: &str) -> Option<PartialDate> {
    written_first(text)?.date()
}

/// Whether a text names a month or a day that the calendar has not: `2026-02-30`, `2019-13`.
pub(crate) fn is_impossible(text: &str) -> bool {
    let written = written_first(text).unwrap_or_else(|| partial(text));
    written.is_impossible()
}

fn written_first(text: &str) -> Option<Partial> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit())
        && text.get(4..5).is_none_or(|c| "-/".contains(c))
    {
        return numeric(text);
    }
    spelled(text)
}

/// Finds a day `YYYY-MM-DD` anywhere in a file's name.
pub(crate) fn day_in(name: &str) -> Option<Date> {
    (0..name.len())
        .filter_map(|at| name.get(at..at + 10))
        .filter(|window| window.is_ascii() && window.as_bytes()[4] == b'-')
        .filter_map(|window| window.parse().ok())
        .find(|day: &Date| YEARS.contains(&day.year()))
}

fn numeric(text: &str) -> Option<Partial> {
    let mut parts = text.splitn(3, ['-', '/']);
    let year = parts.next()?.parse().ok();
    let year = year.filter(|year| YEARS.contains(year))?;
    let month = match parts.next() {
        Some(part) => Some(part.trim().parse().ok()?),
        None => None,
    };
    let day = match parts.next() {
        Some(part) => {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            Some(part[..digits].parse().ok()?)
        }
        None => None,
    };
    Some(Partial {
        year: Some(year),
        month,
        day,
    })
}

/// Reads `[Mon, ]2 Apr 2007 …`, with the month's name in any length.
fn spelled(text: &str) -> Option<Partial> {
    let after_weekday = text.split_once(", ").map_or(text, |(_, rest)| rest);
    let mut words = after_weekday.split_whitespace();
    let day = words.next()?.parse().ok()?;
    let month = month_named(words.next()?.trim_end_matches('.'))?;
    let year = year_of_mail(words.next()?)?;
    Some(Partial {
        year: Some(year),
        month: Some(month),
        day: Some(day),
    })
}

/// A year as mails write it: `2007`, `07`, `107`.
fn year_of_mail(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    let year = match (word.len(), year) {
        (2, 0..=49) => 2000 + year,
        (2, 50..=99) | (3, 100..=199) => 1900 + year,
        _ => year,
    };
    YEARS.contains(&year).then_some(year)
}

/// A date as it is written, often incomplete, sometimes impossible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Partial {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
}

/// The most exact date that the fields of one record give: `2012 Oct 15`, `2003 Jan-Feb`,
/// `2019/03/01/`, `2019//`, `20121008`, `March 15, 2019`. A field without a year (`MAR 15`) takes
/// the year of another. Among equally exact ones the first wins.
pub(crate) fn most_exact<'a>(fields: impl IntoIterator<Item = &'a str>) -> Option<PartialDate> {
    let read: Vec<Partial> = fields.into_iter().map(partial).collect();
    let mut best = Partial::default();
    for date in read.iter().filter(|date| date.year.is_some()) {
        if date.known() > best.known() {
            best = *date;
        }
    }
    if best.known() < 2
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
    /// Number of known parts; below an unknown or impossible part, none counts.
    fn known(self) -> usize {
        self.date().map_or(0, |date| {
            1 + usize::from(date.month().is_some()) + usize::from(date.day().is_some())
        })
    }

    /// What is known and possible of it.
    fn date(self) -> Option<PartialDate> {
        PartialDate::new(self.year?, self.month, self.day)
    }

    /// Whether a month or a day is in no calendar; 0 is the usual way to leave one open.
    fn is_impossible(self) -> bool {
        let is_named = |part: Option<i8>| part.is_some_and(|part| part != 0);
        let date = self.date();
        let is_lost = |kept: Option<i8>, named| is_named(named) && kept.is_none();
        let month_lost = is_lost(date.and_then(PartialDate::month), self.month);
        let day_lost = is_lost(date.and_then(PartialDate::day), self.day);
        date.is_some() && (month_lost || (day_lost && is_named(self.month)))
    }
}

/// Reads the known parts of a date; of a range its start.
fn partial(text: &str) -> Partial {
    let mut date = Partial::default();
    // Two-digit numbers, first those before the year, then those after it.
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for word in words(text) {
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
        let mut numbers = before.iter().chain(&after);
        // The first that can be one, else what is written in its place.
        let written = before.last().or(after.first()).copied();
        date.day = numbers.find_map(day).or(written);
    } else if let Some(first) = after.first() {
        date.month = Some(*first);
        date.day = after.get(1).copied();
    } else {
        // `15/03/2019` is read, and `03/04/2019` is a year: the month is ambiguous.
        match (before[..].as_ref(), date.year.is_some()) {
            ([first], true) => date.month = month(first),
            ([first @ 13..=31, second, ..], true) => {
                date.month = Some(*second);
                date.day = day(first);
            }
            ([first, second @ 13..=31, ..], true) => {
                date.month = Some(*first);
                date.day = day(second);
            }
            _ => {}
        }
    }
    date
}

/// The words and the numbers of a date. Characters other than Western letters separate them, as in
/// `2019年3月`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ('\u{c0}'..='\u{24f}').contains(&c);
    text.split(move |c: char| !is_part(c))
}

/// The month whose name `word` is, or the first three letters of it or more.
fn month_named(word: &str) -> Option<i8> {
    if word.len() < 3 || !word.starts_with(char::is_alphabetic) {
        return None;
    }
    // Most are in English, and are recognised without a copy.
    let in_english = MONTHS.iter().position(|names| {
        let start = names[0].get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    });
    if let Some(at) = in_english {
        return i8::try_from(at + 1).ok();
    }
    let word = fold(word);
    let is_named = |names: &&[&str]| names.iter().any(|name| name.starts_with(&*word));
    let mut named = (1..).zip(MONTHS).filter(|(_, names)| is_named(names));
    let (month, _) = named.next()?;
    named.next().is_none().then_some(month)
}

/// A year, and the letter that distinguishes several works of one author in it: `2019a`.
fn year(word: &str) -> Option<i16> {
    let digits = word.trim_start_matches(['c', 'C']);
    let (digits, mark) = digits.split_at_checked(4)?;
    let is_decade = digits.ends_with('0') && mark == "s";
    let is_mark = mark.len() <= 1 && mark.bytes().all(|b| b.is_ascii_alphabetic());
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !is_mark || is_decade {
        return None;
    }
    digits.parse().ok().filter(|year| YEARS.contains(year))
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

/// A number of one or two digits, and its possible suffixes: `15th`, `01T00`.
fn small_number(word: &str) -> Option<i8> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = word.split_at(digits);
    let is_known = matches!(rest, "" | "st" | "nd" | "rd" | "th" | "er") || rest.starts_with('T');
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
        check("2007", Some("2007"));
        check("2007-04", Some("2007-04"));
        check("2007-13-01", Some("2007"));
        check("2007-02-30", Some("2007-02"));
        check("32 Apr 2007", Some("2007-04"));
        check("15 Mai 2019", Some("2019-05-15"));
    }

    #[test]
    fn years_of_two_and_three_digits_are_those_of_mails() {
        check("Mon, 4 Jan 93 12:00:00 EST   (12kb)", Some("1993-01-04"));
        check("Fri, 8 Jan 99 09:00:00 GMT", Some("1999-01-08"));
        check("15 Mar 19", Some("2019-03-15"));
        check("1 Jan 00", Some("2000-01-01"));
        check("1 Jan 49", Some("2049-01-01"));
        check("1 Jan 50", Some("1950-01-01"));
        check("2 Apr 107", Some("2007-04-02"));
        for text in [
            "2 Apr 207",
            "2 Apr 7",
            "2 Apr 0093",
            "0093-01-04",
            "99",
            "2 Apr 9999",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "soon", "20070402", "é, é é é", "2007-"] {
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
            ("2002 Sep", "2002-09"),
            ("2012 Oct 15", "2012-10-15"),
            ("2003 Jan-Feb", "2003-01"),
            ("2000 Dec-2001 Jan", "2000-12"),
            ("2010 Nov 1-15", "2010-11-01"),
            ("1998 Spring", "1998"),
            ("2019//", "2019"),
            ("2019/03//", "2019-03"),
            ("2019/03/01/", "2019-03-01"),
            ("2019-03-17T10:00:00Z", "2019-03-17"),
            ("20121008", "2012-10-08"),
            ("March 15, 2019", "2019-03-15"),
            ("15th Sept 2019", "2019-09-15"),
            ("15/03/2019", "2019-03-15"),
            ("03/15/2019", "2019-03-15"),
            ("03/04/2019", "2019"),
            ("3/2019", "2019-03"),
            ("c1996.", "1996"),
            ("2019 Feb 31", "2019-02"),
            ("2019/13/45", "2019"),
            ("2019a", "2019"),
            ("(2019b)", "2019"),
            ("2019A", "2019"),
            ("c2019a", "2019"),
            ("2019-a", "2019"),
            ("2019a March 5", "2019-03-05"),
            ("Dezember 2018", "2018-12"),
            ("5 de marzo de 2019", "2019-03-05"),
            ("1er août 2019", "2019-08-01"),
            ("2. März 2019", "2019-03-02"),
            ("2019 fév", "2019-02"),
            ("juil. 2019", "2019-07"),
            ("2019年3月5日", "2019-03-05"),
            ("jui 2019", "2019"),
        ] {
            check_fields(&[text], Some(expected));
        }
        for text in [
            "", "in press", "MAR 15", "12345", "3", "99", "1990s", "200X", "2019ab", "0999",
        ] {
            check_fields(&[text], None);
        }
    }

    #[test]
    fn the_most_exact_field_wins_and_lends_its_year() {
        check_fields(&["2019", "2018/12/03/"], Some("2018-12-03"));
        check_fields(&["2019", "2018"], Some("2019"));
        check_fields(&["MAR 15", "2019"], Some("2019-03-15"));
        check_fields(&["2019 Apr", "MAR 15"], Some("2019-04"));
    }

    #[test]
    fn a_month_or_a_day_of_no_calendar_is_told() {
        for text in [
            "2026-02-30",
            "2026/13/01",
            "2019-13",
            "2019/13/45",
            "32 Apr 2007",
            "2019 Feb 31",
            "Feb 31, 2019",
            "20190231",
            "2019 Apr 45",
        ] {
            assert!(is_impossible(text), "{text}");
        }
        for text in [
            "2024",
            "2024-05",
            "2024-05-17",
            "2024-00-00",
            "2024/05/00",
            "2019//",
            "2003 Jan-Feb",
            "2010 Nov 1-15",
            "2000 Dec-2001 Jan",
            "2000 Dec 28-2001 Jan 3",
            "1998 Spring",
            "soon",
            "",
            "2019 Mar 5 17:30",
            "20190200",
            "03/04/2019",
        ] {
            assert!(!is_impossible(text), "{text}");
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
        assert_eq!(found("0026-03-13"), None);
    }
}
