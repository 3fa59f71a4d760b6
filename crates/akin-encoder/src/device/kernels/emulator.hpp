// What kernels.cu uses of CUDA, on the CPU, for tests where there is no GPU: the threads of a block run in
// turns on one, each until it waits for others, and each warp as far as it comes without the others. Slow, and
// strict about what waits for what: shared memory begins as NaN, warps and the threads of a warp run forwards or
// backwards as is asked for, and a block whose threads wait for one another for ever ends the program.

#pragma once
#include <csetjmp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <vector>

#define __device__ inline
#define DYNAMIC_SHARED unsigned char *shared = emulator::shared

struct float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
struct Dimensions { uint32_t x, y, z; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }
inline int min(int a, int b) { return a < b ? a : b; }

static Dimensions threadIdx, blockIdx, blockDim, gridDim;

// ---- 16-bit floats, rounded to nearest, ties to even

struct __half { uint16_t bits; };
struct __nv_bfloat16 { uint16_t bits; };
struct __half2 { __half low, high; };
struct __nv_bfloat162 { __nv_bfloat16 low, high; };

inline uint32_t bits_of(float x) { uint32_t bits; std::memcpy(&bits, &x, 4); return bits; }
inline float of_bits(uint32_t bits) { float x; std::memcpy(&x, &bits, 4); return x; }

inline float __half2float(__half x) {
    const uint32_t sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31, rest = x.bits & 1023;
    if (exponent == 31) { return of_bits(sign | 0x7f800000u | rest << 13); }
    if (exponent == 0) { const float tiny = std::ldexp(float(rest), -24); return sign ? -tiny : tiny; }
    return of_bits(sign | (exponent + 112) << 23 | rest << 13);
}

inline __half __float2half_rn(float x) {
    const uint16_t sign = bits_of(x) >> 16 & 0x8000;
    const float size = std::fabs(x);
    if (size != size) { return {uint16_t(sign | 0x7e00)}; }
    if (size >= 65520.f) { return {uint16_t(sign | 0x7c00)}; }
    if (size < std::ldexp(1.f, -14)) { return {uint16_t(sign | uint16_t(std::nearbyint(std::ldexp(size, 24))))}; }
    const uint32_t bits = bits_of(size);
    return {uint16_t(sign | (((bits + 0xfff + (bits >> 13 & 1)) >> 13) - (112 << 10)))};
}

inline float __bfloat162float(__nv_bfloat16 x) { return of_bits(uint32_t(x.bits) << 16); }

