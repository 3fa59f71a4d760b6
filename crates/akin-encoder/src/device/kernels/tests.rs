//! Each kernel, in the numbers and widths that small models do not have, against candle's operations.

use candle_core::{DType, Device, Tensor};

use super::super::composed::Composed;
use super::super::load::{DeviceLayer, DeviceNorm, DeviceNorms, Linear};
use super::super::operations::{Normalisation, Operations};
use super::super::outlook::DevicePattern;
use super::super::rows::{Arrangement, Rows};
use super::super::tests::{all_modes, files_of};
use super::*;
use crate::packed::{LayerKind, NormKind, Outlooks, PositionEncoding, Shape};
use crate::source::BodyPlan;
use akin_kernels::Activation;

/// A shape to change.
fn some_shape() -> Shape {
    let BodyPlan::Transformer(shape) = files_of("tiny-qwen3").body else {
        panic!("a transformer");
    };
    Shape {
        positions: 200,
        ..(*shape).clone()
    }
}

/// Numbers between -1 and 1 that look random.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn tensor(dims: (usize, usize), seed: u64) -> Tensor {
    Tensor::from_vec(numbers(dims.0 * dims.1, seed), dims, &Device::Cpu).unwrap()
}

fn vector(width: usize, seed: u64) -> Tensor {
    Tensor::from_vec(numbers(width, seed), width, &Device::Cpu).unwrap()
}

fn norm(width: usize, seed: u64, is_rms: bool) -> DeviceNorm {
    DeviceNorm {
        gain: vector(width, seed),
        shift: (!is_rms).then(|| vector(width, seed + 1)),
        eps: 1e-6,
    }
}

fn layer(shape: &Shape, bias: bool, norms: bool) -> DeviceLayer {
    let none = || Linear {
        weight: tensor((1, 1), 1),
        bias: None,
    };
    let around = || DeviceNorms {
        before: None,
        branch: None,
        after: None,
    };
    let width = (shape.heads + 2 * shape.key_heads) * shape.head_dim;
    DeviceLayer {
        fused: Linear {
            bias: bias.then(|| vector(width, 7)),
            ..none()
        },
        query_norm: norms.then(|| norm(shape.head_dim, 8, true)),
        key_norm: norms.then(|| norm(shape.head_dim, 9, true)),
        attention_out: none(),
        attention: around(),
        widen: none(),
        narrow: none(),
        feed_forward: around(),
    }
}

const LENGTHS: [usize; 4] = [3, 64, 0, 150];

fn rows(arrangement: Arrangement) -> Rows {
    let texts = LENGTHS.map(|n| vec![5u32; n]);
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    Rows::new(&texts, PositionEncoding::Rotary, arrangement, &Device::Cpu).unwrap()
}

/// Packed rows as padded ones.
fn padded(packed: &Tensor) -> Tensor {
    let (longest, mut start) = (150, 0);
    let width = packed.dim(1).unwrap();
    let mut parts = Vec::new();
    for n in LENGTHS {
        parts.push(packed.narrow(0, start, n).unwrap());
        let filling = (longest - n, width);
        parts.push(Tensor::zeros(filling, packed.dtype(), &Device::Cpu).unwrap());
        start += n;
    }
    Tensor::cat(&parts, 0).unwrap()
}

/// The largest difference of a number.
fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    let flat = |tensor: &Tensor| -> Vec<f32> {
        let tensor = tensor.to_dtype(DType::F32).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    };
    let (found, expected) = (flat(found), flat(expected));
    assert_eq!(found.len(), expected.len());
    let mut largest = 0f32;
    for (a, b) in found.iter().zip(&expected) {
        assert!(a.is_finite(), "{a}, not {b}");
        largest = largest.max((a - b).abs());
    }
    largest
}

/// How far the numbers of a type may be off, from those near 1.
fn tolerance(dtype: DType) -> f32 {
    match dtype {
        DType::F16 => 4e-3,
        _ => 3e-2,
    }
}

const TYPES: [DType; 2] = [DType::F16, DType::BF16];

#[test]
fn attention_of_every_width_is_that_of_candles_operations() {
    if emulator::is_missing() {
        return;
    }
    let turning = |half: usize| (0..half).map(|i| 0.5f64.powi(i as i32)).collect::<Vec<_>>();
    // Widths of heads, how many there are, pairs that turn, window, whether it is causal.
    let cases = [
        (24, 2, 2, 0, None, false),
        (64, 4, 1, 32, Some(20), false),
        (72, 2, 1, 8, None, true),
        (128, 2, 2, 0, Some(70), false),
        (256, 1, 1, 128, None, true),
    ];
    for (i, (head_dim, heads, key_heads, half, window, causal)) in cases.into_iter().enumerate() {
        for dtype in TYPES {
            let shape = Shape {
                head_dim,
                heads,
                key_heads,
                causal,
                query_scale: 1.0 / (head_dim as f32).sqrt(),
                ..some_shape()
            };
            let kind = LayerKind {
                frequencies: turning(half),
                window,
            };
            let tensors = |_: &str| None;
            let outlooks = Outlooks::new(&shape, &tensors).unwrap();
            let outlook = DevicePattern::new(&kind, causal, &outlooks, &Device::Cpu).unwrap();
            let layer = layer(&shape, i % 2 == 0, i % 3 == 1);
            let n_tokens: usize = LENGTHS.iter().sum();
            let width = (heads + 2 * key_heads) * head_dim;
            let fused = (tensor((n_tokens, width), 3) * 2.0).unwrap();
            let fused = fused.to_dtype(dtype).unwrap();
            let in_f32 = padded(&fused).to_dtype(DType::F32).unwrap();
            let expected =
                Composed.attend(&shape, &layer, &outlook, in_f32, &rows(Arrangement::Padded));
            let kernels = Kernels::for_shape(&shape, dtype).unwrap();
            let found = kernels.attend(&shape, &layer, &outlook, fused, &rows(Arrangement::Packed));
            // What stands in the filling means nothing.
            let mask = padded(&Tensor::ones((n_tokens, 1), DType::F32, &Device::Cpu).unwrap());
            let expected = expected.unwrap().broadcast_mul(&mask).unwrap();
            let off = difference(&padded(&found.unwrap()), &expected);
            assert!(off < tolerance(dtype), "{head_dim} {dtype:?}: {off}");
        }
    }
}

