//! The BERT body over packed rows: the tokens of all sequences one after another, no padding.
//!
//! In: token ids and where each sequence begins. Out: hidden states `[tokens, hidden]`, or one
//! pooled embedding a sequence. A batch is cut into groups of whole sequences; each worker takes
//! a group through all layers, so that its rows stay in its cache and nobody waits; within a layer,
//! a few sequences at a time attend, then a few rows at a time are fed forward. With fewer
//! groups than threads (a query), the columns of each product are shared out instead.
//!
//! Invariant: a sequence's result depends on nothing but its own tokens, bit for bit.

mod groups;
mod load;
mod matrix;
mod tensor;

#[cfg(test)]
mod tests;

pub(crate) use load::{PackError, Tensors};
pub(crate) use matrix::{Calibration, Precision};
pub(crate) use tensor::{Dtype, Tensor};

use super::kernels::{
    Aligned, Attention, AttentionScratch, Epilogue, Isa, Numbers, Operand, Spares, Split,
};
use groups::{Block, Group, Sequences, blocks, group};
use load::{Packing, Source};
use matrix::{How, Matrix, Role};
use rayon::prelude::*;

/// Rows that pass through the feed-forward block together: their wide rows stay in the cache, next
/// to the weights.
const WIDE_ROWS: usize = 64;

/// The shape of a BERT body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BertShape {
    /// Width of a hidden state.
    pub(crate) hidden: usize,
    /// Encoder layers.
    pub(crate) layers: usize,
    /// Attention heads: divides `hidden`.
    pub(crate) heads: usize,
    /// Width inside the feed-forward block.
    pub(crate) intermediate: usize,
    /// Positions that have an embedding: the longest sequence.
    pub(crate) positions: usize,
    /// Added to the variance in layer normalisation.
    pub(crate) eps: f32,
}

impl BertShape {
    /// Input features of every matrix, layer after layer.
    fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.layers).flat_map(|_| Role::ALL.map(|role| role.depth(self)))
    }

    /// Reads a stored calibration for a body of this shape; `None` if it is of another.
    pub(crate) fn calibration(&self, floats: &[f32]) -> Option<Calibration> {
        Calibration::from_floats(floats, self.depths())
    }
}

/// Gains and shifts of one layer normalisation.
struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

/// One encoder layer.
struct Layer {
    /// `[query | key | value]`, the query already divided by `sqrt(dim)`.
    fused: Matrix,
    attention_out: Matrix,
    attention_norm: Norm,
    widen: Matrix,
    narrow: Matrix,
    out_norm: Norm,
}

/// A BERT body with its weights packed for this processor.
pub(crate) struct PackedBert {
    shape: BertShape,
    isa: Isa,
    words: Tensor,
    /// Position embeddings, the embedding of token type 0 already added.
    positions: Vec<f32>,
    /// Embeddings of the token types, that of type 0 taken off each.
    types: Vec<f32>,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    attention: Attention,
    scratch: Spares<Scratch>,
    attention_scratch: Spares<AttentionScratch>,
}

/// Activations of one group.
#[derive(Default)]
struct Scratch {
    hidden: Aligned<f32>,
    fused: Aligned<f32>,
    context: Aligned<f32>,
    wide: Aligned<f32>,
    operand: Operand,
}

impl PackedBert {
    /// Packs a checkpoint's tensors, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// [`PackError`] names the tensor that is missing or of the wrong size.
    pub(crate) fn new(
        shape: BertShape,
        tensors: &Tensors<'_>,
        precision: Precision<'_>,
        isa: Isa,
    ) -> Result<Self, PackError> {
        let packing = match precision {
            Precision::F32 => Packing::Float,
            Precision::Int8(calibration) => Packing::Bytes(calibration),
        };
        Self::pack(shape, tensors, packing, isa)
    }

