#!/usr/bin/env bash
# Sets up the CUDA 13.0 compiler and libraries that `cargo build --features cuda` wants, from the
# pinned Python wheels, without root and on a machine that need not have a GPU.
#
#     scripts/cuda_toolkit.sh [DIR]        # 1.2 GB, in target/cuda-13.0 unless DIR is given
#     . target/cuda-13.0/env.sh
#     cargo build --release --features cuda --target-dir target/cuda
#
# DIR is new, empty or an earlier run's; a second run finds the wheels unpacked and only makes the links,
# the stub and env.sh anew.
#
# The wheels hold no driver. lib/stubs/libcuda.so.1 has the names of one to link against, and answers
# every call with CUDA_ERROR_STUB_LIBRARY; where no driver is installed env.sh lets it stand in, so that
# the binary starts all the same and is told that there is no device.
set -euo pipefail

wheels=(
    # the compiler: nvcc and ptxas, cicc and libdevice, the headers that nvcc includes by itself
    nvidia-cuda-nvcc==13.0.88
    nvidia-nvvm==13.0.88
    nvidia-cuda-crt==13.0.88
    # what candle's kernels include
    nvidia-cuda-cccl==13.0.85
    # what the binary is linked against, cuda.h and the runtime's headers
    nvidia-cuda-runtime==13.0.96
    nvidia-cublas==13.0.2.14
    nvidia-curand==10.4.0.35
    nvidia-cuda-nvrtc==13.0.88
)
disk_needed_mb=2500

fail() {
    echo "cuda_toolkit.sh: $1" >&2
    exit 1
}

dir=${1:-$(dirname "$0")/../target/cuda-13.0}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
installed=$dir/wheels.txt # what is unpacked there; empty while that is going on

[ "$(uname -s)" = Linux ] || fail "the wheels are for Linux, this is $(uname -s)"
command -v python3 >/dev/null || fail "python3 is missing"
command -v g++ >/dev/null || fail "g++ is missing: nvcc compiles the host's half of a kernel with it"

[ -e "$installed" ] || [ -z "$(ls -A "$dir")" ] || fail "$dir holds something else"

if [ "$(cat "$installed" 2>/dev/null)" != "${wheels[*]}" ]; then
    python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: python3 -m ensurepip"
    free_mb=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$disk_needed_mb" ] ||
        fail "$disk_needed_mb MB are needed in $dir, $free_mb MB are free"

    unpacked=$dir/unpacked
    : >"$installed"
    rm -rf "$unpacked"
    mkdir "$unpacked"
    echo "downloading ${#wheels[@]} wheels (660 MB)" >&2
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$unpacked" "${wheels[@]}"
    for wheel in "$unpacked"/*.whl; do
        python3 -m zipfile -e "$wheel" "$unpacked"
        rm "$wheel"
    done
    rm -rf "$dir"/{bin,include,lib,nvvm}
    mv "$unpacked"/nvidia/cu13/{bin,include,lib,nvvm} "$dir"
    rm -rf "$unpacked"
    echo "${wheels[*]}" >"$installed"
fi

# What a wheel cannot hold: permissions and links.
chmod +x "$dir"/bin/* "$dir"/nvvm/bin/*
ln -sfn lib "$dir/lib64"
for library in "$dir"/lib/*.so.*; do
    name=$(basename "$library")
    ln -sf "$name" "$dir/lib/${name%%.so.*}.so"
done

# The stub of the driver: every function that cuda.h names, under each of its versions.
mkdir -p "$dir/lib/stubs"
{
    grep -ohE '\bcu[A-Z][A-Za-z0-9_]*' "$dir/include/cuda.h" | sort -u | grep -vx cuGetErrorString |
        sed 's/.*/int &(void) { return 34; }/'
    echo 'int cuGetErrorString(int error, const char **text) {'
    echo '    *text = "no driver of an NVIDIA GPU is installed"; return 0; }'
} | g++ -x c -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$dir/lib/stubs/libcuda.so.1" -
ln -sf libcuda.so.1 "$dir/lib/stubs/libcuda.so"

# The kernels are compiled for one compute capability, which CUDA_COMPUTE_CAP names if it is set before
# env.sh is read: 80 is Ampere and, compiled by the driver at the first run, all that came after it; 90 is
# Hopper and nothing else. A stub that came before the driver would hide it, hence the last lines.
quoted_dir=$(printf %q "$dir")
cat >"$dir/env.sh" <<EOF
export CUDA_HOME=$quoted_dir
export CUDA_PATH=\$CUDA_HOME CUDA_ROOT=\$CUDA_HOME
export CUDA_COMPUTE_CAP=\${CUDA_COMPUTE_CAP:-80}
export PATH=\$CUDA_HOME/bin:\$PATH
export LIBRARY_PATH=\$CUDA_HOME/lib:\$CUDA_HOME/lib/stubs\${LIBRARY_PATH:+:\$LIBRARY_PATH}
export LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:+\$LD_LIBRARY_PATH:}\$CUDA_HOME/lib
case "\$(PATH=\$PATH:/sbin ldconfig -p)" in
*libcuda.so.1*) ;;
*) LD_LIBRARY_PATH=\$LD_LIBRARY_PATH:\$CUDA_HOME/lib/stubs ;;
esac
EOF
"$dir/bin/nvcc" --version | grep release >&2
echo "# $dir/env.sh, to be sourced:"
cat "$dir/env.sh"
