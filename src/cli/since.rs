//! Moments that `akin digest` takes: from when on papers are new, and which digests to show again.

use akin::digest::{Earlier, Since};
use jiff::civil::Date;

use super::dates::{self, DateArg};
use super::fault::Failure;

/// From when on papers are new, and which digests to show again: `last`, or a date.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SinceArg {
    Last,
    Date(DateArg),
}

impl SinceArg {
    /// From when on, as of a day.
    pub(super) fn since(&self, today: Date) -> Since {
        match self {
            SinceArg::Last => Since::Last,
            SinceArg::Date(date) => Since::Day(date.days(today).first),
        }
    }

    /// Which digests, as of a day.
    pub(super) fn earlier(&self, today: Date) -> Result<Earlier, Failure> {
        match self {
            SinceArg::Last => Ok(Earlier::Last),
            SinceArg::Date(date) => date
                .one_day(today)
                .map(Earlier::Day)
                .map_err(Failure::usage),
        }
    }
}

/// Parses `last`, or a date.
pub(super) fn since(text: &str) -> Result<SinceArg, String> {
    if text.trim() == "last" {
        return Ok(SinceArg::Last);
    }
    let date = dates::date(text).map(SinceArg::Date);
    date.map_err(|error| format!("{error}, or last"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        "2026-03-14".parse().unwrap()
    }

    #[test]
    fn a_time_is_read() {
        assert_eq!(since("last"), Ok(SinceArg::Last));
        let at = |text: &str| since(text).unwrap().since(today());
        let of = |text: &str| Since::Day(text.parse().unwrap());
        assert_eq!(at("last"), Since::Last);
        assert_eq!(at("7d"), of("2026-03-07"));
        assert_eq!(at("last week"), of("2026-03-02"));
        assert_eq!(at("2026-03"), of("2026-03-01"));
        for bad in ["", "0d", "-1d", "d", "tomorrow", "2026-13-01"] {
            assert!(since(bad).unwrap_err().ends_with("or last"), "{bad}");
        }
    }

    #[test]
    fn a_day_or_the_last_digest_is_shown_again() {
        let earlier = |text: &str| since(text).unwrap().earlier(today());
        assert_eq!(earlier("last").unwrap(), Earlier::Last);
        let yesterday = Earlier::Day("2026-03-13".parse().unwrap());
        assert_eq!(earlier("yesterday").unwrap(), yesterday);
        assert!(earlier("last week").is_err());
    }
}
