//! The BERT body over packed rows: the tokens of all sequences one after another, no padding.
//!
//! In: token ids and where each sequence begins. Out: hidden states `[tokens, hidden]`, or one
//! pooled embedding a sequence. A batch is cut into groups of whole sequences; each worker takes
//! a group through all layers, so that its rows stay in its cache and nobody waits. With fewer
//! groups than threads (a query), the columns of each product are shared out instead.
//!
//! Invariant: a sequence's result depends on nothing but its own tokens, bit for bit.

use super::kernels::{
    Aligned, Attention, AttentionScratch, ByteMatrix, ByteRows, Epilogue, FloatMatrix, Isa,
    Range as Bytes, Spares, Split,
};
use rayon::prelude::*;
use std::ops::Range;

/// Tokens a group holds at least, if there are as many for each thread: enough to make up for
/// reading all weights once, few enough for the rows to stay in a core's cache.
const GROUP_TOKENS: usize = 256;

/// Rows that pass through the feed-forward block together: their wide rows stay in the cache.
const WIDE_ROWS: usize = 128;

/// The shape of a BERT body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BertShape {
    /// Rows of the token embedding table.
    pub(crate) vocabulary: usize,
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

/// Why a body could not be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PackError {
    /// A weight the architecture needs is not there.
    #[error("the weight {0} is missing")]
    Missing(String),
    /// A weight has another size than the configuration says.
    #[error("the weight {name} has {found} numbers instead of {expected}")]
    Size {
        /// The weight.
        name: String,
        /// Numbers the shape asks for.
        expected: usize,
        /// Numbers there are.
        found: usize,
    },
    /// The hidden width is no multiple of the number of heads.
    #[error("{heads} heads do not divide a hidden width of {hidden}")]
    Heads {
        /// Heads asked for.
        heads: usize,
        /// Hidden width asked for.
        hidden: usize,
    },
}

/// Gains and shifts of one layer normalisation.
struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

/// The arithmetic of the matrix products; everything else is f32 in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// 32-bit floats: the reference.
    F32,
    /// Bytes with a scale for each weight row and each activation row, summed exactly.
    Int8,
}

/// A linear map in one of the precisions.
enum Matrix {
    Float(FloatMatrix),
    Bytes(ByteMatrix),
}

impl Matrix {
    fn pack(
        weight: &[f32],
        bias: &[f32],
        depth: usize,
        precision: Arithmetic,
        range: Bytes,
    ) -> Self {
        match precision {
            Arithmetic::F32 => Self::Float(FloatMatrix::pack(weight, bias, depth)),
            Arithmetic::Int8 => Self::Bytes(ByteMatrix::pack(weight, bias, depth, range)),
        }
    }

    /// `out = epilogue(rows * weights)`; `bytes` is for the rows as bytes, where they are needed.
    fn multiply(
        &self,
        how: How,
        rows: &[f32],
        bytes: &mut ByteRows,
        epilogue: Epilogue,
        out: &mut [f32],
    ) {
        match self {
            Self::Float(matrix) => matrix.multiply(how.isa, rows, epilogue, out, how.split),
            Self::Bytes(matrix) => {
                bytes.quantize(how.isa, rows, matrix.depth, matrix.range);
                matrix.multiply(how.isa, bytes, epilogue, out, how.split);
            }
        }
    }
}

/// With what, and by how many, a group is worked on.
#[derive(Clone, Copy)]
struct How {
    isa: Isa,
    split: Split,
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
    words: Vec<f32>,
    /// Position embeddings, the embedding of token type 0 already added.
    positions: Vec<f32>,
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
    bytes: ByteRows,
}

/// Whole sequences that one worker takes through the body.
struct Group {
    sequences: Range<usize>,
    tokens: Range<usize>,
}

impl PackedBert {
    /// Packs the weights that `weights` finds by their name in a checkpoint, such as
    /// `encoder.layer.0.attention.self.query.weight`, without a prefix.
    ///
    /// # Errors
    /// [`PackError`] names the weight that is missing or of the wrong size.
    pub(crate) fn new(
        shape: BertShape,
        weights: &(dyn Fn(&str) -> Option<Vec<f32>> + Sync),
        precision: Arithmetic,
        isa: Isa,
    ) -> Result<Self, PackError> {
        let (hidden, heads) = (shape.hidden, shape.heads);
        if heads == 0 || !hidden.is_multiple_of(heads) {
            return Err(PackError::Heads { heads, hidden });
        }
        let source = Source {
            weights,
            shape: &shape,
            precision,
        };
        let words = source.get(
            "embeddings.word_embeddings.weight",
            shape.vocabulary * hidden,
        )?;
        let mut positions = source.get(
            "embeddings.position_embeddings.weight",
            shape.positions * hidden,
        )?;
        let types = source.some("embeddings.token_type_embeddings.weight")?;
        for row in positions.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        let embedding_norm = source.norm("embeddings.LayerNorm")?;
        let layers = (0..shape.layers)
            .into_par_iter()
            .map(|i| source.layer(i))
            .collect::<Result<_, _>>()?;
        let attention = Attention {
            heads,
            dim: hidden / heads,
        };
        Ok(Self {
            isa,
            words,
            positions,
            embedding_norm,
            layers,
            attention,
            scratch: Spares::default(),
            attention_scratch: Spares::default(),
            shape,
        })
    }

