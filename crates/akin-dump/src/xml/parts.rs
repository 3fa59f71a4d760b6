//! Parts of records as XML writes them: several DOIs in one text, and days in pieces.

use jiff::civil::Date;

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

/// A day from its parts as people write them, with as much of it as can be read: `2017`, `Mar` or
/// `03` or `July–August`, `5`.
pub(super) fn day_of(year: &str, month: &str, day: &str) -> Option<Date> {
    let year = year.trim();
    let day: String = day
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let day = if day.is_empty() { "1" } else { &day };
    let month = month.trim();
    if month.len() <= 2 && month.starts_with(|c: char| c.is_ascii_digit()) {
        let with = |day: &str| dates::day(&format!("{year}-{month}-{day}"));
        return with(day).or_else(|| with("1")).or_else(|| dates::day(year));
    }
    let with = |day: &str, word: &str| dates::day(&format!("{day} {word} {year}"));
    let mut words = month.split(|c: char| !c.is_alphanumeric());
    words
        .find_map(|word| with(day, word).or_else(|| with("1", word)))
        .or_else(|| dates::day(year))
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
        check("2018", "July–August", "", Some("2018-07-01"));
        check("2018", "8-13 December", "", Some("2018-12-01"));
        check("2018", "Nov-Dec", "31-", Some("2018-11-01"));
        check("2018", "Spring", "", Some("2018-01-01"));
        check("2018", "", "", Some("2018-01-01"));
        check("", "May", "5", None);
    }
}
