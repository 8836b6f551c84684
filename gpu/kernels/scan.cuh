// Sums over a thread block.
#pragma once
#include "types.cuh"

// Exclusive sum of `value` over the block, and the total. Every thread must call; `sums` is shared, 32 places.
template <typename T> DEVICE T block_scan(T value, T* sums, T& total) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
  T inclusive = value;
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    T other = __shfl_up_sync(0xffffffffu, inclusive, step);
    if (lane >= step) inclusive += other;
  }
  __syncthreads();  // the sums of the call before have been read
  if (lane == 31) sums[warp] = inclusive;
  __syncthreads();
  T before = 0;
  total = 0;
  for (int i = 0; i < warps; i++) {
    if (i < warp) before += sums[i];
    total += sums[i];
  }
  return before + inclusive - value;
}
