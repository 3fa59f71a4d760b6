//! The present time and the time zone: the only place where the command line reads the clock.

use clap::Args;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::fault::Failure;

/// Parses a time of the day.
pub(super) fn time(text: &str) -> Result<Time, String> {
    text.parse()
        .map_err(|_| "expected a time of the day, such as 07:00".to_owned())
}

/// The present moment and the time zone.
#[derive(Debug, Args)]
pub(super) struct MomentArgs {
    /// Take this for the present moment: 2026-03-14, 2026-03-14T07:30, or with a zone,
    /// 2026-03-14T07:30Z [default: the clock]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Time zone of days and hours, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
}

/// The present moment, in UTC to the second: 2026-03-14T07:30:00Z.
pub(super) fn timestamp() -> String {
    format!("{:.0}", Timestamp::now())
}

impl MomentArgs {
    /// The time zone.
    pub(super) fn zone(&self) -> Result<TimeZone, Failure> {
        let Some(name) = &self.time_zone else {
            return Ok(TimeZone::system());
        };
        let unknown = |e| Failure::usage(format!("the time zone {name:?} is not known: {e}"));
        TimeZone::get(name).map_err(unknown)
    }

    /// The present moment, in the time zone.
    pub(super) fn now(&self) -> Result<Zoned, Failure> {
        let zone = self.zone()?;
        let Some(text) = &self.now else {
            return Ok(Timestamp::now().to_zoned(zone));
        };
        moment(text, &zone).ok_or_else(|| {
            Failure::usage(format!(
                "invalid --now {text:?}: use 2026-03-14, 2026-03-14T07:30 or 2026-03-14T07:30Z"
            ))
        })
    }

    /// The day that it is, in the time zone.
    pub(super) fn today(&self) -> Result<Date, Failure> {
        Ok(self.now()?.date())
    }
}

/// The day that it is on this machine.
pub(super) fn today_here() -> Date {
    Zoned::now().date()
}

fn moment(text: &str, zone: &TimeZone) -> Option<Zoned> {
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Some(zoned.with_time_zone(zone.clone()));
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.to_zoned(zone.clone()));
    }
    let here = text.parse::<DateTime>().ok()?;
    here.to_zoned(zone.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_with_and_without_a_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2026-03-14", "2026-03-13T23:00:00Z"),
            ("2026-03-14T07:30", "2026-03-14T06:30:00Z"),
            ("2026-03-14T07:30Z", "2026-03-14T07:30:00Z"),
            ("2026-07-14T07:30:00+02:00", "2026-07-14T05:30:00Z"),
            ("2026-03-14T07:30[America/New_York]", "2026-03-14T11:30:00Z"),
        ] {
            let read = moment(text, &zone).unwrap();
            assert_eq!(read.timestamp().to_string(), expected, "{text}");
        }
        assert!(moment("tomorrow", &zone).is_none());
    }
}
