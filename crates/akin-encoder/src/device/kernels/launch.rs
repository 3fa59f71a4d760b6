//! Kernels by name, run on the device of the tensor that they write.

#![expect(
    unsafe_code,
    reason = "memory that is about to be written is not cleared"
)]

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Storage, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, backend::BackendStorage};

use super::arguments::Kernel;
#[cfg(feature = "cuda")]
use super::cuda;
#[cfg(all(test, unix))]
use super::emulator;
use super::grid::Grid;

/// A kernel about to write a tensor.
///
/// `F` makes the kernel's structure of arguments from the address of the tensor to write and those of the
/// tensors to read; 0 stands for a missing one. All tensors are contiguous.
pub(super) struct Launch<'a, const N: usize, F> {
    /// What follows the name that the arguments have: `f16`, or `f16_64`.
    pub(super) variant: String,
    pub(super) grid: Grid,
    pub(super) read: [Option<&'a Tensor>; N],
    pub(super) arguments: F,
}

impl<const N: usize, A: Kernel, F: Fn(u64, [u64; N]) -> A> Launch<'_, N, F> {
    /// The kernel's name in `kernels.cu`.
    fn kernel(&self) -> String {
        format!("{}_{}", A::NAME, self.variant)
    }

    /// Runs the kernel on the tensor that it changes in place.
    pub(super) fn change(self, out: &Tensor) -> Result<()> {
        out.inplace_op1(&self)
    }

    /// Runs the kernel on a new tensor that it writes every number of.
    pub(super) fn make(self, dims: (usize, usize), dtype: DType) -> Result<Tensor> {
        let read = self.read.iter().flatten().next();
        let device = read.expect("a kernel reads something").device();
        let out = if device.is_cpu() {
            Tensor::full(f32::NAN, dims, device)?.to_dtype(dtype)?
        } else {
            // SAFETY: the kernel writes every number before anything reads it.
            let empty = unsafe { Tensor::empty(dims, dtype, device) };
            empty?
        };
        out.inplace_op1(&self)?;
        Ok(out)
    }

    /// Calls `run` with the addresses of what is read, which `hold` finds and keeps.
    fn with_read<H>(
        &self,
        hold: impl Fn(&Storage, &Layout) -> Result<(u64, H)>,
        run: impl FnOnce([u64; N]) -> Result<()>,
    ) -> Result<()> {
        let (mut addresses, mut held) = ([0; N], Vec::new());
        for (address, tensor) in addresses.iter_mut().zip(self.read) {
            let Some(tensor) = tensor else { continue };
            let (storage, layout) = tensor.storage_and_layout();
            let (found, holding) = hold(&storage, layout)?;
            *address = found;
            held.push((storage, holding));
        }
        run(addresses)
    }
}

impl<const N: usize, A: Kernel, F: Fn(u64, [u64; N]) -> A> InplaceOp1 for Launch<'_, N, F> {
    fn name(&self) -> &'static str {
        "kernel"
    }

    #[cfg(not(all(test, unix)))]
    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        candle_core::bail!("{} is a kernel for a GPU", self.kernel())
    }

    #[cfg(all(test, unix))]
    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let read = |storage: &Storage, layout: &Layout| match storage {
            Storage::Cpu(storage) => {
                let guarded = emulator::Guarded::new(emulator::bytes(storage, layout)?);
                Ok((guarded.address(), guarded))
            }
            _ => candle_core::bail!("a kernel's tensor is on another device"),
        };
        let mut written = emulator::Guarded::new(emulator::bytes(storage, layout)?);
        self.with_read(read, |addresses| {
            let arguments = (self.arguments)(written.address(), addresses);
            emulator::run(&self.kernel(), self.grid, &arguments)
        })?;
        written.write_back(emulator::bytes_mut(storage, layout)?);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<()> {
        let read = |storage: &Storage, layout: &Layout| match storage {
            Storage::Cuda(storage) => Ok((cuda::address(storage, layout)?, ())),
            _ => candle_core::bail!("a kernel's tensor is on another device"),
        };
        let written = cuda::address(storage, layout)?;
        let device = storage.device();
        self.with_read(read, |addresses| {
            let arguments = (self.arguments)(written, addresses);
            cuda::run(device, &self.kernel(), self.grid, arguments)
        })
    }
}
