//! A small random body against plain f64 arithmetic, and the independence of its sequences.

use super::*;
use std::collections::HashMap;

/// The little of a shape that the tests ask for.
struct Small {
    hidden: usize,
    layers: usize,
    heads: usize,
    intermediate: usize,
    positions: usize,
    eps: f32,
}

const SHAPE: Small = Small {
    hidden: 48,
    layers: 2,
    heads: 3,
    intermediate: 80,
    positions: 200,
    eps: 1e-6,
};
const VOCABULARY: usize = 50;

/// The whole shape, a BERT's.
fn shape() -> Shape {
    let config = serde_json::json!({
        "vocab_size": VOCABULARY,
        "hidden_size": SHAPE.hidden,
        "num_hidden_layers": SHAPE.layers,
        "num_attention_heads": SHAPE.heads,
        "intermediate_size": SHAPE.intermediate,
        "max_position_embeddings": SHAPE.positions,
        "layer_norm_eps": SHAPE.eps,
    });
    crate::architecture::shape_of("small", config.to_string().as_bytes()).unwrap()
}

/// Numbers in `-1.0..1.0` from a fixed seed.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A checkpoint of random tensors.
fn checkpoint() -> HashMap<String, Vec<f32>> {
    let (hidden, wide) = (SHAPE.hidden, SHAPE.intermediate);
    let mut tensors = HashMap::new();
    let mut add = |name: String, len: usize, size: f32, shift: f32| {
        let seed = tensors.len() as u64 + 1;
        let values = numbers(seed, len)
            .into_iter()
            .map(|x| x * size + shift)
            .collect();
        tensors.insert(name, values);
    };
    add(
        "embeddings.word_embeddings.weight".into(),
        VOCABULARY * hidden,
        1.0,
        0.0,
    );
    add(
        "embeddings.position_embeddings.weight".into(),
        SHAPE.positions * hidden,
        0.5,
        0.0,
    );
    add(
        "embeddings.token_type_embeddings.weight".into(),
        2 * hidden,
        0.5,
        0.0,
    );
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for i in 0..SHAPE.layers {
        let linear = [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", wide, hidden),
            ("output.dense", hidden, wide),
        ];
        for (name, columns, depth) in linear {
            add(
                format!("encoder.layer.{i}.{name}.weight"),
                columns * depth,
                0.3,
                0.0,
            );
            add(format!("encoder.layer.{i}.{name}.bias"), columns, 0.3, 0.0);
        }
        norms.push(format!("encoder.layer.{i}.attention.output.LayerNorm"));
        norms.push(format!("encoder.layer.{i}.output.LayerNorm"));
    }
    for name in norms {
        add(format!("{name}.weight"), hidden, 0.2, 1.0);
        add(format!("{name}.bias"), hidden, 0.2, 0.0);
    }
    tensors
}

fn find(checkpoint: &HashMap<String, Vec<f32>>) -> impl Fn(&str) -> Option<Tensor> + Sync {
    |name| {
        checkpoint
            .get(name)
            .map(|values| Tensor::from_floats(values))
    }
}

/// Sequences of these lengths, and their tokens one after another.
fn sequences(lengths: &[usize]) -> Vec<u32> {
    let total: usize = lengths.iter().sum();
    numbers(77, total)
        .into_iter()
        .map(|x| ((x + 1.0) / 2.0 * VOCABULARY as f32) as u32)
        .collect()
}

fn body(int8: bool, isa: Isas) -> PackedBody {
    let checkpoint = checkpoint();
    let tensors = find(&checkpoint);
    let lengths = [64; 8];
    let calibration =
        PackedBody::calibrate(shape(), &tensors, isa, &sequences(&lengths), &lengths).unwrap();
    let precision = if int8 {
        Arithmetic::Int8(&calibration)
    } else {
        Arithmetic::F32
    };
    PackedBody::new(shape(), &tensors, precision, isa).unwrap()
}

fn on_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

/// BERT in f64, one sequence, as the paper has it.
struct Plain(HashMap<String, Vec<f32>>);

