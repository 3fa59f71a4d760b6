//! The encoder body over packed rows: the tokens of all sequences one after another, no padding.
//!
//! In: token ids and where each sequence begins. Out: hidden states `[tokens, hidden]`, or one pooled
//! embedding a sequence. A batch is cut into groups of whole sequences. Each worker takes a group through
//! all layers, so that its rows stay in its cache and it never waits. Within a layer, a few sequences at a
//! time attend, then a few rows at a time are fed forward. With fewer groups than threads (a query), the
//! columns of each product are divided among threads instead.
//!
//! Invariant: a sequence's result depends only on its own tokens, bit for bit.

mod groups;
mod layer;
mod load;
mod matrix;
mod outlook;
mod shape;
mod tensor;

#[cfg(test)]
mod tests;

pub(crate) use load::{PackError, Tensors};
pub(crate) use matrix::{Arithmetic, Calibration};
pub(crate) use outlook::Outlooks;
pub(crate) use shape::{Gate, LayerKind, Names, NormKind, NormNames, PositionEncoding, Shape};
pub(crate) use tensor::{Tensor, TensorType};

use akin_kernels::{Attention, AttentionScratch, Isas, Numbers, ScratchPool, Split};
use groups::{AttentionBlock, Group, Sequences, blocks, group};
use layer::{AttentionPattern, Layer, LayerContext, Norm, Scratch, WIDE_ROWS};
use load::{Packing, TensorSource};
use matrix::{Exec, Matrix, MatrixSlot};
use rayon::prelude::*;

/// An encoder body with its weights packed for this processor.
pub(crate) struct PackedBody {
    shape: Shape,
    isa: Isas,
    words: Tensor,
    /// What is added for each position, the embedding of token type 0 included; one row, where it is
    /// the same for all, or none.
    places: Vec<f32>,
    /// Embeddings of the token types, that of type 0 taken off each.
    types: Vec<f32>,
    embedding_norm: Option<Norm>,
    layers: Vec<Layer>,
    last_norm: Option<Norm>,
    outlooks: Vec<AttentionPattern>,
    attention: Attention,
    scratch: ScratchPool<Scratch>,
    attention_scratch: ScratchPool<AttentionScratch>,
}

impl PackedBody {
    /// Packs a checkpoint's tensors, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// [`PackError`] names the tensor that is missing or of the wrong size.
    pub(crate) fn new(
        shape: Shape,
        tensors: &Tensors<'_>,
        precision: Arithmetic<'_>,
        isa: Isas,
    ) -> Result<Self, PackError> {
        let packing = match precision {
            Arithmetic::F32 => Packing::Float,
            Arithmetic::Int8(calibration) => Packing::Bytes(calibration),
        };
        Self::pack(shape, tensors, packing, isa)
    }

    fn pack(
        shape: Shape,
        tensors: &Tensors<'_>,
        packing: Packing<'_>,
        isa: Isas,
    ) -> Result<Self, PackError> {
        if let Packing::Bytes(calibration) = packing {
            let depths = calibration.inputs.iter().map(|inputs| inputs.means.len());
            if !depths.eq(shape.depths()) {
                return Err(PackError::Calibration);
            }
        }
        let source = TensorSource {
            tensors,
            shape: &shape,
            packing,
            isa,
        };
        let matrices = (0..4 * shape.layers)
            .into_par_iter()
            .map(|i| source.matrix(i / 4, MatrixSlot::ALL[i % 4]))
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
        let norm =
            |name: Option<&str>| name.map(|name| source.norm(name, shape.hidden)).transpose();
        let n_rows = match shape.places {
            PositionEncoding::Learned { first, .. } => shape.positions + first,
            PositionEncoding::Rotary | PositionEncoding::Slopes => 1,
        };
        Ok(Self {
            isa,
            words: source.sized(
                &format!("{}.weight", shape.names.words),
                shape.vocab * shape.hidden,
            )?,
            places: source.places(n_rows)?,
            types: source.types()?,
            embedding_norm: norm(shape.names.embedding_norm)?,
            last_norm: norm(shape.names.last_norm)?,
            layers,
            outlooks: source.outlooks()?,
            attention: Attention {
                heads: shape.heads,
                key_heads: shape.key_heads,
                dim: shape.head_dim,
                numbers: match packing {
                    Packing::Bytes(_) => Numbers::Rough,
                    Packing::Float | Packing::Watched => Numbers::Floats,
                },
            },
            scratch: ScratchPool::default(),
            attention_scratch: ScratchPool::default(),
            shape,
        })
    }

    /// Runs texts through the body in f32 and records the inputs of each matrix. A few thousand tokens of
    /// typical texts are enough. Arguments as for [`new`](Self::new) and [`forward`](Self::forward).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    ///
    /// # Panics
    /// As for [`forward`](Self::forward).
    pub(crate) fn calibrate(
        shape: Shape,
        tensors: &Tensors<'_>,
        isa: Isas,
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

    /// Number of token types with an embedding.
    pub(crate) fn n_types(&self) -> usize {
        self.types.len() / self.shape.hidden
    }

    /// The shape it was packed with.
    pub(crate) fn shape(&self) -> &Shape {
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
            |g| g.tokens.len() * self.shape.hidden,
            |_, rows, out| out.copy_from_slice(rows),
        );
        out
    }

