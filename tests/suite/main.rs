//! The tests that need more than one room, or the program itself: one binary, a module a subject.

#![expect(clippy::unwrap_used, reason = "tests may fail")]

mod answers;
mod architectures;
mod asking;
mod authors;
mod bad_input;
mod caching;
mod command_line;
#[cfg(unix)]
mod console;
mod dates;
mod english;
mod evaluating;
mod exporting;
// The library tells its steps in builds with debug assertions only.
#[cfg(debug_assertions)]
mod faults;
mod fields;
mod filter;
#[cfg(feature = "arrow")]
mod filter_tables;
mod golden;
mod habits;
mod hybrid;
mod identity;
mod interruption;
mod layers;
mod living_library;
mod merging;
mod mistakes;
mod models;
mod morning;
mod outputs;
#[cfg(target_os = "linux")]
mod paging;
mod pull;
mod reading;
mod related;
mod repeated;
mod rerank;
mod sandbox;
#[cfg(target_os = "linux")]
mod settings;
mod shared;
mod shells;
mod shown;
#[cfg(unix)]
mod signals;
mod spaces;
mod structure;
#[cfg(target_os = "linux")]
mod terminal;
mod undoing;
mod upkeep;
#[cfg(target_os = "linux")]
mod whole_files;
mod words_first;
