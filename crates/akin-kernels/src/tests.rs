//! Every kernel on every instruction set of this processor, against plain f64 arithmetic.
//!
//! The sets that ran are printed; the widest that the processor reports must be among them.

use super::*;

/// Numbers in `-1.0..1.0` from a fixed seed.
pub(crate) fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Runs `check` on every instruction set and prints which they were.
fn on_every_isa(check: impl Fn(Isas)) {
    let all = Isas::available();
    println!(
        "ran on: {}",
        all.iter()
            .map(|isa| isa.name())
            .collect::<Vec<_>>()
            .join(", ")
    );
    all.into_iter().for_each(check);
}

fn assert_close(got: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        let allowed = tolerance * (1.0 + e.abs());
        assert!(
            (f64::from(g) - e).abs() <= allowed,
            "{what}: [{i}] is {g}, not {e}"
        );
    }
}

/// `rows * weightsᵀ + bias`.
fn product(rows: &[f32], weights: &[f32], bias: &[f32], depth: usize) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&x, &y)| f64::from(x) * f64::from(y))
            .sum()
    };
    let of_row = |row: &[f32]| -> Vec<f64> {
        weights
            .chunks(depth)
            .zip(bias)
            .map(|(w, &b)| dot(row, w) + f64::from(b))
            .collect()
    };
    rows.chunks(depth).flat_map(of_row).collect()
}

/// The error function by its series and continued fraction, to about 1e-15.
fn erf(x: f64) -> f64 {
    if x.abs() < 3.0 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-18 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return sum * 2.0 / std::f64::consts::PI.sqrt();
    }
    let mut tail = 0.0;
    for n in (1..200).rev() {
        tail = f64::from(n) / 2.0 / (x.abs() + tail);
    }
    let erfc = (-x * x).exp() / std::f64::consts::PI.sqrt() / (x.abs() + tail);
    x.signum() * (1.0 - erfc)
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

#[test]
fn the_widest_instruction_set_is_tested() {
    let names: Vec<_> = Isas::available().iter().map(|isa| isa.name()).collect();
    println!("this processor runs: {names:?}");
    assert_eq!(names.last(), Some(&"scalar"));
    #[cfg(target_arch = "x86_64")]
    {
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        assert_eq!(names.contains(&"avx2"), has_avx2);
        let has_avx512 =
            is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl");
        assert_eq!(
            names.contains(&"avx512"),
            has_avx512 && is_x86_feature_detected!("avx512dq")
        );
    }
}

#[test]
fn product_of_every_number_of_rows() {
    on_every_isa(|isa| {
        for (depth, columns) in [(1, 1), (7, 16), (33, 50), (64, 130)] {
            // Where there are tiles, a whole step of depth is summed from products of 16 bits.
            let tolerance = if depth % 32 == 0 { 5e-5 } else { 1e-5 };
            let (weights, bias) = (numbers(1, columns * depth), numbers(2, columns));
            let matrix = FloatMatrix::pack(isa, &weights, &bias, depth);
            for count in (0..=130).step_by(if columns > 50 { 13 } else { 1 }) {
                // One float in: rows that begin at an odd address.
                let all = numbers(3, count * depth + 1);
                let rows = &all[1..];
                let sums = product(rows, &weights, &bias, depth);
                let what = format!("{} {count}x{depth}x{columns}", isa.name());
                let mut out = vec![0.5; count * columns + 1];
                matrix.multiply(
                    isa,
                    rows,
                    &mut Operand::default(),
                    Epilogue::Bias,
                    &mut out[1..],
                    Split::Whole,
                );
                assert_close(&out[1..], &sums, tolerance, &what);
                out.fill(0.5);
                matrix.multiply(
                    isa,
                    rows,
                    &mut Operand::default(),
                    Epilogue::Add,
                    &mut out[1..],
                    Split::Among(3),
                );
                let added: Vec<f64> = sums.iter().map(|x| x + 0.5).collect();
                assert_close(&out[1..], &added, tolerance, &what);
                matrix.multiply(
                    isa,
                    rows,
                    &mut Operand::default(),
                    Epilogue::Gelu,
                    &mut out[1..],
                    Split::Whole,
                );
                let bent: Vec<f64> = sums.iter().map(|&x| gelu(x)).collect();
                assert_close(&out[1..], &bent, tolerance, &what);
                assert_eq!(out[0], 0.5, "{what}: wrote before the output");
            }
        }
    });
}

