//! One head of attention over one sequence, as every kernel takes it, and what is added to its scores.

/// A score so low that `2^x` is 0, and no infinity, of which nothing could be subtracted.
pub const NOTHING: f32 = -1e30;

/// What is added to the scores of a sequence for how far a key is from the query, in units of the base-2
/// softmax: [`NOTHING`] where it must not be looked at.
#[derive(Debug, Clone)]
pub struct Relative {
    /// `[heads or 1, 2 * reach + 1]`: for keys from `reach` before the query to `reach` behind it.
    table: Vec<f32>,
    reach: usize,
}

impl Relative {
    /// For sequences of up to `positions` tokens, `[heads, 2 * positions - 1]` for each head, or for all
    /// heads alike where there is one: from the farthest key before the query to the farthest behind.
    ///
    /// # Panics
    /// If the table is no whole number of heads.
    pub fn new(table: Vec<f32>, positions: usize) -> Self {
        let reach = positions.saturating_sub(1);
        assert_eq!(table.len() % (2 * reach + 1), 0, "whole heads");
        Self { table, reach }
    }

    /// What is added to the scores of the keys `0..tokens`, for this query.
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

/// How exact the products of attention must be; sums and softmax are f32 in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As f32.
    Floats,
    /// 8 bits are enough, where that is faster: queries, keys and values came out of byte products.
    Rough,
}
