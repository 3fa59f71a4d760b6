//! Chooses and opens the device that computes a model.

use candle_core::{DType, Device};

use crate::packed::{NormKind, Shape};
use akin_base::error::{Error, Result};
use akin_kernels::Isas;

/// The device to compute a model on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU if this build and this machine have one, else the CPU.
    Auto,
    /// The CPU.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl DeviceChoice {
    /// Describes the device that would be used here: `cuda:0`, or the CPU and its instruction sets.
    ///
    /// # Errors
    /// [`Error::Device`] if this build or this machine lacks the device.
    pub fn describe(self) -> Result<String> {
        Ok(match choose(self)? {
            Some(chosen) => chosen.name.to_owned(),
            None => format!("cpu, {}", Isas::detect().name()),
        })
    }
}

/// A device, with its type of numbers.
#[derive(Debug, Clone)]
pub(crate) struct ChosenDevice {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    /// Such as `cuda:0`.
    pub(crate) name: &'static str,
    /// Whether it computes in bf16.
    pub(crate) has_bf16: bool,
    /// Whether it can run our own kernels.
    pub(crate) has_kernels: bool,
    /// Number of batches under way at a time: while one is computed, the next is queued.
    pub(crate) lanes: usize,
}

impl ChosenDevice {
    /// The type of numbers that a body of this shape is computed in. Hidden states of models with root mean
    /// squares outgrow f16: they get bf16, or f32 on a device without it.
    pub(super) fn dtype_for(&self, shape: &Shape) -> DType {
        match (self.dtype, shape.norm) {
            (DType::F16, NormKind::Rms { .. }) if self.device.is_cpu() => DType::F16,
            (DType::F16, NormKind::Rms { .. }) if self.has_bf16 => DType::BF16,
            (DType::F16, NormKind::Rms { .. }) => DType::F32,
            (dtype, _) => dtype,
        }
    }

    /// Free memory in bytes, if the device reports it.
    pub(super) fn free_bytes(&self) -> Option<usize> {
        match &self.device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => super::kernels::free_bytes(device),
            _ => None,
        }
    }
}

/// Opens the chosen device. `None` for the CPU, which has a body of its own, and if `Auto` finds no GPU.
///
/// # Errors
/// [`Error::Device`] if this build or this machine lacks the device.
pub(crate) fn choose(choice: DeviceChoice) -> Result<Option<ChosenDevice>> {
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Cuda => cuda().map(Some),
        DeviceChoice::Metal => metal().map(Some),
        DeviceChoice::Auto => Ok(cuda().or_else(|_| metal()).ok()),
    }
}

fn cuda() -> Result<ChosenDevice> {
    if !cfg!(feature = "cuda") {
        return Err(Error::Device {
            device: "cuda",
            source: "this build has no CUDA support: build with --features cuda".into(),
        });
    }
    let device = opened("cuda", || Device::new_cuda(0))?;
    #[cfg(feature = "cuda")]
    let has_kernels = match &device {
        Device::Cuda(device) => {
            super::kernels::keep_memory(device);
            super::kernels::runs_on(device)
        }
        _ => false,
    };
    #[cfg(not(feature = "cuda"))]
    let has_kernels = false;
    Ok(ChosenDevice {
        device,
        dtype: DType::F16,
        name: "cuda:0",
        // Both come with compute capability 8.0.
        has_bf16: has_kernels,
        has_kernels,
        lanes: 2,
    })
}

fn metal() -> Result<ChosenDevice> {
    if !cfg!(feature = "metal") {
        return Err(Error::Device {
            device: "metal",
            source: "this build has no Metal support: build with --features metal".into(),
        });
    }
    Ok(ChosenDevice {
        device: opened("metal", || Device::new_metal(0))?,
        dtype: DType::F16,
        name: "metal:0",
        has_bf16: true,
        has_kernels: false,
        lanes: 1,
    })
}

/// Opens a device. A missing driver library panics on first use; here that becomes an error.
fn opened(
    device: &'static str,
    open: impl FnOnce() -> candle_core::Result<Device> + std::panic::UnwindSafe,
) -> Result<Device> {
    let missing = || -> candle_core::Result<Device> {
        candle_core::bail!("its driver is not on this machine")
    };
    let found = std::panic::catch_unwind(open).unwrap_or_else(|_| missing());
    found.map_err(|error| refused(device, error))
}

/// The error of a device that cannot do what was asked.
pub(crate) fn refused(device: &'static str, error: candle_core::Error) -> Error {
    Error::Device {
        device,
        source: without_backtrace(error).into(),
    }
}

/// The error itself, without candle's backtrace.
pub(crate) fn without_backtrace(error: candle_core::Error) -> candle_core::Error {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => without_backtrace(*inner),
        plain => plain,
    }
}
