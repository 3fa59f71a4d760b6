//! How often a request is repeated, and the pauses between attempts.
//!
//! In: the failures of one request. Out: the pause before the next attempt, or the reason to give
//! up. Pauses double up to a longest one. A server that asks for patience (429, 503) uses up waiting
//! time, but no attempt. Once part of an answer is received and kept, counting starts again.

use std::time::Duration;

use super::failure::Again;

/// How often and how long to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retries {
    /// Failed attempts, after which the request is given up.
    pub(crate) max_attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub(crate) first_pause: Duration,
    /// The longest pause that the server has not asked for.
    pub(crate) longest_pause: Duration,
    /// The longest that all pauses together may take.
    pub(crate) max_wait: Duration,
}

/// The attempts at one request so far.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    n_made: u32,
    n_failed: u32,
    waited: Duration,
}

impl Retries {
    /// The pause after a failed attempt, counted from 0.
    fn doubled(&self, attempt: u32) -> Duration {
        let pause = self.first_pause.saturating_mul(1 << attempt.min(16));
        pause.min(self.longest_pause)
    }

    /// The same, longer by up to a quarter: clients that failed together return at different times.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let pause = self.doubled(attempt);
        let spread = attempt.wrapping_add(1).wrapping_mul(0x9E37_79B1) >> 24;
        pause + pause * spread / 1024
    }

    /// Counts a failure. Returns the pause before the next attempt.
    ///
    /// # Errors
    /// The reason to give up.
    pub(super) fn next_pause(
        &self,
        so_far: &mut Attempts,
        again: &Again,
    ) -> Result<Duration, String> {
        if again.has_gained {
            *so_far = Attempts::default();
        }
        let asked = again.asked.unwrap_or_default();
        let pause = asked.max(self.pause(so_far.n_made));
        // Without a pause, patience would have no end.
        let is_free = again.is_wish && !pause.is_zero();
        so_far.n_made += 1;
        so_far.n_failed += u32::from(!is_free);
        let waited = so_far.waited.saturating_add(pause);
        if so_far.n_failed < self.max_attempts && waited <= self.max_wait {
            so_far.waited = waited;
            return Ok(pause);
        }
        let reason = &again.reason;
        Err(if asked > self.max_wait {
            let seconds = asked.as_secs();
            format!("{reason}; it asks for a pause of {seconds} seconds, more than is waited here")
        } else {
            format!("{reason}; attempts: {}", so_far.n_made)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(first: u64, longest: u64) -> Retries {
        Retries {
            max_attempts: 5,
            first_pause: Duration::from_secs(first),
            longest_pause: Duration::from_secs(longest),
            max_wait: Duration::from_secs(600),
        }
    }

    fn failed(is_wish: bool, has_gained: bool) -> Again {
        Again {
            reason: "it failed".to_owned(),
            asked: None,
            is_wish,
            has_gained,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retries = retries(1, 60);
        let seconds: Vec<u64> = (0..8).map(|n| retries.doubled(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(retries.doubled(u32::MAX).as_secs(), 60);
    }

    #[test]
    fn pauses_grow_and_are_spread() {
        let retries = retries(2, 120);
        for attempt in 0..40 {
            let plain = Duration::from_secs(2) * (1 << attempt.min(10));
            let plain = plain.min(Duration::from_secs(120));
            assert!((plain..plain + plain / 4).contains(&retries.pause(attempt)));
        }
        let spread = |attempt| retries.pause(attempt).as_millis() % 1000;
        assert_ne!(spread(0), spread(6));
    }

    #[test]
    fn patience_has_an_end_even_without_pauses() {
        let n_attempts = |retries: Retries, again: Again| {
            let mut so_far = Attempts::default();
            let attempts = (1..1000).find(|_| retries.next_pause(&mut so_far, &again).is_err());
            attempts.unwrap_or(1000)
        };
        assert_eq!(n_attempts(retries(0, 0), failed(true, false)), 5);
        assert_eq!(n_attempts(retries(1, 60), failed(false, false)), 5);
        let patient = n_attempts(retries(1, 60), failed(true, false));
        assert!((10..20).contains(&patient), "{patient}");
        assert_eq!(n_attempts(retries(0, 0), failed(false, true)), 1000);
    }
}
