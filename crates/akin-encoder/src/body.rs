//! The body of a model: token ids to one pooled vector a text.
//!
//! In: a batch of token ids, texts of any lengths. Out: `[texts, modes * hidden_size]` f32, pooled, not
//! normalised. Weights come through candle from safetensors. On the CPU every architecture runs on packed rows
//! (`packed`, through akin-kernels); on a GPU candle computes the matrix products (`device`).

use rayon::prelude::*;

use super::batch;
use super::device::{self, ChosenDevice, DeviceBody, DeviceChoice, choose};
use super::options::{EncoderOptions, Precision};
use super::packed::{self, Calibration, NormKind, PackedBody, Shape};
use super::pooling::Pooling;
use super::source::{BodyPlan, ModelFiles};
use super::static_table::StaticTable;
use super::tensors::{Reason, tensors_in_place};
use super::tokenize::{Encoding, ensure_embedded};
use akin_base::error::{Error, Result};
use akin_kernels::Isas;

/// A model's body with its weights.
pub(super) struct Body {
    route: BodyRoute,
    /// Describes the arithmetic: numbers and instruction sets.
    arithmetic: String,
    /// Number of batches under way at a time.
    lanes: usize,
    /// Why no GPU computes, if the device was chosen automatically.
    refused: Option<String>,
}

/// Which code computes.
enum BodyRoute {
    Packed(Box<PackedBody>),
    Device(Box<DeviceBody>),
    Static(StaticTable),
}

impl Body {
    /// Loads the weights of a checkpoint, on the threads of the current rayon pool, for texts of up to
    /// `max_tokens`.
    ///
    /// Of the options, precision and device count here. `sample` gives the token ids of a few passages, for a model that brings no int8 calibration.
    pub(super) fn load(
        files: &ModelFiles,
        options: &EncoderOptions,
        max_tokens: usize,
        sample: impl FnOnce() -> Result<Vec<Encoding>>,
    ) -> Result<Body> {
        let &EncoderOptions {
            precision, device, ..
        } = options;
        let wrong = |e: Reason| Error::model(&files.name, format!("model.safetensors: {e}"));
        let shape = match &files.body {
            BodyPlan::Static(table) => {
                return Ok(Body {
                    route: BodyRoute::Static(table.clone()),
                    arithmetic: "f32".to_owned(),
                    lanes: 1,
                    refused: None,
                });
            }
            BodyPlan::Transformer(shape) => shape.clone().shortened(max_tokens),
        };
        let tensors = tensors_in_place(&files.weights, shape.names.prefixes).map_err(wrong)?;
        let find = |name: &str| tensors.get(name).cloned();
        let chosen = choose(device)?;
        let has_none = device == DeviceChoice::Auto && chosen.is_none();
        let mut refused = has_none.then(|| "there is no GPU that this build can use".to_owned());
        if let Some(chosen) = chosen {
            match load_on(&find, shape.clone(), &chosen) {
                Ok(body) => return Ok(body),
                Err(reason) => {
                    // What is wrong with the model is wrong everywhere.
                    let error = reason.downcast::<candle_core::Error>().map_err(wrong)?;
                    let error = device::without_backtrace(*error);
                    if device != DeviceChoice::Auto {
                        return Err(device::refused(chosen.name, error));
                    }
                    refused = Some(format!(
                        "{} cannot compute {}: {error}",
                        chosen.name, files.name
                    ));
                }
            }
        }
        let body = load_packed(files, &find, shape, precision, sample).map_err(wrong)?;
        Ok(Body { refused, ..body })
    }

    /// Describes the arithmetic.
    pub(super) fn describe(&self) -> &str {
        &self.arithmetic
    }

    /// Int8, or f32 for everything that is not rounded on purpose.
    pub(super) fn precision(&self) -> Precision {
        match self.route {
            BodyRoute::Packed(_) if self.arithmetic.starts_with("int8") => Precision::Int8,
            _ => Precision::F32,
        }
    }

    /// Why no GPU computes, if the device was chosen automatically.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Whether a GPU computes.
    pub(super) fn is_on_gpu(&self) -> bool {
        matches!(self.route, BodyRoute::Device(_))
    }

    /// The best number of batches under way at a time, each on a thread of its own.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The best number of tokens to compute together.
    pub(super) fn budget_tokens(&self) -> usize {
        match &self.route {
            BodyRoute::Packed(_) | BodyRoute::Static(_) => batch::BUDGET_TOKENS,
            BodyRoute::Device(body) => body.budget_tokens(),
        }
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        match &self.route {
            BodyRoute::Packed(body) => body.shape().vocab,
            BodyRoute::Device(body) => body.shape().vocab,
            BodyRoute::Static(table) => table.vocab_size(),
        }
    }

