//! The log: what the library does, step by step, on stderr, for whoever looks into a problem.
//!
//! In: the events of the library's own crates. Out: a line each, as text or as JSON, with its time and its
//! level. Without `-vv` or `--log` nothing is logged. As JSON, the messages for people are lines of it, too.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use super::args::LogFormat;
use super::terminal;

/// Crates whose events are logged.
const OWN: [&str; 8] = [
    "akin",
    "akin_base",
    "akin_dump",
    "akin_encoder",
    "akin_fetch",
    "akin_index",
    "akin_kernels",
    "akin_library",
];

/// Logs from now on.
pub(super) fn start(format: LogFormat) {
    let own = OWN.map(|target| (target, Level::DEBUG));
    let targets = Targets::new()
        .with_default(LevelFilter::OFF)
        .with_targets(own);
    let registry = tracing_subscriber::registry().with(targets);
    let lines = fmt::layer().with_ansi(false).with_writer(terminal::log);
    match format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => {
            terminal::make_json();
            registry.with(lines.json().flatten_event(true)).init();
        }
    }
}
