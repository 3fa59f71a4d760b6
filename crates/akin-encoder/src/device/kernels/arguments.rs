//! The structures of arguments of `kernels.cu`: addresses, sizes and numbers, in the same order. Each names
//! the kernels that take it, so that no kernel is launched with the arguments of another.

#![expect(unsafe_code, reason = "a promise about the layout of each structure")]

/// What a kernel is launched with.
///
/// # Safety
/// The type is `repr(C)`. It has the fields of the structure that the kernels of this name take in
/// `kernels.cu`: the same types in the same order.
pub(super) unsafe trait Kernel: Copy {
    /// What the names of the kernels begin with; the type of numbers follows.
    const NAME: &'static str;
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Normalise {
    pub(super) out: u64,
    pub(super) rows: u64,
    pub(super) added: u64,
    pub(super) bias: u64,
    pub(super) branch_gain: u64,
    pub(super) branch_shift: u64,
    pub(super) gain: u64,
    pub(super) shift: u64,
    pub(super) n_rows: u32,
    pub(super) width: u32,
    pub(super) eps: f32,
    pub(super) is_rms: u32,
}

// SAFETY: as `normalise_…` takes it.
unsafe impl Kernel for Normalise {
    const NAME: &'static str = "normalise";
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ActivateLaunch {
    pub(super) out: u64,
    pub(super) rows: u64,
    pub(super) bias: u64,
    pub(super) n_rows: u32,
    pub(super) width: u32,
    pub(super) activation: u32,
    pub(super) gate: u32,
}

// SAFETY: as `activate_…` takes it.
unsafe impl Kernel for ActivateLaunch {
    const NAME: &'static str = "activate";
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) rows: u64,
    pub(super) bias: u64,
    pub(super) query_gain: u64,
    pub(super) query_shift: u64,
    pub(super) key_gain: u64,
    pub(super) key_shift: u64,
    pub(super) cosines: u64,
    pub(super) sines: u64,
    pub(super) places: u64,
    pub(super) n_rows: u32,
    pub(super) heads: u32,
    pub(super) key_heads: u32,
    pub(super) head_dim: u32,
    pub(super) half: u32,
    pub(super) eps: f32,
    pub(super) is_rms: u32,
}

// SAFETY: as `turn_…` takes it.
unsafe impl Kernel for Turn {
    const NAME: &'static str = "turn";
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Attend {
    pub(super) out: u64,
    pub(super) rows: u64,
    pub(super) bias: u64,
    pub(super) relative: u64,
    pub(super) starts: u64,
    pub(super) heads: u32,
    pub(super) key_heads: u32,
    pub(super) head_dim: u32,
    pub(super) relative_heads: u32,
    pub(super) reach: u32,
    pub(super) behind: i32,
    pub(super) ahead: i32,
    pub(super) scale: f32,
}

// SAFETY: as `attend_…` takes it.
unsafe impl Kernel for Attend {
    const NAME: &'static str = "attend";
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct PoolLaunch {
    pub(super) out: u64,
    pub(super) rows: u64,
    pub(super) starts: u64,
    pub(super) width: u32,
    pub(super) mode: u32,
}

// SAFETY: as `pool_…` takes it.
unsafe impl Kernel for PoolLaunch {
    const NAME: &'static str = "pool";
}
