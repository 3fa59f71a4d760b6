//! Kernels on an NVIDIA GPU.

#![expect(unsafe_code, reason = "the driver's interface")]

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::sys::{
    CUfunction_attribute, CUmemPool_attribute, cuDeviceGetDefaultMemPool, cuMemPoolSetAttribute,
};
use candle_core::cuda_backend::cudarc::driver::{
    DevicePtr, DeviceRepr, LaunchConfig, PushKernelArg,
};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result};
use half::{bf16, f16};

use super::launch::Grid;

/// `kernels.cu`, compiled by nvcc for compute capability 8.0; the driver compiles it for the GPU that there is.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The oldest generation of GPUs that has the instructions of `kernels.cu`.
const OLDEST: i32 = 8;

/// Shared memory that a block has without asking.
const PLAIN_SHARED_BYTES: u32 = 48 << 10;

/// Whether a GPU can run the kernels.
pub(in crate::encoder::device) fn runs_on(device: &CudaDevice) -> bool {
    let capability = device.cuda_stream().context().compute_capability();
    capability.is_ok_and(|(major, _)| major >= OLDEST)
}

/// Free memory, bytes.
pub(in crate::encoder::device) fn free_bytes(device: &CudaDevice) -> Option<usize> {
    let (free, _) = device.cuda_stream().context().mem_get_info().ok()?;
    Some(free)
}

/// Lets the driver keep the memory that tensors give back, for the next ones: by default it hands it to the
/// system whenever something waits for the GPU, and maps it again afterwards. Where that cannot be set, it
/// stays so.
pub(in crate::encoder::device) fn keep_memory(device: &CudaDevice) {
    let stream = device.cuda_stream();
    let mut pool = std::ptr::null_mut();
    let mut kept_bytes = u64::MAX;
    // SAFETY: both outlive the calls, and the attribute is a u64.
    unsafe {
        if cuDeviceGetDefaultMemPool(&raw mut pool, stream.context().cu_device())
            .result()
            .is_ok()
        {
            let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            let _ = cuMemPoolSetAttribute(pool, attribute, (&raw mut kept_bytes).cast()).result();
        }
    }
}

/// Where the numbers of a contiguous tensor begin.
pub(super) fn address(storage: &CudaStorage, layout: &Layout) -> Result<u64> {
    let Some((start, _)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel's tensor is not contiguous");
    };
    let stream = storage.device().cuda_stream();
    // One stream does everything in order, so nothing is to be waited for.
    let base = match storage.dtype() {
        DType::F16 => storage.as_cuda_slice::<f16>()?.device_ptr(&stream).0,
        DType::BF16 => storage.as_cuda_slice::<bf16>()?.device_ptr(&stream).0,
        DType::F32 => storage.as_cuda_slice::<f32>()?.device_ptr(&stream).0,
        DType::U32 => storage.as_cuda_slice::<u32>()?.device_ptr(&stream).0,
        other => candle_core::bail!("no kernel takes {other:?}"),
    };
    Ok(base + (start * storage.dtype().size_in_bytes()) as u64)
}

/// A kernel's structure of arguments.
#[repr(transparent)]
struct Arguments<A>(A);

// SAFETY: what is wrapped is a `repr(C)` structure of addresses, u32, i32 and f32.
unsafe impl<A> DeviceRepr for Arguments<A> {}

/// Puts a kernel into the device's queue.
pub(super) fn run<A: Copy>(
    device: &CudaDevice,
    kernel: &str,
    grid: Grid,
    arguments: A,
) -> Result<()> {
    let function = device.get_or_load_custom_func(kernel, "akin", PTX)?;
    if grid.shared_bytes > PLAIN_SHARED_BYTES {
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = grid.shared_bytes as i32;
        function.set_attribute(attribute, bytes).w()?;
    }
    let config = LaunchConfig {
        grid_dim: grid.blocks.into(),
        block_dim: grid.threads.into(),
        shared_mem_bytes: grid.shared_bytes,
    };
    let arguments = Arguments(arguments);
    let mut builder = function.builder();
    builder.arg(&arguments);
    // SAFETY: the structure is the kernel's, and holds addresses of tensors that are held until the kernel is
    // in the queue; what frees their memory comes behind it in the same queue.
    unsafe { builder.launch(config) }.w()?;
    Ok(())
}