    /// One pooled vector a text, on the threads of the current rayon pool.
    pub(super) fn embed(&self, texts: &[&[u32]], pooling: &Pooling) -> Result<Vec<Vec<f32>>> {
        match &self.route {
            BodyRoute::Packed(body) => Ok(embed_packed(body, texts, pooling)),
            BodyRoute::Device(body) => body
                .embed(texts, pooling)
                .map_err(|e| Error::Encode { source: e.into() }),
            BodyRoute::Static(table) => Ok(texts.par_iter().map(|ids| table.embed(ids)).collect()),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("arithmetic", &self.arithmetic)
            .finish_non_exhaustive()
    }
}

fn load_on(tensors: &packed::Tensors, shape: Shape, device: &ChosenDevice) -> Result<Body, Reason> {
    let body = DeviceBody::new(shape, tensors, device)?.checked()?;
    Ok(Body {
        arithmetic: format!("{}, {}", body.describe(), device.name),
        lanes: device.lanes,
        refused: None,
        route: BodyRoute::Device(Box::new(body)),
    })
}

fn load_packed(
    files: &ModelFiles,
    tensors: &packed::Tensors,
    shape: Shape,
    precision: Precision,
    sample: impl FnOnce() -> Result<Vec<Encoding>>,
) -> Result<Body, Reason> {
    let isa = Isas::detect();
    let brought = brought_calibration(files, &shape);
    let wants_int8 = match precision {
        Precision::F32 => false,
        // Calibrating takes seconds, for one question as for all papers.
        Precision::Auto => isa.bytes_are_fast() && bytes_are_measured(&shape) && brought.is_some(),
        Precision::Int8 => true,
    };
    let int8 = if wants_int8 {
        Some(match brought {
            Some(calibration) => calibration,
            None => {
                let sample = sample()?;
                ensure_embedded(sample.iter().map(|text| &text.ids[..]), shape.vocab)?;
                calibrate(shape.clone(), tensors, isa, &sample)?
            }
        })
    } else {
        None
    };
    let (numbers, arithmetic) = match &int8 {
        Some(calibration) => (packed::Arithmetic::Int8(calibration), "int8"),
        None => (packed::Arithmetic::F32, "f32"),
    };
    let body = PackedBody::new(shape, tensors, numbers, isa)?;
    Ok(Body {
        route: BodyRoute::Packed(Box::new(body)),
        arithmetic: format!("{arithmetic}, {}", isa.name()),
        lanes: 1,
        refused: None,
    })
}

/// Whether int8 was measured on models of this kind: layer norms behind the blocks, no gates.
fn bytes_are_measured(shape: &Shape) -> bool {
    let is_behind = shape.names.feed_forward_norms.after.is_some();
    is_behind && shape.norm == NormKind::Layer { shift: true } && shape.gate.is_none()
}

/// The int8 calibration that the model brings for a body of this shape.
fn brought_calibration(files: &ModelFiles, shape: &Shape) -> Option<Calibration> {
    let bytes = files.int8_calibration.as_ref()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
    rest.is_empty()
        .then(|| shape.calibration(&numbers))
        .flatten()
}

/// Runs a few passages through the body in f32 to see what its activations are like.
fn calibrate(
    shape: Shape,
    tensors: &packed::Tensors,
    isa: Isas,
    sample: &[Encoding],
) -> Result<Calibration, packed::PackError> {
    let ids: Vec<u32> = sample.iter().flat_map(|text| text.ids.clone()).collect();
    let lengths: Vec<usize> = sample.iter().map(|text| text.ids.len()).collect();
    PackedBody::calibrate(shape, tensors, isa, &ids, &lengths)
}

/// One pooled vector a text, by the packed body.
fn embed_packed(packed: &PackedBody, texts: &[&[u32]], pooling: &Pooling) -> Vec<Vec<f32>> {
    let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
    let n_modes = pooling.modes().len();
    let pool = |rows: &[f32], out: &mut [f32]| pooling.pool(rows, out);
    let vectors = packed.embed(&texts.concat(), &lengths, n_modes, pool);
    let dim = n_modes * packed.shape().hidden;
    vectors.chunks_exact(dim).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
#[cfg(feature = "bundled-model")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use candle_core::{DType, Device, Tensor};
    use candle_nn::VarBuilder;
    use candle_transformers::models::bert::BertModel;

    use super::*;
    use crate::{Encoder, ModelSource, PoolingMode, Role};
    use akin_base::vectors::dot;

    #[test]
    fn the_packed_body_agrees_with_candle_transformers_for_every_pooling() {
        let files = ModelSource::Bundled.read().unwrap();
        let BodyPlan::Transformer(shape) = &files.body else {
            panic!("the bundled model is a transformer")
        };
        let ours = Body::load(&files, &EncoderOptions::default(), shape.positions, || {
            Ok(Vec::new())
        })
        .unwrap();
        let path = "models/all-MiniLM-L6-v2/config.json";
        let config = std::fs::read(akin_testing::repository().join(path)).unwrap();
        let config = serde_json::from_slice(&config).unwrap();
        let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu).unwrap();
        let floats =
            |(name, tensor): (String, Tensor)| (name, tensor.to_dtype(DType::F32).unwrap());
        let tensors = tensors.into_iter().map(floats).collect();
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let theirs = BertModel::load(weights, &config).unwrap();
        for n_tokens in [1usize, 2, 3, 15, 16, 17, 64, 130] {
            let text: Vec<u32> = (0..n_tokens as u32)
                .map(|i| 1000 + 37 * i % 20000)
                .collect();
            let ids = Tensor::new(&text[..], &Device::Cpu)
                .unwrap()
                .unsqueeze(0)
                .unwrap();
            let states = theirs
                .forward(&ids, &ids.zeros_like().unwrap(), None)
                .unwrap();
            let states: Vec<f32> = states.flatten_all().unwrap().to_vec1().unwrap();
            for (_, mode) in PoolingMode::FLAGS {
                let pooling = Pooling::new(mode);
                let mut expected = vec![0.0; shape.hidden];
                pooling.pool(&states, &mut expected);
                let got = ours.embed(&[&text], &pooling).unwrap().swap_remove(0);
                for (a, b) in got.iter().zip(&expected) {
                    let scale = 1.0 + b.abs();
                    assert!((a - b).abs() < 1e-4 * scale, "{mode:?}: {a} and {b}");
                }
            }
        }
    }

