// One source on the output grid: stored values in the source's own type (0 where invalid) and their validity.
// One thread a pixel, 32 x 8 pixels a block, grid (columns / 32, rows / 8).
#include "sample.cuh"

extern "C" __global__ void __launch_bounds__(256)
    warp(const Source* sources, int resampling, int width, int height, u8* pixels, u8* valid) {
  const int column = blockIdx.x * 32 + (threadIdx.x & 31), row = blockIdx.y * 8 + (threadIdx.x >> 5);
  if (column >= width || row >= height) return;
  const Source& source = sources[0];
  double value = 0.0;
  const bool found = sample(source, locate(source, column, row), column, row, resampling, value);
  if (!found) value = 0.0;
  const s64 place = (s64)row * width + column;
  valid[place] = found;
  switch (source.type) {
    case UINT8: pixels[place] = (u8)value; break;
    case INT8: ((s8*)pixels)[place] = (s8)value; break;
    case UINT16: ((u16*)pixels)[place] = (u16)value; break;
    case INT16: ((s16*)pixels)[place] = (s16)value; break;
    case UINT32: ((u32*)pixels)[place] = (u32)value; break;
    case INT32: ((s32*)pixels)[place] = (s32)value; break;
    case FLOAT32: ((float*)pixels)[place] = (float)value; break;
    default: ((double*)pixels)[place] = value;
  }
}
