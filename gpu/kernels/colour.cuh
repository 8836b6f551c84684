// Physical outputs to RGBA: rescale, colour formula, ramps, classes, intervals.
#pragma once
#include "compose.cuh"

#ifdef MODE  // ColourMode, fixed at compile time
#define MODE_OF(job) MODE
#else
#define MODE_OF(job) (job).mode
#endif

constexpr u32 OPAQUE = 0xff000000u;

// As rio-tiler: linear in float64, then truncated to a byte. Masked (not known) is 0.
DEVICE u32 rescaled(const double* range, double value) {
  const double low = __ldg(range), high = __ldg(range + 1);
  const double clipped = fmin(fmax(value, low), high);
  const double scaled = (clipped - low) / (high - low) * 255.0;
  return scaled > 0.0 ? (u32)fmin(scaled, 255.0) : 0u;
}

// The byte of one output; `layer` has the look-up tables of stored values, when the job has them.
DEVICE u32 byte_of(const Job& job, const Layer* layer, int output, u32 known, double value) {
  if ((known >> output & 1) == 0) return 0;
  if (!job.physical && layer != nullptr) {
    const int variable = __ffs((int)job.used[output]) - 1;
    const Source& source = job.sources[layer->first_source + variable];
    if (source.table != nullptr) return __ldg(source.table + ((int)value - source.table_low));
  }
  return rescaled(job.ranges + 2 * output, value);
}

// Place of a class by its value, -1: no class.
DEVICE int class_of(const Job& job, double value) {
  int low = 0, high = job.palette_size - 1;
  while (low <= high) {
    const int middle = (low + high) >> 1;
    const double key = __ldg(job.keys + middle);
    if (key == value) return middle;
    if (key < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

// The first interval that holds the value, -1: none.
DEVICE int interval_of(const Job& job, double value) {
  for (int i = 0; i < job.palette_size; i++)
    if (value >= __ldg(job.ranges + 2 * i) && value < __ldg(job.ranges + 2 * i + 1)) return i;
  return -1;
}

// RGBA of a pixel; `index` is its place in the palette (0 where there is none). 0 is transparent.
DEVICE u32 colour(const Job& job, const Layer* layer, u32 known, const double* outputs, u32& index) {
  index = 0;
  if (known == 0) return 0;
  if (MODE_OF(job) == RGB) {
    u32 rgba = OPAQUE;
    for (int channel = 0; channel < 3; channel++) {
      const int output = OUTPUTS_OF(job) == 1 ? 0 : channel;  // one output is grey
      u32 byte = byte_of(job, layer, output, known, outputs[output]);
      if (job.curves != nullptr) byte = __ldg(job.curves + channel * 256 + byte);
      rgba |= byte << (8 * channel);
    }
    return rgba;
  }
  int place;
  if (MODE_OF(job) == RAMP) place = (int)byte_of(job, layer, 0, known, outputs[0]);
  else if (MODE_OF(job) == CLASSES) place = class_of(job, outputs[0]);
  else place = interval_of(job, outputs[0]);
  if (place < 0) return 0;
  index = (u32)place;
  const u32 rgba = __ldg(job.palette + place);
  return rgba >> 24 ? rgba : 0;
}