    /// The shape it was packed with.
    pub(crate) fn shape(&self) -> &BertShape {
        &self.shape
    }

    /// The instruction sets it computes with.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// Hidden states `[tokens, hidden]` of all sequences, on the threads of the current rayon
    /// pool. `token_ids` holds the sequences one after another, `lengths` the tokens of each.
    ///
    /// # Panics
    /// If the lengths do not add up to the tokens, a sequence is longer than the positions, or a
    /// token is not in the vocabulary.
    #[cfg(test)]
    pub(crate) fn forward(&self, token_ids: &[u32], lengths: &[usize]) -> Vec<f32> {
        let mut out = vec![0.0; token_ids.len() * self.shape.hidden];
        self.run(
            token_ids,
            lengths,
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
        let hidden = self.shape.hidden;
        let mut out = vec![0.0; lengths.len() * hidden];
        self.run(
            token_ids,
            lengths,
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
        token_ids: &[u32],
        lengths: &[usize],
        out: &mut [f32],
        rows_of: impl Fn(&Group) -> usize,
        finish: impl Fn(&Group, &[f32], &mut [f32]) + Sync,
    ) {
        assert_eq!(
            lengths.iter().sum::<usize>(),
            token_ids.len(),
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
                self.group(
                    &token_ids[group.tokens.clone()],
                    &lengths[group.sequences.clone()],
                    scratch,
                    split,
                );
                finish(group, &scratch.hidden, part);
            });
        };
        match parts.len() {
            0 | 1 => parts.into_iter().for_each(work),
            _ => parts.into_par_iter().with_max_len(1).for_each(work),
        }
    }

    /// Takes one group through all layers; its hidden states stay in the scratch.
    fn group(&self, token_ids: &[u32], lengths: &[usize], scratch: &mut Scratch, split: Split) {
        let (tokens, hidden) = (token_ids.len(), self.shape.hidden);
        scratch.hidden.reserve(tokens * hidden);
        scratch.fused.reserve(tokens * 3 * hidden);
        scratch.context.reserve(tokens * hidden);
        scratch
            .wide
            .reserve(WIDE_ROWS.min(tokens) * self.shape.intermediate);
        self.embed_tokens(token_ids, lengths, &mut scratch.hidden);
        let how = How {
            isa: self.isa,
            split,
        };
        for layer in &self.layers {
            self.attention_block(layer, how, lengths, scratch);
            let Scratch {
                hidden: all,
                wide,
                bytes,
                ..
            } = scratch;
            for rows in all.chunks_mut(WIDE_ROWS * hidden) {
                let wide = &mut wide[..rows.len() / hidden * self.shape.intermediate];
                layer.widen.multiply(how, rows, bytes, Epilogue::Gelu, wide);
                layer.narrow.multiply(how, wide, bytes, Epilogue::Add, rows);
                self.norm(rows, &layer.out_norm);
            }
        }
    }

