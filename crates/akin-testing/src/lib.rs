//! What the tests of several rooms share. For tests only.

#![expect(clippy::print_stdout, reason = "tests say what they tried")]

pub mod fuzz;
