//! From a checkpoint's tensors to packed layers, checked against the shape.

use super::layer::{Layer, Norm, NormPlacement};
use super::matrix::{Calibration, Matrix, MatrixSlot, PackedKind};
use super::shape::{NormKind, NormNames, Shape};
use super::tensor::Tensor;
use akin_kernels::Isas;

/// Finds a tensor by its name in a checkpoint, such as
/// `encoder.layer.0.attention.self.query.weight`, without a prefix.
pub(crate) type Tensors<'a> = dyn Fn(&str) -> Option<Tensor> + Sync + 'a;

/// Why a body could not be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PackError {
    /// A tensor the architecture needs is not there.
    #[error("the tensor {0} is missing")]
    Missing(String),
    /// A tensor has another size than the configuration says.
    #[error("the tensor {name} has {found} numbers instead of {expected}")]
    Size {
        /// The tensor.
        name: String,
        /// Numbers the shape asks for.
        expected: usize,
        /// Numbers there are.
        found: usize,
    },
    /// The calibration is of a body of another shape.
    #[error("the calibration is of another shape of body")]
    Calibration,
}

/// In what the matrices are packed.
#[derive(Clone, Copy)]
pub(super) enum Packing<'a> {
    Float,
    Bytes(&'a Calibration),
    Watched,
}

/// A checkpoint's tensors, checked against the shape.
pub(super) struct TensorSource<'a> {
    pub(super) tensors: &'a Tensors<'a>,
    pub(super) shape: &'a Shape,
    pub(super) packing: Packing<'a>,
    pub(super) isa: Isas,
}

