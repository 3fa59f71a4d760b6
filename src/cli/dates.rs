//! The dates that options take: one grammar for all of them.
//!
//! In: `2024`, `2024-05`, `2024-05-17`, `2024-W20`, `7d`, `2w`, `3 months`, `1y`, `today`,
//! `yesterday`, `last monday`, `last week`, `last month`, `last year`, `this week` … and the present
//! day. Out: [`DaySpan`], the days that are meant; each option takes the end that it needs.
//!
//! A number of days, weeks, months or years is the day so long ago: since `7d` is since the same day
//! of last week. Weeks begin with Monday.
//!
//! Invariants: the clock is not read here ([`DateArg::days`] is given the day that it is); a span has
//! a day at least.

use akin::paper::PartialDate;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::{Span, ToSpan};

/// What an option accepts, as its errors name it.
const ACCEPTED: &str = "2024, 2024-05, 2024-05-17, 2024-W20, 7d, 2w, \"3 months\", 1y, today, \
                        yesterday, \"last monday\", \"last week\", \"last month\" or \"this year\"";

/// Days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DaySpan {
    /// The first day.
    pub(super) first: Date,
    /// The last day.
    pub(super) last: Date,
}

/// A date as it was typed, which may depend on the present day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DateArg {
    meant: DateMeaning,
    typed: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum DateMeaning {
    Days(DaySpan),
    /// The day that lies this far back.
    Back(TimeBack),
    /// The last such day before today.
    LastWeekday(Weekday),
    /// This week, month or year, or the one before it.
    Unit {
        unit: CalendarUnit,
        is_last: bool,
    },
}

/// A length of time in units of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TimeBack {
    months: i32,
    days: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CalendarUnit {
    Week,
    Month,
    Year,
}

impl DaySpan {
    /// One day.
    pub(super) fn day(day: Date) -> DaySpan {
        DaySpan {
            first: day,
            last: day,
        }
    }

    /// The week, from Monday to Sunday, of a day.
    pub(super) fn week_of(day: Date) -> DaySpan {
        let since = i32::from(day.weekday().to_monday_zero_offset());
        let monday = day.saturating_sub(since.days());
        DaySpan {
            first: monday,
            last: monday.saturating_add(6.days()),
        }
    }

    /// The month of a day.
    pub(super) fn month_of(day: Date) -> DaySpan {
        DaySpan {
            first: day.first_of_month(),
            last: day.last_of_month(),
        }
    }

    /// Whether another one lies in it.
    pub(super) fn has(self, other: DaySpan) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl DateArg {
    /// The days that are meant, if it is `today`.
    pub(super) fn days(&self, today: Date) -> DaySpan {
        match self.meant {
            DateMeaning::Days(days) => days,
            DateMeaning::Back(TimeBack { months, days }) => {
                let day = today.saturating_sub(months.months());
                DaySpan::day(day.saturating_sub(days.days()))
            }
            DateMeaning::LastWeekday(weekday) => {
                let last = today.nth_weekday(-1, weekday);
                DaySpan::day(last.unwrap_or(today))
            }
            DateMeaning::Unit { unit, is_last } => {
                let back = i32::from(is_last);
                match unit {
                    CalendarUnit::Week => DaySpan::week_of(today.saturating_sub(back.weeks())),
                    CalendarUnit::Month => DaySpan::month_of(today.saturating_sub(back.months())),
                    CalendarUnit::Year => {
                        let day = today.saturating_sub(back.years());
                        DaySpan {
                            first: day.first_of_year(),
                            last: day.last_of_year(),
                        }
                    }
                }
            }
        }
    }

    /// The one day that is meant.
    ///
    /// # Errors
    /// What to type instead, if it is several days.
    pub(super) fn one_day(&self, today: Date) -> Result<Date, String> {
        let days = self.days(today);
        if days.first == days.last {
            return Ok(days.first);
        }
        Err(format!(
            "{:?} is several days, {} to {}: name one of them",
            self.typed, days.first, days.last
        ))
    }

    /// The date as it was typed.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }
}

/// Reads a date, for clap.
///
/// # Errors
/// What is accepted.
pub(super) fn date(text: &str) -> Result<DateArg, String> {
    meant(text)
        .map(|meant| DateArg {
            meant,
            typed: text.to_owned(),
        })
        .ok_or_else(|| format!("invalid date {text:?}: use {ACCEPTED}"))
}

fn meant(text: &str) -> Option<DateMeaning> {
    let lower = text.trim().to_lowercase().replace('_', " ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words[..] {
        ["today"] => return Some(DateMeaning::Back(TimeBack { months: 0, days: 0 })),
        ["yesterday"] => return Some(DateMeaning::Back(TimeBack { months: 0, days: 1 })),
        ["last", "week"] => return Some(CalendarUnit::Week.last()),
        ["last", "month"] => return Some(CalendarUnit::Month.last()),
        ["last", "year"] => return Some(CalendarUnit::Year.last()),
        ["this", "week"] => return Some(CalendarUnit::Week.this()),
        ["this", "month"] => return Some(CalendarUnit::Month.this()),
        ["this", "year"] => return Some(CalendarUnit::Year.this()),
        ["last", day] => return weekday(day).map(DateMeaning::LastWeekday),
        _ => {}
    }
    if let [written] = words[..] {
        if let Some(week) = week(written) {
            return Some(DateMeaning::Days(week));
        }
        if let Ok(date) = written.parse::<PartialDate>() {
            return Some(DateMeaning::Days(DaySpan {
                first: date.first(),
                last: date.last(),
            }));
        }
    }
    back(&lower).map(DateMeaning::Back)
}

impl CalendarUnit {
    fn last(self) -> DateMeaning {
        DateMeaning::Unit {
            unit: self,
            is_last: true,
        }
    }