    fn pack(
        shape: BertShape,
        tensors: &Tensors<'_>,
        packing: Packing<'_>,
        isa: Isa,
    ) -> Result<Self, PackError> {
        let (hidden, heads) = (shape.hidden, shape.heads);
        if heads == 0 || !hidden.is_multiple_of(heads) {
            return Err(PackError::Heads { heads, hidden });
        }
        if let Packing::Bytes(calibration) = packing {
            let depths = calibration.inputs.iter().map(|inputs| inputs.means.len());
            if !depths.eq(shape.depths()) {
                return Err(PackError::Calibration);
            }
        }
        let source = Source {
            tensors,
            shape: &shape,
            packing,
            isa,
        };
        let matrices = (0..4 * shape.layers)
            .into_par_iter()
            .map(|i| source.matrix(i / 4, Role::ALL[i % 4]))
            .collect::<Result<Vec<_>, _>>()?;
        let mut matrices = matrices.into_iter();
        let layers = (0..shape.layers)
            .map(|i| {
                source.layer(
                    i,
                    std::array::from_fn(|_| matrices.next().expect("four a layer")),
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            isa,
            words: source.some("embeddings.word_embeddings.weight")?,
            positions: source.positions()?,
            types: source.types()?,
            embedding_norm: source.norm("embeddings.LayerNorm")?,
            layers,
            attention: Attention {
                heads,
                dim: hidden / heads,
                numbers: match packing {
                    Packing::Bytes(_) => Numbers::Rough,
                    Packing::Float | Packing::Watched => Numbers::Floats,
                },
            },
            scratch: Spares::default(),
            attention_scratch: Spares::default(),
            shape,
        })
    }

    /// Runs texts through the body in f32 and notes what each matrix is given: a few thousand
    /// tokens of the kind of text that is to be embedded are enough. Arguments as for
    /// [`new`](Self::new) and [`forward`](Self::forward).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    ///
    /// # Panics
    /// As for [`forward`](Self::forward).
    pub(crate) fn calibrate(
        shape: BertShape,
        tensors: &Tensors<'_>,
        isa: Isa,
        token_ids: &[u32],
        lengths: &[usize],
    ) -> Result<Calibration, PackError> {
        let body = Self::pack(shape, tensors, Packing::Watched, isa)?;
        body.forward(token_ids, lengths);
        let of_layer = |layer: &Layer| {
            [
                &layer.fused,
                &layer.attention_out,
                &layer.widen,
                &layer.narrow,
            ]
            .map(Matrix::inputs)
        };
        let inputs = body.layers.iter().flat_map(of_layer).flatten().collect();
        Ok(Calibration { inputs })
    }

    /// How many types of tokens have an embedding.
    pub(crate) fn n_types(&self) -> usize {
        self.types.len() / self.shape.hidden
    }

    /// The shape it was packed with.
    pub(crate) fn shape(&self) -> &BertShape {
        &self.shape
    }

    /// Hidden states `[tokens, hidden]` of all sequences, on the threads of the current rayon
    /// pool. `token_ids` holds the sequences one after another, `lengths` the tokens of each.
    ///
    /// # Panics
    /// If the lengths do not add up to the tokens, a sequence is longer than the positions, or a
    /// token is not in the vocabulary.
    pub(crate) fn forward(&self, token_ids: &[u32], lengths: &[usize]) -> Vec<f32> {
        let mut out = vec![0.0; token_ids.len() * self.shape.hidden];
        let sequences = Sequences {
            ids: token_ids,
            types: &[],
            lengths,
        };
        self.run(
            sequences,
            &mut out,
            |g| g.tokens.len(),
            |_, rows, out| out.copy_from_slice(rows),
        );
        out
    }

    /// One embedding a sequence, `[sequences, hidden]`: `pool(rows, out)` makes it from the
    /// sequence's hidden states. Otherwise as [`forward`](Self::forward).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub(crate) fn embed(
        &self,
        token_ids: &[u32],
        lengths: &[usize],
        pool: impl Fn(&[f32], &mut [f32]) + Sync,
    ) -> Vec<f32> {
        self.embed_typed(token_ids, &[], lengths, pool)
    }

