//! The modules that sentence-transformers puts behind the pooling.
//!
//! In: a pooled vector `[dim]`. Out: a vector with the dim of the last module.

use sha2::{Digest, Sha256};

use akin_base::hex::hex;
use akin_base::vectors::{dot, normalize};

/// Added to the variance, as torch's `LayerNorm` does where nothing else is said.
const EPS: f32 = 1e-5;

/// One module.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Module {
    /// A linear map, perhaps through tanh.
    Dense {
        /// `[out, in]`
        weight: Vec<f32>,
        /// `[out]`
        bias: Vec<f32>,
        is_tanh: bool,
    },
    /// Layer normalisation.
    LayerNorm { gain: Vec<f32>, shift: Vec<f32> },
    /// Scaling to length 1.
    Normalize,
}

/// Modules, one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Head {
    modules: Vec<Module>,
}

impl Head {
    pub(super) fn push(&mut self, module: Module) {
        self.modules.push(module);
    }

    /// The dim of the result for vectors of this dim; the error says which module they do not fit.
    pub(super) fn dim_out(&self, dim: usize) -> Result<usize, String> {
        self.modules.iter().try_fold(dim, |dim, module| {
            let (name, wanted, given) = match module {
                Module::Dense { weight, bias, .. } => (
                    "Dense",
                    weight.len().checked_div(bias.len()).unwrap_or(0),
                    bias.len(),
                ),
                Module::LayerNorm { gain, .. } => ("LayerNorm", gain.len(), gain.len()),
                Module::Normalize => ("Normalize", dim, dim),
            };
            if dim == wanted {
                Ok(given)
            } else {
                Err(format!(
                    "its module {name} expects vectors of {wanted} numbers and gets {dim}"
                ))
            }
        })
    }

    /// Runs a vector through all modules.
    pub(super) fn apply(&self, mut vector: Vec<f32>) -> Vec<f32> {
        for module in &self.modules {
            match module {
                Module::Dense {
                    weight,
                    bias,
                    is_tanh,
                } => {
                    let rows = weight.chunks_exact(vector.len()).zip(bias);
                    let of_row = |(row, bias): (&[f32], &f32)| {
                        let x = dot(row, &vector) + bias;
                        if *is_tanh { x.tanh() } else { x }
                    };
                    vector = rows.map(of_row).collect();
                }
                Module::LayerNorm { gain, shift } => layer_norm(&mut vector, gain, shift),
                Module::Normalize => normalize(&mut vector),
            }
        }
        vector
    }

    /// sha256 of all modules, in hex; `None` if there are none.
    pub(super) fn sha256(&self) -> Option<String> {
        if self.modules.is_empty() {
            return None;
        }
        let mut hasher = Sha256::new();
        for module in &self.modules {
            let (kind, parts): (&str, [&[f32]; 2]) = match module {
                Module::Dense {
                    weight,
                    bias,
                    is_tanh,
                } => (if *is_tanh { "tanh" } else { "dense" }, [weight, bias]),
                Module::LayerNorm { gain, shift } => ("norm", [gain, shift]),
                Module::Normalize => ("length", [&[], &[]]),
            };
            hasher.update(kind);
            for part in parts {
                hasher.update((part.len() as u64).to_le_bytes());
                part.iter().for_each(|x| hasher.update(x.to_le_bytes()));
            }
        }
        Some(hex(hasher.finalize()))
    }
}

fn layer_norm(row: &mut [f32], gain: &[f32], shift: &[f32]) {
    let n = row.len() as f32;
    let mean = row.iter().sum::<f32>() / n;
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
    let scale = 1.0 / (variance + EPS).sqrt();
    for ((x, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
        *x = (*x - mean) * scale * gain + shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_follow_one_another() {
        let mut head = Head::default();
        assert_eq!(head.sha256(), None);
        head.push(Module::Dense {
            weight: vec![1.0, 0.0, 0.0, 2.0, 3.0, 0.0],
            bias: vec![0.0, 0.5, 0.0],
            is_tanh: false,
        });
        head.push(Module::Normalize);
        assert_eq!(head.dim_out(2), Ok(3));
        assert!(head.dim_out(3).unwrap_err().contains("Dense"));
        let expected = [1.0, 4.5, 3.0].map(|x: f32| x / 30.25f32.sqrt());
        let got = head.apply(vec![1.0, 2.0]);
        assert!(
            got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{got:?}"
        );
        let other = Head {
            modules: head.modules[..1].to_vec(),
        };
        assert_ne!(head.sha256(), other.sha256());
    }
}
