//! Telling the time and waiting: every pause between requests is made here.
//!
//! Tests use a clock of their own that records the waits and returns at once.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use akin_base::progress::Observer;

/// Interval at which a waiting [`SystemClock`] checks for a requested stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Tells the time and waits.
pub trait Clock {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Waits for `wait`, or until `observer` asks to stop, whichever is sooner.
    fn sleep(&self, wait: Duration, observer: &dyn Observer);

    /// The present day in UTC.
    fn today(&self) -> Date {
        day_of(self.now())
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, wait: Duration, observer: &dyn Observer) {
        let begun = Instant::now();
        while !observer.stop_requested() {
            match wait.checked_sub(begun.elapsed()) {
                Some(rest) if !rest.is_zero() => std::thread::sleep(rest.min(LOOK_EVERY)),
                _ => return,
            }
        }
    }
}

/// The day of a moment, in UTC.
pub(crate) fn day_of(moment: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(moment).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use akin_base::progress::Unobserved;

    /// Asks to stop at once.
    struct Stopping;

    impl Observer for Stopping {
        fn stop_requested(&self) -> bool {
            true
        }
    }

    #[test]
    fn waiting_ends_when_a_stop_is_requested() {
        let begun = Instant::now();
        SystemClock.sleep(Duration::from_secs(3600), &Stopping);
        SystemClock.sleep(Duration::ZERO, &Unobserved);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
