//! Panics of other people's decoders, which damaged bytes may bring about: caught, and made errors.
//!
//! In: a call into a decoder. Out: what it gives, or what the panic said. While such a call runs, its
//! thread [expects](is_expected) a panic: a program's panic hook stays quiet then, as the error says it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many calls are on this thread's stack, one inside another.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a decoder.
///
/// # Errors
/// What the decoder said when it panicked.
pub fn run<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    DEPTH.set(DEPTH.get() - 1);
    outcome.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied());
        said.unwrap_or("no reason given").to_owned()
    })
}

/// Whether a panic of this thread would be caught here.
pub fn is_expected() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_what_it_said_and_is_expected_meanwhile() {
        let asked = || (is_expected(), run(is_expected).expect("no panic"));
        assert_eq!(run(asked), Ok((true, true)));
        let said: Result<(), String> = run(|| panic!("damaged at {}", 7));
        assert_eq!(said, Err("damaged at 7".to_owned()));
        assert!(!is_expected());
    }
}
