//! Detects the instruction sets of this processor and runs kernels with them.
//!
//! Invariant: a value exists only if the processor has the instructions that it names, so it is the proof
//! that kernels ask for.

use super::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use super::{amx, avx2, avx512, vnni};

/// The instruction set of the float kernels, which the processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FloatIsa {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Scalar(Scalar),
}

/// The instruction set of the byte products, which the processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteIsa {
    #[cfg(target_arch = "x86_64")]
    Vnni512(vnni::Vnni512),
    #[cfg(target_arch = "x86_64")]
    Vnni256(vnni::Vnni256),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Scalar(Scalar),
}

/// The instruction sets that the kernels use on this processor.
#[derive(Clone, Copy, Debug)]
pub struct Isas {
    pub(crate) float: FloatIsa,
    pub(crate) bytes: ByteIsa,
    /// Tiles, which compute products of suitable depth instead.
    #[cfg(target_arch = "x86_64")]
    pub(crate) tiles: Option<amx::Amx>,
    name: &'static str,
}

/// Runs `$body` with `$s` as the proof of the float instruction set.
macro_rules! with_float {
    ($isa:expr, $s:ident => $body:expr) => {
        match $isa.float {
            #[cfg(target_arch = "x86_64")]
            $crate::isas::FloatIsa::Avx512($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::isas::FloatIsa::Avx2($s) => $body,
            $crate::isas::FloatIsa::Scalar($s) => $body,
        }
    };
}
pub(crate) use with_float;

/// Runs `$body` with `$d` as the proof of the instruction set of the byte products.
macro_rules! with_bytes {
    ($isa:expr, $d:ident => $body:expr) => {
        match $isa.bytes {
            #[cfg(target_arch = "x86_64")]
            $crate::isas::ByteIsa::Vnni512($d) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::isas::ByteIsa::Vnni256($d) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::isas::ByteIsa::Avx2($d) => $body,
            $crate::isas::ByteIsa::Scalar($d) => $body,
        }
    };
}
pub(crate) use with_bytes;

impl Isas {
    /// The fastest that this processor has.
    pub fn detect() -> Self {
        Self::available().swap_remove(0)
    }

    /// Plain Rust, for every processor.
    pub fn scalar() -> Self {
        Self {
            float: FloatIsa::Scalar(Scalar),
            bytes: ByteIsa::Scalar(Scalar),
            #[cfg(target_arch = "x86_64")]
            tiles: None,
            name: "scalar",
        }
    }

    /// All that this processor has, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if let Some(s) = avx2::Avx2::detect() {
            let mut add = |name, float, bytes, tiles| {
                all.push(Self {
                    float,
                    bytes,
                    tiles,
                    name,
                });
            };
            if let Some(wide) = avx512::Avx512::detect() {
                let float = FloatIsa::Avx512(wide);
                if let Some(d) = vnni::Vnni512::detect() {
                    if let Some(tiles) = amx::Amx::detect() {
                        add("amx", float, ByteIsa::Vnni512(d), Some(tiles));
                    }
                    add("avx512+vnni", float, ByteIsa::Vnni512(d), None);
                }
                add("avx512", float, ByteIsa::Avx2(s), None);
            }
            if let Some(d) = vnni::Vnni256::detect() {
                add("avx2+vnni", FloatIsa::Avx2(s), ByteIsa::Vnni256(d), None);
            }
            add("avx2", FloatIsa::Avx2(s), ByteIsa::Avx2(s), None);
        }
        all.push(Self::scalar());
        all
    }

    /// The name, such as `avx512+vnni`, `avx2` or `scalar`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether byte products are faster than float products on this processor, not only smaller.
    pub fn bytes_are_fast(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return matches!(self.bytes, ByteIsa::Vnni512(_) | ByteIsa::Vnni256(_));
        #[cfg(not(target_arch = "x86_64"))]
        false
    }
}
