//! The forward pass in candle's operations, for any [`Shape`].

use candle_core::{D, DType, Device, IndexOp, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope;

use super::choice::Chosen;
use super::outlook::Outlook;
use super::pool::{padding, pool};
use crate::encoder::batch;
use crate::encoder::kernels::Activation;
use crate::encoder::packed::{Gate, NormKind, NormNames, Outlooks, Places, Shape, Tensors};
use crate::encoder::pooling::Pooling;
use crate::encoder::tensors::Reason;

/// Tokens computed together on a device, padding included.
const BUDGET_TOKENS: usize = 32_768;

/// A linear map.
struct Linear {
    /// `[in, out]`
    weight: Tensor,
    bias: Option<Tensor>,
}

/// A normalisation, computed in f32.
struct Norm {
    gain: Tensor,
    shift: Option<Tensor>,
    eps: f64,
}

/// The normalisations of a block: of its input, of what it adds, of the sum.
struct Around {
    before: Option<Norm>,
    branch: Option<Norm>,
    after: Option<Norm>,
}

struct Layer {
    fused: Vec<Linear>,
    query_norm: Option<Norm>,
    key_norm: Option<Norm>,
    attention_out: Linear,
    attention: Around,
    widen: Vec<Linear>,
    narrow: Linear,
    feed_forward: Around,
}

/// An encoder body with its weights on a device.
pub(in crate::encoder) struct DeviceBody {
    shape: Shape,
    device: Device,
    words: Tensor,
    positions: Option<Tensor>,
    types: Option<Tensor>,
    embedding_norm: Option<Norm>,
    layers: Vec<Layer>,
    last_norm: Option<Norm>,
    outlooks: Vec<Outlook>,
}

/// Puts a checkpoint's tensors on a device.
struct Loader<'a> {
    tensors: &'a Tensors<'a>,
    shape: &'a Shape,
    to: &'a Chosen,
}

impl Loader<'_> {
    /// The tensor `name`, in f32.
    fn floats(&self, name: &str, dims: &[usize]) -> std::result::Result<Tensor, Reason> {
        let missing = || format!("the tensor {name} is missing");
        let tensor = (self.tensors)(name).ok_or_else(missing)?;
        let expected: usize = dims.iter().product();
        if tensor.len() != expected {
            let found = tensor.len();
            return Err(
                format!("the tensor {name} has {found} numbers instead of {expected}").into(),
            );
        }
        Ok(Tensor::from_vec(tensor.to_floats(), dims, &self.to.device)?)
    }

    fn tensor(&self, name: &str, dims: &[usize]) -> std::result::Result<Tensor, Reason> {
        Ok(self.floats(name, dims)?.to_dtype(self.to.dtype)?)
    }

    fn linear(
        &self,
        name: &str,
        (depth, columns): (usize, usize),
        has_bias: bool,
    ) -> std::result::Result<Linear, Reason> {
        let weight = self.tensor(&format!("{name}.weight"), &[columns, depth])?;
        let bias = has_bias.then(|| self.tensor(&format!("{name}.bias"), &[columns]));
        Ok(Linear {
            weight: weight.t()?.contiguous()?,
            bias: bias.transpose()?,
        })
    }

    fn norm(&self, name: &str, width: usize) -> std::result::Result<Norm, Reason> {
        let gain = self.floats(&format!("{name}.weight"), &[width])?;
        let (gain, shift) = match self.shape.norm {
            NormKind::Layer { shift: true } => {
                let shift = self.floats(&format!("{name}.bias"), &[width])?;
                (gain, Some(shift))
            }
            NormKind::Layer { shift: false } => (gain.clone(), Some(gain.zeros_like()?)),
            NormKind::Rms { less_one: true } => ((gain + 1.0)?, None),
            NormKind::Rms { less_one: false } => (gain, None),
        };
        Ok(Norm {
            gain,
            shift,
            eps: f64::from(self.shape.eps),
        })
    }

    fn around(&self, layer: &str, names: &NormNames) -> std::result::Result<Around, Reason> {
        let norm = |name: Option<&str>| {
            let named = name.map(|name| self.norm(&format!("{layer}{name}"), self.shape.hidden));
            named.transpose()
        };
        Ok(Around {
            before: norm(names.before)?,
            branch: norm(names.branch)?,
            after: norm(names.after)?,
        })
    }

    fn layer(&self, i: usize) -> std::result::Result<Layer, Reason> {
        let (shape, names) = (self.shape, self.shape.names);
        let layer = format!("{}.{i}.", names.layer);
        let (queries, keys) = (
            shape.heads * shape.head_dim,
            shape.key_heads * shape.head_dim,
        );
        let fused: &[usize] = match names.fused.len() {
            1 => &[queries + 2 * keys],
            _ => &[queries, keys, keys],
        };
        let [fused_bias, out_bias, widen_bias, narrow_bias] = shape.biases;
        let maps = |names: &[&str], widths: &[usize], depth: usize, has_bias: bool| {
            let named = names.iter().zip(widths);
            named
                .map(|(name, width)| {
                    self.linear(&format!("{layer}{name}"), (depth, *width), has_bias)
                })
                .collect::<std::result::Result<Vec<Linear>, Reason>>()
        };
        let halves = if shape.gate.is_some() { 2 } else { 1 };
        let widened = shape.intermediate * halves / names.widen.len();
        let head_norm = |name: Option<&str>| {
            name.map(|name| self.norm(&format!("{layer}{name}"), shape.head_dim))
                .transpose()
        };
        let bare = NormNames {
            before: None,
            ..names.attention_norms
        };
        let is_bare = i == 0 && shape.first_is_bare;
        let attention_norms = if is_bare {
            &bare
        } else {
            &names.attention_norms
        };
        Ok(Layer {
            fused: maps(names.fused, fused, shape.hidden, fused_bias)?,
            query_norm: head_norm(names.query_norm)?,
            key_norm: head_norm(names.key_norm)?,
            attention_out: self.linear(
                &format!("{layer}{}", names.attention_out),
                (queries, shape.hidden),
                out_bias,
            )?,
            attention: self.around(&layer, attention_norms)?,
            widen: maps(
                names.widen,
                &vec![widened; names.widen.len()],
                shape.hidden,
                widen_bias,
            )?,
            narrow: self.linear(
                &format!("{layer}{}", names.narrow),
                (shape.intermediate, shape.hidden),
                narrow_bias,
            )?,
            feed_forward: self.around(&layer, &names.feed_forward_norms)?,
        })
    }
}

