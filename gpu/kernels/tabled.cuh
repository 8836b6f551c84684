// Plain bands of 8 or 16 bits, the nearest pixel: stored values straight to colour bytes by look-up tables, without
// a number in float64 but the place. What a tile of natural colours is. -DTABLED; the text before this file defines
// BAND(output), the variable of each output, and USED, the bits of all of them.
#pragma once
#include "colour.cuh"

// The colour bytes of a layer's variables, eight bits each, and in `known` the bits of those that are valid.
DEVICE u32 bytes_of(const Job& job, const Layer& layer, int column, int row, u32& known) {
  u32 bytes = 0;
  int x = 0, y = 0;
  bool located = false, placed = false;
  known = 0;
#pragma unroll
  for (int v = 0; v < VARIABLES; v++) {
    const Source& source = job.sources[layer.first_source + v];
    if (source.pixels == nullptr) {
      located = located && source.same_place;
      continue;
    }
    if (!located || !source.same_place) {
      const Place place = locate(source, column, row);
      x = (int)floor(place.x + 1e-10);
      y = (int)floor(place.y + 1e-10);
      placed = place.known;
    }
    located = true;
    double value;
    if (!placed || !inside(source, x, y) || !fetch(source, x, y, value)) continue;
    bytes |= (u32)__ldg(source.table + ((int)value - source.table_low)) << (8 * v);
    known |= 1u << v;
  }
  return bytes;
}

// RGBA of a pixel: that of the first layer which is not hidden and has a valid variable; 0 is transparent.
DEVICE u32 tabled(const Job& job, int column, int row) {
#pragma unroll 1
  for (int i = 0; i < job.layer_count; i++) {
    const Layer& layer = job.layers[i];
    if (is_hidden(job, layer, column, row)) continue;
    u32 known;
    const u32 bytes = bytes_of(job, layer, column, row, known);
    if ((known & USED) == 0) continue;
    u32 rgba = OPAQUE;
#pragma unroll
    for (int channel = 0; channel < 3; channel++) {
      u32 byte = bytes >> (8 * BAND(OUTPUTS == 1 ? 0 : channel)) & 255;  // not valid is 0
      if (job.curves != nullptr) byte = __ldg(job.curves + channel * 256 + byte);
      rgba |= byte << (8 * channel);
    }
    return rgba;
  }
  return 0;
}
