// Where each interval and each file begins in the output: one block of 1024 threads sums the lengths. A picture's
// header precedes its first interval, a later stripe has none. starts[pictures] is the number of bytes of all files.
#include "jpeg.cuh"

struct ScanMemory {
  u32 sums[32];
};

extern "C" __global__ void __launch_bounds__(1024)
    seg_scan(const Image* images, const s32* interval_image, const u32* lengths, u32* positions, u32* starts,
             int intervals, int pictures, int header_length) {
  SHARED(ScanMemory, memory);
  const int each = (intervals + 1023) / 1024;
  const int begin = min((int)threadIdx.x * each, intervals), end = min(begin + each, intervals);
  u32 sum = 0, total;
  for (int i = begin; i < end; i++)
    sum += lengths[i] + (images[interval_image[i]].first_interval == i ? header_length : 0);
  u32 position = block_scan(sum, memory.sums, total);
  for (int i = begin; i < end; i++) {
    const int picture = interval_image[i];
    if (i == 0 || interval_image[i - 1] != picture) starts[picture] = position;
    if (images[picture].first_interval == i) position += header_length;
    positions[i] = position;
    position += lengths[i];
  }
  if (threadIdx.x == 0) starts[pictures] = total;
}
