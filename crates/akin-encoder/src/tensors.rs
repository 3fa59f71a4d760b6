//! Finds a checkpoint's tensors without copying them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};

use super::packed;

/// The bytes of a model file: part of the binary, or read.
pub(super) type TensorBytes = Cow<'static, [u8]>;

/// Why a checkpoint could not be loaded; the caller adds the model's name.
pub(super) type Reason = Box<dyn std::error::Error + Send + Sync>;

/// The checkpoint's tensors, not copied, under the names that transformers gives them now, without any of
/// the prefixes. Types other than f16 and f32 are converted.
pub(super) fn tensors_in_place(
    weights: &Arc<TensorBytes>,
    prefixes: &[&str],
) -> Result<HashMap<String, packed::Tensor>, Reason> {
    let whole: &[u8] = weights;
    let file = SliceSafetensors::new(whole)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        let in_place = match view.dtype().try_into()? {
            DType::F32 => Some(packed::TensorType::F32),
            DType::F16 => Some(packed::TensorType::F16),
            _ => None,
        };
        let tensor = match in_place {
            Some(dtype) => {
                let start = view.data().as_ptr().addr() - whole.as_ptr().addr();
                let range = start..start + view.data().len();
                packed::Tensor::new(Arc::clone(weights) as _, range, dtype)
            }
            None => {
                let tensor = file.load(&name, &Device::Cpu)?.to_dtype(DType::F32)?;
                packed::Tensor::from_floats(&tensor.flatten_all()?.to_vec1()?)
            }
        };
        tensors.insert(modern_name(&name, prefixes), tensor);
    }
    Ok(tensors)
}

/// A tensor's name without the prefix of checkpoints with a head. LayerNorm's parameters get their present
/// names instead of TensorFlow's.
fn modern_name(name: &str, prefixes: &[&str]) -> String {
    let bare = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
    bare.unwrap_or(name)
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
}
