//! What callers choose: how an encoder is opened, and what a text is to it.

use super::device::DeviceChoice;

/// How an encoder is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncoderOptions {
    /// The numbers that the model is computed with.
    pub precision: Precision,
    /// On what the model is computed.
    pub device: DeviceChoice,
    /// Tokens of a text that are seen, specials included; the model's own limit where `None`.
    pub max_tokens: Option<usize>,
    /// The first so many numbers of each embedding are kept, scaled to length 1 anew where the model does
    /// that (Matryoshka embeddings); all where `None`.
    pub dim: Option<usize>,
    /// Threads to compute with; one a core where `None`.
    pub threads: Option<usize>,
}

/// The numbers that a model is computed with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats: the reference; on a GPU f16 with sums in f32.
    #[default]
    F32,
    /// Products in 8-bit integers, everything else in f32.
    Int8,
    /// Int8 where the processor is faster with it, else f32; on a GPU f16.
    Auto,
}

/// What a text is to the model: some models want another prompt for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is looked for.
    Query,
    /// What is found.
    Passage,
}