impl DeviceBody {
    /// Puts a checkpoint's tensors on a device.
    ///
    /// # Errors
    /// In words, the tensor that is missing or of the wrong size, or what the device says.
    pub(in crate::encoder) fn new(
        shape: Shape,
        tensors: &Tensors<'_>,
        to: &Chosen,
    ) -> std::result::Result<DeviceBody, Reason> {
        let loader = Loader {
            tensors,
            shape: &shape,
            to,
        };
        let names = shape.names;
        let norm = |name: Option<&str>| name.map(|n| loader.norm(n, shape.hidden)).transpose();
        let positions = match (names.positions, shape.places) {
            (Some(name), Places::Learned { first, .. }) => {
                let rows = shape.positions + first;
                Some(loader.tensor(&format!("{name}.weight"), &[rows, shape.hidden])?)
            }
            _ => None,
        };
        let types = names.types.map(|name| {
            let name = format!("{name}.weight");
            let rows = tensors(&name).map_or(0, |tensor| tensor.len()) / shape.hidden;
            loader.tensor(&name, &[rows.max(1), shape.hidden])
        });
        let outlooks = Outlooks::new(&shape, tensors)?;
        let outlook = |kind| Outlook::new(kind, &outlooks, to.dtype, &to.device);
        Ok(DeviceBody {
            words: loader.tensor(
                &format!("{}.weight", names.words),
                &[shape.vocab, shape.hidden],
            )?,
            positions,
            types: types.transpose()?,
            embedding_norm: norm(names.embedding_norm)?,
            layers: (0..shape.layers)
                .map(|i| loader.layer(i))
                .collect::<std::result::Result<_, _>>()?,
            last_norm: norm(names.last_norm)?,
            outlooks: shape.kinds.iter().map(outlook).collect::<Result<_>>()?,
            device: to.device.clone(),
            shape,
        })
    }

