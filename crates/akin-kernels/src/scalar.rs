//! Plain Rust: the kernels of every processor without a file of its own here, and the oracle
//! that the others are tested against.

use super::simd::{Dot, Simd};

/// Vectors as arrays; needs nothing of the processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar;

const WIDTH: usize = 16;
type Floats = [f32; WIDTH];

/// Applies `f` to each pair of lanes.
#[inline(always)]
fn lanes(a: Floats, b: Floats, f: impl Fn(f32, f32) -> f32) -> Floats {
    let mut out = a;
    for (x, y) in out.iter_mut().zip(b) {
        *x = f(*x, y);
    }
    out
}

impl Simd for Scalar {
    const WIDTH: usize = WIDTH;
    const TILE_ROWS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 3 };
    const TILE_PANELS: usize = 1;
    type F = Floats;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Floats {
        [x; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Floats {
        // SAFETY: the caller vouches for the pointer.
        unsafe { from.cast::<Floats>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: Floats) {
        // SAFETY: the caller vouches for the pointer.
        unsafe { to.cast::<Floats>().write_unaligned(x) }
    }

    #[inline(always)]
    fn add(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| x + y)
    }

    #[inline(always)]
    fn sub(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| x - y)
    }

    #[inline(always)]
    fn mul(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| x * y)
    }

    #[inline(always)]
    fn div(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| x / y)
    }

    #[inline(always)]
    fn fma(self, a: Floats, b: Floats, c: Floats) -> Floats {
        let mut out = c;
        for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
            // Without the instruction, `mul_add` is a slow call into the C library.
            *o = if cfg!(target_arch = "aarch64") {
                x.mul_add(y, *o)
            } else {
                x * y + *o
            };
        }
        out
    }

    #[inline(always)]
    fn min(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| if x < y { x } else { y })
    }

    #[inline(always)]
    fn max(self, a: Floats, b: Floats) -> Floats {
        lanes(a, b, |x, y| if x > y { x } else { y })
    }

    #[inline(always)]
    fn round(self, x: Floats) -> Floats {
        x.map(f32::round_ties_even)
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, x: Floats, n: Floats) -> Floats {
        lanes(x, n, |x, n| {
            x * f32::from_bits(((n as i32 + 127) as u32) << 23)
        })
    }

    #[inline(always)]
    fn sum(self, x: Floats) -> f32 {
        let mut lanes = x;
        let mut half = WIDTH / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
            half /= 2;
        }
        lanes[0]
    }

    #[inline(always)]
    fn largest(self, x: Floats) -> f32 {
        x.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: Floats) {
        // SAFETY: the caller vouches for the pointer.
        unsafe {
            to.cast::<[u8; WIDTH]>()
                .write_unaligned(x.map(|x| x.round_ties_even() as u8))
        }
    }
}

impl Dot for Scalar {
    type Float = Self;
    const TILE_ROWS: usize = 4;
    const TILE_PANELS: usize = 1;
    const OFFSET: i32 = 0;
    type I = [i32; WIDTH];

    #[inline(always)]
    fn float(self) -> Self {
        self
    }

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn zero(self) -> Self::I {
        [0; WIDTH]
    }

    #[inline(always)]
    unsafe fn load_sums(self, from: *const i32) -> Self::I {
        // SAFETY: the caller vouches for the pointer.
        unsafe { from.cast::<Self::I>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_weights(self, from: *const i8) -> Self::I {
        // SAFETY: the caller vouches for the pointer.
        unsafe { from.cast::<Self::I>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn activation(self, from: *const u8) -> Self::I {
        // SAFETY: the caller vouches for the pointer.
        [unsafe { from.cast::<i32>().read_unaligned() }; WIDTH]
    }

    #[inline(always)]
    fn dot(self, sums: Self::I, activation: Self::I, weights: Self::I) -> Self::I {
        let mut out = sums;
        for ((sum, a), w) in out.iter_mut().zip(activation).zip(weights) {
            for (a, w) in a.to_ne_bytes().into_iter().zip(w.to_ne_bytes()) {
                *sum += i32::from(a) * i32::from(w as i8);
            }
        }
        out
    }

    #[inline(always)]
    fn to_float(self, x: Self::I) -> Floats {
        x.map(|x| x as f32)
    }
}
