//! The few vector operations every kernel is written in, one implementation an instruction set.
//!
//! A value of a [`Simd`] type is the proof that this processor has the instructions: it can only
//! be made by detection. So the operations on registers are safe; those on pointers are not.
//! Kernels are generic over the trait, marked `#[inline(always)]`, and run inside
//! [`Simd::vectorize`], the one place where the instruction set is switched on for the compiler.

/// Columns of one panel of packed weights; every instruction set reads the same layout.
pub(crate) const PANEL: usize = 16;

/// Operations on vectors of [`WIDTH`](Simd::WIDTH) floats.
pub(super) trait Simd: Copy + Send + Sync {
    /// Floats in one vector: divides [`PANEL`].
    const WIDTH: usize;
    /// Rows of the register tile of a matrix product, at most [`super::tile::MAX_ROWS`].
    const TILE_ROWS: usize;
    /// Panels side by side in that tile.
    const TILE_PANELS: usize;
    /// One vector of floats.
    type F: Copy;

    /// Runs `f` compiled for this instruction set; `f` and all it calls must be inlined.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::F;
    /// Loads a vector.
    ///
    /// # Safety
    /// `from` is valid for reading [`WIDTH`](Simd::WIDTH) floats; it need not be aligned.
    unsafe fn load(self, from: *const f32) -> Self::F;
    /// Stores a vector.
    ///
    /// # Safety
    /// `to` is valid for writing [`WIDTH`](Simd::WIDTH) floats; it need not be aligned.
    unsafe fn store(self, to: *mut f32, x: Self::F);
    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, with one rounding where the processor can.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The smaller of each pair.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The larger of each pair.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// Nearest integer, ties to even.
    fn round(self, x: Self::F) -> Self::F;
    /// `x * 2^n` for integral `n` in `-126..=127`.
    fn scale_by_power_of_two(self, x: Self::F, n: Self::F) -> Self::F;
    /// Sum of the lanes, in an order that is always the same.
    fn sum(self, x: Self::F) -> f32;
    /// Largest lane.
    fn largest(self, x: Self::F) -> f32;
    /// Rounds lanes to the nearest integer, which is in `0..=255`, and stores them as bytes.
    ///
    /// # Safety
    /// `to` is valid for writing [`WIDTH`](Simd::WIDTH) bytes.
    unsafe fn store_bytes(self, to: *mut u8, x: Self::F);
}

/// Byte products: sums of four `u8 * i8` products in each 32-bit lane.
pub(super) trait Dot: Copy + Send + Sync {
    /// The float operations of the same width.
    type Float: Simd;
    /// Rows of the register tile, at most [`super::tile::MAX_ROWS`].
    const TILE_ROWS: usize;
    /// Panels side by side in that tile.
    const TILE_PANELS: usize;
    /// What [`activation`](Dot::activation) subtracts from each byte.
    const OFFSET: i32;
    /// One vector of 32-bit sums, or of four times as many bytes.
    type I: Copy;

    /// The float operations.
    fn float(self) -> Self::Float;
    /// Runs `f` compiled for this instruction set; `f` and all it calls must be inlined.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;
    /// Sums of nothing.
    fn zero(self) -> Self::I;
    /// Loads one vector of 32-bit sums.
    ///
    /// # Safety
    /// `from` is valid for reading a vector of `i32`.
    unsafe fn load_sums(self, from: *const i32) -> Self::I;
    /// Loads one vector of weights: four bytes for each column.
    ///
    /// # Safety
    /// `from` is valid for reading four bytes for every lane.
    unsafe fn load_weights(self, from: *const i8) -> Self::I;
    /// Spreads four activation bytes over all lanes, less [`OFFSET`](Dot::OFFSET).
    ///
    /// # Safety
    /// `from` is valid for reading four bytes.
    unsafe fn activation(self, from: *const u8) -> Self::I;
    /// `sums + the four products of each lane`, exactly.
    fn dot(self, sums: Self::I, activation: Self::I, weights: Self::I) -> Self::I;
    /// The sums as floats.
    fn to_float(self, x: Self::I) -> <Self::Float as Simd>::F;
}
