//! The shape of a transformer encoder of any architecture: its widths and depth, the order of its parts,
//! and the names of its tensors. Each architecture makes one of its `config.json`.

use super::matrix::{Calibration, MatrixSlot};
use akin_kernels::Activation;

/// The shape of a transformer encoder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Tokens that have an embedding.
    pub(crate) vocab: usize,
    /// Width of a hidden state.
    pub(crate) hidden: usize,
    /// Layers.
    pub(crate) layers: usize,
    /// Heads of the queries.
    pub(crate) heads: usize,
    /// Heads of the keys and values: divides `heads`.
    pub(crate) key_heads: usize,
    /// Width of a head.
    pub(crate) head_dim: usize,
    /// Width inside the feed-forward block, after the gate.
    pub(crate) intermediate: usize,
    /// The longest sequence.
    pub(crate) positions: usize,
    /// The position encoding.
    pub(crate) places: PositionEncoding,
    /// What token embeddings are multiplied by.
    pub(crate) embedding_scale: f32,
    /// What queries are multiplied by, usually `1 / sqrt(head_dim)`.
    pub(crate) query_scale: f32,
    /// How rows are normalised.
    pub(crate) norm: NormKind,
    /// Added to the variance, or the mean square, in normalisation.
    pub(crate) eps: f32,
    /// Whether the first layer's attention is given its input as it is, where others normalise it.
    pub(crate) first_is_bare: bool,
    /// The activation of the feed-forward block.
    pub(crate) activation: Activation,
    /// Which half of the widened row is the gate, where there is one.
    pub(crate) gate: Option<Gate>,
    /// Whether a token attends only to those before it.
    pub(crate) causal: bool,
    /// The kinds of layers there are.
    pub(crate) kinds: Vec<LayerKind>,
    /// The kind of each layer: a place in `kinds`.
    pub(crate) kind_of: Vec<usize>,
    /// Which linear maps have a bias, in the order of [`MatrixSlot::ALL`].
    pub(crate) biases: [bool; 4],
    /// Where the checkpoint keeps its tensors.
    pub(crate) names: &'static Names,
}

/// The position encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PositionEncoding {
    /// Each position has an embedding. RoBERTa's begin behind the id of the padding, which is not
    /// counted itself.
    Learned {
        /// The row of the first position.
        first: usize,
        /// A token that has no position.
        padding: Option<u32>,
    },
    /// Queries and keys are turned (RoPE), see [`LayerKind::frequencies`].
    Rotary,
    /// Scores depend on the distance, by a linear slope a head (ALiBi).
    Slopes,
}

/// How rows are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormKind {
    /// By mean and variance, with a gain and perhaps a shift.
    Layer {
        /// Whether there is a shift.
        shift: bool,
    },
    /// By the root mean square, with a gain.
    Rms {
        /// Whether the checkpoint stores gains less 1.
        less_one: bool,
    },
}

/// Which half of a widened row is the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    First,
    Last,
}

/// What layers may differ in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LayerKind {
    /// By how much each pair of numbers of a head turns from one position to the next, radians.
    pub(crate) frequencies: Vec<f64>,
    /// How far a token attends to either side, if that is limited.
    pub(crate) window: Option<usize>,
}

/// Names of the three normalisations of a block, where it has them: of its input, of what it adds, of
/// the sum.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NormNames {
    pub(crate) before: Option<&'static str>,
    pub(crate) branch: Option<&'static str>,
    pub(crate) after: Option<&'static str>,
}

/// Where a checkpoint keeps its tensors. Names are without `.weight` and `.bias`; those of a layer
/// follow `layer`, the layer's number and a full stop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// What all names may begin with, in checkpoints of models with a head.
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) words: &'static str,
    pub(crate) positions: Option<&'static str>,
    pub(crate) types: Option<&'static str>,
    pub(crate) embedding_norm: Option<&'static str>,
    /// Relative position embeddings `[buckets, heads]`, as T5 has them.
    pub(crate) buckets: Option<&'static str>,
    pub(crate) layer: &'static str,
    /// Query, key and value: three maps, or one of all.
    pub(crate) fused: &'static [&'static str],
    pub(crate) query_norm: Option<&'static str>,
    pub(crate) key_norm: Option<&'static str>,
    pub(crate) attention_out: &'static str,
    /// The widening map: one, or two where the gate is kept apart.
    pub(crate) widen: &'static [&'static str],
    pub(crate) narrow: &'static str,
    pub(crate) attention_norms: NormNames,
    pub(crate) feed_forward_norms: NormNames,
    pub(crate) last_norm: Option<&'static str>,
}

impl Shape {
    /// The same shape for sequences of up to `max_tokens` tokens, so that tables are no larger than needed.
    /// Learned positions stay as the checkpoint has them.
    pub(crate) fn shortened(mut self, max_tokens: usize) -> Self {
        if !matches!(self.places, PositionEncoding::Learned { .. }) {
            self.positions = self.positions.min(max_tokens);
        }
        self
    }

    /// Input features of a matrix.
    pub(super) fn depth(&self, role: MatrixSlot) -> usize {
        match role {
            MatrixSlot::Fused | MatrixSlot::Widen => self.hidden,
            MatrixSlot::AttentionOut => self.heads * self.head_dim,
            MatrixSlot::Narrow => self.intermediate,
        }
    }

    /// Output features of a matrix.
    pub(super) fn columns(&self, role: MatrixSlot) -> usize {
        match role {
            MatrixSlot::Fused => (self.heads + 2 * self.key_heads) * self.head_dim,
            MatrixSlot::Widen => self.widened(),
            MatrixSlot::AttentionOut | MatrixSlot::Narrow => self.hidden,
        }
    }

    /// Width of a widened row, gate included.
    pub(super) fn widened(&self) -> usize {
        self.intermediate * if self.gate.is_some() { 2 } else { 1 }
    }

    /// Input features of every matrix, layer after layer.
    pub(super) fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.layers).flat_map(|_| MatrixSlot::ALL.map(|role| self.depth(role)))
    }

    /// Reads a stored calibration for a body of this shape; `None` if it is of another.
    pub(crate) fn calibration(&self, floats: &[f32]) -> Option<Calibration> {
        Calibration::from_floats(floats, self.depths())
    }
}
