//! The body of a model: token ids to one pooled vector a text.
//!
//! In: a batch of token ids, texts of any lengths. Out: `[texts, hidden_size]` f32, pooled, not
//! normalised. Weights come through candle from safetensors; on the CPU a BERT with GELU runs on
//! packed rows through this crate's kernels, as a candle custom operation; a BERT with another
//! activation runs through candle-transformers.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use candle_transformers::models::bert::{Config, HiddenAct};

use super::candle_bert::CandleBert;
use super::kernels::Isa;
use super::packed::{self, BertShape, Calibration, PackedBert};
use super::source::{Bytes, ModelFiles};
use super::{Encoding, Pooling, Precision};
use crate::error::{Error, Result};

/// A model's body with its weights.
pub(super) struct Body {
    config: Config,
    route: Route,
}

/// Which code computes.
enum Route {
    Packed {
        body: Box<PackedBert>,
        /// The instruction sets and the numbers it computes with, in words.
        arithmetic: String,
    },
    Candle(Box<CandleBert>),
}

impl Body {
    /// Loads the weights of a BERT-shaped checkpoint, whichever of the usual names they carry, on
    /// the threads of the current rayon pool.
    ///
    /// `sample` gives the token ids of a few passages, for a model that brings no int8 calibration.
    pub(super) fn load(
        files: &ModelFiles,
        precision: Precision,
        sample: impl FnOnce() -> Result<Vec<Encoding>>,
    ) -> Result<Body> {
        let wrong = |reason: String| Error::model(&files.name, reason);
        let config: Config = serde_json::from_slice(&files.config)
            .map_err(|e| wrong(format!("config.json is not that of a BERT: {e}")))?;
        let loaded = match config.hidden_act {
            HiddenAct::Gelu => load_packed(files, &config, precision, sample),
            _ => load_candle(files, &config),
        };
        let route = loaded.map_err(|e| wrong(format!("model.safetensors: {e}")))?;
        Ok(Body { config, route })
    }

