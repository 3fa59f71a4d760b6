//! The options of an encoder, and the roles of texts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::device::DeviceChoice;

/// Options for opening an encoder.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncoderOptions {
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// The device to compute on.
    pub device: DeviceChoice,
    /// Token limit of a text, specials included; `None` means the model's own limit.
    pub max_tokens: Option<usize>,
    /// Keeps only the first `dim` numbers of each embedding and scales them to length 1 (Matryoshka
    /// embeddings). `None` keeps all.
    pub dim: Option<usize>,
    /// Threads to compute with; `None` means one per core.
    pub threads: Option<usize>,
}

/// Precision of a model's arithmetic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats: the reference; on a GPU f16 with sums in f32.
    #[default]
    F32,
    /// Products in 8-bit integers, everything else in f32.
    Int8,
    /// Int8 if the processor is faster with it and the model brings what it needs, else f32; on a GPU
    /// f16.
    Auto,
}

impl fmt::Display for Precision {
    /// `f32`, `int8`, `auto`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::Int8 => "int8",
            Precision::Auto => "auto",
        })
    }
}

/// The role of a text in search: some models put a different prompt before each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A query.
    Query,
    /// A text to be found.
    Passage,
}