#[test]
fn a_row_is_the_same_in_any_company() {
    on_every_isa(|isa| {
        let (depth, columns) = (96, 144);
        let matrix = FloatMatrix::pack(
            isa,
            &numbers(1, columns * depth),
            &numbers(2, columns),
            depth,
        );
        let rows = numbers(3, 40 * depth);
        let mut together = vec![0.0; 40 * columns];
        matrix.multiply(
            isa,
            &rows,
            &mut Operand::default(),
            Epilogue::Gelu,
            &mut together,
            Split::Whole,
        );
        for (count, threads) in [(1, 1), (5, 2), (9, 3), (23, 16)] {
            let mut out = vec![0.0; count * columns];
            matrix.multiply(
                isa,
                &rows[..count * depth],
                &mut Operand::default(),
                Epilogue::Gelu,
                &mut out,
                Split::Among(threads),
            );
            assert_eq!(out, together[..out.len()], "{} {count} rows", isa.name());
        }
    });
}

#[test]
fn gelu_is_exact_over_its_range() {
    on_every_isa(|isa| {
        let xs: Vec<f32> = (-9000..=9000).map(|i| i as f32 / 1000.0).collect();
        let identity = FloatMatrix::pack(isa, &[1.0], &[0.0], 1);
        let mut out = vec![0.0; xs.len()];
        identity.multiply(
            isa,
            &xs,
            &mut Operand::default(),
            Epilogue::Gelu,
            &mut out,
            Split::Whole,
        );
        for (&x, &got) in xs.iter().zip(&out) {
            let error = (f64::from(got) - gelu(f64::from(x))).abs();
            assert!(
                error < 1e-6 + 2e-7 * f64::from(x.abs()),
                "{} gelu({x}) = {got}",
                isa.name()
            );
        }
    });
}

#[test]
fn layer_norm_of_every_width() {
    on_every_isa(|isa| {
        for width in 1..=130 {
            let all = numbers(width as u64, 3 * width + 1);
            let (gain, shift) = (numbers(5, width), numbers(6, width));
            let expected: Vec<f64> = all[1..]
                .chunks(width)
                .flat_map(|row| {
                    let n = width as f64;
                    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
                    let var = row
                        .iter()
                        .map(|&x| (f64::from(x) - mean).powi(2))
                        .sum::<f64>()
                        / n;
                    let scale = 1.0 / (var + 1e-3).sqrt();
                    let of = move |((&x, &g), &s): ((&f32, &f32), &f32)| {
                        (f64::from(x) - mean) * scale * f64::from(g) + f64::from(s)
                    };
                    row.iter()
                        .zip(&gain)
                        .zip(&shift)
                        .map(of)
                        .collect::<Vec<_>>()
                })
                .collect();
            let mut rows = all.clone();
            isa.layer_norm(&mut rows[1..], &gain, &shift, 1e-3);
            assert_close(
                &rows[1..],
                &expected,
                1e-5,
                &format!("{} width {width}", isa.name()),
            );
            assert_eq!(rows[0], all[0]);
        }
        isa.layer_norm(&mut [], &[], &[], 1e-3);
    });
}

/// `softmax(q kᵀ) v`, to base 2, of each head of fused rows, the largest score taken off first.
fn attention(fused: &[f32], heads: usize, dim: usize) -> Vec<f64> {
    let width = heads * dim;
    let tokens = fused.len() / (3 * width);
    let at = |token: usize, part: usize, head: usize, i: usize| {
        f64::from(fused[token * 3 * width + part * width + head * dim + i])
    };
    let mut out = vec![0.0; tokens * width];
    for head in 0..heads {
        for token in 0..tokens {
            let score = |other| {
                (0..dim)
                    .map(|i| at(token, 0, head, i) * at(other, 1, head, i))
                    .sum::<f64>()
            };
            let mut scores: Vec<f64> = (0..tokens).map(score).collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            scores.iter_mut().for_each(|s| *s = (*s - largest).exp2());
            let sum: f64 = scores.iter().sum();
            for i in 0..dim {
                out[token * width + head * dim + i] = scores
                    .iter()
                    .enumerate()
                    .map(|(other, p)| p / sum * at(other, 2, head, i))
                    .sum();
            }
        }
    }
    out
}

#[test]
fn attention_of_every_length() {
    on_every_isa(|isa| {
        let exactness = [(Numbers::Floats, 2e-5), (Numbers::Rough, 1e-2)];
        for (heads, dim) in [(2, 16), (3, 20), (2, 32), (1, 64)] {
            for tokens in (0..=130).step_by(if dim > 20 { 3 } else { 1 }) {
                let fused = numbers(tokens as u64, 3 * tokens * heads * dim);
                let expected = attention(&fused, heads, dim);
                let what = format!("{} {tokens} tokens, {heads}x{dim}", isa.name());
                for ((numbers, tolerance), split) in
                    exactness.into_iter().zip([Split::Whole, Split::Among(2)])
                {
                    let mut out = vec![9.0; tokens * heads * dim];
                    let spares = ScratchPool::default();
                    let attention = Attention {
                        heads,
                        key_heads: heads,
                        dim,
                        numbers,
                    };
                    attention.attend(isa, &fused, None, &mut out, split, &spares);
                    assert_close(&out, &expected, tolerance, &what);
                }
            }
        }
    });
}

