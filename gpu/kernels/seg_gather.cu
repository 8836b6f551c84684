// Headers and intervals into the final files, in device or in pinned host memory. One warp an interval; sixteen
// bytes a lane and store, shifted to the alignment of the target.
#include "jpeg.cuh"

// The header of all files of a batch, with the frame size (big endian height, width at `size_at`) filled in.
DEVICE void write_header(const Image& image, const u8* header, int length, int size_at, u8* out, int lane) {
  for (int i = lane; i < length; i += 32) {
    const int k = i - size_at;
    u8 byte = __ldg(header + i);
    if (k == 0) byte = (u8)(image.height >> 8);
    if (k == 1) byte = (u8)image.height;
    if (k == 2) byte = (u8)(image.width >> 8);
    if (k == 3) byte = (u8)image.width;
    out[i] = byte;
  }
}

extern "C" __global__ void __launch_bounds__(256)
    seg_gather(const Image* images, const s32* interval_image, const u8* scratch, const u32* offsets,
               const u32* lengths, const u32* positions, const u8* header, int header_length, int size_at, u8* out,
               u32 capacity, u32 scratch_capacity, int intervals) {
  const int interval = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (interval >= intervals) return;
  const Image& image = images[interval_image[interval]];
  const u32 position = positions[interval], length = lengths[interval];
  if ((u64)position + length > capacity) return;
  if ((u64)offsets[interval] + length > scratch_capacity) return;  // never written: the caller asks again
  if (image.first_interval == interval)
    write_header(image, header, header_length, size_at, out + position - header_length, lane);
  const u8* source = scratch + offsets[interval];  // 16-byte aligned
  u8* target = out + position;
  const u32 head = min(length, (u32)(-(s64)(u64)target & 15));
  if (lane < (int)head) target[lane] = source[lane];
  const u32 vectors = (length - head) >> 4, shift = (head & 3) * 8;
  for (u32 i = lane; i < vectors; i += 32) {
    const u32* words = (const u32*)(source + ((head + 16 * i) & ~3u));
    const u32 a = words[0], b = words[1], c = words[2], d = words[3], e = shift ? words[4] : 0;
    uint4 vector;
    vector.x = __funnelshift_r(a, b, shift);
    vector.y = __funnelshift_r(b, c, shift);
    vector.z = __funnelshift_r(c, d, shift);
    vector.w = __funnelshift_r(d, e, shift);
    *(uint4*)(target + head + 16 * i) = vector;
  }
  const u32 done = head + 16 * vectors;
  if (done + lane < length) target[done + lane] = source[done + lane];
}