    /// Passages of the sample in `tests/data`.
    fn passages(range: std::ops::Range<usize>) -> Vec<String> {
        let sample = akin_testing::data("arxiv-1000.jsonl");
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
            .encode(&crate::encoder::calibration_texts(), Role::Passage)
            .unwrap();
        let files = ModelSource::Bundled.read().unwrap();
        let tensors = tensors_in_place(&files.weights, &["bert."]).unwrap();
        let find = |name: &str| tensors.get(name).cloned();
        let BodyRoute::Packed(body) = &encoder.body.route else {
            panic!("the bundled model is a transformer")
        };
        let anew = calibrate(body.shape().clone(), &find, Isas::detect(), &sample).unwrap();
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
    fn several_lanes_give_the_vectors_of_one_in_the_same_order() {
        let texts = passages(0..90);
        let mut encoder = encoder(Precision::Auto);
        let mut embed = |lanes| {
            encoder.body.lanes = lanes;
            let encodings = encoder.encode(&texts, Role::Passage).unwrap();
            let seen = Seen::default();
            let embedded = encoder.embed_encoded(&encodings, &seen).unwrap();
            assert_eq!(seen.n.load(Ordering::Relaxed), 90);
            (embedded.vectors, embedded.n_tokens)
        };
        let one = embed(1);
        assert!(one.0.iter().all(Option::is_some));
        assert_eq!(embed(3), one);
        assert_eq!(embed(50), one);
    }

    #[test]
    fn what_fails_in_one_lane_ends_all_and_is_told() {
        let mut encoder = encoder(Precision::Auto);
        encoder.body.lanes = 2;
        let mut encodings = encoder.encode(&passages(0..60), Role::Passage).unwrap();
        encodings[7].ids[1] = 40_000;
        let failed = encoder.embed_encoded(&encodings, &Seen::default());
        let error = std::error::Error::source(&failed.unwrap_err())
            .unwrap()
            .to_string();
        assert!(error.contains("token 40000"), "{error}");
    }

    /// How many texts were embedded.
    #[derive(Default)]
    struct Seen {
        n: AtomicU64,
    }

    impl akin_base::progress::Observer for Seen {
        fn advance(&self, n: u64) {
            self.n.fetch_add(n, Ordering::Relaxed);
        }
    }

    #[test]
    fn int8_stays_close_to_f32() {
        let texts = passages(500..540);
        let embed = |precision| {
            let embedded =
                encoder(precision).embed(&texts, Role::Passage, &akin_base::progress::Unobserved);
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
