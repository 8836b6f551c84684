// Pictures: warp, band maths, reducers and colours in one pass. One thread a pixel, 32 x 8 pixels a block,
// grid (columns / 32, rows / 8, jobs). A job may be a stripe of a picture: `height` rows from row `top` on.
#include "colour.cuh"
#ifdef TABLED
#include "tabled.cuh"
#endif

#ifdef OUTPUTS
constexpr int PLACES = OUTPUTS;
#else
constexpr int PLACES = 3;
#endif

extern "C" __global__ void __launch_bounds__(256) shade(const Job* jobs) {
  const Job& job = jobs[blockIdx.z];
  const int lane = threadIdx.x & 31;
  const int column = blockIdx.x * 32 + lane, row = blockIdx.y * 8 + (threadIdx.x >> 5);
  u32 rgba = 0;
  const bool here = column < job.width && row < job.height;
  if (here) {
    u32 index = 0;
#ifdef TABLED
    rgba = tabled(job, column, job.top + row);
#else
    double outputs[PLACES];
    const Layer* layer = nullptr;
    const u32 known = compose(job, column, job.top + row, outputs, layer);
    rgba = colour(job, layer, known, outputs, index);
#endif
    const s64 place = (s64)row * job.width + column;
    job.pixels[place] = rgba;
    if (job.indices != nullptr) job.indices[place] = (u8)index;
  }
  const bool counted = here && row >= job.fresh;
  const u32 visible = __ballot_sync(0xffffffffu, counted && rgba >> 24 != 0);
  const u32 opaque = __ballot_sync(0xffffffffu, counted && rgba >> 24 == 255);
  if (lane == 0 && visible) {
    atomicAdd(job.counts, (u32)__popc(visible));
    if (opaque) atomicAdd(job.counts + 1, (u32)__popc(opaque));
  }
}
