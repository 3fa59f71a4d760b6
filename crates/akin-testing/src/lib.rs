//! What the tests of several rooms share. For tests only.

pub mod fuzz;
