//! Pages whose text was saved from a browser.

pub(crate) mod hf;
