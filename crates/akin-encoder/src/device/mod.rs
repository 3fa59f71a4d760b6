//! The encoder body on a device of candle's: CUDA, Metal, or in tests the CPU.
//!
//! ```text
//! token ids ──► rows ──────────► layers ──────────────────────────► pooled [texts, modes * hidden]
//!   host        host to device   products: candle                   device to host
//!                                between them: operations ─► kernels, composed
//! ```
//!
//! In: a [`Shape`](super::packed::Shape) and its tensors, as for the packed body, and a batch of texts. Out:
//! the same vectors, in 16 bits with sums, norms and softmax in f32. On NVIDIA GPUs the rows are packed and
//! what stands between the products are `kernels` of our own; elsewhere it is `composed` of candle's
//! operations, on rows padded to the longest text.

mod body;
mod choice;
mod composed;
mod kernels;
mod load;
mod operations;
mod outlook;
mod queue;
mod rows;

#[cfg(test)]
mod tests;

pub(super) use self::body::DeviceBody;
pub use self::choice::DeviceChoice;
pub(super) use self::choice::{ChosenDevice, choose, refused, without_backtrace};
