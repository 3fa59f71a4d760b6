//! Catches panics of third-party decoders, which damaged bytes may cause, and returns them as
//! errors.
//!
//! In: a call into a decoder. Out: its result, or the panic's message. While such a call runs, its
//! thread [expects](is_expected) a panic, so that a program's panic hook can stay quiet.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Number of nested calls on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a decoder.
///
/// # Errors
/// The message of the decoder's panic.
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

/// Whether a panic on this thread would be caught here.
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
