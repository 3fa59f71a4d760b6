// What an encoder does between its matrix products, for NVIDIA GPUs of compute capability 8.0 and newer.
//
// Texts lie one after another without padding: rows [tokens, width] of 16-bit floats (f16, or bf16 for models
// whose numbers outgrow f16), where text i has the rows starts[i] to starts[i + 1]. Sums, norms, softmax and
// biases are f32. Each kernel takes one structure, which kernels/mod.rs has the like of.
//
// nvcc compiles this with the feature `cuda`. The tests compile it with a C++ compiler and emulator.hpp, which
// runs the threads of a block in turns on the CPU; so there is nothing here but what both know.

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>
#define DYNAMIC_SHARED extern __shared__ __align__(16) unsigned char shared[]
#define KERNEL(name, Arguments, threads, body)                                                               \
    extern "C" __global__ void __launch_bounds__(threads) name(const Arguments a) { body(a); }
#endif

constexpr uint32_t WARP = 32;
constexpr uint32_t ALL_LANES = 0xffffffffu;

// ---- numbers

template <class T>
__device__ float2 unpack(uint32_t two);
template <class T>
__device__ uint32_t pack(float low, float high);

template <>
__device__ float2 unpack<__half>(uint32_t two) {
    return __half22float2(*reinterpret_cast<__half2 *>(&two));
}

template <>
__device__ float2 unpack<__nv_bfloat16>(uint32_t two) {
    return __bfloat1622float2(*reinterpret_cast<__nv_bfloat162 *>(&two));
}

template <>
__device__ uint32_t pack<__half>(float low, float high) {
    __half2 two = __floats2half2_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&two);
}

template <>
__device__ uint32_t pack<__nv_bfloat16>(float low, float high) {
    __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&two);
}

template <class T>
__device__ float4 load4(const T *from) {
    uint2 words = *reinterpret_cast<const uint2 *>(from);
    float2 low = unpack<T>(words.x), high = unpack<T>(words.y);
    return make_float4(low.x, low.y, high.x, high.y);
}

template <class T>
__device__ void store4(T *to, float4 x) {
    *reinterpret_cast<uint2 *>(to) = make_uint2(pack<T>(x.x, x.y), pack<T>(x.z, x.w));
}

// Four numbers of a bias, zeros where there is none.
__device__ float4 bias4(const float *bias, uint32_t column) {
    if (bias == nullptr) {
        return make_float4(0.f, 0.f, 0.f, 0.f);
    }
    return *reinterpret_cast<const float4 *>(bias + column);
}

