//! Puts a checkpoint's tensors on a device. Maps with the same input become one, and a vector that all
//! tokens get is folded into a table.

use candle_core::{DType, Device, Tensor};

use super::outlook::DevicePattern;
use crate::packed::{NormKind, NormNames, Outlooks, PositionEncoding, Shape, Tensors};
use crate::tensors::Reason;

type Loaded<T> = std::result::Result<T, Reason>;

/// A linear map.
pub(super) struct Linear {
    /// `[in, out]`
    pub(super) weight: Tensor,
    /// `[out]`, f32
    pub(super) bias: Option<Tensor>,
}

/// A normalisation, computed in f32: of mean and variance where there is a shift, else of the root mean
/// square.
pub(super) struct DeviceNorm {
    pub(super) gain: Tensor,
    pub(super) shift: Option<Tensor>,
    pub(super) eps: f32,
}

/// The normalisations of a block: of its input, of what it adds, of the sum.
pub(super) struct DeviceNorms {
    pub(super) before: Option<DeviceNorm>,
    pub(super) branch: Option<DeviceNorm>,
    pub(super) after: Option<DeviceNorm>,
}

/// A layer.
pub(super) struct DeviceLayer {
    /// To queries, keys and values.
    pub(super) fused: Linear,
    pub(super) query_norm: Option<DeviceNorm>,
    pub(super) key_norm: Option<DeviceNorm>,
    pub(super) attention_out: Linear,
    pub(super) attention: DeviceNorms,
    /// Gate included.
    pub(super) widen: Linear,
    pub(super) narrow: Linear,
    pub(super) feed_forward: DeviceNorms,
}

/// The weights of a body.
pub(super) struct DeviceWeights {
    /// `[vocab, hidden]`, multiplied by the embedding scale
    pub(super) words: Tensor,
    /// `[positions, hidden]`
    pub(super) positions: Option<Tensor>,
    pub(super) embedding_norm: Option<DeviceNorm>,
    pub(super) layers: Vec<DeviceLayer>,
    pub(super) last_norm: Option<DeviceNorm>,
    /// One a kind of layer.
    pub(super) outlooks: Vec<DevicePattern>,
}

impl DeviceWeights {
    /// Puts a checkpoint's tensors on a device.
    ///
    /// # Errors
    /// Names the tensor that is missing or of the wrong size, or gives the device's error.
    pub(super) fn load(
        shape: &Shape,
        tensors: &Tensors<'_>,
        device: &Device,
        dtype: DType,
    ) -> Loaded<DeviceWeights> {
        let loader = Loader {
            tensors,
            shape,
            device,
            dtype,
        };
        let (words, positions) = loader.embeddings()?;
        let names = shape.names;
        let norm = |name: Option<&str>| name.map(|n| loader.norm(n, shape.hidden)).transpose();
        let outlooks = Outlooks::new(shape, tensors)?;
        let outlook = |kind| DevicePattern::new(kind, shape.causal, &outlooks, device);
        Ok(DeviceWeights {
            words,
            positions,
            embedding_norm: norm(names.embedding_norm)?,
            layers: (0..shape.layers)
                .map(|i| loader.layer(i))
                .collect::<Loaded<_>>()?,
            last_norm: norm(names.last_norm)?,
            outlooks: shape
                .kinds
                .iter()
                .map(outlook)
                .collect::<candle_core::Result<_>>()?,
        })
    }
}

struct Loader<'a> {
    tensors: &'a Tensors<'a>,
    shape: &'a Shape,
    device: &'a Device,
    dtype: DType,
}

