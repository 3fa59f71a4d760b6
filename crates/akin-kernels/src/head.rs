//! One head of attention over one sequence, and the biases of its scores.

/// A score that hides a key: `2^NOTHING` is 0. Finite, because subtracting from minus infinity could give
/// NaN.
pub const NOTHING: f32 = -1e30;

/// Added to the scores of a sequence by the distance from query to key, in units of the base-2 softmax;
/// [`NOTHING`] hides a key.
#[derive(Debug, Clone)]
pub struct Relative {
    /// `[heads or 1, 2 * reach + 1]`: for keys from `reach` before the query to `reach` after it.
    table: Vec<f32>,
    reach: usize,
}

impl Relative {
    /// Makes it for sequences of up to `positions` tokens. `table` is `[heads, 2 * positions - 1]`, from
    /// the farthest key before the query to the farthest after it. One row serves all heads.
    ///
    /// # Panics
    /// If the length of `table` is not a multiple of `2 * positions - 1`.
    pub fn new(table: Vec<f32>, positions: usize) -> Self {
        let reach = positions.saturating_sub(1);
        assert_eq!(table.len() % (2 * reach + 1), 0, "whole heads");
        Self { table, reach }
    }

    /// The biases of the keys `0..tokens` for this query.
    pub(super) fn biases(&self, head: usize, query: usize, tokens: usize) -> &[f32] {
        let width = 2 * self.reach + 1;
        let head = if self.table.len() == width { 0 } else { head };
        &self.table[head * width + self.reach - query..][..tokens]
    }
}

/// One head of one sequence: pointers to its first row in the fused query, key and value rows.
#[derive(Clone, Copy)]
pub(super) struct AttentionHead<'a> {
    /// Which of the heads it is.
    pub(super) number: usize,
    pub(super) relative: Option<&'a Relative>,
    pub(super) query: *const f32,
    pub(super) key: *const f32,
    pub(super) value: *const f32,
    /// Floats from one row to the next in all three.
    pub(super) stride: usize,
    pub(super) tokens: usize,
    pub(super) dim: usize,
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
}

/// Precision of the products of attention; sums and softmax are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// f32.
    Floats,
    /// At least 8 bits, if that is faster: enough for queries, keys and values that come from byte
    /// products.
    Rough,
}
