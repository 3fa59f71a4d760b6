//! On what a model is computed.

use candle_core::{DType, Device};

use crate::encoder::kernels::Isa;
use crate::error::{Error, Result};

/// On what a model is to be computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU that this build and this machine have, else the CPU.
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
    /// What a model would be computed on here, in words: `cuda:0`, or the CPU and its instruction sets.
    ///
    /// # Errors
    /// [`Error::Device`] where the device that is asked for is not in this build or not on this machine.
    pub fn describe(self) -> Result<String> {
        Ok(match choose(self)? {
            Some(chosen) => chosen.name.to_owned(),
            None => format!("cpu, {}", Isa::detect().name()),
        })
    }
}

/// A device, with the numbers that it computes with.
#[derive(Debug, Clone)]
pub(in crate::encoder) struct Chosen {
    pub(in crate::encoder) device: Device,
    pub(in crate::encoder) dtype: DType,
    /// Such as `cuda:0`.
    pub(in crate::encoder) name: &'static str,
}

/// The device that is asked for; `None` for the CPU, which has a body of its own, and for a GPU that is
/// not there where any device will do.
///
/// # Errors
/// [`Error::Device`] where the device that is asked for is not in this build or not on this machine.
pub(in crate::encoder) fn choose(choice: DeviceChoice) -> Result<Option<Chosen>> {
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Cuda => cuda().map(Some),
        DeviceChoice::Metal => metal().map(Some),
        DeviceChoice::Auto => Ok(cuda().or_else(|_| metal()).ok()),
    }
}

fn cuda() -> Result<Chosen> {
    if !cfg!(feature = "cuda") {
        return Err(Error::Device {
            device: "cuda",
            source: "this build has no CUDA: it is built with --features cuda".into(),
        });
    }
    opened("cuda", "cuda:0", DType::F16, || Device::new_cuda(0))
}

fn metal() -> Result<Chosen> {
    if !cfg!(feature = "metal") {
        return Err(Error::Device {
            device: "metal",
            source: "this build has no Metal: it is built with --features metal".into(),
        });
    }
    opened("metal", "metal:0", DType::F16, || Device::new_metal(0))
}

/// Opens a device. The driver's library is looked for when it is first asked for something, and where it
/// is missing that is a panic, which is an error here.
fn opened(
    device: &'static str,
    name: &'static str,
    dtype: DType,
    open: impl FnOnce() -> candle_core::Result<Device> + std::panic::UnwindSafe,
) -> Result<Chosen> {
    let opened = std::panic::catch_unwind(open);
    let missing = || -> candle_core::Result<Device> {
        candle_core::bail!("its driver is not on this machine")
    };
    let found = opened.unwrap_or_else(|_| missing());
    let device_found = found.map_err(|e| Error::Device {
        device,
        source: e.into(),
    })?;
    Ok(Chosen {
        device: device_found,
        dtype,
        name,
    })
}