    /// What computes, in words.
    pub(super) fn describe(&self) -> &str {
        match &self.route {
            Route::Packed { arithmetic, .. } => arithmetic,
            Route::Candle(_) => "f32, candle",
        }
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// One pooled vector a text, on the threads of the current rayon pool.
    pub(super) fn embed(&self, texts: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        match &self.route {
            Route::Packed { body, .. } => embed_packed(body, texts, pooling),
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

impl From<&Config> for BertShape {
    fn from(config: &Config) -> BertShape {
        BertShape {
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            intermediate: config.intermediate_size,
            positions: config.max_position_embeddings,
            eps: config.layer_norm_eps as f32,
        }
    }
}

/// Why a checkpoint could not be loaded; the caller says of which model.
pub(super) type Reason = Box<dyn std::error::Error + Send + Sync>;

fn load_candle(files: &ModelFiles, config: &Config) -> Result<Route, Reason> {
    let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu)?;
    let renamed = tensors
        .into_iter()
        .map(|(name, tensor)| (modern_name(&name), tensor));
    Ok(Route::Candle(Box::new(CandleBert::load(
        renamed.collect(),
        config,
    )?)))
}

fn load_packed(
    files: &ModelFiles,
    config: &Config,
    precision: Precision,
    sample: impl FnOnce() -> Result<Vec<Encoding>>,
) -> Result<Route, Reason> {
    let shape = BertShape::from(config);
    let tensors = tensors_in_place(&files.weights)?;
    let words = tensors
        .get("embeddings.word_embeddings.weight")
        .map_or(0, packed::Tensor::len);
    let expected = config.vocab_size * config.hidden_size;
    if words != expected {
        let reason = format!("embeddings.word_embeddings.weight has {words} numbers of {expected}");
        return Err(reason.into());
    }
    let find = |name: &str| tensors.get(name).cloned();
    let isa = Isa::detect();
    let wants_int8 = match precision {
        Precision::F32 => false,
        Precision::Auto => isa.bytes_are_fast(),
        Precision::Int8 => true,
    };
    let int8 = if wants_int8 {
        Some(match brought_calibration(files, &shape) {
            Some(calibration) => calibration,
            None => calibrate(shape.clone(), &find, isa, &sample()?)?,
        })
    } else {
        None
    };
    let (numbers, arithmetic) = match &int8 {
        Some(calibration) => (packed::Precision::Int8(calibration), "int8"),
        None => (packed::Precision::F32, "f32"),
    };
    let body = PackedBert::new(shape, &find, numbers, isa)?;
    Ok(Route::Packed {
        body: Box::new(body),
        arithmetic: format!("{arithmetic}, {}", isa.name()),
    })
}

/// The int8 calibration that the model brings for a body of this shape.
fn brought_calibration(files: &ModelFiles, shape: &BertShape) -> Option<Calibration> {
    let bytes = files.int8_calibration.as_ref()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
    rest.is_empty()
        .then(|| shape.calibration(&numbers))
        .flatten()
}

/// Runs a few passages through the body in f32 to see what its activations are like.
fn calibrate(
    shape: BertShape,
    tensors: &packed::Tensors,
    isa: Isa,
    sample: &[Encoding],
) -> Result<Calibration, packed::PackError> {
    let ids: Vec<u32> = sample.iter().flat_map(|text| text.ids.clone()).collect();
    let lengths: Vec<usize> = sample.iter().map(|text| text.ids.len()).collect();
    PackedBert::calibrate(shape, tensors, isa, &ids, &lengths)
}

/// The checkpoint's tensors where they lie, under the names that transformers gives them now.
/// Numbers of other types than f16 and f32 are converted.
pub(super) fn tensors_in_place(
    weights: &Arc<Bytes>,
) -> Result<HashMap<String, packed::Tensor>, Reason> {
    let whole: &[u8] = weights;
    let file = SliceSafetensors::new(whole)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        let in_place = match view.dtype().try_into()? {
            DType::F32 => Some(packed::Dtype::F32),
            DType::F16 => Some(packed::Dtype::F16),
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
        tensors.insert(modern_name(&name), tensor);
    }
    Ok(tensors)
}

/// A tensor's name without the `bert.` of checkpoints with a head, and with the parameters of
/// LayerNorm as they have been called since TensorFlow's names were dropped.
fn modern_name(name: &str) -> String {
    let bare = name.strip_prefix("bert.").unwrap_or(name);
    bare.replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
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

#[cfg(test)]
#[cfg(feature = "bundled-model")]
mod tests {
    use super::*;
    use crate::encoder::{Encoder, EncoderOptions, ModelSource, Role};
    use crate::vectors::dot;

    #[test]
    fn the_packed_body_agrees_with_candle_transformers_for_every_pooling() {
        let files = ModelSource::Bundled.read().unwrap();
        let ours = Body::load(&files, Precision::F32, || Ok(Vec::new())).unwrap();
        let theirs = Body {
            config: ours.config.clone(),
            route: load_candle(&files, &ours.config).unwrap(),
        };
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
            let (ours, theirs) = (ours.embed(&texts, pooling), theirs.embed(&texts, pooling));
            for (a, b) in ours
                .unwrap()
                .iter()
                .flatten()
                .zip(theirs.unwrap().iter().flatten())
            {
                assert!((a - b).abs() < 1e-4, "{pooling:?}: {a} and {b}");
            }
        }
    }

    /// Passages of the sample in `tests/data`.
    fn passages(range: std::ops::Range<usize>) -> Vec<String> {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/arxiv-1000.jsonl");
        let text = std::fs::read_to_string(sample).unwrap();
        let passage = |line: &str| {
            let paper: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| paper[name].as_str().unwrap().to_owned();
            format!("{}. {}", field("title"), field("abstract"))
        };
        text.lines()
            .map(passage)
            .skip(range.start)
            .take(range.len())
            .collect()
    }

    fn encoder(precision: Precision) -> Encoder {
        let options = EncoderOptions {
            precision,
            ..EncoderOptions::default()
        };
        Encoder::load(&ModelSource::Bundled, &options).unwrap()
    }

    #[test]
    fn the_int8_calibration_that_the_bundled_model_brings_is_what_it_would_get_without() {
        let encoder = encoder(Precision::F32);
        let sample = encoder
            .encode(&super::super::calibration_texts(), Role::Passage)
            .unwrap();
        let files = ModelSource::Bundled.read().unwrap();
        let tensors = tensors_in_place(&files.weights).unwrap();
        let find = |name: &str| tensors.get(name).cloned();
        let Route::Packed { body, .. } = &encoder.body.route else {
            panic!("the bundled model has GELU")
        };
        let anew = calibrate(body.shape().clone(), &find, Isa::detect(), &sample).unwrap();
        let anew = anew.to_floats();
        let brought = brought_calibration(&files, body.shape())
            .unwrap()
            .to_floats();
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * b.abs() + 1e-3;
        if brought.len() != anew.len() || !brought.iter().zip(&anew).all(close) {
            let bytes: Vec<u8> = anew.iter().flat_map(|x| x.to_le_bytes()).collect();
            let (_, path) = tempfile::NamedTempFile::new().unwrap().keep().unwrap();
            std::fs::write(&path, bytes).unwrap();
            panic!(
                "int8-calibration.f32 is out of date; it should be {}",
                path.display()
            );
        }
    }

    #[test]
    fn int8_stays_close_to_f32() {
        let texts = passages(500..540);
        let embed = |precision| {
            let embedded =
                encoder(precision).embed(&texts, Role::Passage, &crate::progress::Unobserved);
            embedded
                .unwrap()
                .vectors
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        };
        let cosines: Vec<f32> = embed(Precision::F32)
            .iter()
            .zip(&embed(Precision::Int8))
            .map(|(a, b)| dot(a, b))
            .collect();
        let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
        let least = cosines.iter().copied().fold(1.0, f32::min);
        assert!(
            mean >= 0.9995 && least >= 0.999,
            "mean {mean}, least {least}"
        );
    }
}
