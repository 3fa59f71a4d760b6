//! A date as far as it is known: a year, a month or a day.
//!
//! In: a day, or text `2024`, `2024-05`, `2024-05-17`. Out: [`PartialDate`], which is written as it
//! is read, in text and in JSON. Invariants: a day has a month; what is known is in the calendar.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A date as far as it is known.
///
/// Ordered by year, month and day; a part that is not known comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl PartialDate {
    /// As much of a date as the calendar has: `None` without a year from 1 to 9999. An impossible
    /// month is left out with its day, and so is an impossible day.
    pub fn new(year: i16, month: Option<i8>, day: Option<i8>) -> Option<PartialDate> {
        if !(1..=9999).contains(&year) {
            return None;
        }
        let month = month.filter(|month| (1..=12).contains(month));
        let is_real = |month, day| Date::new(year, month, day).is_ok();
        let day = day.filter(|day| month.is_some_and(|month| is_real(month, *day)));
        Some(PartialDate { year, month, day })
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The month from 1 to 12, if it is known.
    pub fn month(self) -> Option<i8> {
        self.month
    }

    /// The day of the month, if it is known.
    pub fn day(self) -> Option<i8> {
        self.day
    }

    /// The day, if all of the date is known.
    pub fn whole(self) -> Option<Date> {
        self.day.map(|_| self.first())
    }

    /// The first day that it may be.
    pub fn first(self) -> Date {
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        Date::new(self.year, month, day).expect("what is known is in the calendar")
    }

    /// The last day that it may be.
    pub fn last(self) -> Date {
        match (self.month, self.day) {
            (None, _) => self.first().last_of_year(),
            (_, None) => self.first().last_of_month(),
            _ => self.first(),
        }
    }
}

impl From<Date> for PartialDate {
    fn from(day: Date) -> PartialDate {
        PartialDate {
            year: day.year(),
            month: Some(day.month()),
            day: Some(day.day()),
        }
    }
}

impl fmt::Display for PartialDate {
    /// `2024`, `2024-05`, `2024-05-17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.whole() {
            return day.fmt(f);
        }
        write!(f, "{:04}", self.year)?;
        self.month.map_or(Ok(()), |month| write!(f, "-{month:02}"))
    }
}

impl FromStr for PartialDate {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<PartialDate, jiff::Error> {
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let short = match text.split_once('-') {
            None => (text.len() == 4 && is_digits(text)).then_some((text, None)),
            Some((year, month)) => (text.len() == 7 && is_digits(year) && is_digits(month))
                .then_some((year, Some(month))),
        };
        let Some((year, month)) = short else {
            return text.parse().map(|day: Date| PartialDate::from(day));
        };
        let first: Date = format!("{year}-{}-01", month.unwrap_or("01")).parse()?;
        Ok(PartialDate {
            year: first.year(),
            month: month.map(|_| first.month()),
            day: None,
        })
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PartialDate, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_is_read() {
        for text in ["2024", "2024-05", "2024-05-17", "0987", "1999-12-31"] {
            let date: PartialDate = text.parse().unwrap();
            assert_eq!(date.to_string(), text);
            let json = serde_json::to_string(&date).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<PartialDate>(&json).unwrap(), date);
        }
        for text in ["", "24", "2024-13", "2024-02-30", "20245", "2024-5", "soon"] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_impossible_is_left_out() {
        let check = |parts: (i16, Option<i8>, Option<i8>), expected: Option<&str>| {
            let date = PartialDate::new(parts.0, parts.1, parts.2).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{parts:?}");
        };
        check((2026, Some(2), Some(30)), Some("2026-02"));
        check((2026, Some(13), Some(1)), Some("2026"));
        check((2026, None, Some(1)), Some("2026"));
        check((2024, Some(2), Some(29)), Some("2024-02-29"));
        check((0, Some(1), Some(1)), None);
    }

    #[test]
    fn it_may_be_any_day_of_what_is_known() {
        let ends = |text: &str| {
            let date: PartialDate = text.parse().unwrap();
            [date.first().to_string(), date.last().to_string()]
        };
        assert_eq!(ends("2024"), ["2024-01-01", "2024-12-31"]);
        assert_eq!(ends("2024-02"), ["2024-02-01", "2024-02-29"]);
        assert_eq!(ends("2024-02-10"), ["2024-02-10", "2024-02-10"]);
        let date = |text: &str| text.parse::<PartialDate>().unwrap();
        assert!(date("2024") < date("2024-01") && date("2024-01") < date("2024-01-01"));
        assert!(date("2024-12-31") < date("2025"));
    }
}
