//! One encoder layer: attention, then the feed-forward block, each `after(x + branch(f(before(x))))`
//! with those of the three normalisations that the architecture has.

use super::groups::AttentionBlock;
use super::matrix::{Exec, Matrix};
use super::shape::{Gate, Shape};
use akin_kernels::{
    Activation, Aligned, Attention, AttentionScratch, Epilogue, Isas, Operand, Relative, Rotation,
    ScratchPool,
};

/// Rows that pass through the feed-forward block together: their wide rows stay in the cache, next
/// to the weights.
pub(super) const WIDE_ROWS: usize = 64;

/// Activations of one group.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) hidden: Aligned<f32>,
    /// Rows that a block is given, or adds, normalised.
    pub(super) normed: Aligned<f32>,
    pub(super) fused: Aligned<f32>,
    pub(super) context: Aligned<f32>,
    pub(super) wide: Aligned<f32>,
    pub(super) gated: Aligned<f32>,
    pub(super) operand: Operand,
}

/// How rows are normalised.
pub(super) enum Norm {
    Layer { gain: Vec<f32>, shift: Vec<f32> },
    Rms { gain: Vec<f32> },
}

impl Norm {
    pub(super) fn apply(&self, isa: Isas, rows: &mut [f32], eps: f32) {
        match self {
            Self::Layer { gain, shift } => isa.layer_norm(rows, gain, shift, eps),
            Self::Rms { gain } => isa.rms_norm(rows, gain, eps),
        }
    }

    pub(super) fn into_gain(self) -> Vec<f32> {
        match self {
            Self::Layer { gain, .. } | Self::Rms { gain } => gain,
        }
    }
}

/// The normalisations of a block: of its input, of what it adds, of the sum.
pub(super) struct NormPlacement {
    pub(super) before: Option<Norm>,
    pub(super) branch: Option<Norm>,
    pub(super) after: Option<Norm>,
}

/// One encoder layer.
pub(super) struct Layer {
    /// `[query | key | value]`, the query already scaled where it is not normalised.
    pub(super) fused: Matrix,
    /// Gains of the normalised heads of queries, already scaled, and of keys.
    pub(super) query_gain: Option<Vec<f32>>,
    pub(super) key_gain: Option<Vec<f32>>,
    /// Which of the shape's kinds it is.
    pub(super) kind: usize,
    pub(super) attention_out: Matrix,
    pub(super) attention: NormPlacement,
    pub(super) widen: Matrix,
    pub(super) narrow: Matrix,
    pub(super) feed_forward: NormPlacement,
}

/// What all layers of a kind look at.
pub(super) struct AttentionPattern {
    pub(super) rotation: Option<Rotation>,
    pub(super) relative: Option<Relative>,
}

/// What a layer works with.
pub(super) struct LayerContext<'a> {
    pub(super) shape: &'a Shape,
    pub(super) how: Exec,
    pub(super) attention: Attention,
    pub(super) outlooks: &'a [AttentionPattern],
    pub(super) spares: &'a ScratchPool<AttentionScratch>,
}

/// What the last product of a block works with.
struct BlockBuffers<'a> {
    /// At least as many numbers as the rows of the block.
    normed: &'a mut [f32],
    operand: &'a mut Operand,
}

impl NormPlacement {
    /// The input of the block, normalised into `buffer` where it is to be.
    fn input<'r>(
        &self,
        setting: &LayerContext<'_>,
        rows: &'r [f32],
        buffer: &'r mut [f32],
    ) -> &'r [f32] {
        let Some(norm) = &self.before else {
            return rows;
        };
        let buffer = &mut buffer[..rows.len()];
        buffer.copy_from_slice(rows);
        norm.apply(setting.how.isa, buffer, setting.shape.eps);
        buffer
    }

    /// Adds the last product of the block to the rows.
    fn add(
        &self,
        setting: &LayerContext<'_>,
        last: &Matrix,
        from: &[f32],
        buffers: BlockBuffers<'_>,
        rows: &mut [f32],
    ) {
        let (how, eps) = (setting.how, setting.shape.eps);
        let BlockBuffers { normed, operand } = buffers;
        match &self.branch {
            None => last.multiply(how, from, operand, Epilogue::Add, rows),
            Some(norm) => {
                let added = &mut normed[..rows.len()];
                last.multiply(how, from, operand, Epilogue::Bias, added);
                norm.apply(how.isa, added, eps);
                how.isa.add(rows, added);
            }
        }
        if let Some(norm) = &self.after {
            norm.apply(how.isa, rows, eps);
        }
    }

    /// Whether rows need a buffer beside them.
    pub(super) fn is_buffered(&self) -> bool {
        self.before.is_some() || self.branch.is_some()
    }
}

