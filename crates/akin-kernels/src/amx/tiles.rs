//! Detects the tile registers, and sets them up for this process and this thread.

use crate::avx512::Avx512;
use std::arch::asm;
use std::marker::PhantomData;

/// Rows of a tile, and columns of one that holds sums.
pub(in super::super) const TILE: usize = 16;

/// Bytes of one row of a tile.
pub(in super::super) const TILE_ROW_BYTES: usize = 64;

/// Bytes of a tile.
pub(in super::super) const TILE_BYTES: usize = TILE * TILE_ROW_BYTES;

/// Proof that this processor has AMX with bytes and bf16, that it has AVX-512, and that the operating
/// system lets this process use the tiles.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Amx(Avx512);

impl Amx {
    /// The proof, where it holds.
    pub(in super::super) fn detect() -> Option<Self> {
        let float = Avx512::detect()?;
        let there = are_there() && ask_for_permission();
        there.then_some(Self(float))
    }

    /// The float operations that go with it.
    pub(in super::super) fn float(self) -> Avx512 {
        self.0
    }
}

/// Whether processor and operating system know tiles of bytes and of bf16.
fn are_there() -> bool {
    const TILES_BF16_AND_BYTES: u32 = 1 << 24 | 1 << 22 | 1 << 25;
    const TILE_STATE: u64 = 1 << 17 | 1 << 18;
    if !is_x86_feature_detected!("xsave") {
        return false;
    }
    let has = std::arch::x86_64::__cpuid_count(7, 0).edx;
    let (low, high): (u32, u32);
    // SAFETY: with XSAVE enabled, register 0 says which state the operating system keeps.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack));
    }
    let kept = u64::from(high) << 32 | u64::from(low);
    has & TILES_BF16_AND_BYTES == TILES_BF16_AND_BYTES && kept & TILE_STATE == TILE_STATE
}

/// Asks the operating system to keep the tiles of this process's threads; whether it does.
#[cfg(target_os = "linux")]
fn ask_for_permission() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call changes nothing but what state is kept.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

/// Other systems have ways of their own.
#[cfg(not(target_os = "linux"))]
fn ask_for_permission() -> bool {
    false
}

/// Tiles of this thread, configured to 16 rows of 64 bytes each for as long as this lives.
pub(super) struct Configured(PhantomData<*const ()>);

impl Configured {
    pub(super) fn new(_: Amx) -> Self {
        #[repr(C, align(64))]
        struct Palette {
            id: u8,
            start_row: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        let mut palette = Palette {
            id: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        palette.row_bytes[..8].fill(TILE_ROW_BYTES as u16);
        palette.rows[..8].fill(TILE as u8);
        // SAFETY: the proof says that there are tiles; the palette is 64 bytes of a valid one.
        unsafe {
            asm!(
                "ldtilecfg [{}]",
                in(reg) &raw const palette,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly),
            );
        }
        Self(PhantomData)
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: one was made only where there are tiles.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, nomem),
            )
        }
    }
}
