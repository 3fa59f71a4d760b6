//! The parts of a date that are known.

use akin_base::paper::Paper;
use jiff::civil::Date;

/// A date as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownDate {
    pub(crate) year: i16,
    pub(crate) month: Option<i8>,
    /// Only with a month.
    pub(crate) day: Option<i8>,
}

impl KnownDate {
    /// The date of a paper.
    pub(crate) fn of(paper: &Paper) -> Option<KnownDate> {
        paper.date().map(KnownDate::from)
    }

    /// `2024-05-17`, `2024-05` or `2024`.
    pub(crate) fn iso(self) -> String {
        let mut text = format!("{:04}", self.year);
        for part in [self.month, self.day].into_iter().flatten() {
            text += &format!("-{part:02}");
        }
        text
    }
}

impl From<Date> for KnownDate {
    fn from(date: Date) -> KnownDate {
        let day = (date.day() != 1).then_some(date.day());
        let has_month = day.is_some() || date.month() != 1;
        KnownDate {
            year: date.year(),
            month: has_month.then_some(date.month()),
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_its_kind_is_not_claimed() {
        for (date, expected) in [
            ("2024-05-17", "2024-05-17"),
            ("2024-05-01", "2024-05"),
            ("2024-01-01", "2024"),
            ("2024-01-02", "2024-01-02"),
        ] {
            let date: Date = date.parse().unwrap();
            assert_eq!(KnownDate::from(date).iso(), expected);
        }
    }
}