inline __nv_bfloat16 __float2bfloat16_rn(float x) {
    const uint32_t bits = bits_of(x);
    if (x != x) { return {uint16_t(bits >> 16 | 0x40)}; }
    return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

inline float2 __half22float2(__half2 x) { return {__half2float(x.low), __half2float(x.high)}; }
inline float2 __bfloat1622float2(__nv_bfloat162 x) { return {__bfloat162float(x.low), __bfloat162float(x.high)}; }
inline __half2 __floats2half2_rn(float a, float b) { return {__float2half_rn(a), __float2half_rn(b)}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {__float2bfloat16_rn(a), __float2bfloat16_rn(b)}; }

// ---- threads

namespace emulator {

constexpr size_t MOST_SHARED = 232448, MOST_THREADS = 1024, STACK = 128 << 10;
alignas(16) static unsigned char shared[MOST_SHARED];

enum class State { ready, at_warp, at_block, done };

struct Thread {
    ucontext_t start;
    jmp_buf here;
    bool has_begun;
    State state;
    Dimensions place;
};

struct Lane { float x; uint32_t a[4], b[2]; const void *row; };

static std::vector<Thread> threads(MOST_THREADS);
static std::vector<unsigned char> stacks(MOST_THREADS *STACK);
static std::vector<Lane> lanes(MOST_THREADS);
static Thread *current;
static jmp_buf scheduler;
static void (*body)();

inline size_t index() { return current - threads.data(); }

// Waits until all others of the warp, or the block, that are not done wait likewise.
inline void wait(State state) {
    current->state = state;
    if (_setjmp(current->here) == 0) { _longjmp(scheduler, 1); }
}

inline void begin() {
    body();
    current->state = State::done;
    _longjmp(scheduler, 1);
}

inline void turn(size_t i) {
    current = &threads[i];
    threadIdx = current->place;
    if (_setjmp(scheduler) != 0) { return; }
    if (current->has_begun) { _longjmp(current->here, 1); }
    current->has_begun = true;
    setcontext(&current->start);
}

// Lets those go on of a span of threads that all wait for one another.
inline bool release(size_t from, size_t to, State state) {
    bool any = false;
    for (size_t i = from; i < to; ++i) {
        if (threads[i].state != state && threads[i].state != State::done) { return false; }
        any |= threads[i].state == state;
    }
    for (size_t i = from; i < to && any; ++i) {
        if (threads[i].state == state) { threads[i].state = State::ready; }
    }
    return any;
}

inline void run_block(size_t shared_bytes, bool is_backwards) {
    const size_t n = size_t(blockDim.x) * blockDim.y * blockDim.z;
    std::memset(shared, 0xff, shared_bytes);
    for (size_t i = 0; i < n; ++i) {
        Thread &thread = threads[i];
        thread.has_begun = false;
        thread.state = State::ready;
        thread.place = {uint32_t(i % blockDim.x), uint32_t(i / blockDim.x % blockDim.y), uint32_t(i / blockDim.x / blockDim.y)};
        getcontext(&thread.start);
        thread.start.uc_stack.ss_sp = &stacks[i * STACK];
        thread.start.uc_stack.ss_size = STACK;
        thread.start.uc_link = nullptr;
        makecontext(&thread.start, begin, 0);
    }
    // Each warp as far as it comes without the others.
    const size_t n_warps = (n + 31) / 32;
    do {
        for (size_t i = 0; i < n_warps; ++i) {
            const size_t from = 32 * (is_backwards ? n_warps - 1 - i : i), to = from + 32 < n ? from + 32 : n;
            do {
                for (size_t j = from; j < to; ++j) {
                    const size_t chosen = is_backwards ? from + to - 1 - j : j;
                    if (threads[chosen].state == State::ready) { turn(chosen); }
                }
            } while (release(from, to, State::at_warp));
        }
    } while (release(0, n, State::at_block));
    for (size_t i = 0; i < n; ++i) {
        if (threads[i].state != State::done) {
            std::fprintf(stderr, "a thread of the block waits for ever\n");
            std::abort();
        }
    }
}

// Runs a grid: sizes are those of the grid, of a block, and of its shared memory in bytes.
inline void launch(void (*kernel)(), uint32_t most_threads, const uint32_t *sizes, bool is_backwards) {
    body = kernel;
    gridDim = {sizes[0], sizes[1], sizes[2]};
    blockDim = {sizes[3], sizes[4], sizes[5]};
    if (sizes[6] > MOST_SHARED || size_t(blockDim.x) * blockDim.y * blockDim.z > most_threads) {
        std::fprintf(stderr, "the block is too large\n");
        std::abort();
    }
    for (uint32_t z = 0; z < gridDim.z; ++z) {
        for (uint32_t y = 0; y < gridDim.y; ++y) {
            for (uint32_t x = 0; x < gridDim.x; ++x) {
                blockIdx = {x, y, z};
                run_block(sizes[6], is_backwards);
            }
        }
    }
}

} // namespace emulator

inline void __syncthreads() { emulator::wait(emulator::State::at_block); }
inline void __syncwarp() { emulator::wait(emulator::State::at_warp); }

inline float __shfl_xor_sync(uint32_t, float x, uint32_t apart) {
    const size_t me = emulator::index();
    emulator::lanes[me].x = x;
    __syncwarp();
    const float other = emulator::lanes[me ^ apart].x;
    __syncwarp();
    return other;
}

template <class T> float half_of(uint32_t two, int which);
template <> inline float half_of<__half>(uint32_t two, int which) { return __half2float({uint16_t(two >> 16 * which)}); }
template <> inline float half_of<__nv_bfloat16>(uint32_t two, int which) { return __bfloat162float({uint16_t(two >> 16 * which)}); }

// The fragments of mma.m16n8k16 as PTX spreads them over a warp.
template <class T>
void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    const size_t me = emulator::index(), warp = me / 32 * 32;
    emulator::Lane &mine = emulator::lanes[me];
    std::memcpy(mine.a, a, sizeof mine.a);
    mine.b[0] = b0;
    mine.b[1] = b1;
    __syncwarp();
    for (int i = 0; i < 4; ++i) {
        const int row = int(me % 32) / 4 + i / 2 * 8, column = int(me % 4) * 2 + i % 2;
        for (int k = 0; k < 16; ++k) {
            const int member = k % 8 / 2;
            const uint32_t of_a = emulator::lanes[warp + row % 8 * 4 + member].a[k / 8 * 2 + row / 8];
            const uint32_t of_b = emulator::lanes[warp + column * 4 + member].b[k / 8];
            sum[i] += half_of<T>(of_a, k % 2) * half_of<T>(of_b, k % 2);
        }
    }
    __syncwarp();
}

inline void load_transposed(uint32_t (&out)[4], const void *row) {
    const size_t me = emulator::index(), warp = me / 32 * 32;
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) {
        std::fprintf(stderr, "a row of a matrix is not aligned\n");
        std::abort();
    }
    emulator::lanes[me].row = row;
    __syncwarp();
    for (int matrix = 0; matrix < 4; ++matrix) {
        const auto number = [&](int i) {
            const void *of_row = emulator::lanes[warp + matrix * 8 + int(me % 4) * 2 + i].row;
            return uint32_t(static_cast<const uint16_t *>(of_row)[me % 32 / 4]);
        };
        out[matrix] = number(0) | number(1) << 16;
    }
    __syncwarp();
}

// A kernel is a function of its arguments, of the sizes that emulator::launch wants, and of the order.
#define KERNEL(name, Arguments, threads, function)                                                           \
    static const Arguments *arguments_of_##name;                                                             \
    static void run_##name() { function(*arguments_of_##name); }                                             \
    extern "C" void name(const Arguments *arguments, const uint32_t *sizes, bool is_backwards) {             \
        arguments_of_##name = arguments;                                                                     \
        emulator::launch(run_##name, threads, sizes, is_backwards);                                          \
    }
