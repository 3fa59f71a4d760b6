//! Kernels on an NVIDIA GPU.

#![expect(unsafe_code, reason = "the driver's interface")]

use std::sync::Mutex;

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::result::memcpy_dtoh_async;
use candle_core::cuda_backend::cudarc::driver::sys::{
    CUevent_flags, CUfunction_attribute, CUmemPool_attribute, cuDeviceGetDefaultMemPool,
    cuMemPoolSetAttribute,
};
use candle_core::cuda_backend::cudarc::driver::{
    CudaEvent, DevicePtr, DeviceRepr, HostSlice, LaunchConfig, PinnedHostSlice, PushKernelArg,
};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result, Storage, Tensor};
use half::{bf16, f16};

use super::arguments::Kernel;
use super::grid::Grid;

/// `kernels.cu`, compiled by nvcc for compute capability 8.0; the driver compiles it for the GPU that there is.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The oldest generation of GPUs that has the instructions of `kernels.cu`.
const OLDEST: i32 = 8;

/// Shared memory that a block has without asking.
const PLAIN_SHARED_BYTES: u32 = 48 << 10;

/// Whether a GPU can run the kernels.
pub(in crate::device) fn runs_on(device: &CudaDevice) -> bool {
    let capability = device.cuda_stream().context().compute_capability();
    capability.is_ok_and(|(major, _)| major >= OLDEST)
}

/// Free memory, bytes.
pub(in crate::device) fn free_bytes(device: &CudaDevice) -> Option<usize> {
    let (free, _) = device.cuda_stream().context().mem_get_info().ok()?;
    Some(free)
}

/// Lets the driver keep the memory of freed tensors for the next ones. By default it returns the memory to
/// the system whenever something waits for the GPU, and maps it again afterwards. If this cannot be set,
/// the default stays.
pub(in crate::device) fn keep_memory(device: &CudaDevice) {
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
    // What another thread put into its stream is waited for in `LaunchOrder`.
    let stream = storage.device().cuda_stream();
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
struct KernelArguments<A>(A);

// SAFETY: a `Kernel` is a structure laid out as its kernels take it.
unsafe impl<A: Kernel> DeviceRepr for KernelArguments<A> {}

/// Puts a kernel into this thread's stream.
pub(super) fn run<A: Kernel>(
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
    let arguments = KernelArguments(arguments);
    let mut builder = function.builder();
    builder.arg(&arguments);
    // SAFETY: the structure is the kernel's, and holds addresses of tensors that are held until the kernel is
    // in this thread's stream; what frees their memory comes behind it there.
    unsafe { builder.launch(config) }.w()?;
    Ok(())
}

/// Orders the computations of several threads. Candle gives each thread a stream of its own, so that
/// uploads and downloads of one run beside the computation of another. Here each computation waits for the
/// last.
#[derive(Default)]
pub(in crate::device) struct LaunchOrder {
    /// Behind what was put into a stream last.
    last: Mutex<Option<CudaEvent>>,
}

impl LaunchOrder {
    /// Puts what `enqueue` does into this thread's stream, behind what others have put into theirs.
    pub(in crate::device) fn next<T, E: From<candle_core::Error>>(
        &self,
        device: &CudaDevice,
        enqueue: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let stream = device.cuda_stream();
        let mut last = self.last.lock().expect("nothing panics while it is held");
        if let Some(last) = &*last {
            stream.wait(last).w()?;
        }
        let enqueued = enqueue();
        *last = Some(stream.record_event(None).w()?);
        enqueued
    }

    /// Waits until all of it is computed.
    pub(in crate::device) fn wait(&self) -> Result<()> {
        let last = self.last.lock().expect("nothing panics while it is held");
        match &*last {
            Some(last) => last.synchronize().w(),
            None => Ok(()),
        }
    }
}

/// Page-locked memory for finished vectors. The copy is part of the stream, and the thread that waits for
/// it sleeps while another thread's batch is computed.
#[derive(Default)]
pub(in crate::device) struct Returns {
    free: Mutex<Vec<PinnedHostSlice<f32>>>,
}

/// A tensor's numbers on their way.
pub(in crate::device) struct Returning {
    /// There until it is taken.
    memory: Option<PinnedHostSlice<f32>>,
    /// Behind the copy.
    arrived: CudaEvent,
    n: usize,
}

impl Drop for Returning {
    /// The memory is not given back before the copy is done.
    fn drop(&mut self) {
        let _ = self.arrived.synchronize();
    }
}

impl Returns {
    /// Puts the copy of a tensor of f32 into this thread's stream; `None` where it is not on an NVIDIA GPU.
    pub(in crate::device) fn begin(&self, tensor: &Tensor) -> Result<Option<Returning>> {
        let n = tensor.elem_count();
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            return Ok(None);
        };
        let from = address(storage, layout)?;
        let stream = storage.device().cuda_stream();
        let mut memory = self.memory_for(n, storage.device())?;
        // The memory's own event is recorded only where cudarc minds the order of streams, and it does not here.
        // SAFETY: the memory is of this device's context and has room for `n` numbers, of which the tensor has
        // as many; it is neither read nor given back before the event behind the copy.
        unsafe {
            let (to, _) = memory.stream_synced_mut_slice(&stream);
            memcpy_dtoh_async(&mut to[..n], from, stream.cu_stream()).w()?;
        }
        let arrived = stream
            .record_event(Some(CUevent_flags::CU_EVENT_BLOCKING_SYNC))
            .w();
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(error) => {
                stream.synchronize().w()?;
                return Err(error);
            }
        };
        Ok(Some(Returning {
            memory: Some(memory),
            arrived,
            n,
        }))
    }

    /// Waits for a copy, which must have been begun here.
    pub(in crate::device) fn finish(&self, mut returning: Returning) -> Result<Vec<f32>> {
        returning.arrived.synchronize().w()?;
        let memory = returning.memory.take().expect("it is taken once");
        let numbers = memory.as_slice().w()?[..returning.n].to_vec();
        let mut free = self.free.lock().expect("nothing panics while it is held");
        free.push(memory);
        Ok(numbers)
    }

    fn memory_for(&self, n: usize, device: &CudaDevice) -> Result<PinnedHostSlice<f32>> {
        let mut free = self.free.lock().expect("nothing panics while it is held");
        if let Some(fitting) = free.iter().position(|memory| memory.len() >= n) {
            return Ok(free.swap_remove(fitting));
        }
        // Those that are too small are given back.
        free.clear();
        let stream = device.cuda_stream();
        // SAFETY: what is read of it has been copied there before.
        unsafe {
            stream
                .context()
                .alloc_pinned_with_flags(n.next_power_of_two(), 0)
        }
        .w()
    }
}