impl Plain {
    fn get(&self, name: &str) -> Vec<f64> {
        self.0[name].iter().map(|&x| f64::from(x)).collect()
    }

    fn linear(&self, name: &str, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let (weight, bias) = (
            self.get(&format!("{name}.weight")),
            self.get(&format!("{name}.bias")),
        );
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let of = |row: &Vec<f64>| {
            weight
                .chunks(row.len())
                .zip(&bias)
                .map(|(w, b)| dot(row, w) + b)
                .collect()
        };
        rows.iter().map(of).collect()
    }

    fn norm(&self, name: &str, rows: &mut [Vec<f64>]) {
        let (gain, shift) = (
            self.get(&format!("{name}.weight")),
            self.get(&format!("{name}.bias")),
        );
        for row in rows {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            for ((x, g), s) in row.iter_mut().zip(&gain).zip(&shift) {
                *x = (*x - mean) / (variance + f64::from(SHAPE.eps)).sqrt() * g + s;
            }
        }
    }

    fn attention(&self, i: usize, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let part = |part| self.linear(&format!("encoder.layer.{i}.attention.self.{part}"), rows);
        let (query, key, value) = (part("query"), part("key"), part("value"));
        let dim = SHAPE.hidden / SHAPE.heads;
        let mut out = vec![vec![0.0; SHAPE.hidden]; rows.len()];
        for (token, out) in out.iter_mut().enumerate() {
            for head in (0..SHAPE.hidden).step_by(dim) {
                let score = |other: &Vec<f64>| -> f64 {
                    let dot: f64 = (head..head + dim).map(|i| query[token][i] * other[i]).sum();
                    (dot / (dim as f64).sqrt()).exp()
                };
                let scores: Vec<f64> = key.iter().map(score).collect();
                let sum: f64 = scores.iter().sum();
                for i in head..head + dim {
                    out[i] = scores.iter().zip(&value).map(|(s, v)| s / sum * v[i]).sum();
                }
            }
        }
        out
    }

    fn forward(&self, tokens: &[u32]) -> Vec<f64> {
        let words = self.get("embeddings.word_embeddings.weight");
        let places = self.get("embeddings.position_embeddings.weight");
        let types = self.get("embeddings.token_type_embeddings.weight");
        let at = |i: usize, token: u32, place: usize| {
            words[token as usize * SHAPE.hidden + i] + places[place * SHAPE.hidden + i] + types[i]
        };
        let row = |(place, &token): (usize, &u32)| {
            (0..SHAPE.hidden).map(|i| at(i, token, place)).collect()
        };
        let mut rows: Vec<Vec<f64>> = tokens.iter().enumerate().map(row).collect();
        self.norm("embeddings.LayerNorm", &mut rows);
        let add = |rows: &mut [Vec<f64>], more: Vec<Vec<f64>>| {
            rows.iter_mut()
                .zip(more)
                .for_each(|(r, m)| r.iter_mut().zip(m).for_each(|(x, y)| *x += y));
        };
        for i in 0..SHAPE.layers {
            let name = |part: &str| format!("encoder.layer.{i}.{part}");
            let context = self.attention(i, &rows);
            add(
                &mut rows,
                self.linear(&name("attention.output.dense"), &context),
            );
            self.norm(&name("attention.output.LayerNorm"), &mut rows);
            let mut wide = self.linear(&name("intermediate.dense"), &rows);
            let gelu = |x: f64| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
            wide.iter_mut().flatten().for_each(|x| *x = gelu(*x));
            add(&mut rows, self.linear(&name("output.dense"), &wide));
            self.norm(&name("output.LayerNorm"), &mut rows);
        }
        rows.concat()
    }
}

/// The error function by its series: good to 1e-10 for the sizes that occur here.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-18 {
        n += 1.0;
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    (sum * 2.0 / std::f64::consts::PI.sqrt()).clamp(-1.0, 1.0)
}