impl TensorSource<'_> {
    /// The tensor `name`, of any size.
    pub(super) fn some(&self, name: &str) -> Result<Tensor, PackError> {
        (self.tensors)(name).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// The tensor `name` with `expected` numbers.
    pub(super) fn sized(&self, name: &str, expected: usize) -> Result<Tensor, PackError> {
        let tensor = self.some(name)?;
        if tensor.len() == expected {
            Ok(tensor)
        } else {
            Err(PackError::Size {
                name: name.to_owned(),
                expected,
                found: tensor.len(),
            })
        }
    }

    /// The numbers of the tensor `name`, which must be `expected`.
    pub(super) fn get(&self, name: &str, expected: usize) -> Result<Vec<f32>, PackError> {
        Ok(self.sized(name, expected)?.to_floats())
    }

    /// The vectors added to token embeddings by position, the embedding of token type 0 included: `rows`
    /// rows. One row if positions have no embeddings, none if token types have none either.
    pub(super) fn places(&self, rows: usize) -> Result<Vec<f32>, PackError> {
        let (hidden, names) = (self.shape.hidden, self.shape.names);
        let mut places = match names.positions {
            Some(name) => self.get(&format!("{name}.weight"), rows * hidden)?,
            None if names.types.is_some() => vec![0.0; hidden],
            None => Vec::new(),
        };
        let types = self.types_as_stored()?;
        if let Some(of_type) = types.get(..hidden) {
            for row in places.chunks_exact_mut(hidden) {
                row.iter_mut().zip(of_type).for_each(|(p, t)| *p += t);
            }
        }
        Ok(places)
    }

    fn types_as_stored(&self) -> Result<Vec<f32>, PackError> {
        match self.shape.names.types {
            Some(name) => Ok(self.some(&format!("{name}.weight"))?.to_floats()),
            None => Ok(Vec::new()),
        }
    }

    /// Embeddings of the token types, less that of type 0, which the places hold.
    pub(super) fn types(&self) -> Result<Vec<f32>, PackError> {
        let hidden = self.shape.hidden;
        let mut types = self.types_as_stored()?;
        let first = types.get(..hidden).unwrap_or_default().to_vec();
        for row in types.chunks_exact_mut(hidden) {
            row.iter_mut()
                .zip(&first)
                .for_each(|(t, first)| *t -= first);
        }
        Ok(types)
    }

    /// The normalisation of rows `width` wide.
    pub(super) fn norm(&self, name: &str, width: usize) -> Result<Norm, PackError> {
        let mut gain = self.get(&format!("{name}.weight"), width)?;
        let shift = match self.shape.norm {
            NormKind::Layer { shift: true } => self.get(&format!("{name}.bias"), width)?,
            NormKind::Layer { shift: false } => vec![0.0; width],
            NormKind::Rms { less_one } => {
                gain.iter_mut().filter(|_| less_one).for_each(|g| *g += 1.0);
                return Ok(Norm::Rms { gain });
            }
        };
        Ok(Norm::Layer { gain, shift })
    }

    fn around(&self, layer: &str, names: &NormNames) -> Result<NormPlacement, PackError> {
        let norm = |name: Option<&str>| {
            let name = name.map(|name| format!("{layer}{name}"));
            name.map(|name| self.norm(&name, self.shape.hidden))
                .transpose()
        };
        Ok(NormPlacement {
            before: norm(names.before)?,
            branch: norm(names.branch)?,
            after: norm(names.after)?,
        })
    }

    /// What the names of layer `i` begin with.
    fn layer_name(&self, i: usize) -> String {
        format!("{}.{i}.", self.shape.names.layer)
    }

    /// Weights `[columns, depth]` and bias of linear maps that are read as one, each the share of the
    /// columns that `widths` says.
    fn linear(
        &self,
        names: &[String],
        widths: &[usize],
        role: MatrixSlot,
    ) -> Result<(Vec<f32>, Vec<f32>), PackError> {
        let depth = self.shape.depth(role);
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for (name, width) in names.iter().zip(widths) {
            let weight = self.sized(&format!("{name}.weight"), width * depth)?;
            let start = weights.len();
            weights.resize(start + weight.len(), 0.0);
            weight.read(0, &mut weights[start..]);
            if self.shape.biases[role as usize] {
                bias.extend(self.get(&format!("{name}.bias"), *width)?)
            } else {
                bias.resize(bias.len() + width, 0.0)
            }
        }
        Ok((weights, bias))
    }

    /// One matrix of layer `i`.
    pub(super) fn matrix(&self, i: usize, role: MatrixSlot) -> Result<Matrix, PackError> {
        let (shape, names) = (self.shape, self.shape.names);
        let layer = self.layer_name(i);
        let parts = match role {
            MatrixSlot::Fused => names.fused,
            MatrixSlot::AttentionOut => &[names.attention_out],
            MatrixSlot::Widen => names.widen,
            MatrixSlot::Narrow => &[names.narrow],
        };
        let full: Vec<String> = parts.iter().map(|part| format!("{layer}{part}")).collect();
        let columns = shape.columns(role);
        let widths = match (role, parts.len()) {
            (_, 1) => vec![columns],
            (MatrixSlot::Fused, _) => {
                let (queries, keys) = (shape.heads, shape.key_heads);
                [queries, keys, keys]
                    .map(|heads| heads * shape.head_dim)
                    .to_vec()
            }
            (_, n) => vec![columns / n; n],
        };
        let (mut weights, mut bias) = self.linear(&full, &widths, role)?;
        if role == MatrixSlot::Fused && names.query_norm.is_none() {
            let (scale, queries) = (self.query_scale(), shape.heads * shape.head_dim);
            weights[..queries * shape.hidden]
                .iter_mut()
                .chain(&mut bias[..queries])
                .for_each(|x| *x *= scale);
        }
        let kind = match self.packing {
            Packing::Float => PackedKind::Float,
            Packing::Watched => PackedKind::Watched,
            Packing::Bytes(calibration) => {
                PackedKind::Bytes(&calibration.inputs[4 * i + role as usize])
            }
        };
        let n_values = shape.key_heads * shape.head_dim;
        let recipe = role.recipe(n_values);
        Ok(Matrix::pack(
            self.isa,
            &weights,
            &bias,
            shape.depth(role),
            recipe,
            kind,
        ))
    }

    /// What queries are multiplied by; the softmax is taken to base 2.
    fn query_scale(&self) -> f32 {
        self.shape.query_scale * std::f32::consts::LOG2_E
    }

    /// Layer `i` with these matrices.
    pub(super) fn layer(&self, i: usize, matrices: [Matrix; 4]) -> Result<Layer, PackError> {
        let [fused, attention_out, widen, narrow] = matrices;
        let (shape, names) = (self.shape, self.shape.names);
        let layer = self.layer_name(i);
        let head_gain = |name: Option<&str>| {
            let name = name.map(|name| format!("{layer}{name}"));
            let norm = name
                .map(|name| self.norm(&name, shape.head_dim))
                .transpose()?;
            Ok(norm.map(Norm::into_gain))
        };
        let mut query_gain = head_gain(names.query_norm)?;
        query_gain
            .iter_mut()
            .flatten()
            .for_each(|gain| *gain *= self.query_scale());
        let bare = NormNames {
            before: None,
            ..names.attention_norms
        };
        let attention_norms = if i == 0 && shape.first_is_bare {
            &bare
        } else {
            &names.attention_norms
        };
        Ok(Layer {
            fused,
            query_gain,
            key_gain: head_gain(names.key_norm)?,
            kind: shape.kind_of[i],
            attention_out,
            attention: self.around(&layer, attention_norms)?,
            widen,
            narrow,
            feed_forward: self.around(&layer, &names.feed_forward_norms)?,
        })
    }
}