#[test]
fn norms_and_activations_are_those_of_candles_operations() {
    if emulator::is_missing() {
        return;
    }
    for (width, is_rms) in [(4, false), (132, true), (384, false), (4096, true)] {
        for dtype in TYPES {
            let shape = Shape {
                norm: if is_rms {
                    NormKind::Rms { less_one: false }
                } else {
                    NormKind::Layer { shift: true }
                },
                hidden: width,
                intermediate: width,
                ..some_shape()
            };
            let kernels = Kernels::for_shape(&shape, dtype).unwrap();
            let [rows, added] =
                [1, 2].map(|seed| tensor((7, width), seed).to_dtype(dtype).unwrap());
            let bias = vector(width, 3);
            let (branch, after) = (norm(width, 4, is_rms), norm(width, 6, is_rms));
            let to_f32 = |tensor: &Tensor| tensor.to_dtype(DType::F32).unwrap();
            let added_f32 = to_f32(&added);
            for parts in 0..16 {
                let to = |added| Normalisation {
                    bias: (parts & 1 > 0).then_some(&bias),
                    branch: (parts & 2 > 0).then_some(&branch),
                    added: (parts & 4 > 0).then_some(added),
                    norm: (parts & 8 > 0).then_some(&after),
                };
                let found = kernels.normalise(&rows, to(&added)).unwrap();
                let expected = Composed.normalise(&to_f32(&rows), to(&added_f32)).unwrap();
                let off = difference(&found, &expected);
                assert!(
                    off < 3.0 * tolerance(dtype),
                    "{width} {dtype:?} {parts}: {off}"
                );
            }
        }
    }
    let activations = [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Relu,
        Activation::Silu,
    ];
    for activation in activations {
        for gate in [None, Some(Gate::First), Some(Gate::Last)] {
            for dtype in TYPES {
                let shape = Shape {
                    activation,
                    gate,
                    intermediate: 68,
                    ..some_shape()
                };
                let kernels = Kernels::for_shape(&shape, dtype).unwrap();
                let wide = if gate.is_some() { 136 } else { 68 };
                let rows = (tensor((9, wide), 5) * 4.0)
                    .unwrap()
                    .to_dtype(dtype)
                    .unwrap();
                let bias = vector(wide, 6);
                let in_f32 = rows.to_dtype(DType::F32).unwrap();
                let found = kernels.activate(&shape, rows, Some(&bias)).unwrap();
                let expected = Composed.activate(&shape, in_f32, Some(&bias)).unwrap();
                let off = difference(&found, &expected);
                let allowed = 10.0 * tolerance(dtype);
                assert!(off < allowed, "{activation:?} {gate:?} {dtype:?}: {off}");
            }
        }
    }
}

#[test]
fn pooling_is_that_of_candles_operations() {
    if emulator::is_missing() {
        return;
    }
    let pooling = all_modes();
    let n_tokens: usize = LENGTHS.iter().sum();
    for dtype in TYPES {
        let kernels = Kernels::for_shape(&some_shape(), dtype).unwrap();
        let states = tensor((n_tokens, 200), 1).to_dtype(dtype).unwrap();
        let in_f32 = padded(&states).to_dtype(DType::F32).unwrap();
        let found = kernels.pool(&states, &rows(Arrangement::Packed), &pooling);
        let expected = Composed.pool(&in_f32, &rows(Arrangement::Padded), &pooling);
        let (found, expected) = (found.unwrap(), expected.unwrap());
        for (i, &n) in LENGTHS.iter().enumerate().filter(|(_, n)| **n > 0) {
            let of_text = |tensor: &Tensor| tensor.narrow(0, i, 1).unwrap();
            let off = difference(&of_text(&found), &of_text(&expected));
            assert!(off < 1e-4, "{n} tokens, {dtype:?}: {off}");
        }
    }
}

#[test]
fn shapes_that_the_kernels_cannot_do_are_left_to_candles_operations() {
    let of = |change: &dyn Fn(&mut Shape), dtype| {
        let mut shape = some_shape();
        change(&mut shape);
        Kernels::for_shape(&shape, dtype).is_some()
    };
    assert!(of(&|_| (), DType::F16));
    assert!(!of(&|_| (), DType::F32));
    assert!(!of(&|shape| shape.head_dim = 12, DType::F16));
    assert!(!of(&|shape| shape.head_dim = 264, DType::F16));
    assert!(!of(&|shape| shape.hidden = 34, DType::F16));
    assert!(!of(&|shape| shape.hidden = 12_292, DType::F16));
    assert!(!of(&|shape| shape.intermediate = 50, DType::F16));
}
