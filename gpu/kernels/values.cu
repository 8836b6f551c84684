// Physical values before any colour: (outputs, height, width) and their validity. One thread a pixel,
// 32 x 8 pixels a block, grid (columns / 32, rows / 8, jobs). An output without a value is NaN.
#include "compose.cuh"

extern "C" __global__ void __launch_bounds__(256) values(const Job* jobs) {
  const Job& job = jobs[blockIdx.z];
  const int column = blockIdx.x * 32 + (threadIdx.x & 31), row = blockIdx.y * 8 + (threadIdx.x >> 5);
  if (column >= job.width || row >= job.height) return;
  double outputs[MAX_OUTPUTS];
  const Layer* layer = nullptr;
  const u32 known = compose(job, column, row, outputs, layer);
  const s64 plane = (s64)job.width * job.height, place = (s64)row * job.width + column;
  for (int o = 0; o < job.outputs; o++) job.values[o * plane + place] = known >> o & 1 ? outputs[o] : nan("");
  job.valid[place] = known != 0;
}
