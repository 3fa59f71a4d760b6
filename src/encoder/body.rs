//! The body of a model: token ids to one pooled vector a text.
//!
//! In: a batch of token ids, texts of any lengths. Out: `[texts, hidden_size]` f32, pooled, not
//! normalised. Weights come through candle from safetensors; on the CPU a BERT with GELU runs on
//! packed rows through this crate's kernels, as a candle custom operation; a BERT with another
//! activation runs through candle-transformers.

use std::collections::HashMap;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use candle_transformers::models::bert::{Config, HiddenAct};

use super::Pooling;
use super::Precision;
use super::candle_bert::CandleBert;
use super::kernels::Isa;
use super::packed::{Arithmetic, BertShape, PackedBert};
use super::source::ModelFiles;
use crate::error::{Error, Result};

/// A model's body with its weights.
pub(super) struct Body {
    config: Config,
    route: Route,
}

/// Which code computes.
enum Route {
    Packed(Box<PackedBert>),
    Candle(CandleBert),
}

impl Body {
    /// Loads the weights of a BERT-shaped checkpoint, whichever of the usual names they carry.
    pub(super) fn load(files: &ModelFiles, precision: Precision) -> Result<Body> {
        let wrong = |reason: String| Error::model(&files.name, reason);
        let config: Config = serde_json::from_slice(&files.config)
            .map_err(|e| wrong(format!("config.json is not that of a BERT: {e}")))?;
        let tensors = read_tensors(files).map_err(|e| wrong(format!("model.safetensors: {e}")))?;
        let route = match config.hidden_act {
            HiddenAct::Gelu => {
                let packed = pack(&config, &tensors, precision);
                Route::Packed(Box::new(
                    packed.map_err(|e| wrong(format!("model.safetensors: {e}")))?,
                ))
            }
            _ => {
                let loaded = CandleBert::load(tensors, &config);
                Route::Candle(loaded.map_err(|e| wrong(format!("model.safetensors: {e}")))?)
            }
        };
        Ok(Body { config, route })
    }

    /// What computes, in words.
    pub(super) fn describe(&self) -> String {
        match &self.route {
            Route::Packed(packed) => format!("{} on the CPU", packed.isa().name()),
            Route::Candle(_) => "candle on the CPU".to_owned(),
        }
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// One pooled vector a text, on the threads of the current rayon pool.
    pub(super) fn embed(&self, texts: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        match &self.route {
            Route::Packed(packed) => embed_packed(packed, texts, pooling),
            Route::Candle(bert) => bert.embed(texts, pooling),
        }
        .map_err(|e| Error::Encode { source: e.into() })
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The checkpoint's tensors under the names that transformers gives them now.
fn read_tensors(files: &ModelFiles) -> candle_core::Result<HashMap<String, Tensor>> {
    let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu)?;
    Ok(tensors
        .into_iter()
        .map(|(name, tensor)| (modern_name(&name), tensor))
        .collect())
}

/// A tensor's name without the `bert.` of checkpoints with a head, and with the parameters of
/// LayerNorm as they have been called since TensorFlow's names were dropped.
fn modern_name(name: &str) -> String {
    let bare = name.strip_prefix("bert.").unwrap_or(name);
    bare.replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
}

fn pack(
    config: &Config,
    tensors: &HashMap<String, Tensor>,
    precision: Precision,
) -> Result<PackedBert, super::packed::PackError> {
    let shape = BertShape {
        vocabulary: config.vocab_size,
        hidden: config.hidden_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        intermediate: config.intermediate_size,
        positions: config.max_position_embeddings,
        eps: config.layer_norm_eps as f32,
    };
    let numbers = |name: &str| {
        let flat = tensors
            .get(name)?
            .to_dtype(DType::F32)
            .ok()?
            .flatten_all()
            .ok()?;
        flat.to_vec1().ok()
    };
    let isa = Isa::detect();
    let arithmetic = match precision {
        Precision::Int8 => Arithmetic::Int8,
        Precision::Auto if isa.bytes_are_fast() => Arithmetic::Int8,
        Precision::Auto | Precision::F32 => Arithmetic::F32,
    };
    PackedBert::new(shape, &numbers, arithmetic, isa)
}

/// The packed body as an operation on a candle tensor: token ids `[tokens]` u32 of all texts one
/// after another to `[texts, hidden_size]` f32.
struct EmbedPacked<'a> {
    packed: &'a PackedBert,
    lengths: &'a [usize],
    pooling: Pooling,
}

impl CustomOp1 for EmbedPacked<'_> {
    fn name(&self) -> &'static str {
        "embed-packed-bert"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let ids = storage.as_slice::<u32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the token ids are not contiguous");
        };
        let dim = self.packed.shape().hidden;
        let pool = |rows: &[f32], out: &mut [f32]| {
            out.copy_from_slice(&self.pooling.pool(rows, dim));
        };
        let vectors = self.packed.embed(&ids[start..end], self.lengths, pool);
        Ok((CpuStorage::F32(vectors), (self.lengths.len(), dim).into()))
    }
}

fn embed_packed(
    packed: &PackedBert,
    texts: &[&[u32]],
    pooling: Pooling,
) -> candle_core::Result<Vec<Vec<f32>>> {
    let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
    let ids = texts.concat();
    let n_tokens = ids.len();
    let ids = Tensor::from_vec(ids, n_tokens, &Device::Cpu)?;
    let op = EmbedPacked {
        packed,
        lengths: &lengths,
        pooling,
    };
    ids.apply_op1_no_bwd(&op)?.to_vec2()
}

#[cfg(all(test, feature = "bundled-model"))]
mod tests {
    use super::*;
    use crate::encoder::ModelSource;

    #[test]
    fn the_packed_body_agrees_with_candle_transformers_for_every_pooling() {
        let files = ModelSource::Bundled.read().unwrap();
        let body = Body::load(&files, Precision::F32).unwrap();
        let Route::Packed(packed) = &body.route else {
            panic!("the bundled model has GELU")
        };
        let candle = CandleBert::load(read_tensors(&files).unwrap(), &body.config).unwrap();
        let texts: Vec<Vec<u32>> = [1usize, 2, 3, 15, 16, 17, 64, 130]
            .iter()
            .map(|n| (0..*n as u32).map(|i| 1000 + 37 * i % 20000).collect())
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for pooling in [
            Pooling::Mean,
            Pooling::Cls,
            Pooling::Max,
            Pooling::LastToken,
        ] {
            let ours = embed_packed(packed, &texts, pooling).unwrap();
            let theirs = candle.embed(&texts, pooling).unwrap();
            for (a, b) in ours.iter().flatten().zip(theirs.iter().flatten()) {
                assert!((a - b).abs() < 1e-4, "{pooling:?}: {a} and {b}");
            }
        }
    }
}
