//! Rows as the packed products read them.

use super::aligned::Aligned;
#[cfg(target_arch = "x86_64")]
use super::amx;

/// A reusable buffer for the rows of one product: as bytes, with `x = scale * byte + low` after centring
/// and balancing, or as tiles.
#[derive(Default)]
pub struct Operand {
    pub(super) bytes: Aligned<u8>,
    pub(super) scales: Aligned<f32>,
    pub(super) lows: Aligned<f32>,
    /// One row, centred and balanced.
    pub(super) row: Aligned<f32>,
}

#[cfg(target_arch = "x86_64")]
impl Operand {
    /// Makes tiles of halves of rows `[count, depth]`.
    pub(super) fn split(&mut self, _: amx::Amx, rows: &[f32], depth: usize) {
        let blocks = (rows.len() / depth).div_ceil(amx::TILE);
        self.bytes
            .reserve(blocks * depth / amx::STEP * 2 * amx::TILE_BYTES);
        // SAFETY: the proof says that the processor has the instructions; there is room.
        unsafe { amx::split_rows(rows, depth, self.bytes.as_mut_ptr()) };
    }
}
