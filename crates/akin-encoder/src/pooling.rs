//! Pools the hidden states of a text's tokens to one vector.
//!
//! In: rows `[tokens, dim]`. Out: `[modes * dim]`. The names and the arithmetic are those of
//! sentence-transformers' `Pooling` module.

use serde::{Deserialize, Serialize};

/// How the hidden states of a text's tokens become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolingMode {
    /// The first token's state.
    Cls,
    /// The mean over all tokens, specials included.
    Mean,
    /// The maximum of each dimension.
    Max,
    /// The sum over all tokens, divided by the square root of their number.
    MeanSqrtLen,
    /// The mean over all tokens, weighted by their position from 1 on.
    WeightedMean,
    /// The last token's state.
    LastToken,
}

impl PoolingMode {
    /// How older versions of sentence-transformers say that a mode is set, in the order in which the
    /// vectors of several are put after one another.
    pub(super) const FLAGS: [(&'static str, PoolingMode); 6] = [
        ("pooling_mode_cls_token", PoolingMode::Cls),
        ("pooling_mode_max_tokens", PoolingMode::Max),
        ("pooling_mode_mean_tokens", PoolingMode::Mean),
        (
            "pooling_mode_mean_sqrt_len_tokens",
            PoolingMode::MeanSqrtLen,
        ),
        (
            "pooling_mode_weightedmean_tokens",
            PoolingMode::WeightedMean,
        ),
        ("pooling_mode_lasttoken", PoolingMode::LastToken),
    ];

    /// The name, as newer versions of sentence-transformers write it, with underscores.
    pub(super) fn name(self) -> &'static str {
        match self {
            PoolingMode::Cls => "cls",
            PoolingMode::Mean => "mean",
            PoolingMode::Max => "max",
            PoolingMode::MeanSqrtLen => "mean_sqrt_len",
            PoolingMode::WeightedMean => "weighted_mean",
            PoolingMode::LastToken => "last_token",
        }
    }

    fn from_name(name: &str) -> Result<PoolingMode, String> {
        let alias = match name {
            "mean_sqrt_len_tokens" => "mean_sqrt_len",
            "weightedmean" => "weighted_mean",
            "lasttoken" => "last_token",
            other => other,
        };
        let mut modes = PoolingMode::FLAGS.iter().map(|(_, mode)| *mode);
        modes.find(|mode| mode.name() == alias).ok_or_else(|| {
            let known = PoolingMode::FLAGS.map(|(_, mode)| mode.name()).join(", ");
            match name {
                "" => "it sets no pooling mode".to_owned(),
                _ => format!("its pooling mode is {name:?}; known are: {known}"),
            }
        })
    }

    /// Writes the vector of `rows`, shape `[tokens, dim]`, to `out`, shape `[dim]`.
    fn pool(self, rows: &[f32], out: &mut [f32]) {
        let dim = out.len();
        let n_tokens = (rows.len() / dim) as f32;
        match self {
            PoolingMode::Cls => out.copy_from_slice(&rows[..dim]),
            PoolingMode::LastToken => out.copy_from_slice(&rows[rows.len() - dim..]),
            PoolingMode::Max => {
                out.fill(f32::NEG_INFINITY);
                fold(rows, out, |largest, x, _| largest.max(x));
            }
            PoolingMode::Mean => scaled_sum(rows, out, n_tokens),
            PoolingMode::MeanSqrtLen => scaled_sum(rows, out, n_tokens.sqrt()),
            PoolingMode::WeightedMean => {
                out.fill(0.0);
                fold(rows, out, |sum, x, place| sum + x * place);
                let weights = n_tokens * (n_tokens + 1.0) / 2.0;
                out.iter_mut().for_each(|x| *x /= weights);
            }
        }
    }
}

/// One or several pooling modes; their vectors are concatenated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pooling(Vec<PoolingMode>);

impl Pooling {
    /// Pooling by a single mode.
    pub fn new(mode: PoolingMode) -> Pooling {
        Pooling(vec![mode])
    }

    /// Pooling by several modes, concatenated.
    pub(super) fn several(modes: &[PoolingMode]) -> Pooling {
        Pooling(modes.to_vec())
    }

    /// The modes, in their order.
    pub fn modes(&self) -> &[PoolingMode] {
        &self.0
    }

    /// Pools `rows`, shape `[tokens, dim]`, at least one token, to `out`, shape `[modes * dim]`.
    pub(super) fn pool(&self, rows: &[f32], out: &mut [f32]) {
        let dim = out.len() / self.0.len();
        for (mode, out) in self.0.iter().zip(out.chunks_exact_mut(dim)) {
            mode.pool(rows, out);
        }
    }
}

impl TryFrom<String> for Pooling {
    type Error = String;

    fn try_from(names: String) -> Result<Pooling, String> {
        let modes = names.split('+').map(PoolingMode::from_name);
        let modes: Vec<PoolingMode> = modes.collect::<Result<_, String>>()?;
        if modes.len() <= PoolingMode::FLAGS.len() {
            Ok(Pooling(modes))
        } else {
            Err(format!("{} poolings are too many", modes.len()))
        }
    }
}

impl From<Pooling> for String {
    fn from(pooling: Pooling) -> String {
        let names: Vec<&str> = pooling.0.iter().map(|mode| mode.name()).collect();
        names.join("+")
    }
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

/// Joins each row into `out`: `join(so far, number, place of the row from 1 on)`.
fn fold(rows: &[f32], out: &mut [f32], join: impl Fn(f32, f32, f32) -> f32) {
    for (place, row) in rows.chunks_exact(out.len()).enumerate() {
        for (sum, &x) in out.iter_mut().zip(row) {
            *sum = join(*sum, x, (place + 1) as f32);
        }
    }
}

fn scaled_sum(rows: &[f32], out: &mut [f32], divisor: f32) {
    out.fill(0.0);
    fold(rows, out, |sum, x, _| sum + x);
    out.iter_mut().for_each(|x| *x /= divisor);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &str, expected: &[f32]) {
        let rows = [1.0, 8.0, 3.0, 2.0, 5.0, -4.0, 7.0, 6.0];
        let pooling: Pooling = names.to_owned().try_into().unwrap();
        let mut out = vec![9.0; 2 * pooling.modes().len()];
        pooling.pool(&rows, &mut out);
        assert_eq!(out, expected, "{names}");
    }

    #[test]
    fn each_mode_is_what_its_name_says() {
        check("cls", &[1.0, 8.0]);
        check("lasttoken", &[7.0, 6.0]);
        check("max", &[7.0, 8.0]);
        check("mean", &[4.0, 3.0]);
        check("mean_sqrt_len_tokens", &[8.0, 6.0]);
        check("weightedmean", &[5.0, 2.4]);
        check("mean+cls", &[4.0, 3.0, 1.0, 8.0]);
    }

    #[test]
    fn modes_are_written_as_they_are_read() {
        let names = |pooling: Pooling| String::from(pooling);
        assert_eq!(
            names(Pooling::new(PoolingMode::MeanSqrtLen)),
            "mean_sqrt_len"
        );
        assert_eq!(
            names("lasttoken+mean".to_owned().try_into().unwrap()),
            "last_token+mean"
        );
        for bad in ["", "median", "mean+"] {
            assert!(Pooling::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
