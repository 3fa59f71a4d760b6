//! The device's body on the CPU against the packed one, which is held to sentence-transformers: candle's
//! operations in f32, and our own kernels in f16, run by the emulator.

use candle_core::{DType, Device};

use super::*;
use crate::packed::{Arithmetic, PackedBody};
use crate::pooling::{Pooling, PoolingMode};
use crate::source::{BodyPlan, ModelFiles, ModelSource};
use crate::tensors::tensors_in_place;
use akin_kernels::Isas;

const FOLDERS: [&str; 11] = [
    "tiny-bert-cls",
    "tiny-roberta",
    "tiny-distilbert",
    "tiny-mpnet",
    "tiny-modernbert",
    "tiny-nomicbert",
    "tiny-jinabert",
    "tiny-gte",
    "tiny-qwen3",
    "tiny-embeddinggemma",
    "tiny-xlmr",
];

pub(super) fn on_cpu(dtype: DType, has_kernels: bool) -> ChosenDevice {
    ChosenDevice {
        device: Device::Cpu,
        dtype,
        name: "cpu",
        has_bf16: false,
        has_kernels,
        lanes: 1,
    }
}

pub(super) fn files_of(name: &str) -> ModelFiles {
    let folder = akin_testing::data(&format!("models/{name}"));
    ModelSource::Folder(folder).read().unwrap()
}

/// All modes at once.
pub(super) fn all_modes() -> Pooling {
    Pooling::several(&PoolingMode::FLAGS.map(|(_, mode)| mode))
}

/// A transformer's body on a device, and the packed one in f32.
pub(super) fn device_and_packed(
    files: &ModelFiles,
    to: &ChosenDevice,
    isa: Isas,
) -> (DeviceBody, PackedBody) {
    let BodyPlan::Transformer(shape) = &files.body else {
        panic!("{} is no transformer", files.name);
    };
    let tensors = tensors_in_place(&files.weights, shape.names.prefixes).unwrap();
    let find = |name: &str| tensors.get(name).cloned();
    let of = || (**shape).clone();
    (
        DeviceBody::new(of(), &find, to).unwrap(),
        PackedBody::new(of(), &find, Arithmetic::F32, isa).unwrap(),
    )
}

/// Embeds the same token ids by the packed body and by that of a device, and returns the largest difference
/// of a number, for vectors of length 1.
fn largest_difference(name: &str, to: &ChosenDevice) -> f32 {
    let (device, packed) = device_and_packed(&files_of(name), to, Isas::scalar());
    let shape = device.shape();
    assert_eq!(device.is_fused(), to.has_kernels, "{name}");
    // Tiles of attention have 64 tokens.
    let text = |n: usize| -> Vec<u32> {
        let n = n.min(shape.positions) as u32;
        (0..n).map(|i| 5 + (i * 7 + n) % 150).collect()
    };
    let texts: Vec<Vec<u32>> = [1, 7, 30, 64, 65, 130].map(text).into();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let pooling = all_modes();
    let found = device.embed(&texts, &pooling).unwrap();
    let n_modes = pooling.modes().len();
    let mut largest = 0f32;
    for (ids, found) in texts.iter().zip(found) {
        let pool = |rows: &[f32], out: &mut [f32]| pooling.pool(rows, out);
        let expected = packed.embed(ids, &[ids.len()], n_modes, pool);
        assert_eq!(found.len(), expected.len(), "{name}");
        let modes = found.chunks_exact(shape.hidden);
        for (found, expected) in modes.zip(expected.chunks_exact(shape.hidden)) {
            let size = expected.iter().map(|x| x * x).sum::<f32>().sqrt();
            for (a, b) in found.iter().zip(expected) {
                assert!(a.is_finite(), "{name}: {a}, not {b}");
                largest = largest.max((a - b).abs() / size);
            }
        }
    }
    largest
}

#[test]
fn every_architecture_gives_the_vectors_of_the_packed_body() {
    for name in FOLDERS {
        let largest = largest_difference(name, &on_cpu(DType::F32, false));
        assert!(largest < 1e-4, "{name}: {largest}");
    }
}

