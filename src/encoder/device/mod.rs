//! The encoder body on a device of candle's: CUDA, Metal, or for comparison the CPU.
//!
//! ```text
//! token ids ──► batches of like length ──► [batch, tokens, hidden] ──► pooled [batch, modes * hidden]
//!   host          host                        device                    device, then host
//! ```
//!
//! In: a [`Shape`](super::packed::Shape) and its tensors, as for the packed body. Out: the same vectors: f32 on the CPU, and on a
//! GPU in 16 bits with sums, norms and softmax in f32. Padding is masked and never reaches the pooling.

mod body;
mod choice;
mod outlook;
mod pool;

#[cfg(test)]
mod tests;

pub(super) use self::body::DeviceBody;
pub use self::choice::DeviceChoice;
pub(super) use self::choice::{Chosen, choose};
