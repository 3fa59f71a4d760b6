//! Text to vectors.
//!
//! ```text
//! passage ──► encoding ──► batch ──► hidden states ──► embedding
//!             tokenize     batch     body              pooling, head
//!                                    packed ─► kernels
//! ```
//!
//! Models come from this binary, from a folder, or from the cache of the Hugging Face hub, which
//! `akin-fetch` fills. `source` reads a model's folder, and `architecture` turns its `config.json` into the
//! shape that `packed` computes. A `static_table` is a model with one vector per token.
//!
//! A [`CrossEncoder`] (`cross`) reads two texts together and gives a score instead.
//!
//! In: texts and a [`ModelSource`]. Out: one embedding per text, f32, shape `[dim]`, with the number of
//! tokens and whether the text was cut. Only this crate knows candle and tokenizers.
//!
//! Invariants: a text's embedding does not depend on the other texts of the batch, their order, the padding
//! or the number of threads (to 1e-5). f32 equals sentence-transformers (cosine at least 0.99999). Cut
//! texts are always reported.

mod architecture;
mod batch;
mod body;
mod cross;
mod device;
mod encoder;
mod head;
mod options;
mod packed;
mod pooling;
mod recipe;
mod source;
mod static_table;
mod tensors;
mod tokenize;
mod verify;

pub use self::cross::{CrossEncoder, MOST_PAIR_TOKENS, PairScores};
pub use self::device::DeviceChoice;
pub use self::encoder::{Embedded, Encoder};
pub use self::options::{EncoderOptions, Precision, Role};
pub use self::pooling::{Pooling, PoolingMode};
pub use self::recipe::Recipe;
pub use self::source::ModelSource;
pub use self::tokenize::Encoding;
pub use self::verify::{LEAST_INT8, LEAST_INT8_OF_ANY, LONG_WORDS, Verification, verify};
