//! Signals that are ignored.

/// Ignores a signal from now on; programs that are started afterwards ignore it too.
#[expect(unsafe_code, reason = "no crate at hand ignores a signal")]
pub(super) fn ignore(signal: libc::c_int) {
    // SAFETY: SIG_IGN is not a handler that could do anything.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}
