//! The number of threads that run a kernel.

/// A grid of blocks of threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) blocks: [u32; 3],
    pub(super) threads: [u32; 3],
    /// Of a block.
    pub(super) shared_bytes: u32,
}
