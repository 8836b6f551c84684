// Statistics of the values under polygons: one block of 256 threads a (picture, output). Sums go pairwise in a fixed
// order; percentiles are exact: the value of a rank is found byte by byte from histograms of ordered bit patterns.
#include "scan.cuh"

struct Region {
  const double* values;  // (count)
  const u8* inside;      // (count) 1: valid and under the polygon; null: what is not NaN
  double* result;        // count, mean, std, min, max, p10, median, p90
  s64 count;
};

struct StatisticsMemory {
  u32 histogram[256];
  double sums[256];
  u64 prefix;
  u32 rank;
};

// Bit pattern that sorts as the number does.
DEVICE u64 ordered(double value) {
  const u64 bits = (u64)__double_as_longlong(value);
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}
DEVICE double unordered(u64 key) {
  return __longlong_as_double((s64)(key >> 63 ? key & ~(1ull << 63) : ~key));
}

DEVICE bool counts(const Region& region, s64 i) {
  const double value = __ldg(region.values + i);
  return value == value && (region.inside == nullptr || __ldg(region.inside + i) != 0);
}

// Sum over the block in a fixed order; every thread gets it.
DEVICE double block_sum(StatisticsMemory& memory, double value) {
  __syncthreads();
  memory.sums[threadIdx.x] = value;
  for (int half = 128; half > 0; half >>= 1) {
    __syncthreads();
    if ((int)threadIdx.x < half) memory.sums[threadIdx.x] += memory.sums[threadIdx.x + half];
  }
  __syncthreads();
  return memory.sums[0];
}

// The value of a rank (0: the smallest): eight rounds, each fixes one more byte of the key.
DEVICE_CALL double select(const Region& region, StatisticsMemory& memory, u32 rank) {
  if (threadIdx.x == 0) {
    memory.prefix = 0;
    memory.rank = rank;
  }
  for (int shift = 56; shift >= 0; shift -= 8) {
    memory.histogram[threadIdx.x] = 0;
    __syncthreads();
    const u64 prefix = memory.prefix;
    for (s64 i = threadIdx.x; i < region.count; i += 256) {
      if (!counts(region, i)) continue;
      const u64 key = ordered(__ldg(region.values + i));
      if (shift == 56 || key >> (shift + 8) == prefix) atomicAdd(&memory.histogram[key >> shift & 255], 1u);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      u32 left = memory.rank;
      int byte = 0;
      while (byte < 255 && left >= memory.histogram[byte]) left -= memory.histogram[byte++];
      memory.rank = left;
      memory.prefix = prefix << 8 | (u64)byte;
    }
    __syncthreads();
  }
  const double value = unordered(memory.prefix);
  __syncthreads();  // read before the next call starts anew
  return value;
}

// The quantile q by linear interpolation between ranks, as numpy.percentile's default.
DEVICE double quantile(const Region& region, StatisticsMemory& memory, u32 count, double q) {
  const double place = q * (count - 1);
  const u32 below = (u32)place;
  const double low = select(region, memory, below);
  if ((double)below == place) return low;
  const double high = select(region, memory, below + 1), part = place - below;
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1.0 - part);
}

extern "C" __global__ void __launch_bounds__(256) statistics(const Region* regions) {
  SHARED(StatisticsMemory, memory);
  const Region& region = regions[blockIdx.x];
  double found = 0.0, sum = 0.0, squares = 0.0;
  for (s64 i = threadIdx.x; i < region.count; i += 256)
    if (counts(region, i)) {
      found += 1.0;
      sum += __ldg(region.values + i);
    }
  const double count = block_sum(memory, found), mean = block_sum(memory, sum) / count;
  if (threadIdx.x == 0) region.result[0] = count;
  if (count == 0.0) {
    if (threadIdx.x > 0 && threadIdx.x < 8) region.result[threadIdx.x] = nan("");
    return;
  }
  for (s64 i = threadIdx.x; i < region.count; i += 256)
    if (counts(region, i)) {
      const double off = __ldg(region.values + i) - mean;
      squares += off * off;
    }
  const double deviation = sqrt(block_sum(memory, squares) / count);
  const u32 last = (u32)count - 1;
  const double lowest = select(region, memory, 0), highest = select(region, memory, last);
  const double p10 = quantile(region, memory, (u32)count, 0.1);
  const double middle = quantile(region, memory, (u32)count, 0.5);
  const double p90 = quantile(region, memory, (u32)count, 0.9);
  if (threadIdx.x > 0) return;
  region.result[1] = mean;
  region.result[2] = deviation;
  region.result[3] = lowest;
  region.result[4] = highest;
  region.result[5] = p10;
  region.result[6] = middle;
  region.result[7] = p90;
}
