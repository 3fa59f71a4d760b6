//! What is put into a device's queue, and waited for outside it.
//!
//! One batch is put into the queue at a time, with the copy of its vectors behind it; while its thread waits
//! for them, another puts the next batch into the queue, so that the device never runs dry.

use std::sync::Mutex;

use candle_core::{Result, Tensor};

#[cfg(feature = "cuda")]
use super::kernels::{Returning, Returns};

/// A device's queue.
#[derive(Default)]
pub(super) struct Queue {
    turn: Mutex<()>,
    #[cfg(feature = "cuda")]
    returns: Returns,
}

/// Vectors that are being computed.
enum Coming {
    /// On the device.
    There(Tensor),
    /// On their way, so many numbers each.
    #[cfg(feature = "cuda")]
    Returning(Returning, usize),
}

impl Queue {
    /// Puts what `enqueue` does into the queue, and waits for the vectors that it comes to: a tensor
    /// `[texts, dim]` of f32 to one vector a text.
    ///
    /// # Errors
    /// What `enqueue` fails with, or the device.
    pub(super) fn run(&self, enqueue: impl FnOnce() -> Result<Tensor>) -> Result<Vec<Vec<f32>>> {
        let coming = {
            let _turn = self.turn.lock().expect("nothing panics while it is held");
            self.send(enqueue()?)?
        };
        match coming {
            Coming::There(vectors) => vectors.to_vec2(),
            #[cfg(feature = "cuda")]
            Coming::Returning(returning, dim) => {
                let numbers = self.returns.finish(returning)?;
                Ok(numbers.chunks_exact(dim).map(<[f32]>::to_vec).collect())
            }
        }
    }

    /// Puts the copy of vectors into the queue, where that can be done without waiting for it.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(
            clippy::unnecessary_wraps,
            clippy::unused_self,
            reason = "as with a queue"
        )
    )]
    fn send(&self, vectors: Tensor) -> Result<Coming> {
        #[cfg(feature = "cuda")]
        if let Some(returning) = self.returns.begin(&vectors)? {
            return Ok(Coming::Returning(returning, vectors.dim(1)?));
        }
        Ok(Coming::There(vectors))
    }
}