#[test]
fn attention_survives_scores_far_apart() {
    on_every_isa(|isa| {
        for (dim, tolerance) in [(16, 1e-3), (32, 3e-2)] {
            let mut fused = numbers(1, 3 * 40 * dim);
            fused.iter_mut().for_each(|x| *x *= 30.0);
            let expected = attention(&fused, 1, dim);
            let mut out = vec![0.0; 40 * dim];
            let attention = Attention {
                heads: 1,
                key_heads: 1,
                dim,
                numbers: Numbers::Floats,
            };
            attention.attend(
                isa,
                &fused,
                None,
                &mut out,
                Split::Whole,
                &ScratchPool::default(),
            );
            assert_close(&out, &expected, tolerance, isa.name());
        }
    });
}

/// Inputs with three features far from the rest, as layer norms have them.
fn lopsided(rows: usize, depth: usize) -> (Vec<f32>, Inputs) {
    let mut all = numbers(9, rows * depth);
    let center = |k: usize| if k % 50 == 7 { 12.0 } else { 0.1 };
    let spread = |k: usize| if k % 50 == 7 { 3.0 } else { 1.0 };
    for row in all.chunks_mut(depth) {
        row.iter_mut()
            .enumerate()
            .for_each(|(k, x)| *x = *x * spread(k) + center(k));
    }
    let means = (0..depth).map(center).collect();
    (
        all,
        Inputs {
            means,
            deviations: (0..depth).map(|k| spread(k) / 3.0).collect(),
        },
    )
}

const RECIPES: [Quantization; 3] = [
    Quantization {
        center: true,
        balance: Balance::All,
        stray_above: f32::INFINITY,
    },
    Quantization {
        center: true,
        balance: Balance::Last(10),
        stray_above: f32::INFINITY,
    },
    Quantization {
        center: false,
        balance: Balance::None,
        stray_above: 2.0,
    },
];

#[test]
fn byte_product_of_every_number_of_rows() {
    on_every_isa(|isa| {
        let shapes = [(1, 3), (30, 18), (67, 51), (128, 50)];
        for (&(depth, columns), recipe) in shapes.iter().zip(RECIPES.into_iter().cycle()) {
            let (weights, bias) = (numbers(1, columns * depth), numbers(2, columns));
            let (all, inputs) = lopsided(130, depth);
            let matrix = ByteMatrix::pack(isa, &weights, &bias, &inputs, recipe);
            let expected = product(&all, &weights, &bias, depth);
            for count in 0..=130 {
                let mut out = vec![0.0; count * columns];
                let (rows, bytes) = (&all[..count * depth], &mut Operand::default());
                matrix.multiply(isa, rows, bytes, Epilogue::Add, &mut out, Split::Among(2));
                let error: f64 = out
                    .iter()
                    .zip(&expected)
                    .map(|(&g, e)| (f64::from(g) - e).powi(2))
                    .sum();
                let size: f64 = expected[..out.len()].iter().map(|e| e * e).sum();
                let what = format!("{} {count}x{depth}x{columns}", isa.name());
                assert!(
                    error <= 2e-4 * size,
                    "{what}: relative error {}",
                    (error / size).sqrt()
                );
            }
        }
    });
}

#[test]
fn byte_products_agree_between_instruction_sets() {
    let columns = 80;
    for (recipe, depth) in RECIPES.into_iter().flat_map(|r| [(r, 96), (r, 192)]) {
        let (all, inputs) = lopsided(37, depth);
        let product = |isa: Isas| {
            let (weights, bias) = (numbers(1, columns * depth), numbers(2, columns));
            let matrix = ByteMatrix::pack(isa, &weights, &bias, &inputs, recipe);
            let mut out = vec![0.0; 37 * columns];
            matrix.multiply(
                isa,
                &all,
                &mut Operand::default(),
                Epilogue::Add,
                &mut out,
                Split::Whole,
            );
            out
        };
        let expected: Vec<f64> = product(Isas::scalar()).into_iter().map(f64::from).collect();
        // The integers are equal, so that only the last roundings differ.
        on_every_isa(|isa| assert_close(&product(isa), &expected, 2e-6, isa.name()));
    }
}

