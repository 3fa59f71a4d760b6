//! The device's body on the CPU against the packed one, which is held to sentence-transformers.

use candle_core::{DType, Device};

use super::*;
use crate::encoder::kernels::Isa;
use crate::encoder::packed::{PackedBody, Precision};
use crate::encoder::pooling::{Pooling, PoolingMode};
use crate::encoder::source::{BodyPlan, ModelSource};
use crate::encoder::tensors::tensors_in_place;

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

#[test]
fn every_architecture_gives_the_vectors_of_the_packed_body() {
    let on_cpu = Chosen {
        device: Device::Cpu,
        dtype: DType::F32,
        name: "cpu",
    };
    for name in FOLDERS {
        let folder = format!("{}/tests/data/models/{name}", env!("CARGO_MANIFEST_DIR"));
        let files = ModelSource::Folder(folder.into()).read().unwrap();
        let BodyPlan::Transformer(shape) = &files.body else {
            panic!("{name} is no transformer");
        };
        let tensors = tensors_in_place(&files.weights, shape.names.prefixes).unwrap();
        let find = |name: &str| tensors.get(name).cloned();
        let packed = PackedBody::new((**shape).clone(), &find, Precision::F32, Isa::scalar());
        let packed = packed.unwrap();
        let device = DeviceBody::new((**shape).clone(), &find, &on_cpu).unwrap();
        let texts: Vec<Vec<u32>> = [1usize, 7, 30, 64]
            .iter()
            .map(|n| {
                (0..(*n).min(shape.positions) as u32)
                    .map(|i| 5 + i * 7 % 150)
                    .collect()
            })
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for (_, mode) in PoolingMode::FLAGS {
            let pooling = Pooling::of(mode);
            let found = device.embed(&texts, &pooling).unwrap();
            for (ids, found) in texts.iter().zip(found) {
                let pool = |rows: &[f32], out: &mut [f32]| pooling.pool(rows, out);
                let expected = packed.embed(ids, &[ids.len()], 1, pool);
                let size = expected.iter().map(|x| x.abs()).fold(1.0, f32::max);
                for (a, b) in found.iter().zip(&expected) {
                    assert!((a - b).abs() < 2e-4 * size, "{name} {mode:?}: {a}, not {b}");
                }
            }
        }
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