impl Loader<'_> {
    fn numbers(&self, name: &str, expected: usize) -> Loaded<Vec<f32>> {
        let missing = || format!("the tensor {name} is missing");
        let tensor = (self.tensors)(name).ok_or_else(missing)?;
        if tensor.len() != expected {
            let found = tensor.len();
            return Err(
                format!("the tensor {name} has {found} numbers instead of {expected}").into(),
            );
        }
        Ok(tensor.to_floats())
    }

    /// The tensor `name`, in f32.
    fn floats(&self, name: &str, len: usize) -> Loaded<Tensor> {
        Ok(Tensor::from_vec(
            self.numbers(name, len)?,
            len,
            self.device,
        )?)
    }

    fn table(&self, numbers: Vec<f32>, width: usize) -> Loaded<Tensor> {
        let dims = (numbers.len() / width, width);
        Ok(Tensor::from_vec(numbers, dims, self.device)?.to_dtype(self.dtype)?)
    }

    /// The embeddings of words and positions. That of the first type, which all tokens of a single text have,
    /// is added to one of them.
    fn embeddings(&self) -> Loaded<(Tensor, Option<Tensor>)> {
        let (shape, names) = (self.shape, self.shape.names);
        let hidden = shape.hidden;
        let mut words = self.numbers(&format!("{}.weight", names.words), shape.vocab * hidden)?;
        words.iter_mut().for_each(|x| *x *= shape.embedding_scale);
        let mut positions = match (names.positions, shape.places) {
            (Some(name), PositionEncoding::Learned { first, .. }) => {
                let rows = shape.positions + first;
                Some(self.numbers(&format!("{name}.weight"), rows * hidden)?)
            }
            _ => None,
        };
        if let Some(name) = names.types {
            let name = format!("{name}.weight");
            let n_types = (self.tensors)(&name).map_or(0, |tensor| tensor.len()) / hidden;
            let types = self.numbers(&name, n_types.max(1) * hidden)?;
            for row in positions
                .as_mut()
                .unwrap_or(&mut words)
                .chunks_exact_mut(hidden)
            {
                row.iter_mut().zip(&types).for_each(|(x, y)| *x += y);
            }
        }
        let positions = positions.map(|numbers| self.table(numbers, hidden));
        Ok((self.table(words, hidden)?, positions.transpose()?))
    }

    /// Maps with the same input, one after another.
    fn linear(
        &self,
        names: &[String],
        depth: usize,
        widths: &[usize],
        has_bias: bool,
    ) -> Loaded<Linear> {
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for (name, &width) in names.iter().zip(widths) {
            weights.extend(self.numbers(&format!("{name}.weight"), width * depth)?);
            if has_bias {
                biases.extend(self.numbers(&format!("{name}.bias"), width)?);
            }
        }
        let width = biases.len();
        let bias = has_bias.then(|| Tensor::from_vec(biases, width, self.device));
        Ok(Linear {
            weight: self.table(weights, depth)?.t()?.contiguous()?,
            bias: bias.transpose()?,
        })
    }

    fn norm(&self, name: &str, width: usize) -> Loaded<DeviceNorm> {
        let gain = self.floats(&format!("{name}.weight"), width)?;
        let (gain, shift) = match self.shape.norm {
            NormKind::Layer { shift: true } => {
                let shift = self.floats(&format!("{name}.bias"), width)?;
                (gain, Some(shift))
            }
            NormKind::Layer { shift: false } => (gain.clone(), Some(gain.zeros_like()?)),
            NormKind::Rms { less_one: true } => ((gain + 1.0)?, None),
            NormKind::Rms { less_one: false } => (gain, None),
        };
        Ok(DeviceNorm {
            gain,
            shift,
            eps: self.shape.eps,
        })
    }

    fn around(&self, layer: &str, names: &NormNames) -> Loaded<DeviceNorms> {
        let norm = |name: Option<&str>| {
            let named = name.map(|name| self.norm(&format!("{layer}{name}"), self.shape.hidden));
            named.transpose()
        };
        Ok(DeviceNorms {
            before: norm(names.before)?,
            branch: norm(names.branch)?,
            after: norm(names.after)?,
        })
    }

    fn layer(&self, i: usize) -> Loaded<DeviceLayer> {
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
        let named = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("{layer}{name}")).collect()
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
        Ok(DeviceLayer {
            fused: self.linear(&named(names.fused), shape.hidden, fused, fused_bias)?,
            query_norm: head_norm(names.query_norm)?,
            key_norm: head_norm(names.key_norm)?,
            attention_out: self.linear(
                &named(&[names.attention_out]),
                queries,
                &[shape.hidden],
                out_bias,
            )?,
            attention: self.around(&layer, attention_norms)?,
            widen: self.linear(
                &named(names.widen),
                shape.hidden,
                &vec![widened; names.widen.len()],
                widen_bias,
            )?,
            narrow: self.linear(
                &named(&[names.narrow]),
                shape.intermediate,
                &[shape.hidden],
                narrow_bias,
            )?,
            feed_forward: self.around(&layer, &names.feed_forward_norms)?,
        })
    }
}
