//! The encoder body on a device of candle's: CUDA, Metal, or in tests the CPU.
//!
//! ```text
//! token ids ──► rows ──────────► layers ──────────────────────────► pooled [texts, modes * hidden]
//!   host        host to device   products: candle                   device to host
//!                                between them: operations ─► kernels, composed
//! ```
//!
//! In: a [`Shape`](super::packed::Shape) and its tensors, as for the packed body, and a batch of texts.
//! Out: the same vectors, in 16 bits with sums, norms and softmax in f32. Between the products, NVIDIA GPUs
//! run our own `kernels` on packed rows. Other devices run `composed` operations of candle, on rows padded
//! to the longest text.

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