    /// [`embed`](Self::embed) for tokens of different types, such as those of the second text of a
    /// pair: `token_types` has the type of each token.
    ///
    /// # Panics
    /// As [`forward`](Self::forward), and if a type has no embedding.
    pub(crate) fn embed_typed(
        &self,
        token_ids: &[u32],
        token_types: &[u32],
        lengths: &[usize],
        pool: impl Fn(&[f32], &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let hidden = self.shape.hidden;
        let mut out = vec![0.0; lengths.len() * hidden];
        let sequences = Sequences {
            ids: token_ids,
            types: token_types,
            lengths,
        };
        self.run(
            sequences,
            &mut out,
            |g| g.sequences.len(),
            |group, rows, out| {
                let mut rest = rows;
                for (sequence, out) in group.sequences.clone().zip(out.chunks_exact_mut(hidden)) {
                    let (rows, more) = rest.split_at(lengths[sequence] * hidden);
                    pool(rows, out);
                    rest = more;
                }
            },
        );
        out
    }

    /// Takes every group through the body and hands its rows to `finish` with its part of `out`,
    /// which holds `rows_of(group)` rows.
    fn run(
        &self,
        sequences: Sequences<'_>,
        out: &mut [f32],
        rows_of: impl Fn(&Group) -> usize,
        finish: impl Fn(&Group, &[f32], &mut [f32]) + Sync,
    ) {
        let lengths = sequences.lengths;
        assert_eq!(
            lengths.iter().sum::<usize>(),
            sequences.ids.len(),
            "lengths add up to the tokens"
        );
        let threads = rayon::current_num_threads();
        let groups = group(lengths, threads);
        let split = match threads / groups.len().max(1) {
            0 | 1 => Split::Whole,
            spare => Split::Among(spare),
        };
        let mut parts = Vec::with_capacity(groups.len());
        let mut rest = out;
        for group in &groups {
            let (part, more) = rest.split_at_mut(rows_of(group) * self.shape.hidden);
            parts.push((group, part));
            rest = more;
        }
        let work = |(group, part): (&Group, &mut [f32])| {
            self.scratch.lend(|scratch| {
                self.group(sequences.of(group), scratch, split);
                finish(group, &scratch.hidden, part);
            });
        };
        match parts.len() {
            0 | 1 => parts.into_iter().for_each(work),
            _ => parts.into_par_iter().with_max_len(1).for_each(work),
        }
    }

    /// Takes one group through all layers; its hidden states stay in the scratch.
    fn group(&self, sequences: Sequences<'_>, scratch: &mut Scratch, split: Split) {
        let (tokens, hidden) = (sequences.ids.len(), self.shape.hidden);
        let blocks = blocks(sequences.lengths);
        let largest = blocks.iter().map(Block::n_tokens).max().unwrap_or(0);
        scratch.hidden.reserve(tokens * hidden);
        scratch.fused.reserve(largest * 3 * hidden);
        scratch.context.reserve(largest * hidden);
        scratch
            .wide
            .reserve(WIDE_ROWS.min(tokens) * self.shape.intermediate);
        self.embed_tokens(sequences, &mut scratch.hidden);
        let how = How {
            isa: self.isa,
            split,
        };
        for layer in &self.layers {
            for block in &blocks {
                self.attention_block(layer, how, block, scratch);
            }
            let Scratch {
                hidden: all,
                wide,
                operand,
                ..
            } = &mut *scratch;
            for rows in all.chunks_mut(WIDE_ROWS * hidden) {
                let wide = &mut wide[..rows.len() / hidden * self.shape.intermediate];
                layer
                    .widen
                    .multiply(how, rows, operand, Epilogue::Gelu, wide);
                layer
                    .narrow
                    .multiply(how, wide, operand, Epilogue::Add, rows);
                self.norm(rows, &layer.out_norm);
            }
        }
    }

    /// Adds to each hidden state of a block what attention finds for it, and normalises.
    fn attention_block(&self, layer: &Layer, how: How, block: &Block, scratch: &mut Scratch) {
        let (width, tokens) = (self.shape.hidden, block.n_tokens());
        let Scratch {
            hidden,
            fused,
            context,
            operand,
            ..
        } = scratch;
        let hidden = &mut hidden[block.first * width..][..tokens * width];
        let fused = &mut fused[..tokens * 3 * width];
        let context = &mut context[..tokens * width];
        layer
            .fused
            .multiply(how, hidden, operand, Epilogue::Bias, fused);
        let mut row = 0;
        for &length in block.lengths {
            self.attention.attend(
                how.isa,
                &fused[3 * row * width..][..3 * length * width],
                &mut context[row * width..][..length * width],
                how.split,
                &self.attention_scratch,
            );
            row += length;
        }
        layer
            .attention_out
            .multiply(how, context, operand, Epilogue::Add, hidden);
        self.norm(hidden, &layer.attention_norm);
    }

    /// Sums of word, position and type embeddings, normalised.
    fn embed_tokens(&self, sequences: Sequences<'_>, rows: &mut [f32]) {
        let hidden = self.shape.hidden;
        let places = sequences.lengths.iter().flat_map(|&length| 0..length);
        for ((&token, place), row) in sequences
            .ids
            .iter()
            .zip(places)
            .zip(rows.chunks_exact_mut(hidden))
        {
            self.words.read(token as usize * hidden, row);
            let position = &self.positions[place * hidden..][..hidden];
            row.iter_mut().zip(position).for_each(|(x, p)| *x += p);
        }
        for (&of_type, row) in sequences.types.iter().zip(rows.chunks_exact_mut(hidden)) {
            if of_type > 0 {
                let of_type = &self.types[of_type as usize * hidden..][..hidden];
                row.iter_mut().zip(of_type).for_each(|(x, t)| *x += t);
            }
        }
        self.norm(rows, &self.embedding_norm);
    }

    fn norm(&self, rows: &mut [f32], norm: &Norm) {
        self.isa
            .layer_norm(rows, &norm.gain, &norm.shift, self.shape.eps);
    }
}
