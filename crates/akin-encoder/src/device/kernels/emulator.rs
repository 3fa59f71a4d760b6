//! The kernels on the CPU, for tests: `kernels.cu` compiled by the C++ compiler, with `emulator.hpp` instead
//! of CUDA.

#![expect(unsafe_code, reason = "compiled code is loaded and called")]

use std::ffi::{CString, c_void};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use candle_core::{CpuStorage, Layout, Result};

use super::arguments::Kernel;
use super::grid::Grid;

/// The compiled kernels. One runs at a time.
struct Emulator {
    library: usize,
    running: Mutex<()>,
}

/// Whether blocks run their threads backwards, in the calling thread.
pub(in crate::device) static BACKWARDS: std::sync::atomic::AtomicBool =
    std::sync::atomic::AtomicBool::new(false);

/// Whether there is no emulator here, so that tests are skipped.
///
/// # Panics
/// If `AKIN_REQUIRE` names the compiler.
pub(in crate::device) fn is_missing() -> bool {
    match emulator() {
        Ok(_) => false,
        Err(reason) => akin_testing::require::missing("compiler", reason),
    }
}

fn emulator() -> &'static std::result::Result<Emulator, String> {
    static EMULATOR: OnceLock<std::result::Result<Emulator, String>> = OnceLock::new();
    EMULATOR.get_or_init(compile)
}

fn compile() -> std::result::Result<Emulator, String> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/device/kernels");
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let library = folder.path().join("kernels.so");
    let flags = [
        "-std=c++17",
        "-O1",
        "-fPIC",
        "-shared",
        "-fno-strict-aliasing",
    ];
    let compiled = Command::new("c++")
        .args(flags)
        .args(["-U_FORTIFY_SOURCE", "-include"])
        .arg(format!("{source}/emulator.hpp"))
        .args(["-x", "c++"])
        .arg(format!("{source}/kernels.cu"))
        .arg("-o")
        .arg(&library)
        .output();
    let compiled = compiled.map_err(|e| format!("there is no C++ compiler here ({e})"))?;
    // A compiler that is there and refuses the kernels is no reason to skip anything.
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let path = CString::new(library.to_string_lossy().into_owned()).map_err(|e| e.to_string())?;
    // SAFETY: the library was compiled just now and runs nothing when it is loaded.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "the compiled kernels load");
    Ok(Emulator {
        library: library as usize,
        running: Mutex::new(()),
    })
}

/// Runs a kernel to its end.
pub(super) fn run<A: Kernel>(kernel: &str, grid: Grid, arguments: &A) -> Result<()> {
    type Function = unsafe extern "C" fn(*const c_void, *const u32, bool);
    let emulator = emulator().as_ref().expect("asked for where there is one");
    let _running = emulator.running.lock().expect("a kernel never panics");
    let name = CString::new(kernel).expect("a name without zeros");
    // SAFETY: the library stays loaded; a kernel of this name takes these arguments.
    let found = unsafe { libc::dlsym(emulator.library as *mut c_void, name.as_ptr()) };
    if found.is_null() {
        candle_core::bail!("there is no kernel {kernel}");
    }
    // SAFETY: what is found under a kernel's name is such a function.
    let function: Function = unsafe { std::mem::transmute(found) };
    let ([x, y, z], [of_x, of_y, of_z]) = (grid.blocks, grid.threads);
    let sizes = [x, y, z, of_x, of_y, of_z, grid.shared_bytes];
    let is_backwards = BACKWARDS.load(std::sync::atomic::Ordering::Relaxed);
    // SAFETY: the arguments hold addresses of tensors that are held by the caller.
    unsafe {
        function(
            std::ptr::from_ref(arguments).cast(),
            sizes.as_ptr(),
            is_backwards,
        )
    };
    Ok(())
}

/// A copy of a tensor's bytes that ends where memory may not be read or written any more.
pub(super) struct Guarded {
    pages: *mut c_void,
    n_pages_bytes: usize,
    len: usize,
}

const PAGE: usize = 4096;

impl Guarded {
    pub(super) fn new(bytes: &[u8]) -> Guarded {
        let n_pages_bytes = bytes.len().next_multiple_of(PAGE) + PAGE;
        let (read_write, private) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        // SAFETY: new pages, of which the last is closed; the copy fits before it.
        unsafe {
            let pages = libc::mmap(
                std::ptr::null_mut(),
                n_pages_bytes,
                read_write,
                private,
                -1,
                0,
            );
            assert_ne!(pages, libc::MAP_FAILED);
            let closed = pages.byte_add(n_pages_bytes - PAGE);
            assert_eq!(libc::mprotect(closed, PAGE, libc::PROT_NONE), 0);
            let start = closed.byte_sub(bytes.len());
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.cast(), bytes.len());
            Guarded {
                pages,
                n_pages_bytes,
                len: bytes.len(),
            }
        }
    }

    pub(super) fn address(&self) -> u64 {
        self.pages as u64 + (self.n_pages_bytes - PAGE - self.len) as u64
    }

    pub(super) fn write_back(&mut self, bytes: &mut [u8]) {
        assert_eq!(bytes.len(), self.len);
        // SAFETY: the copy has as many bytes.
        let copy = unsafe { std::slice::from_raw_parts(self.address() as *const u8, self.len) };
        bytes.copy_from_slice(copy);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: these pages were mapped in `new`, and nothing else has their address.
        unsafe { libc::munmap(self.pages, self.n_pages_bytes) };
    }
}

/// The bytes of a contiguous tensor.
pub(super) fn bytes<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [u8]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel's tensor is not contiguous");
    };
    Ok(match storage {
        CpuStorage::F16(numbers) => bytemuck::cast_slice(&numbers[start..end]),
        CpuStorage::BF16(numbers) => bytemuck::cast_slice(&numbers[start..end]),
        CpuStorage::F32(numbers) => bytemuck::cast_slice(&numbers[start..end]),
        CpuStorage::U32(numbers) => bytemuck::cast_slice(&numbers[start..end]),
        _ => candle_core::bail!("no kernel takes such numbers"),
    })
}

/// The bytes of a contiguous tensor.
pub(super) fn bytes_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [u8]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel's tensor is not contiguous");
    };
    Ok(match storage {
        CpuStorage::F16(numbers) => bytemuck::cast_slice_mut(&mut numbers[start..end]),
        CpuStorage::BF16(numbers) => bytemuck::cast_slice_mut(&mut numbers[start..end]),
        CpuStorage::F32(numbers) => bytemuck::cast_slice_mut(&mut numbers[start..end]),
        CpuStorage::U32(numbers) => bytemuck::cast_slice_mut(&mut numbers[start..end]),
        _ => candle_core::bail!("no kernel takes such numbers"),
    })
}
