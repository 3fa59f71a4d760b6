//! Rotations and relative biases of attention, for each kind of layer.

use super::layer::AttentionPattern;
use super::load::{PackError, TensorSource, Tensors};
use super::shape::{LayerKind, PositionEncoding, Shape};
use akin_kernels::{NOTHING, Relative, Rotation};

/// Distances from here on share the last bucket of relative position embeddings, in T5 and MPNet.
const FARTHEST: f32 = 128.0;

/// What distance adds to scores in the layers of a body.
pub(crate) struct Outlooks<'a> {
    shape: &'a Shape,
    /// Relative position embeddings `[buckets, heads]`, where the architecture has them.
    buckets: Option<Vec<f32>>,
}

impl TensorSource<'_> {
    /// What the layers of each kind look at.
    pub(super) fn outlooks(&self) -> Result<Vec<AttentionPattern>, PackError> {
        let shape = self.shape;
        let outlooks = Outlooks::new(shape, self.tensors)?;
        let outlook = |kind: &LayerKind| AttentionPattern {
            rotation: (!kind.frequencies.is_empty())
                .then(|| Rotation::new(&kind.frequencies, shape.positions)),
            relative: outlooks
                .relative(kind)
                .map(|(_, table)| Relative::new(table, shape.positions)),
        };
        Ok(shape.kinds.iter().map(outlook).collect())
    }
}

impl<'a> Outlooks<'a> {
    /// Those of a body of this shape.
    ///
    /// # Errors
    /// [`PackError`] if its relative position embeddings are missing or of the wrong size.
    pub(crate) fn new(shape: &'a Shape, tensors: &Tensors<'_>) -> Result<Self, PackError> {
        let buckets = |name: &str| {
            let name = format!("{name}.weight");
            let tensor = tensors(&name).ok_or_else(|| PackError::Missing(name.clone()))?;
            if tensor.len() > 0 && tensor.len().is_multiple_of(4 * shape.heads) {
                Ok(tensor.to_floats())
            } else {
                Err(PackError::Size {
                    name,
                    expected: 32 * shape.heads,
                    found: tensor.len(),
                })
            }
        };
        Ok(Self {
            shape,
            buckets: shape.names.buckets.map(buckets).transpose()?,
        })
    }

    /// The longest sequence.
    pub(crate) fn positions(&self) -> usize {
        self.shape.positions
    }

    /// Whether distance adds something to scores, by head, and does not only hide.
    pub(crate) fn differ_by_head(&self) -> bool {
        self.buckets.is_some() || self.shape.places == PositionEncoding::Slopes
    }

    /// The relative biases of layers of a kind: the number of heads (1 if all share them) and the table
    /// `[heads, 2 * positions - 1]`. It goes from the farthest key before a query to the farthest after it,
    /// in units of the base-2 softmax. `None` if there are no biases.
    pub(crate) fn relative(&self, kind: &LayerKind) -> Option<(usize, Vec<f32>)> {
        let shape = self.shape;
        let has_slopes = shape.places == PositionEncoding::Slopes;
        if !self.differ_by_head() && !shape.causal && kind.window.is_none() {
            return None;
        }
        let heads = if self.differ_by_head() {
            shape.heads
        } else {
            1
        };
        let slopes = slopes(shape.heads);
        let added = |head: usize, ahead: isize| {
            let distance = ahead.unsigned_abs();
            let is_hidden =
                (shape.causal && ahead > 0) || kind.window.is_some_and(|w| distance > w);
            if is_hidden {
                return NOTHING;
            }
            let mut sum = 0.0;
            if let Some(embeddings) = &self.buckets {
                let n = embeddings.len() / shape.heads;
                sum += embeddings[bucket(ahead, n) * shape.heads + head];
            }
            if has_slopes {
                sum -= slopes[head] * distance as f32;
            }
            sum * std::f32::consts::LOG2_E
        };
        let reach = shape.positions.saturating_sub(1) as isize;
        let of_head = |head| (-reach..=reach).map(move |ahead| (head, ahead));
        let table = (0..heads)
            .flat_map(of_head)
            .map(|(head, ahead)| added(head, ahead));
        Some((heads, table.collect()))
    }
}

/// The bucket, of `n`, of a key that is `ahead` of its query. Half of the buckets are for keys behind, half
/// for keys ahead. In each half, the first buckets have one distance each, and the rest are logarithmically
/// wider (T5, Raffel et al. 2020, section 2.1).
fn bucket(ahead: isize, n: usize) -> usize {
    let half = n / 2;
    let side = if ahead > 0 { half } else { 0 };
    let (distance, exact) = (ahead.unsigned_abs(), half / 2);
    if distance < exact {
        return side + distance;
    }
    let far = (distance as f32 / exact as f32).ln() / (FARTHEST / exact as f32).ln();
    let wide = exact + (far * (half - exact) as f32) as usize;
    side + wide.min(half - 1)
}

/// The slopes of ALiBi (Press et al. 2022): a geometric sequence for a power of two heads; else that of
/// the power below, and every other one of the power above.
fn slopes(heads: usize) -> Vec<f32> {
    let of_power = |n: usize| (1..=n).map(move |i| 2f64.powf(-8.0 * i as f64 / n as f64) as f32);
    let power = if heads.is_power_of_two() {
        heads
    } else {
        heads.next_power_of_two() / 2
    };
    let between = of_power(2 * power).step_by(2);
    of_power(power).chain(between).take(heads).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_paper() {
        for (ahead, expected) in [
            (0, 0),
            (-1, 1),
            (-7, 7),
            (-8, 8),
            (-15, 9),
            (-16, 10),
            (-127, 15),
        ] {
            assert_eq!(bucket(ahead, 32), expected, "{ahead}");
        }
        for (ahead, expected) in [(1, 17), (7, 23), (8, 24), (64, 30), (128, 31), (5000, 31)] {
            assert_eq!(bucket(ahead, 32), expected, "{ahead}");
        }
    }

    #[test]
    fn slopes_are_those_of_the_paper() {
        let eighth = |i: i32| 0.5f32.powi(i);
        assert_eq!(slopes(8), (1..=8).map(eighth).collect::<Vec<_>>());
        let four = [0.25, 0.0625, 0.015625, 0.00390625];
        assert_eq!(slopes(6), [&four[..], &[0.5, 0.125]].concat());
    }
}
