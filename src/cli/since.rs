//! Moments that `akin digest` takes as words: from when on papers are new, and which digests to show
//! again.

use akin::digest::{Earlier, Since};
use jiff::ToSpan;
use jiff::civil::Date;

/// From when on papers are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SinceArg {
    Last,
    Days(i32),
    Day(Date),
}

impl SinceArg {
    /// From when on, as of a day.
    pub(super) fn at(self, today: Date) -> Since {
        match self {
            SinceArg::Last => Since::Last,
            SinceArg::Days(n) => Since::Day(today.saturating_sub((n - 1).days())),
            SinceArg::Day(day) => Since::Day(day),
        }
    }
}

/// Parses `last`, or a day.
pub(super) fn again(text: &str) -> Result<Earlier, String> {
    match text {
        "last" => Ok(Earlier::Last),
        day => day
            .parse()
            .map(Earlier::Day)
            .map_err(|_| format!("invalid day {day:?}: use last, or a day such as 2026-03-14")),
    }
}

/// Parses `last`, `7d`, `2w`, or a day.
pub(super) fn since(text: &str) -> Result<SinceArg, String> {
    let wanted = || format!("invalid time {text:?}: use last, 7d, 2w or 2026-03-14");
    if text == "last" {
        return Ok(SinceArg::Last);
    }
    for (unit, days) in [('d', 1), ('w', 7)] {
        if let Some(number) = text.strip_suffix(unit) {
            let number: u16 = number.parse().map_err(|_| wanted())?;
            let number = Some(i32::from(number)).filter(|number| *number > 0);
            return Ok(SinceArg::Days(number.ok_or_else(wanted)? * days));
        }
    }
    text.parse().map(SinceArg::Day).map_err(|_| wanted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_or_the_last_digest_is_read() {
        assert_eq!(again("last"), Ok(Earlier::Last));
        let day = "2026-03-14".parse().unwrap();
        assert_eq!(again("2026-03-14"), Ok(Earlier::Day(day)));
        assert!(again("yesterday").is_err());
    }

    #[test]
    fn a_time_is_read() {
        assert_eq!(since("last"), Ok(SinceArg::Last));
        assert_eq!(since("7d"), Ok(SinceArg::Days(7)));
        assert_eq!(since("2w"), Ok(SinceArg::Days(14)));
        let day: Date = "2026-03-14".parse().unwrap();
        assert_eq!(since("2026-03-14"), Ok(SinceArg::Day(day)));
        assert_eq!(
            SinceArg::Days(7).at(day),
            Since::Day("2026-03-08".parse().unwrap())
        );
        for bad in ["", "0d", "-1d", "d", "yesterday", "2026-13-01"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
