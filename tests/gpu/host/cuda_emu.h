// CUDA C++ on the host: the keywords, vector types and intrinsics that our kernels use. Kernels compile unchanged but
// for SHARED(Type, name), which is __shared__ on a GPU.
#pragma once
#define EMULATED 1
#include "launch.h"
#include <cmath>

#define EMU_VECTOR2(T, N) struct alignas(2 * sizeof(T)) N##2 { T x, y; };
#define EMU_VECTOR4(T, N) struct alignas(4 * sizeof(T)) N##4 { T x, y, z, w; };
EMU_VECTOR2(unsigned, uint)
EMU_VECTOR4(unsigned, uint)

#define __global__
#define __device__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__
#define __launch_bounds__(...)
#define SHARED(Type, name) Type& name = emu::SharedOf<Type, decltype([] {})>::get()
#define threadIdx (emu::thread_index())
#define blockIdx (emu::block_index())
#define blockDim (emu::block_size())
#define gridDim (emu::grid_size())

#define __syncthreads() emu::barrier(__FILE__, __LINE__)
#define __syncwarp() emu::in_warp(emu::SYNC, 0xffffffffu, 0, 0, 32, __FILE__, __LINE__)
template <class T> static inline T emu_shuffle(emu::Op op, unsigned mask, T value, int by, int width) {
  return emu::from_bits<T>(emu::in_warp(op, mask, emu::to_bits(value), by, width, "shuffle", 0));
}
template <class T> static inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  return emu_shuffle(emu::UP, mask, value, (int)by, width);
}
template <class T> static inline T __shfl_xor_sync(unsigned mask, T value, int by, int width = 32) {
  return emu_shuffle(emu::XOR, mask, value, by, width);
}
static inline unsigned __ballot_sync(unsigned mask, int vote) {
  return (unsigned)emu::in_warp(emu::BALLOT, mask, vote != 0, 0, 32, "ballot", 0);
}

template <class T> static inline T atomicAdd(T* p, std::common_type_t<T> v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
template <class T> static inline T atomicOr(T* p, std::common_type_t<T> v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }

static inline int __clz(int v) { return v ? __builtin_clz((unsigned)v) : 32; }
static inline int __clzll(long long v) { return v ? __builtin_clzll((unsigned long long)v) : 64; }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline int __ffsll(long long v) { return __builtin_ffsll(v); }
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  shift &= 31;
  return shift ? low >> shift | high << (32 - shift) : low;
}
static inline long long __double_as_longlong(double v) { return emu::from_bits<long long>(emu::to_bits(v)); }
static inline double __longlong_as_double(long long v) { return emu::from_bits<double>(emu::to_bits(v)); }
template <class T> static inline T __ldg(const T* p) { return *p; }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
static inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
using std::isfinite;