    /// Adds to each hidden state what attention finds for it, and normalises.
    fn attention_block(&self, layer: &Layer, how: How, lengths: &[usize], scratch: &mut Scratch) {
        let width = self.shape.hidden;
        let Scratch {
            hidden,
            fused,
            context,
            bytes,
            ..
        } = scratch;
        layer
            .fused
            .multiply(how, hidden, bytes, Epilogue::Bias, fused);
        let mut row = 0;
        for &length in lengths {
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
            .multiply(how, context, bytes, Epilogue::Add, hidden);
        self.norm(hidden, &layer.attention_norm);
    }

    /// Sums of word, position and type embeddings, normalised.
    fn embed_tokens(&self, token_ids: &[u32], lengths: &[usize], rows: &mut [f32]) {
        let hidden = self.shape.hidden;
        let places = lengths.iter().flat_map(|&length| 0..length);
        for ((&token, place), row) in token_ids
            .iter()
            .zip(places)
            .zip(rows.chunks_exact_mut(hidden))
        {
            let word = &self.words[token as usize * hidden..][..hidden];
            let position = &self.positions[place * hidden..][..hidden];
            for ((x, w), p) in row.iter_mut().zip(word).zip(position) {
                *x = w + p;
            }
        }
        self.norm(rows, &self.embedding_norm);
    }

    fn norm(&self, rows: &mut [f32], norm: &Norm) {
        self.isa
            .layer_norm(rows, &norm.gain, &norm.shift, self.shape.eps);
    }
}

/// Cuts a batch into groups of whole sequences, of about equal size and a multiple of the threads.
fn group(lengths: &[usize], threads: usize) -> Vec<Group> {
    let total: usize = lengths.iter().sum();
    let rounds = total.div_ceil(GROUP_TOKENS * threads).max(1);
    let share = total.div_ceil(rounds * threads);
    // Below a few dozen tokens a product is no faster for having fewer rows.
    let enough = share.max(32);
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    for (sequence, &length) in lengths.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if group.tokens.len() + length / 2 < enough => {
                group.sequences.end = sequence + 1;
                group.tokens.end = at + length;
            }
            _ => groups.push(Group {
                sequences: sequence..sequence + 1,
                tokens: at..at + length,
            }),
        }
        at += length;
    }
    groups
}

/// A checkpoint's weights, checked against the shape.
struct Source<'a> {
    weights: &'a (dyn Fn(&str) -> Option<Vec<f32>> + Sync),
    shape: &'a BertShape,
    precision: Arithmetic,
}

impl Source<'_> {
    /// The weight `name`, of any size.
    fn some(&self, name: &str) -> Result<Vec<f32>, PackError> {
        (self.weights)(name).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// The weight `name` with `expected` numbers.
    fn get(&self, name: &str, expected: usize) -> Result<Vec<f32>, PackError> {
        let weight = self.some(name)?;
        if weight.len() != expected {
            return Err(PackError::Size {
                name: name.to_owned(),
                expected,
                found: weight.len(),
            });
        }
        Ok(weight)
    }

    fn norm(&self, name: &str) -> Result<Norm, PackError> {
        let get = |part: &str| self.get(&format!("{name}.{part}"), self.shape.hidden);
        Ok(Norm {
            gain: get("weight")?,
            shift: get("bias")?,
        })
    }

    /// Weights `[columns, depth]` and bias of one linear map.
    fn linear(
        &self,
        name: &str,
        columns: usize,
        depth: usize,
    ) -> Result<(Vec<f32>, Vec<f32>), PackError> {
        let weight = self.get(&format!("{name}.weight"), columns * depth)?;
        Ok((weight, self.get(&format!("{name}.bias"), columns)?))
    }

    fn matrix(
        &self,
        name: &str,
        columns: usize,
        depth: usize,
        range: Bytes,
    ) -> Result<Matrix, PackError> {
        let (weight, bias) = self.linear(name, columns, depth)?;
        Ok(Matrix::pack(&weight, &bias, depth, self.precision, range))
    }

    /// Query, key and value as one map, the query divided by the root of a head's width.
    fn fused(&self, name: &str) -> Result<Matrix, PackError> {
        let hidden = self.shape.hidden;
        let scale = 1.0 / ((hidden / self.shape.heads) as f32).sqrt();
        let (mut weight, mut bias) = self.linear(&format!("{name}.query"), hidden, hidden)?;
        weight.iter_mut().chain(&mut bias).for_each(|x| *x *= scale);
        for part in ["key", "value"] {
            let (more, more_bias) = self.linear(&format!("{name}.{part}"), hidden, hidden)?;
            weight.extend(more);
            bias.extend(more_bias);
        }
        Ok(Matrix::pack(
            &weight,
            &bias,
            hidden,
            self.precision,
            Bytes::Signed,
        ))
    }

    fn layer(&self, i: usize) -> Result<Layer, PackError> {
        let (hidden, wide) = (self.shape.hidden, self.shape.intermediate);
        let name = |part: &str| format!("encoder.layer.{i}.{part}");
        Ok(Layer {
            fused: self.fused(&name("attention.self"))?,
            attention_out: self.matrix(
                &name("attention.output.dense"),
                hidden,
                hidden,
                Bytes::Signed,
            )?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"))?,
            widen: self.matrix(&name("intermediate.dense"), wide, hidden, Bytes::Signed)?,
            narrow: self.matrix(&name("output.dense"), hidden, wide, Bytes::Gelu)?,
            out_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }
}
