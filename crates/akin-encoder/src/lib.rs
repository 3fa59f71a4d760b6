//! Text to vectors.
//!
//! ```text
//! passage ──► encoding ──► batch ──► hidden states ──► embedding
//!             tokenize     batch     body              pooling, head
//!                                    packed ─► kernels
//! ```
//!
//! Models come from this binary, from a folder, or from the cache of the Hugging Face hub, into which `akin-fetch` fetches them. What a model's
//! folder says is read by `source`; `architecture` makes of its `config.json` the shape that `packed`
//! computes. Models that are a table of one vector a token are a `static_table`.
//!
//! A model that reads two texts together and gives a score instead is a [`CrossEncoder`] (`cross`).
//!
//! In: texts and a [`ModelSource`]. Out: one embedding a text, f32, shape `[dim]`, and how many
//! tokens were seen and cut. This room alone knows candle and tokenizers.
//!
//! Invariants: a text's embedding does not depend on its neighbours in the batch, their order,
//! the padding, or the number of threads (to 1e-5); f32 equals sentence-transformers (cosine
//! at least 0.99999). What is cut off is always counted, never silent.

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