impl Layer {
    /// Adds to each hidden state of a block what attention finds for it.
    pub(super) fn attend(
        &self,
        setting: &LayerContext<'_>,
        block: &AttentionBlock,
        scratch: &mut Scratch,
    ) {
        let (shape, how) = (setting.shape, setting.how);
        let (width, tokens) = (shape.hidden, block.n_tokens());
        let (stride, out) = (
            setting.attention.fused_width(),
            shape.heads * shape.head_dim,
        );
        let Scratch {
            hidden,
            normed,
            fused,
            context,
            operand,
            ..
        } = scratch;
        let hidden = &mut hidden[block.first * width..][..tokens * width];
        let fused = &mut fused[..tokens * stride];
        let context = &mut context[..tokens * out];
        let input = self.attention.input(setting, hidden, normed);
        self.fused
            .multiply(how, input, operand, Epilogue::Bias, fused);
        self.norm_heads(setting, fused);
        let outlook = &setting.outlooks[self.kind];
        let mut row = 0;
        for &length in block.lengths {
            let fused = &mut fused[row * stride..][..length * stride];
            if let Some(rotation) = &outlook.rotation {
                let to = (shape.heads + shape.key_heads) * shape.head_dim;
                how.isa
                    .rotate_heads(fused, stride, to, shape.head_dim, rotation);
            }
            setting.attention.attend(
                how.isa,
                fused,
                outlook.relative.as_ref(),
                &mut context[row * out..][..length * out],
                how.split,
                setting.spares,
            );
            row += length;
        }
        let buffers = BlockBuffers { normed, operand };
        self.attention
            .add(setting, &self.attention_out, context, buffers, hidden);
    }

    fn norm_heads(&self, setting: &LayerContext<'_>, fused: &mut [f32]) {
        let (shape, isa) = (setting.shape, setting.how.isa);
        let stride = setting.attention.fused_width();
        let queries = shape.heads * shape.head_dim;
        let keys = queries + shape.key_heads * shape.head_dim;
        if let Some(gain) = &self.query_gain {
            isa.norm_heads(fused, stride, 0..queries, gain, shape.eps);
        }
        if let Some(gain) = &self.key_gain {
            isa.norm_heads(fused, stride, queries..keys, gain, shape.eps);
        }
    }

    /// Adds to each hidden state what the feed-forward block makes of it.
    pub(super) fn feed_forward(&self, setting: &LayerContext<'_>, scratch: &mut Scratch) {
        let (shape, how) = (setting.shape, setting.how);
        let Scratch {
            hidden,
            normed,
            wide,
            gated,
            operand,
            ..
        } = scratch;
        for rows in hidden.chunks_mut(WIDE_ROWS * shape.hidden) {
            let count = rows.len() / shape.hidden;
            let wide = &mut wide[..count * shape.widened()];
            let input = self.feed_forward.input(setting, rows, normed);
            let is_fused = shape.gate.is_none() && shape.activation == Activation::Gelu;
            let epilogue = if is_fused {
                Epilogue::Gelu
            } else {
                Epilogue::Bias
            };
            self.widen.multiply(how, input, operand, epilogue, wide);
            let inner: &[f32] = match shape.gate {
                Some(gate) => {
                    let gated = &mut gated[..count * shape.intermediate];
                    let is_first = gate == Gate::First;
                    how.isa
                        .gate(shape.activation, is_first, wide, shape.intermediate, gated);
                    gated
                }
                None => {
                    if !is_fused {
                        how.isa.activate(shape.activation, wide);
                    }
                    wide
                }
            };
            let buffers = BlockBuffers { normed, operand };
            self.feed_forward
                .add(setting, &self.narrow, inner, buffers, rows);
        }
    }
}