#[test]
fn hidden_states_equal_plain_arithmetic() {
    let lengths = [1, 17, 64, 3];
    let tokens = sequences(&lengths);
    let plain = Plain(checkpoint());
    let mut rest = &tokens[..];
    let mut expected = Vec::new();
    for length in lengths {
        let (sequence, more) = rest.split_at(length);
        expected.extend(plain.forward(sequence));
        rest = more;
    }
    for isa in Isas::available() {
        println!("ran on {}", isa.name());
        for (int8, tolerance) in [(false, 2e-5), (true, 0.2)] {
            let got = body(int8, isa).forward(&tokens, &lengths);
            assert_eq!(got.len(), expected.len());
            for (i, (&g, e)) in got.iter().zip(&expected).enumerate() {
                assert!(
                    (f64::from(g) - e).abs() < tolerance,
                    "{} int8 {int8} [{i}]: {g}, not {e}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn a_sequence_is_the_same_in_any_company() {
    let lengths: Vec<usize> = (0..40).map(|i| 1 + i * 37 % 90).collect();
    let tokens = sequences(&lengths);
    for (isa, int8) in Isas::available()
        .into_iter()
        .flat_map(|isa| [(isa, false), (isa, true)])
    {
        let body = body(int8, isa);
        let together = on_threads(1, || body.forward(&tokens, &lengths));
        for threads in [2, 3, 7] {
            assert_eq!(
                on_threads(threads, || body.forward(&tokens, &lengths)),
                together,
                "{}",
                isa.name()
            );
        }
        let mut at = 0;
        for &length in &lengths {
            let alone = on_threads(2, || body.forward(&tokens[at..at + length], &[length]));
            assert_eq!(
                alone,
                together[at * SHAPE.hidden..][..alone.len()],
                "{} int8 {int8}",
                isa.name()
            );
            at += length;
        }
    }
}

#[test]
fn embed_pools_each_sequence() {
    let lengths = [5, 1, 30];
    let tokens = sequences(&lengths);
    let body = body(false, Isas::detect());
    let hidden = body.forward(&tokens, &lengths);
    let last = |rows: &[f32], out: &mut [f32]| out.copy_from_slice(&rows[rows.len() - out.len()..]);
    let row = |i: usize| &hidden[i * SHAPE.hidden..][..SHAPE.hidden];
    assert_eq!(
        body.embed(&tokens, &lengths, 1, last),
        [row(4), row(5), row(35)].concat()
    );
    assert!(body.embed(&[], &[], 1, last).is_empty());
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let mut tensors = checkpoint();
    let error = |tensors: &HashMap<String, Vec<f32>>| {
        PackedBody::new(shape(), &find(tensors), Arithmetic::F32, Isas::detect())
            .err()
            .unwrap()
            .to_string()
    };
    let name = "encoder.layer.1.output.dense.bias";
    tensors.insert(name.into(), vec![0.0; 7]);
    assert_eq!(
        error(&tensors),
        format!("the tensor {name} has 7 numbers instead of 48")
    );
    tensors.remove(name);
    assert_eq!(error(&tensors), format!("the tensor {name} is missing"));
}

#[test]
fn halves_are_read_as_floats() {
    let values = numbers(3, 40);
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|&x| half::f16::from_f32(x).to_le_bytes())
        .collect();
    for odd in [0, 1] {
        // One byte in: the numbers are not aligned.
        let owner: std::sync::Arc<Vec<u8>> =
            std::sync::Arc::new([vec![0; odd], bytes.clone()].concat());
        let tensor = Tensor::new(owner, odd..odd + 80, TensorType::F16);
        let expected: Vec<f32> = values
            .iter()
            .map(|&x| half::f16::from_f32(x).to_f32())
            .collect();
        assert_eq!(tensor.to_floats(), expected);
        let mut part = [0.0; 5];
        tensor.read(30, &mut part);
        assert_eq!(part, expected[30..35]);
    }
}

#[test]
fn calibration_survives_storing() {
    let checkpoint = checkpoint();
    let calibration = PackedBody::calibrate(
        shape(),
        &find(&checkpoint),
        Isas::detect(),
        &sequences(&[40]),
        &[40],
    )
    .unwrap();
    let floats = calibration.to_floats();
    assert_eq!(shape().calibration(&floats), Some(calibration));
    assert_eq!(shape().calibration(&floats[1..]), None);
}
