//! From the hidden states of a text's tokens to one vector.
//!
//! In: rows `[tokens, dim]`. Out: `[dim]`. The names and the arithmetic are those of
//! sentence-transformers' `Pooling` module.

use serde::{Deserialize, Serialize};

/// How the hidden states of a text's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The first token's.
    Cls,
    /// The mean over all tokens, specials included.
    Mean,
    /// The largest of each dimension.
    Max,
    /// The sum over all tokens, divided by the square root of their number.
    MeanSqrtLen,
    /// The last token's.
    LastToken,
}

impl Pooling {
    /// Pools `rows`, shape `[tokens, dim]`, at least one token.
    pub(super) fn pool(self, rows: &[f32], dim: usize) -> Vec<f32> {
        let n_tokens = rows.len() / dim;
        match self {
            Pooling::Cls => rows[..dim].to_vec(),
            Pooling::LastToken => rows[rows.len() - dim..].to_vec(),
            Pooling::Max => fold(rows, dim, f32::NEG_INFINITY, f32::max),
            Pooling::Mean => scaled_sum(rows, dim, n_tokens as f32),
            Pooling::MeanSqrtLen => scaled_sum(rows, dim, (n_tokens as f32).sqrt()),
        }
    }
}

fn fold(rows: &[f32], dim: usize, start: f32, join: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let mut out = vec![start; dim];
    for row in rows.chunks_exact(dim) {
        for (sum, &x) in out.iter_mut().zip(row) {
            *sum = join(*sum, x);
        }
    }
    out
}

fn scaled_sum(rows: &[f32], dim: usize, divisor: f32) -> Vec<f32> {
    let mut out = fold(rows, dim, 0.0, |sum, x| sum + x);
    out.iter_mut().for_each(|x| *x /= divisor);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pooling: Pooling, expected: [f32; 2]) {
        let rows = [1.0, 8.0, 3.0, 2.0, 5.0, -4.0, 7.0, 6.0];
        assert_eq!(pooling.pool(&rows, 2), expected, "{pooling:?}");
    }

    #[test]
    fn each_mode_is_what_its_name_says() {
        check(Pooling::Cls, [1.0, 8.0]);
        check(Pooling::LastToken, [7.0, 6.0]);
        check(Pooling::Max, [7.0, 8.0]);
        check(Pooling::Mean, [4.0, 3.0]);
        check(Pooling::MeanSqrtLen, [8.0, 6.0]);
    }
}