#[test]
fn largest_bytes_do_not_saturate() {
    on_every_isa(|isa| {
        // All weights 1 and rows of 0 and 1: every product is 255 * 127, the largest there is.
        let depth = 1536;
        let inputs = Inputs {
            means: vec![0.0; depth],
            deviations: vec![1.0; depth],
        };
        let recipe = Quantization {
            center: false,
            balance: Balance::None,
            stray_above: f32::INFINITY,
        };
        let matrix = ByteMatrix::pack(isa, &vec![1.0; depth * 16], &[0.0; 16], &inputs, recipe);
        let mut row = vec![1.0; depth];
        row[3] = 0.0;
        let mut out = vec![0.0; 16];
        matrix.multiply(
            isa,
            &row,
            &mut Operand::default(),
            Epilogue::Bias,
            &mut out,
            Split::Whole,
        );
        assert_close(&out, &[1535.0; 16], 1e-6, isa.name());
    });
}

#[test]
fn a_row_in_bytes_is_the_same_in_any_company() {
    on_every_isa(|isa| {
        let (depth, columns) = (128, 144);
        let (rows, inputs) = lopsided(40, depth);
        let (weights, bias) = (numbers(1, columns * depth), numbers(2, columns));
        let matrix = ByteMatrix::pack(isa, &weights, &bias, &inputs, RECIPES[0]);
        let product = |count: usize, threads: usize| {
            let mut out = vec![0.0; count * columns];
            let split = Split::Among(threads);
            matrix.multiply(
                isa,
                &rows[..count * depth],
                &mut Operand::default(),
                Epilogue::Gelu,
                &mut out,
                split,
            );
            out
        };
        let together = product(40, 1);
        for (count, threads) in [(1, 1), (5, 2), (9, 3), (23, 16)] {
            assert_eq!(
                product(count, threads),
                together[..count * columns],
                "{} {count} rows",
                isa.name()
            );
        }
    });
}

/// The same in f64: `[rows, heads, dim]` fused as the kernel reads it, scores with `added(key - query)`.
fn attention_with(
    fused: &[f32],
    (heads, key_heads, dim): (usize, usize, usize),
    added: impl Fn(usize, isize) -> f32,
) -> Vec<f64> {
    let width = (heads + 2 * key_heads) * dim;
    let rows: Vec<&[f32]> = fused.chunks(width).collect();
    let mut out = Vec::new();
    for (q, row) in rows.iter().enumerate() {
        for head in 0..heads {
            let key = heads * dim + head / (heads / key_heads) * dim;
            let score = |(k, other): (usize, &&[f32])| -> f64 {
                let pairs = row[head * dim..][..dim].iter().zip(&other[key..][..dim]);
                let dot: f64 = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                (dot + f64::from(added(head, k as isize - q as isize))).exp2()
            };
            let weights: Vec<f64> = rows.iter().enumerate().map(score).collect();
            let sum: f64 = weights.iter().sum();
            for i in 0..dim {
                let value = key_heads * dim + key + i;
                let weighted = rows
                    .iter()
                    .zip(&weights)
                    .map(|(r, w)| w * f64::from(r[value]));
                out.push(weighted.sum::<f64>() / sum);
            }
        }
    }
    out
}

fn relative(heads: usize, positions: isize, added: impl Fn(usize, isize) -> f32) -> Relative {
    let of_head = |head| (1 - positions..positions).map(move |ahead| (head, ahead));
    let table = (0..heads).flat_map(of_head);
    let table = table.map(|(head, ahead)| added(head, ahead)).collect();
    Relative::new(table, positions as usize)
}

#[test]
fn attention_with_shared_keys_and_what_distance_adds() {
    let window = |_: usize, ahead: isize| match ahead.unsigned_abs() {
        0..=3 => 0.0,
        _ => NOTHING,
    };
    let causal = |_: usize, ahead: isize| if ahead > 0 { f32::NEG_INFINITY } else { 0.0 };
    let slopes = |head: usize, ahead: isize| ahead as f32 * 0.3 + (head * 7) as f32 * 0.01;
    on_every_isa(|isa| {
        for shape @ (heads, key_heads, dim) in [(4, 2, 16), (3, 1, 32), (2, 2, 20)] {
            for tokens in [1, 2, 15, 16, 17, 40] {
                let attention = Attention {
                    heads,
                    key_heads,
                    dim,
                    numbers: Numbers::Floats,
                };
                let fused = numbers(tokens as u64, tokens * attention.fused_width());
                let check = |relative: Relative, expected: Vec<f64>| {
                    for split in [Split::Whole, Split::Among(2)] {
                        let mut out = vec![9.0; tokens * heads * dim];
                        let spares = ScratchPool::default();
                        attention.attend(isa, &fused, Some(&relative), &mut out, split, &spares);
                        assert_close(&out, &expected, 2e-5, isa.name());
                    }
                };
                check(
                    relative(1, 40, window),
                    attention_with(&fused, shape, window),
                );
                check(
                    relative(1, 41, causal),
                    attention_with(&fused, shape, causal),
                );
                check(
                    relative(heads, 64, slopes),
                    attention_with(&fused, shape, slopes),
                );
            }
        }
    });
}