    /// The shape it has.
    pub(in crate::encoder) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// One pooled vector a text, `[modes * hidden]`.
    pub(in crate::encoder) fn embed(
        &self,
        texts: &[&[u32]],
        pooling: &Pooling,
    ) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in batch::plan(&lengths, BUDGET_TOKENS) {
            let ids: Vec<&[u32]> = batch.iter().map(|&i| texts[i]).collect();
            self.embed_halving(&ids, pooling, &mut |place, vector| {
                vectors[batch[place]] = vector;
            })?;
        }
        Ok(vectors)
    }

    /// Embeds a batch; where the device has no room for it, its halves.
    fn embed_halving(
        &self,
        texts: &[&[u32]],
        pooling: &Pooling,
        put: &mut dyn FnMut(usize, Vec<f32>),
    ) -> Result<()> {
        match self.embed_batch(texts, pooling) {
            Ok(vectors) => {
                vectors.into_iter().enumerate().for_each(|(i, v)| put(i, v));
                Ok(())
            }
            Err(error) if texts.len() > 1 && is_out_of_memory(&error) => {
                let (first, last) = texts.split_at(texts.len() / 2);
                self.embed_halving(first, pooling, put)?;
                self.embed_halving(last, pooling, &mut |i, v| put(first.len() + i, v))
            }
            Err(error) => Err(error),
        }
    }

    fn embed_batch(&self, texts: &[&[u32]], pooling: &Pooling) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let states = self.forward(texts, &lengths)?;
        pool(&states, &lengths, pooling)?.to_vec2()
    }

    /// Hidden states `[batch, tokens, hidden]`.
    fn forward(&self, texts: &[&[u32]], lengths: &[usize]) -> Result<Tensor> {
        let n_tokens = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut states = self.embed_tokens(texts, n_tokens)?;
        let is_padded = lengths.iter().any(|length| *length < n_tokens);
        let mask = padding(lengths, n_tokens, &self.device)?;
        let mask = mask.reshape((lengths.len(), 1, 1, n_tokens))?;
        let added: Vec<Option<Tensor>> = self
            .outlooks
            .iter()
            .map(|outlook| match (outlook.added(n_tokens)?, is_padded) {
                (Some(added), _) => Ok(Some(added.broadcast_add(&mask)?)),
                (None, true) => Ok(Some(mask.clone())),
                (None, false) => Ok(None),
            })
            .collect::<Result<_>>()?;
        for (layer, &kind) in self.layers.iter().zip(&self.shape.kind_of) {
            let attended = |input: &Tensor| self.attend(layer, input, kind, added[kind].as_ref());
            states = layer.attention.wrap(&states, attended)?;
            states = layer
                .feed_forward
                .wrap(&states, |input| self.feed(layer, input))?;
        }
        match &self.last_norm {
            Some(norm) => norm.apply(&states),
            None => Ok(states),
        }
    }

    fn embed_tokens(&self, texts: &[&[u32]], n_tokens: usize) -> Result<Tensor> {
        let (n_texts, hidden) = (texts.len(), self.shape.hidden);
        let rows = |row: &dyn Fn(&[u32]) -> Vec<u32>| {
            let filled = texts.iter().flat_map(|ids| {
                let mut row = row(ids);
                row.resize(n_tokens, 0);
                row
            });
            Tensor::from_vec(
                filled.collect::<Vec<u32>>(),
                n_texts * n_tokens,
                &self.device,
            )
        };
        let mut states = self.words.index_select(&rows(&|ids| ids.to_vec())?, 0)?;
        if self.shape.embedding_scale != 1.0 {
            states = (states * f64::from(self.shape.embedding_scale))?;
        }
        if let (Some(positions), Places::Learned { first, padding }) =
            (&self.positions, self.shape.places)
        {
            let places = rows(&|ids| places_of(ids, first, padding))?;
            states = (states + positions.index_select(&places, 0)?)?;
        }
        if let Some(types) = &self.types {
            states = states.broadcast_add(&types.i(0)?)?;
        }
        let states = states.reshape((n_texts, n_tokens, hidden))?;
        match &self.embedding_norm {
            Some(norm) => norm.apply(&states),
            None => Ok(states),
        }
    }

    fn attend(
        &self,
        layer: &Layer,
        input: &Tensor,
        kind: usize,
        added: Option<&Tensor>,
    ) -> Result<Tensor> {
        let shape = &self.shape;
        let (n_texts, n_tokens, _) = input.dims3()?;
        let (queries, keys) = (
            shape.heads * shape.head_dim,
            shape.key_heads * shape.head_dim,
        );
        let parts: Vec<Tensor> = match &layer.fused[..] {
            [all] => {
                let all = all.apply(input)?;
                [(0, queries), (queries, keys), (queries + keys, keys)]
                    .iter()
                    .map(|(from, width)| all.narrow(D::Minus1, *from, *width))
                    .collect::<Result<_>>()?
            }
            maps => maps
                .iter()
                .map(|map| map.apply(input))
                .collect::<Result<_>>()?,
        };
        let heads = |part: &Tensor, n: usize| {
            let split = part.reshape((n_texts, n_tokens, n, shape.head_dim))?;
            split.transpose(1, 2)?.contiguous()
        };
        let rotation = self.outlooks[kind].rotation.as_ref();
        let turned = |part: &Tensor, n: usize, norm: &Option<Norm>| {
            let mut part = heads(part, n)?;
            if let Some(norm) = norm {
                part = norm.apply(&part)?;
            }
            match rotation {
                Some(rotation) => rotate(&part, rotation),
                None => Ok(part),
            }
        };
        let query = turned(&parts[0], shape.heads, &layer.query_norm)?;
        let key = turned(&parts[1], shape.key_heads, &layer.key_norm)?;
        let value = heads(&parts[2], shape.key_heads)?;
        let sharing = shape.heads / shape.key_heads;
        let (key, value) = (repeat(&key, sharing)?, repeat(&value, sharing)?);
        let query = (query * f64::from(shape.query_scale))?;
        let scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
        let scores = match added {
            Some(added) => scores.broadcast_add(added)?,
            None => scores,
        };
        let weights = softmax_last_dim(&scores)?.to_dtype(value.dtype())?;
        let context = weights.matmul(&value)?.transpose(1, 2)?;
        let context = context.reshape((n_texts, n_tokens, queries))?;
        layer.attention_out.apply(&context)
    }

    fn feed(&self, layer: &Layer, input: &Tensor) -> Result<Tensor> {
        let shape = &self.shape;
        let activate = |x: &Tensor| match shape.activation {
            Activation::Gelu => x.gelu_erf(),
            Activation::GeluTanh => x.gelu(),
            Activation::Relu => x.relu(),
            Activation::Silu => x.silu(),
        };
        let inner = match (shape.gate, &layer.widen[..]) {
            (None, [widen]) => activate(&widen.apply(input)?)?,
            (Some(gate), maps) => {
                let (first, last) = match maps {
                    [both] => {
                        let wide = both.apply(input)?;
                        let half = shape.intermediate;
                        let part = |from| wide.narrow(D::Minus1, from, half)?.contiguous();
                        (part(0)?, part(half)?)
                    }
                    maps => (maps[0].apply(input)?, maps[1].apply(input)?),
                };
                match gate {
                    Gate::First => (activate(&first)? * last)?,
                    Gate::Last => (first * activate(&last)?)?,
                }
            }
            (None, _) => candle_core::bail!("a map without a gate is one"),
        };
        layer.narrow.apply(&inner)
    }
}