    fn this(self) -> DateMeaning {
        DateMeaning::Unit {
            unit: self,
            is_last: false,
        }
    }
}

/// The week `2026-w11`, as ISO 8601 counts them.
fn week(text: &str) -> Option<DaySpan> {
    let (year, number) = text.split_once("-w")?;
    let (year, number) = (year.parse().ok()?, number.parse().ok()?);
    let monday = ISOWeekDate::new(year, number, Weekday::Monday).ok()?.date();
    Some(DaySpan::week_of(monday))
}

/// A length such as `7d`, `3 months`, `1y ago`; none of hours, and none into the future.
fn back(text: &str) -> Option<TimeBack> {
    let length = text.strip_suffix("ago").unwrap_or(text).trim();
    // Signs and ISO 8601's `P7D` are jiff's, and nobody's way to say how long ago.
    if !length.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let span: Span = length.parse().ok()?;
    let years = i32::from(span.get_years());
    let months = years.checked_mul(12)?.checked_add(span.get_months())?;
    let days = span
        .get_weeks()
        .checked_mul(7)?
        .checked_add(span.get_days())?;
    let whole = Span::new()
        .try_years(span.get_years())
        .and_then(|whole| whole.try_months(span.get_months()))
        .and_then(|whole| whole.try_weeks(span.get_weeks()))
        .and_then(|whole| whole.try_days(span.get_days()))
        .ok()?;
    let is_of_days = whole.fieldwise() == span.fieldwise();
    (is_of_days && (months, days) > (0, 0)).then_some(TimeBack { months, days })
}

fn weekday(name: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let is_named = |whole: &&str| *whole == name || (name.len() >= 3 && whole.starts_with(name));
    let at = NAMES.iter().position(is_named)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Saturday.
    const TODAY: Date = Date::constant(2026, 3, 14);

    #[track_caller]
    fn check(text: &str, first: &str, last: &str) {
        let days = date(text).unwrap().days(TODAY);
        let days = (days.first.to_string(), days.last.to_string());
        assert_eq!(days, (first.to_owned(), last.to_owned()), "{text}");
    }

    #[test]
    fn a_date_stands_for_its_days() {
        check("2024", "2024-01-01", "2024-12-31");
        check("2024-02", "2024-02-01", "2024-02-29");
        check("2024-05-17", "2024-05-17", "2024-05-17");
        check("2026-W11", "2026-03-09", "2026-03-15");
        check("2026-w01", "2025-12-29", "2026-01-04");
        check("last week", "2026-03-02", "2026-03-08");
        check("this week", "2026-03-09", "2026-03-15");
        check("Last Month", "2026-02-01", "2026-02-28");
        check("this month", "2026-03-01", "2026-03-31");
        check("last year", "2025-01-01", "2025-12-31");
        check("this  year", "2026-01-01", "2026-12-31");
    }

    #[test]
    fn a_length_is_a_day_so_long_ago() {
        let check = |text, day| check(text, day, day);
        check("today", "2026-03-14");
        check("yesterday", "2026-03-13");
        check("1d", "2026-03-13");
        check("7d", "2026-03-07");
        check("7 days", "2026-03-07");
        check("10 days ago", "2026-03-04");
        check("2w", "2026-02-28");
        check("1 week", "2026-03-07");
        check("3 months", "2025-12-14");
        check("1 month ago", "2026-02-14");
        check("1y", "2025-03-14");
        check("1y 2mo", "2025-01-14");
        check("last monday", "2026-03-09");
        check("last Sat", "2026-03-07");
        check("last friday", "2026-03-13");
    }

    #[test]
    fn a_month_ago_is_a_day_of_the_calendar() {
        let end = Date::constant(2024, 3, 31);
        let day = date("1 month").unwrap().days(end);
        assert_eq!(day, DaySpan::day(Date::constant(2024, 2, 29)));
    }

    #[test]
    fn what_is_no_date_is_refused_with_what_is() {
        for bad in [
            "",
            "soon",
            "2024-13",
            "2024-02-30",
            "24",
            "0d",
            "-7d",
            "+7d",
            "7h",
            "1d 3h",
            "3m",
            "last",
            "last mo",
            "next week",
            "2026-W54",
            "d",
            "P7D",
            "99999999999d",
            "tomorrow",
        ] {
            let error = date(bad).unwrap_err();
            assert!(error.contains("\"3 months\""), "{bad}: {error}");
        }
        let error = date("2024-05").unwrap().one_day(TODAY).unwrap_err();
        assert!(error.contains("2024-05-01 to 2024-05-31"), "{error}");
        assert_eq!(
            date("1d").unwrap().one_day(TODAY).unwrap(),
            Date::constant(2026, 3, 13)
        );
    }
}
