//! From a checkpoint's tensors to packed layers, checked against the shape.

use super::matrix::{Calibration, Kind, Matrix, Role};
use super::tensor::Tensor;
use super::{BertShape, Layer, Norm};
use crate::encoder::kernels::{Attention, Isa};

const TYPES: &str = "embeddings.token_type_embeddings.weight";

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
    /// The hidden width is no multiple of the number of heads.
    #[error("{heads} heads do not divide a hidden width of {hidden}")]
    Heads {
        /// Heads asked for.
        heads: usize,
        /// Hidden width asked for.
        hidden: usize,
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
pub(super) struct Source<'a> {
    pub(super) tensors: &'a Tensors<'a>,
    pub(super) shape: &'a BertShape,
    pub(super) packing: Packing<'a>,
    pub(super) isa: Isa,
}

impl Source<'_> {
    /// The tensor `name`, of any size.
    pub(super) fn some(&self, name: &str) -> Result<Tensor, PackError> {
        (self.tensors)(name).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// The tensor `name` with `expected` numbers.
    pub(super) fn get(&self, name: &str, expected: usize) -> Result<Vec<f32>, PackError> {
        let tensor = self.some(name)?;
        if tensor.len() != expected {
            return Err(PackError::Size {
                name: name.to_owned(),
                expected,
                found: tensor.len(),
            });
        }
        Ok(tensor.to_floats())
    }

    /// Position embeddings with the embedding of token type 0 added.
    pub(super) fn positions(&self) -> Result<Vec<f32>, PackError> {
        let hidden = self.shape.hidden;
        let name = "embeddings.position_embeddings.weight";
        let mut positions = self.get(name, self.shape.positions * hidden)?;
        let types = self.some(TYPES)?;
        if types.len() >= hidden {
            let mut of_type = vec![0.0; hidden];
            types.read(0, &mut of_type);
            for row in positions.chunks_exact_mut(hidden) {
                row.iter_mut().zip(&of_type).for_each(|(p, t)| *p += t);
            }
        }
        Ok(positions)
    }

    /// Embeddings of the token types, less that of type 0, which the positions hold.
    pub(super) fn types(&self) -> Result<Vec<f32>, PackError> {
        let hidden = self.shape.hidden;
        let mut types = self.some(TYPES)?.to_floats();
        let first = types.get(..hidden).unwrap_or_default().to_vec();
        for row in types.chunks_exact_mut(hidden) {
            row.iter_mut()
                .zip(&first)
                .for_each(|(t, first)| *t -= first);
        }
        Ok(types)
    }

    pub(super) fn norm(&self, name: &str) -> Result<Norm, PackError> {
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

    /// Query, key and value as one map, the query scaled as [`Attention`] expects it.
    fn fused(&self, name: &str) -> Result<(Vec<f32>, Vec<f32>), PackError> {
        let hidden = self.shape.hidden;
        let scale = Attention::query_scale(hidden / self.shape.heads);
        let (mut weight, mut bias) = self.linear(&format!("{name}.query"), hidden, hidden)?;
        weight.iter_mut().chain(&mut bias).for_each(|x| *x *= scale);
        for part in ["key", "value"] {
            let (more, more_bias) = self.linear(&format!("{name}.{part}"), hidden, hidden)?;
            weight.extend(more);
            bias.extend(more_bias);
        }
        Ok((weight, bias))
    }

    /// One matrix of layer `i`.
    pub(super) fn matrix(&self, i: usize, role: Role) -> Result<Matrix, PackError> {
        let (hidden, wide) = (self.shape.hidden, self.shape.intermediate);
        let name = |part: &str| format!("encoder.layer.{i}.{part}");
        let (weights, bias) = match role {
            Role::Fused => self.fused(&name("attention.self"))?,
            Role::AttentionOut => self.linear(&name("attention.output.dense"), hidden, hidden)?,
            Role::Widen => self.linear(&name("intermediate.dense"), wide, hidden)?,
            Role::Narrow => self.linear(&name("output.dense"), hidden, wide)?,
        };
        let kind = match self.packing {
            Packing::Float => Kind::Float,
            Packing::Watched => Kind::Watched,
            Packing::Bytes(calibration) => Kind::Bytes(&calibration.inputs[4 * i + role as usize]),
        };
        Ok(Matrix::pack(
            self.isa,
            &weights,
            &bias,
            role.depth(self.shape),
            role,
            kind,
        ))
    }

    /// Layer `i` with these matrices.
    pub(super) fn layer(&self, i: usize, matrices: [Matrix; 4]) -> Result<Layer, PackError> {
        let [fused, attention_out, widen, narrow] = matrices;
        Ok(Layer {
            fused,
            attention_out,
            attention_norm: self.norm(&format!("encoder.layer.{i}.attention.output.LayerNorm"))?,
            widen,
            narrow,
            out_norm: self.norm(&format!("encoder.layer.{i}.output.LayerNorm"))?,
        })
    }
}

impl Role {
    /// Input features of this matrix.
    pub(super) fn depth(self, shape: &BertShape) -> usize {
        if self == Self::Narrow {
            shape.intermediate
        } else {
            shape.hidden
        }
    }
}