#[cfg(unix)]
mod of_kernels {
    use std::sync::atomic::Ordering;

    use super::kernels::emulator;
    use super::*;
    #[cfg(feature = "bundled-model")]
    use crate::encoder::calibration_texts;
    #[cfg(feature = "bundled-model")]
    use crate::{Encoder, EncoderOptions, Role};
    #[cfg(feature = "bundled-model")]
    use akin_base::vectors::{dot, normalize};

    #[test]
    fn every_architecture_gives_the_vectors_of_the_packed_body_through_our_kernels() {
        if emulator::is_missing() {
            return;
        }
        for name in FOLDERS {
            // A thread that waits too little gets other numbers in another order.
            let in_order = |is_backwards: bool| {
                emulator::BACKWARDS.store(is_backwards, Ordering::Relaxed);
                largest_difference(name, &on_cpu(DType::F16, true))
            };
            let (forwards, backwards) = (in_order(false), in_order(true));
            println!("{name}: {forwards}");
            assert_eq!(forwards, backwards, "{name}");
            assert!(forwards < 5e-3, "{name}: {forwards}");
        }
    }

    /// The least cosine of the bundled model's vectors through our kernels in f16 to its f32 ones.
    #[cfg(feature = "bundled-model")]
    fn least_cosine(passages: &[&str]) -> f32 {
        let files = ModelSource::Bundled.read().unwrap();
        let (device, packed) = device_and_packed(&files, &on_cpu(DType::F16, true), Isas::detect());
        let device = device.checked().unwrap();
        assert!(device.is_fused());
        let encoder = Encoder::load(&ModelSource::Bundled, &EncoderOptions::default()).unwrap();
        let encodings = encoder.encode(passages, Role::Passage).unwrap();
        let texts: Vec<&[u32]> = encodings.iter().map(|e| &e.ids[..]).collect();
        let pooling = Pooling::new(PoolingMode::Mean);
        let found = device.embed(&texts, &pooling).unwrap();
        let mut least = 1f32;
        for (ids, mut found) in texts.iter().zip(found) {
            let pool = |rows: &[f32], out: &mut [f32]| pooling.pool(rows, out);
            let mut expected = packed.embed(ids, &[ids.len()], 1, pool);
            normalize(&mut found);
            normalize(&mut expected);
            let cosine = dot(&found, &expected);
            println!("{} tokens: {cosine}", ids.len());
            assert!(cosine >= 0.9999, "{} tokens: {cosine}", ids.len());
            least = least.min(cosine);
        }
        least
    }

    #[cfg(feature = "bundled-model")]
    #[test]
    fn the_bundled_model_through_our_kernels_is_within_the_bound_of_its_f32_vectors() {
        if emulator::is_missing() {
            return;
        }
        least_cosine(&calibration_texts()[..3]);
    }

    #[cfg(feature = "bundled-model")]
    #[test]
    #[ignore = "takes minutes; prints the figure of benches/runs"]
    fn two_hundred_abstracts_through_our_kernels() {
        if emulator::is_missing() {
            return;
        }
        let sample = akin_testing::data("arxiv-1000.jsonl");
        let sample = std::fs::read_to_string(sample).unwrap();
        let passage = |line: &str| {
            let paper: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| paper[name].as_str().unwrap().to_owned();
            format!("{}. {}", field("title"), field("abstract"))
        };
        let passages: Vec<String> = sample.lines().take(200).map(passage).collect();
        let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
        println!("least: {}", least_cosine(&passages));
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_unless_any_will_do() {
    assert!(choose(DeviceChoice::Cpu).unwrap().is_none());
    if !cfg!(feature = "metal") {
        let error = choose(DeviceChoice::Metal).unwrap_err().to_string();
        assert!(error.contains("metal"), "{error}");
    }
    if !cfg!(feature = "cuda") {
        let error = choose(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(error.contains("cuda"), "{error}");
        if !cfg!(feature = "metal") {
            assert!(choose(DeviceChoice::Auto).unwrap().is_none());
        }
    }
}
