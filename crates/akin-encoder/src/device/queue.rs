//! Puts batches into a device's queue and waits for them outside it.
//!
//! One batch is queued at a time, with the copy of its vectors behind it. While its thread waits for them,
//! another thread queues the next batch, so that the device never runs dry.

use candle_core::{Device, Result, Tensor};

#[cfg(feature = "cuda")]
use super::kernels::{LaunchOrder, Returning, Returns};

/// A device's queue.
pub(super) struct Queue {
    #[cfg_attr(
        not(feature = "cuda"),
        expect(dead_code, reason = "only CUDA's has streams")
    )]
    device: Device,
    #[cfg(feature = "cuda")]
    order: LaunchOrder,
    #[cfg(feature = "cuda")]
    returns: Returns,
}

/// Vectors that are being computed.
enum Coming {
    /// On the device.
    There(Tensor),
    /// On their way, this many numbers each.
    #[cfg(feature = "cuda")]
    Returning(Returning, usize),
}

impl Queue {
    pub(super) fn new(device: &Device) -> Queue {
        Queue {
            device: device.clone(),
            #[cfg(feature = "cuda")]
            order: LaunchOrder::default(),
            #[cfg(feature = "cuda")]
            returns: Returns::default(),
        }
    }

    /// Puts what `enqueue` does into the queue.
    ///
    /// # Errors
    /// What `enqueue` fails with, or the device.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(clippy::unused_self, reason = "as with streams")
    )]
    pub(super) fn put<T, E: From<candle_core::Error>>(
        &self,
        enqueue: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = &self.device {
            return self.order.next(device, enqueue);
        }
        enqueue()
    }

    /// Queues what `enqueue` does and waits for its result, a tensor `[texts, dim]` of f32; returns one
    /// vector per text.
    ///
    /// # Errors
    /// What `enqueue` fails with, or the device.
    pub(super) fn run(&self, enqueue: impl FnOnce() -> Result<Tensor>) -> Result<Vec<Vec<f32>>> {
        match self.put(|| self.send(enqueue()?))? {
            Coming::There(vectors) => vectors.to_vec2(),
            #[cfg(feature = "cuda")]
            Coming::Returning(returning, dim) => {
                let numbers = self.returns.finish(returning)?;
                Ok(numbers.chunks_exact(dim).map(<[f32]>::to_vec).collect())
            }
        }
    }

    /// Waits until all that was put into the queue is done, and its memory is free.
    ///
    /// # Errors
    /// What the device says.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(
            clippy::unnecessary_wraps,
            clippy::unused_self,
            reason = "as with streams"
        )
    )]
    pub(super) fn drain(&self) -> Result<()> {
        #[cfg(feature = "cuda")]
        self.order.wait()?;
        Ok(())
    }

    /// Puts the copy of vectors into the queue, where that can be done without waiting for it.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(
            clippy::unnecessary_wraps,
            clippy::unused_self,
            reason = "as with streams"
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