    /// One embedding a sequence, `[sequences, modes * hidden]`: `pool(rows, out)` makes it from the
    /// sequence's hidden states. Otherwise as [`forward`](Self::forward).
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub(crate) fn embed(
        &self,
        token_ids: &[u32],
        lengths: &[usize],
        n_modes: usize,
        pool: impl Fn(&[f32], &mut [f32]) + Sync,
    ) -> Vec<f32> {
        self.embed_typed(token_ids, &[], lengths, n_modes, pool)
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
        n_modes: usize,
        pool: impl Fn(&[f32], &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let hidden = self.shape.hidden;
        let wide = n_modes * hidden;
        let mut out = vec![0.0; lengths.len() * wide];
        let sequences = Sequences {
            ids: token_ids,
            types: token_types,
            lengths,
        };
        self.run(
            sequences,
            &mut out,
            |g| g.sequences.len() * wide,
            |group, rows, out| {
                let mut rest = rows;
                for (sequence, out) in group.sequences.clone().zip(out.chunks_exact_mut(wide)) {
                    let (rows, more) = rest.split_at(lengths[sequence] * hidden);
                    pool(rows, out);
                    rest = more;
                }
            },
        );
        out
    }

    /// Takes every group through the body and hands its rows to `finish` with its part of `out`,
    /// which is `len_of(group)` long.
    fn run(
        &self,
        sequences: Sequences<'_>,
        out: &mut [f32],
        len_of: impl Fn(&Group) -> usize,
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
            let (part, more) = rest.split_at_mut(len_of(group));
            parts.push((group, part));
            rest = more;
        }
        let work = |(group, part): (&Group, &mut [f32])| {
            self.scratch.lend(|scratch| {
                self.group(sequences.in_group(group), scratch, split);
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
        let (tokens, shape) = (sequences.ids.len(), &self.shape);
        let blocks = blocks(sequences.lengths);
        let largest = blocks
            .iter()
            .map(AttentionBlock::n_tokens)
            .max()
            .unwrap_or(0);
        let wide_rows = WIDE_ROWS.min(tokens);
        scratch.hidden.reserve(tokens * shape.hidden);
        scratch
            .fused
            .reserve(largest * self.attention.fused_width());
        scratch
            .context
            .reserve(largest * shape.heads * shape.head_dim);
        scratch.wide.reserve(wide_rows * shape.widened());
        if shape.gate.is_some() {
            scratch.gated.reserve(wide_rows * shape.intermediate);
        }
        let is_buffered =
            |layer: &Layer| layer.attention.is_buffered() || layer.feed_forward.is_buffered();
        if self.layers.iter().any(is_buffered) {
            scratch
                .normed
                .reserve(largest.max(wide_rows) * shape.hidden);
        }
        self.embed_tokens(sequences, &mut scratch.hidden);
        let setting = LayerContext {
            shape,
            how: Exec {
                isa: self.isa,
                split,
            },
            attention: self.attention,
            outlooks: &self.outlooks,
            spares: &self.attention_scratch,
        };
        for layer in &self.layers {
            for block in &blocks {
                layer.attend(&setting, block, scratch);
            }
            layer.feed_forward(&setting, scratch);
        }
        if let Some(norm) = &self.last_norm {
            norm.apply(self.isa, &mut scratch.hidden, shape.eps);
        }
    }

    /// Sums of word, position and type embeddings, normalised.
    fn embed_tokens(&self, sequences: Sequences<'_>, rows: &mut [f32]) {
        let (hidden, scale) = (self.shape.hidden, self.shape.embedding_scale);
        let places = self.places_of(sequences);
        for ((&token, place), row) in sequences
            .ids
            .iter()
            .zip(places)
            .zip(rows.chunks_exact_mut(hidden))
        {
            self.words.read(token as usize * hidden, row);
            if scale != 1.0 {
                row.iter_mut().for_each(|x| *x *= scale);
            }
            if !self.places.is_empty() {
                let more = &self.places[place * hidden..][..hidden];
                row.iter_mut().zip(more).for_each(|(x, p)| *x += p);
            }
        }
        for (&of_type, row) in sequences.types.iter().zip(rows.chunks_exact_mut(hidden)) {
            if of_type > 0 {
                let of_type = &self.types[of_type as usize * hidden..][..hidden];
                row.iter_mut().zip(of_type).for_each(|(x, t)| *x += t);
            }
        }
        if let Some(norm) = &self.embedding_norm {
            norm.apply(self.isa, rows, self.shape.eps);
        }
    }

    /// The row of [`places`](Self::places) of each token.
    fn places_of(&self, sequences: Sequences<'_>) -> Vec<usize> {
        let mut places = vec![0; sequences.ids.len()];
        let PositionEncoding::Learned { first, padding } = self.shape.places else {
            return places;
        };
        let mut start = 0;
        for &length in sequences.lengths {
            let mut next = first;
            let tokens = start..start + length;
            for (place, id) in places[tokens.clone()]
                .iter_mut()
                .zip(&sequences.ids[tokens])
            {
                if padding == Some(*id) {
                    // Not counted: it stands where counting begins, less one.
                    *place = first - 1;
                } else {
                    *place = next;
                    next += 1;
                }
            }
            start += length;
        }
        places
    }
}
