//! Parts of records as XML writes them: several DOIs in one text, and days in pieces.

use akin_base::paper::PartialDate;

use crate::text::dates;

/// The DOIs in a text that holds several, between spaces, commas or semicolons.
pub(super) fn dois(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for mut word in text.split_whitespace() {
        let next = |word: &str| {
            let mut marks = word.match_indices([';', ',']);
            marks.find_map(|(at, _)| word[at + 1..].starts_with("10.").then_some(at))
        };
        while let Some(at) = next(word) {
            found.push(&word[..at]);
            word = &word[at + 1..];
        }
        found.push(word.trim_end_matches([';', ',']));
    }
    found
}

/// A date from its parts as people write them, with as much of it as can be read: `2017`, `Mar` or
/// `03` or `July–August`, `5`.
pub(super) fn day_of(year: &str, month: &str, day: &str) -> Option<PartialDate> {
    let year = year.trim();
    let day: String = day
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let month = month.trim();
    if month.len() <= 2 && month.starts_with(|c: char| c.is_ascii_digit()) {
        let written = match &*day {
            "" => format!("{year}-{month}"),
            day => format!("{year}-{month}-{day}"),
        };
        return dates::day(&written).or_else(|| dates::day(year));
    }
    let with = |word: &str| {
        let first = if day.is_empty() { "1" } else { &day };
        let date = dates::day(&format!("{first} {word} {year}"))?;
        let known = date.day().filter(|_| !day.is_empty());
        PartialDate::new(date.year(), date.month(), known)
    };
    let mut words = month.split(|c: char| !c.is_alphanumeric());
    words.find_map(with).or_else(|| dates::day(year))
}

/// The parts of a date as one text, to be noted where they make none.
pub(super) fn written_of(year: &str, month: &str, day: &str) -> String {
    let parts = [year.trim(), month.trim(), day.trim()];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dois_are_told_apart() {
        assert_eq!(
            dois(" 10.1/a 10.1/b, 10.1/c;10.1/d "),
            ["10.1/a", "10.1/b", "10.1/c", "10.1/d"]
        );
        let with_semicolon = "10.1/(sici)1-2(1998)17:15<1::aid-s9>3.0.co;2-2";
        assert_eq!(dois(with_semicolon), [with_semicolon]);
        assert!(dois("").is_empty());
    }

    #[test]
    fn a_day_is_made_of_what_can_be_read() {
        let check = |year, month, day, expected: Option<&str>| {
            let read = day_of(year, month, day).map(|day| day.to_string());
            assert_eq!(read.as_deref(), expected, "{year} {month} {day}");
        };
        check("2017", "Mar", "5", Some("2017-03-05"));
        check(" 2017 ", "03", "05", Some("2017-03-05"));
        check("2018", "July–August", "", Some("2018-07"));
        check("2018", "8-13 December", "", Some("2018-12"));
        check("2018", "Nov-Dec", "31-", Some("2018-11"));
        check("2018", "Spring", "", Some("2018"));
        check("2018", "", "", Some("2018"));
        check("", "May", "5", None);
    }
}