impl Linear {
    fn apply(&self, rows: &Tensor) -> Result<Tensor> {
        let (n_texts, n_tokens, depth) = rows.dims3()?;
        let flat = rows.reshape((n_texts * n_tokens, depth))?;
        let product = flat.matmul(&self.weight)?;
        let product = match &self.bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        product.reshape((n_texts, n_tokens, ()))
    }
}

impl Norm {
    fn apply(&self, rows: &Tensor) -> Result<Tensor> {
        let dtype = rows.dtype();
        let rows = rows.to_dtype(DType::F32)?.contiguous()?;
        let eps = self.eps as f32;
        let normed = match &self.shift {
            Some(shift) => candle_nn::ops::layer_norm(&rows, &self.gain, shift, eps)?,
            None => candle_nn::ops::rms_norm(&rows, &self.gain, eps)?,
        };
        normed.to_dtype(dtype)
    }
}

impl Around {
    /// `after(x + branch(f(before(x))))`
    fn wrap(&self, rows: &Tensor, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let apply = |norm: &Option<Norm>, rows: &Tensor| match norm {
            Some(norm) => norm.apply(rows),
            None => Ok(rows.clone()),
        };
        let added = apply(&self.branch, &f(&apply(&self.before, rows)?)?)?;
        apply(&self.after, &(rows + added)?)
    }
}

/// Turns the heads `[batch, heads, tokens, dim]` by their positions; where fewer numbers turn than a head
/// has, the first.
fn rotate(heads: &Tensor, (cosines, sines): &(Tensor, Tensor)) -> Result<Tensor> {
    let (_, _, n_tokens, dim) = heads.dims4()?;
    let (cosines, sines) = (
        cosines.narrow(0, 0, n_tokens)?,
        sines.narrow(0, 0, n_tokens)?,
    );
    let turned = 2 * cosines.dim(1)?;
    if turned == dim {
        return rope(heads, &cosines, &sines);
    }
    let first = heads.narrow(D::Minus1, 0, turned)?.contiguous()?;
    let rest = heads.narrow(D::Minus1, turned, dim - turned)?;
    Tensor::cat(&[&rope(&first, &cosines, &sines)?, &rest], D::Minus1)
}

/// Each head so many times, one after another: `[batch, heads * times, tokens, dim]`.
fn repeat(heads: &Tensor, times: usize) -> Result<Tensor> {
    if times == 1 {
        return Ok(heads.clone());
    }
    let (n_texts, n, n_tokens, dim) = heads.dims4()?;
    heads
        .unsqueeze(2)?
        .expand((n_texts, n, times, n_tokens, dim))?
        .reshape((n_texts, n * times, n_tokens, dim))
}

/// The row of the position embeddings of each token.
fn places_of(ids: &[u32], first: usize, padding: Option<u32>) -> Vec<u32> {
    let mut next = first as u32;
    let mut place = |id: &u32| {
        if padding == Some(*id) {
            return first as u32 - 1;
        }
        next += 1;
        next - 1
    };
    ids.iter().map(&mut place).collect()
}

/// Whether a device said that it has no room.
fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let words = error.to_string().to_lowercase();
    words.contains("out of memory") || words.contains("out_of_memory")
}
