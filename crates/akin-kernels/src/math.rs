//! Exponential and activations, as polynomials fitted for this crate (minimax, least squares reweighted).

use super::simd::Simd;

/// `2^x` for `x <= 0`, within 2e-7 of its value; below -126 the smallest normal number instead of
/// less.
#[inline(always)]
pub(super) fn exp2<S: Simd>(s: S, x: S::F) -> S::F {
    #[expect(clippy::approx_constant, reason = "fitted: not quite ln 2")]
    const POLYNOMIAL: [f32; 6] = [
        0.001_326_459,
        0.009_671_619,
        0.055_507_35,
        0.240_222_41,
        0.693_147,
        1.0,
    ];
    let x = s.max(x, s.splat(-126.0));
    let n = s.round(x);
    s.scale_by_power_of_two(horner(s, s.sub(x, n), &POLYNOMIAL), n)
}

/// `x Φ(x)`, the exact GELU (with erf, not tanh): absolute error below 6e-7 for |x| < 6, and
/// below 2e-7 |x| beyond.
#[inline(always)]
pub(super) fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    const Q: [f32; 15] = [
        0.000_239_948_73,
        -0.000_656_583_25,
        0.000_664_736_84,
        -0.001_039_536_3,
        0.002_892_355_4,
        -0.005_448_518,
        0.008_417_875,
        -0.012_775_252,
        0.018_538_646,
        -0.025_041_932,
        0.032_031_44,
        -0.039_763_413,
        0.049_645_785,
        -0.067_126_82,
        0.134_659_35,
    ];
    times_phi(s, x, &Q, 5.25)
}

/// The same with an absolute error below 4e-5: for what becomes bytes.
#[inline(always)]
pub(super) fn rough_gelu<S: Simd>(s: S, x: S::F) -> S::F {
    const Q: [f32; 9] = [
        0.003_353_282,
        -0.009_328_181,
        0.012_209_094,
        -0.016_744_515,
        0.027_629_172,
        -0.040_555_596,
        0.054_818_593,
        -0.077_171_974,
        0.156_902_12,
    ];
    times_phi(s, x, &Q, 4.5)
}

/// An activation function.
pub(super) trait Activate {
    /// The activation of `x`.
    fn apply<S: Simd>(s: S, x: S::F) -> S::F;
}

/// One [`Activate`] for each function.
macro_rules! activations {
    ($($name:ident: $s:ident, $x:ident => $of:expr;)+) => {
        $(
            #[doc = concat!("See [`Activation::", stringify!($name), "`](super::Activation::", stringify!($name), ").")]
            pub(super) struct $name;

            impl Activate for $name {
                #[inline(always)]
                fn apply<S: Simd>($s: S, $x: S::F) -> S::F {
                    $of
                }
            }
        )+
    };
}

activations! {
    Gelu: s, x => gelu(s, x);
    GeluTanh: s, x => gelu_tanh(s, x);
    Relu: s, x => s.max(x, s.splat(0.0));
    Silu: s, x => silu(s, x);
}

/// `x σ(x)`, SiLU or swish, within 5e-7 of its value.
#[inline(always)]
pub(super) fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    times_logistic(s, x, x)
}

/// GELU with tanh: `x σ(2 √(2/π) (x + 0.044715 x³))`.
#[inline(always)]
pub(super) fn gelu_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    const FACTOR: f32 = 1.595_769;
    let cubic = s.mul(s.mul(x, x), s.splat(FACTOR * 0.044_715));
    times_logistic(s, x, s.mul(x, s.add(cubic, s.splat(FACTOR))))
}

/// `x σ(u)` for `u` of the sign of `x`; σ is `1 / (1 + e^-u)`.
#[inline(always)]
fn times_logistic<S: Simd>(s: S, x: S::F, u: S::F) -> S::F {
    let zero = s.splat(0.0);
    let down = s.min(u, s.sub(zero, u));
    let e = exp2(s, s.mul(down, s.splat(std::f32::consts::LOG2_E)));
    let above = s.add(s.max(x, zero), s.mul(s.min(x, zero), e));
    s.div(above, s.add(s.splat(1.0), e))
}

/// `x Φ(x)` with `Φ(x) = 1/2 + x Q(u)`, `u = 2 (x / limit)^2 - 1`, beyond `limit` 0 or 1; `q` has
/// the highest power first.
#[inline(always)]
fn times_phi<S: Simd, const N: usize>(s: S, x: S::F, q: &[f32; N], limit: f32) -> S::F {
    let clamped = s.max(s.min(x, s.splat(limit)), s.splat(-limit));
    let square = s.mul(clamped, clamped);
    let u = s.fma(square, s.splat(2.0 / (limit * limit)), s.splat(-1.0));
    s.mul(x, s.fma(clamped, horner(s, u, q), s.splat(0.5)))
}

/// The polynomial with these coefficients, highest power first.
#[inline(always)]
pub(super) fn horner<S: Simd, const N: usize>(s: S, x: S::F, coefficients: &[f32; N]) -> S::F {
    let mut sum = s.splat(coefficients[0]);
    for &c in &coefficients[1..] {
        sum = s.fma(sum, x, s.splat(c));
    }
    sum
}
