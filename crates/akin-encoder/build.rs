//! Compiles the encoder's GPU kernels where akin is built with the feature `cuda`; does nothing elsewhere.

use std::env;
use std::path::PathBuf;
use std::process::Command;

const KERNELS: &str = "src/device/kernels/kernels.cu";

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-changed={KERNELS}");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    println!("cargo:rerun-if-env-changed=NVCC");
    println!("cargo:rerun-if-env-changed=CUDA_HOME");
    let nvcc = env::var_os("NVCC").map(PathBuf::from);
    let of_home = |home| PathBuf::from(home).join("bin").join("nvcc");
    let nvcc = nvcc.or_else(|| env::var_os("CUDA_HOME").map(of_home));
    let nvcc = nvcc.unwrap_or_else(|| PathBuf::from("nvcc"));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("kernels.ptx");
    // Code for compute capability 8.0, which the driver compiles for the GPU that it finds.
    let flags = ["--ptx", "-O3", "-std=c++17", "-arch=compute_80", "-o"];
    let ran = Command::new(&nvcc)
        .args(flags)
        .arg(&out)
        .arg(KERNELS)
        .status();
    match ran {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} {KERNELS}: {status}", nvcc.display())),
        Err(error) => Err(format!(
            "{}: {error}; scripts/cuda_toolkit.sh sets the CUDA compiler up",
            nvcc.display()
        )),
    }
}
