//! Who gets which follows by mail, and when.
//!
//! In: a subscription as typed. Out: a [`Subscriber`] that makes sense, and whether a digest is
//! due: the last moment of the subscription's times is later than the last digest. A run that was
//! missed, because the machine slept, is made up for by the next one, once.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::library::StoredSubscriber;

/// A subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Where digests are sent.
    pub address: String,
    /// The names of the follows; empty for all.
    pub follows: Vec<String>,
    /// From when on, of a day.
    pub at: Time,
    /// On which days.
    pub days: Weekdays,
    /// The time zone that both are in: a name of the tz database.
    pub time_zone: String,
}

impl Subscriber {
    /// A subscriber as the library has it.
    ///
    /// # Errors
    /// [`Error::BadSubscription`] if a newer akin wrote something that this one cannot read.
    pub fn of_stored(stored: &StoredSubscriber) -> Result<Subscriber> {
        serde_json::from_str(&stored.definition).map_err(|e| Error::BadSubscription {
            address: stored.address.clone(),
            reason: format!("it cannot be read: {e}"),
        })
    }

    /// What the library keeps.
    pub fn definition(&self) -> String {
        serde_json::to_string(self).expect("a subscription is plain data")
    }

    /// The time zone.
    ///
    /// # Errors
    /// [`Error::BadSubscription`] if this machine knows no time zone of this name.
    pub fn zone(&self) -> Result<TimeZone> {
        TimeZone::get(&self.time_zone).map_err(|e| Error::BadSubscription {
            address: self.address.clone(),
            reason: format!("the time zone {:?} is not known: {e}", self.time_zone),
        })
    }

    /// Whether a digest is due; `last` is the time of the last one, or else of the subscription.
    ///
    /// # Errors
    /// As [`Subscriber::zone`].
    pub fn is_due(&self, now: Timestamp, last: Timestamp) -> Result<bool> {
        let here = now.to_zoned(self.zone()?);
        for days_ago in 0..=7 {
            let Ok(day) = here.date().checked_sub(days_ago.days()) else {
                break;
            };
            if !self.days.has(day.weekday()) {
                continue;
            }
            // A time that a change of clocks skips is as long after midnight as it would have been.
            let moment = day.to_datetime(self.at).to_zoned(here.time_zone().clone());
            let Ok(moment) = moment else { break };
            if moment.timestamp() <= now {
                return Ok(last < moment.timestamp());
            }
        }
        Ok(false)
    }
}

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Weekdays(u8);

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Weekdays {
    /// All seven.
    pub const ALL: Weekdays = Weekdays(0x7f);

    /// Whether this day is one of them.
    pub fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

impl FromStr for Weekdays {
    type Err = String;

    /// Reads `daily`, `mon-fri`, `mon,thu`, `fri-mon`.
    fn from_str(text: &str) -> std::result::Result<Weekdays, String> {
        if text == "daily" {
            return Ok(Weekdays::ALL);
        }
        let number = |name: &str| {
            let name = name.trim().to_lowercase();
            let found = NAMES.iter().position(|known| name == **known);
            found.ok_or_else(|| format!("invalid days {text:?}: use daily, mon-fri or mon,thu"))
        };
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut day, last) = (number(first)?, number(last)?);
            days |= 1 << day;
            while day != last {
                day = (day + 1) % 7;
                days |= 1 << day;
            }
        }
        Ok(Weekdays(days))
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Weekdays::ALL {
            return f.write_str("daily");
        }
        let named = (0..7).filter(|day| self.0 & (1 << day) != 0);
        let named: Vec<&str> = named.map(|day| NAMES[day]).collect();
        f.write_str(&named.join(","))
    }
}

impl TryFrom<String> for Weekdays {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Weekdays, String> {
        text.parse()
    }
}

impl From<Weekdays> for String {
    fn from(days: Weekdays) -> String {
        days.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        for (text, expected) in [
            ("daily", "daily"),
            ("mon-fri", "mon,tue,wed,thu,fri"),
            ("Sat-mon", "mon,sat,sun"),
            ("mon,thu", "mon,thu"),
            ("mon-sun", "daily"),
        ] {
            let days: Weekdays = text.parse().unwrap();
            assert_eq!(days.to_string(), expected, "{text}");
            assert_eq!(days.to_string().parse(), Ok(days));
        }
        for bad in ["", "someday", "mon-", "1-5", "mon thu"] {
            assert!(bad.parse::<Weekdays>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_due_once_for_each_of_its_times() {
        let subscriber = Subscriber {
            address: "a@example.org".to_owned(),
            follows: Vec::new(),
            at: "07:30".parse().unwrap(),
            days: "mon-fri".parse().unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
        };
        // 2026-03-27 is a Friday; on the 29th clocks go forward.
        let check = |now: &str, last: &str, expected: bool| {
            let moment = |text: &str| text.parse::<Timestamp>().unwrap();
            let due = subscriber.is_due(moment(now), moment(last)).unwrap();
            assert_eq!(due, expected, "at {now}, last {last}");
        };
        check("2026-03-27T06:29:00Z", "2026-03-26T06:30:00Z", false);
        check("2026-03-27T06:30:00Z", "2026-03-26T06:30:00Z", true);
        check("2026-03-27T09:00:00Z", "2026-03-27T06:30:00Z", false);
        check("2026-03-28T09:00:00Z", "2026-03-27T06:31:00Z", false);
        check("2026-03-28T09:00:00Z", "2026-03-26T06:31:00Z", true);
        check("2026-03-30T05:29:00Z", "2026-03-27T06:31:00Z", false);
        check("2026-03-30T05:30:00Z", "2026-03-27T06:31:00Z", true);
    }
}