#[test]
fn what_stands_between_products_is_what_its_name_says() {
    let phi = |x: f64| 1.0 / (1.0 + (-x).exp());
    let tanh_gelu =
        |x: f64| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x.powi(3))).tanh());
    let exact: [(Activation, &dyn Fn(f64) -> f64); 3] = [
        (Activation::Relu, &|x| x.max(0.0)),
        (Activation::Silu, &|x| x * phi(x)),
        (Activation::GeluTanh, &tanh_gelu),
    ];
    on_every_isa(|isa| {
        for width in [1, 7, 16, 33] {
            let rows: Vec<f32> = numbers(5, 6 * width).iter().map(|x| x * 40.0).collect();
            for (activation, f) in exact {
                let of = |x: &f32| f(f64::from(*x));
                let mut out = rows.clone();
                isa.activate(activation, &mut out);
                let expected: Vec<f64> = rows.iter().map(of).collect();
                assert_close(&out, &expected, 2e-6, "activation");
                for gate_is_first in [true, false] {
                    let mut out = vec![0.0; 3 * width];
                    isa.gate(activation, gate_is_first, &rows, width, &mut out);
                    let gated = |row: &[f32]| {
                        let (a, b) = row.split_at(width);
                        let (gates, row) = if gate_is_first { (a, b) } else { (b, a) };
                        let pairs = gates.iter().zip(row);
                        pairs
                            .map(|(g, x)| of(g) * f64::from(*x))
                            .collect::<Vec<f64>>()
                    };
                    let expected: Vec<f64> = rows.chunks(2 * width).flat_map(gated).collect();
                    assert_close(&out, &expected, 2e-6, "gate");
                }
            }
            let gain = numbers(6, width);
            let mut out = rows.clone();
            isa.rms_norm(&mut out, &gain, 1e-3);
            let normed = |row: &[f32]| {
                let squares: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                let root = (squares / width as f64 + 1e-3).sqrt();
                let pairs = row.iter().zip(&gain);
                pairs
                    .map(|(x, g)| f64::from(*x) / root * f64::from(*g))
                    .collect::<Vec<f64>>()
            };
            let expected: Vec<f64> = rows.chunks(width).flat_map(normed).collect();
            assert_close(&out, &expected, 2e-6, "root mean square");
        }
    });
}

#[test]
fn heads_are_normalised_and_turned_each_for_itself() {
    let (dim, width, tokens) = (6, 20, 5);
    let rotation = Rotation::new(&[1.0, 0.25], tokens);
    let gain = [0.5; 6];
    on_every_isa(|isa| {
        let rows = numbers(8, tokens * width);
        let mut out = rows.clone();
        isa.rotate_heads(&mut out, width, 2 * dim, dim, &rotation);
        let mut normed = rows.clone();
        isa.norm_heads(&mut normed, width, dim..2 * dim, &gain, 0.0);
        for (place, (got, row)) in out.chunks(width).zip(rows.chunks(width)).enumerate() {
            let mut expected: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
            for head in [0, dim] {
                for (pair, frequency) in [1.0, 0.25].into_iter().enumerate() {
                    let (sine, cosine) = (place as f64 * frequency).sin_cos();
                    let (a, b) = (expected[head + pair], expected[head + pair + 2]);
                    expected[head + pair] = a * cosine - b * sine;
                    expected[head + pair + 2] = b * cosine + a * sine;
                }
            }
            assert_close(got, &expected, 1e-6, "turned");
        }
        for (got, row) in normed.chunks(width).zip(rows.chunks(width)) {
            let head = &row[dim..2 * dim];
            let root = (head.iter().map(|x| x * x).sum::<f32>() / dim as f32).sqrt();
            let expected = |(i, x): (usize, &f32)| {
                if (dim..2 * dim).contains(&i) {
                    f64::from(x / root) * 0.5
                } else {
                    f64::from(*x)
                }
            };
            let expected: Vec<f64> = row.iter().enumerate().map(expected).collect();
            assert_close(got, &expected, 1e-6, "normalised");
        }
    });
}