__device__ float4 plus(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

__device__ float warp_sum(float x) {
    for (uint32_t apart = WARP / 2; apart > 0; apart /= 2) {
        x += __shfl_xor_sync(ALL_LANES, x, apart);
    }
    return x;
}

// ---- norms: out = norm(added + branch_norm(rows + bias)), each part where it is given

struct Normalise {
    void *out;
    const void *rows;
    const void *added;
    const float *bias;
    const float *branch_gain;
    const float *branch_shift;
    const float *gain;
    const float *shift;
    uint32_t n_rows;
    uint32_t width;
    float eps;
    uint32_t is_rms;
};

// Normalises the row of a warp, of which each lane keeps its own fours.
__device__ void norm_row(float4 *kept, uint32_t width, const float *gain, const float *shift, float eps,
                         bool is_rms) {
    const uint32_t lane = threadIdx.x, n_fours = width / 4;
    float mean = 0.f;
    if (!is_rms) {
        for (uint32_t i = lane; i < n_fours; i += WARP) {
            mean += kept[i].x + kept[i].y + kept[i].z + kept[i].w;
        }
        mean = warp_sum(mean) / width;
    }
    float squares = 0.f;
    for (uint32_t i = lane; i < n_fours; i += WARP) {
        const float x = kept[i].x - mean, y = kept[i].y - mean, z = kept[i].z - mean, w = kept[i].w - mean;
        squares += x * x + y * y + z * z + w * w;
    }
    const float scale = 1.f / sqrtf(warp_sum(squares) / width + eps);
    for (uint32_t i = lane; i < n_fours; i += WARP) {
        const float4 by = bias4(gain, 4 * i), to = bias4(shift, 4 * i), x = kept[i];
        kept[i] = make_float4((x.x - mean) * scale * by.x + to.x, (x.y - mean) * scale * by.y + to.y,
                              (x.z - mean) * scale * by.z + to.z, (x.w - mean) * scale * by.w + to.w);
    }
}

// A warp a row; blocks of (32, rows); shared memory: a row of f32 each.
template <class T>
__device__ void normalise(const Normalise &a) {
    DYNAMIC_SHARED;
    const uint32_t row = blockIdx.x * blockDim.y + threadIdx.y, n_fours = a.width / 4;
    if (row >= a.n_rows) {
        return;
    }
    float4 *kept = reinterpret_cast<float4 *>(shared) + threadIdx.y * n_fours;
    const size_t start = static_cast<size_t>(row) * a.width;
    const T *rows = static_cast<const T *>(a.rows) + start;
    for (uint32_t i = threadIdx.x; i < n_fours; i += WARP) {
        kept[i] = plus(load4<T>(rows + 4 * i), bias4(a.bias, 4 * i));
    }
    if (a.branch_gain != nullptr) {
        norm_row(kept, a.width, a.branch_gain, a.branch_shift, a.eps, a.is_rms);
    }
    if (a.added != nullptr) {
        const T *added = static_cast<const T *>(a.added) + start;
        for (uint32_t i = threadIdx.x; i < n_fours; i += WARP) {
            kept[i] = plus(load4<T>(added + 4 * i), kept[i]);
        }
    }
    if (a.gain != nullptr) {
        norm_row(kept, a.width, a.gain, a.shift, a.eps, a.is_rms);
    }
    T *out = static_cast<T *>(a.out) + start;
    for (uint32_t i = threadIdx.x; i < n_fours; i += WARP) {
        store4<T>(out + 4 * i, kept[i]);
    }
}

// ---- activations and gates: [rows, width or 2 * width] to [rows, width]

struct Activate {
    void *out;
    const void *rows;
    const float *bias;
    uint32_t n_rows;
    uint32_t width;
    uint32_t activation;
    uint32_t gate;
};

constexpr uint32_t GELU = 0, GELU_TANH = 1, RELU = 2;
constexpr uint32_t NO_GATE = 0, GATE_FIRST = 1;

__device__ float activated(float x, uint32_t activation) {
    switch (activation) {
    case GELU:
        return 0.5f * x * (1.f + erff(x * 0.70710678f));
    case GELU_TANH:
        return 0.5f * x * (1.f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case RELU:
        return x < 0.f ? 0.f : x; // what is no number stays so
    default:
        return x / (1.f + expf(-x));
    }
}

__device__ float4 activated4(float4 x, uint32_t activation) {
    return make_float4(activated(x.x, activation), activated(x.y, activation), activated(x.z, activation),
                       activated(x.w, activation));
}

__device__ float4 times(float4 a, float4 b) {
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

// A thread for four numbers.
template <class T>
__device__ void activate(const Activate &a) {
    const uint32_t n_fours = a.width / 4, i = blockIdx.x * blockDim.x + threadIdx.x;
    const uint32_t row = i / n_fours, column = i % n_fours * 4;
    if (row >= a.n_rows) {
        return;
    }
    const size_t stride = a.gate == NO_GATE ? a.width : 2 * a.width;
    const T *rows = static_cast<const T *>(a.rows) + row * stride + column;
    const float4 first = plus(load4<T>(rows), bias4(a.bias, column));
    float4 out;
    if (a.gate == NO_GATE) {
        out = activated4(first, a.activation);
    } else {
        const float4 last = plus(load4<T>(rows + a.width), bias4(a.bias, a.width + column));
        out = a.gate == GATE_FIRST ? times(activated4(first, a.activation), last)
                                   : times(first, activated4(last, a.activation));
    }
    store4<T>(static_cast<T *>(a.out) + static_cast<size_t>(row) * a.width + column, out);
}

// ---- heads of queries and keys: bias, norm, rotation, where they are given; values: bias

struct Turn {
    void *rows;
    const float *bias;
    const float *query_gain;
    const float *query_shift;
    const float *key_gain;
    const float *key_shift;
    const float *cosines;
    const float *sines;
    const uint32_t *places;
    uint32_t n_rows;
    uint32_t heads;
    uint32_t key_heads;
    uint32_t head_dim;
    uint32_t half;
    float eps;
    uint32_t is_rms;
};

template <class T>
__device__ float number(const T *from);

template <>
__device__ float number<__half>(const __half *from) {
    return __half2float(*from);
}

template <>
__device__ float number<__nv_bfloat16>(const __nv_bfloat16 *from) {
    return __bfloat162float(*from);
}

__device__ void put(__half *to, float x) { *to = __float2half_rn(x); }
__device__ void put(__nv_bfloat16 *to, float x) { *to = __float2bfloat16_rn(x); }

// A warp a head of a row, in place; blocks of (32, heads); shared memory: a head of f32 each.
template <class T>
__device__ void turn(const Turn &a) {
    DYNAMIC_SHARED;
    const uint32_t all_heads = a.heads + 2 * a.key_heads, lane = threadIdx.x;
    const uint32_t i = blockIdx.x * blockDim.y + threadIdx.y, row = i / all_heads, head = i % all_heads;
    if (row >= a.n_rows) {
        return;
    }
    const bool is_value = head >= a.heads + a.key_heads, is_query = head < a.heads;
    float *kept = reinterpret_cast<float *>(shared) + threadIdx.y * a.head_dim;
    float4 *fours = reinterpret_cast<float4 *>(kept);
    T *numbers = static_cast<T *>(a.rows) + (static_cast<size_t>(row) * all_heads + head) * a.head_dim;
    for (uint32_t j = lane; j < a.head_dim / 4; j += WARP) {
        fours[j] = plus(load4<T>(numbers + 4 * j), bias4(a.bias, head * a.head_dim + 4 * j));
    }
    const float *gain = is_value ? nullptr : is_query ? a.query_gain : a.key_gain;
    if (gain != nullptr) {
        const float *shift = is_query ? a.query_shift : a.key_shift;
        norm_row(fours, a.head_dim, gain, shift, a.eps, a.is_rms);
    }
    __syncwarp();
    const uint32_t half = is_value ? 0 : a.half;
    for (uint32_t j = lane; j < half; j += WARP) {
        const size_t angle = static_cast<size_t>(a.places[row]) * half + j;
        const float cosine = a.cosines[angle], sine = a.sines[angle], x = kept[j], y = kept[j + half];
        put(numbers + j, x * cosine - y * sine);
        put(numbers + j + half, x * sine + y * cosine);
    }
    for (uint32_t j = 2 * half + lane; j < a.head_dim; j += WARP) {
        put(numbers + j, kept[j]);
    }
}

// ---- attention, of texts of different lengths, without their scores in memory
// (FlashAttention-2: Dao 2023, https://arxiv.org/abs/2307.08691)

struct Attend {
    void *out;
    const void *rows;
    const float *bias;
    const float *relative;
    const uint32_t *starts;
    uint32_t heads;
    uint32_t key_heads;
    uint32_t head_dim;
    // How many heads `relative` has, [relative_heads, 2 * reach + 1]: what a key's distance adds to its score,
    // in units of the base-2 softmax.
    uint32_t relative_heads;
    uint32_t reach;
    // How far a query sees.
    int32_t behind;
    int32_t ahead;
    // What products are multiplied by, log2(e) included.
    float scale;
};

constexpr int TILE = 64; // queries of a block, and keys that it looks at together
constexpr int ATTEND_THREADS = 128;
constexpr float NOTHING = -__builtin_huge_valf();

#ifdef __CUDACC__

// sum[16, 8] += a[16, 16] b[16, 8], spread over a warp as PTX says.
template <class T>
__device__ void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);

template <>
__device__ void multiply<__half>(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <>
__device__ void multiply<__nv_bfloat16>(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8x8 matrices, transposed, out of shared memory: lane 8 m + r says where row r of matrix m is.
__device__ void load_transposed(uint32_t (&out)[4], const void *row) {
    const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

#endif

__device__ float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}

__device__ float quad_sum(float x) {
    x += __shfl_xor_sync(ALL_LANES, x, 1);
    return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

// Two numbers of a head with their bias.
template <class T>
__device__ uint32_t with_bias(uint32_t two, const float *bias, uint32_t column) {
    if (bias == nullptr) {
        return two;
    }
    const float2 x = unpack<T>(two);
    return pack<T>(x.x + bias[column], x.y + bias[column + 1]);
}

// Blocks (text, head, tile of queries) of 4 warps, 16 queries each; D is head_dim rounded up; shared memory:
// keys and values of a tile, [2, TILE, D + 8].
template <class T, int D>
__device__ void attend(const Attend &a) {
    DYNAMIC_SHARED;
    constexpr int STRIDE = D + 8; // so that the rows of a matrix lie in different banks
    T *keys = reinterpret_cast<T *>(shared), *values = keys + TILE * STRIDE;
    const uint32_t start = a.starts[blockIdx.x], head = blockIdx.y;
    const int n_tokens = static_cast<int>(a.starts[blockIdx.x + 1] - start);
    const int head_dim = static_cast<int>(a.head_dim), first = static_cast<int>(blockIdx.z) * TILE;
    if (first >= n_tokens) {
        return;
    }
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, group = lane / 4, member = lane % 4;
    const uint32_t key_head = head / (a.heads / a.key_heads);
    const uint32_t query_column = head * head_dim, key_column = (a.heads + key_head) * head_dim;
    const uint32_t value_column = (a.heads + a.key_heads + key_head) * head_dim;
    const size_t row_width = static_cast<size_t>(a.heads + 2 * a.key_heads) * head_dim;
    const T *rows = static_cast<const T *>(a.rows) + start * row_width;

    const int queries[2] = {first + warp * 16 + group, first + warp * 16 + group + 8};
    uint32_t q[D / 16][4];
    for (int step = 0; step < D / 16; ++step) {
        for (int part = 0; part < 4; ++part) {
            const int query = queries[part % 2], column = step * 16 + part / 2 * 8 + member * 2;
            q[step][part] = 0;
            if (query < n_tokens && column < head_dim) {
                const T *two = rows + query * row_width + query_column + column;
                q[step][part] =
                    with_bias<T>(*reinterpret_cast<const uint32_t *>(two), a.bias, query_column + column);
            }
        }
    }

    const int last = min(first + TILE, n_tokens) - 1;
    const int from = a.behind < first ? (first - a.behind) / TILE * TILE : 0;
    const int to = a.ahead < n_tokens - 1 - last ? last + a.ahead + 1 : n_tokens;
    const float *relative = a.relative;
    if (relative != nullptr) {
        relative += (a.relative_heads == 1 ? 0 : head) * (2 * a.reach + 1) + a.reach;
    }

    float sums[D / 8][4] = {};
    float largest[2] = {NOTHING, NOTHING}, totals[2] = {0.f, 0.f};
    for (int tile = from; tile < to; tile += TILE) {
        __syncthreads();
        for (int i = threadIdx.x; i < TILE * (D / 8); i += ATTEND_THREADS) {
            const int row = i / (D / 8), column = i % (D / 8) * 8, key = tile + row;
            uint32_t two_keys[4] = {}, two_values[4] = {};
            if (key < n_tokens && column < head_dim) {
                const T *of_key = rows + key * row_width;
                const uint4 k = *reinterpret_cast<const uint4 *>(of_key + key_column + column);
                const uint4 v = *reinterpret_cast<const uint4 *>(of_key + value_column + column);
                const uint32_t all_keys[4] = {k.x, k.y, k.z, k.w}, all_values[4] = {v.x, v.y, v.z, v.w};
                for (int j = 0; j < 4; ++j) {
                    two_keys[j] = with_bias<T>(all_keys[j], a.bias, key_column + column + 2 * j);
                    two_values[j] = with_bias<T>(all_values[j], a.bias, value_column + column + 2 * j);
                }
            }
            *reinterpret_cast<uint4 *>(keys + row * STRIDE + column) =
                make_uint4(two_keys[0], two_keys[1], two_keys[2], two_keys[3]);
            *reinterpret_cast<uint4 *>(values + row * STRIDE + column) =
                make_uint4(two_values[0], two_values[1], two_values[2], two_values[3]);
        }
        __syncthreads();

        float scores[TILE / 8][4] = {};
        for (int eight = 0; eight < TILE / 8; ++eight) {
            for (int step = 0; step < D / 16; ++step) {
                const T *two = keys + (eight * 8 + group) * STRIDE + step * 16 + member * 2;
                multiply<T>(scores[eight], q[step], *reinterpret_cast<const uint32_t *>(two),
                            *reinterpret_cast<const uint32_t *>(two + 8));
            }
        }
        float tops[2] = {largest[0], largest[1]};
        for (int eight = 0; eight < TILE / 8; ++eight) {
            for (int i = 0; i < 4; ++i) {
                const int query = queries[i / 2], key = tile + eight * 8 + member * 2 + i % 2;
                const int distance = key - query;
                const bool is_hidden = key >= n_tokens || query >= n_tokens || distance > a.ahead ||
                                       -distance > a.behind;
                float score = scores[eight][i] * a.scale;
                if (relative != nullptr && !is_hidden) {
                    score += relative[distance];
                }
                scores[eight][i] = is_hidden ? NOTHING : score;
                tops[i / 2] = fmaxf(tops[i / 2], scores[eight][i]);
            }
        }
        float bases[2], shrinks[2];
        for (int i = 0; i < 2; ++i) {
            tops[i] = quad_max(tops[i]);
            bases[i] = tops[i] == NOTHING ? 0.f : tops[i]; // nothing seen yet
            shrinks[i] = exp2f(largest[i] - bases[i]);
            largest[i] = tops[i];
            totals[i] *= shrinks[i];
        }
        for (int eight = 0; eight < D / 8; ++eight) {
            for (int i = 0; i < 4; ++i) {
                sums[eight][i] *= shrinks[i / 2];
            }
        }
        for (int eight = 0; eight < TILE / 8; ++eight) {
            for (int i = 0; i < 4; ++i) {
                scores[eight][i] = exp2f(scores[eight][i] - bases[i / 2]);
                totals[i / 2] += scores[eight][i];
            }
        }
        for (int step = 0; step < TILE / 16; ++step) {
            const float(&low)[4] = scores[2 * step], (&high)[4] = scores[2 * step + 1];
            const uint32_t weights[4] = {pack<T>(low[0], low[1]), pack<T>(low[2], low[3]),
                                         pack<T>(high[0], high[1]), pack<T>(high[2], high[3])};
            for (int sixteen = 0; sixteen < D / 16; ++sixteen) {
                const int key = step * 16 + lane % 16, column = sixteen * 16 + lane / 16 * 8;
                uint32_t v[4];
                load_transposed(v, values + key * STRIDE + column);
                multiply<T>(sums[2 * sixteen], weights, v[0], v[1]);
                multiply<T>(sums[2 * sixteen + 1], weights, v[2], v[3]);
            }
        }
    }

    T *out = static_cast<T *>(a.out) + static_cast<size_t>(start) * a.heads * head_dim + query_column;
    for (int i = 0; i < 2; ++i) {
        const float total = quad_sum(totals[i]);
        for (int eight = 0; eight < D / 8; ++eight) {
            const int column = eight * 8 + member * 2;
            if (queries[i] < n_tokens && column < head_dim) {
                T *two = out + static_cast<size_t>(queries[i]) * a.heads * head_dim + column;
                *reinterpret_cast<uint32_t *>(two) =
                    pack<T>(sums[eight][2 * i] / total, sums[eight][2 * i + 1] / total);
            }
        }
    }
}

// ---- pooling: [tokens, width] to [texts, width] of f32, in one of the ways

struct Pool {
    float *out;
    const void *rows;
    const uint32_t *starts;
    uint32_t width;
    uint32_t mode;
};

constexpr uint32_t CLS = 0, MEAN = 1, MAX = 2, MEAN_SQRT_LEN = 3, WEIGHTED_MEAN = 4;

// Blocks (text, columns), a thread a column.
template <class T>
__device__ void pool(const Pool &a) {
    const uint32_t column = blockIdx.y * blockDim.x + threadIdx.x;
    if (column >= a.width) {
        return;
    }
    const uint32_t start = a.starts[blockIdx.x], n_tokens = a.starts[blockIdx.x + 1] - start;
    const T *numbers = static_cast<const T *>(a.rows) + static_cast<size_t>(start) * a.width + column;
    float out = 0.f;
    if (n_tokens > 0) {
        const float n = static_cast<float>(n_tokens);
        if (a.mode == CLS) {
            out = number<T>(numbers);
        } else if (a.mode == MAX) {
            out = NOTHING;
            for (uint32_t i = 0; i < n_tokens; ++i) {
                const float x = number<T>(numbers + static_cast<size_t>(i) * a.width);
                out = x <= out ? out : x; // what is no number stays so
                if (x != x) {
                    break;
                }
            }
        } else if (a.mode == MEAN || a.mode == MEAN_SQRT_LEN || a.mode == WEIGHTED_MEAN) {
            for (uint32_t i = 0; i < n_tokens; ++i) {
                const float weight = a.mode == WEIGHTED_MEAN ? static_cast<float>(i + 1) : 1.f;
                out += weight * number<T>(numbers + static_cast<size_t>(i) * a.width);
            }
            out /= a.mode == MEAN ? n : a.mode == MEAN_SQRT_LEN ? sqrtf(n) : n * (n + 1.f) / 2.f;
        } else {
            out = number<T>(numbers + static_cast<size_t>(n_tokens - 1) * a.width);
        }
    }
    a.out[static_cast<size_t>(blockIdx.x) * a.width + column] = out;
}

// ---- by name

#define KERNELS(suffix, T)                                                                                   \
    KERNEL(normalise_##suffix, Normalise, 128, normalise<T>)                                                 \
    KERNEL(activate_##suffix, Activate, 256, activate<T>)                                                    \
    KERNEL(turn_##suffix, Turn, 128, turn<T>)                                                                \
    KERNEL(pool_##suffix, Pool, 128, pool<T>)                                                                \
    KERNEL(attend_##suffix##_32, Attend, ATTEND_THREADS, (attend<T, 32>))                                    \
    KERNEL(attend_##suffix##_64, Attend, ATTEND_THREADS, (attend<T, 64>))                                    \
    KERNEL(attend_##suffix##_128, Attend, ATTEND_THREADS, (attend<T, 128>))                                  \
    KERNEL(attend_##suffix##_256, Attend, ATTEND_THREADS, (attend<T, 256>))

KERNELS(f16, __half)
KERNELS(bf16, __nv_bfloat16)
