// Layers to the physical outputs of one pixel: sampling, masks, band maths, reducers.
// -DREDUCED=0 leaves the stack reducers out at compile time. -DSPECIALISED: the text before this file defines
// OUTPUT(output, b), the band maths of this recipe; without it the postfix program is interpreted.
#pragma once
#include "expression.cuh"
#include "sample.cuh"

#ifdef SPECIALISED
#define UNROLLED 32
#else
#define UNROLLED 1
#endif
#ifdef RESAMPLING
#define RESAMPLING_OF(job) RESAMPLING
#else
#define RESAMPLING_OF(job) (job).resampling
#endif
#ifndef VARIABLES
#define VARIABLES MAX_VARIABLES
#define VARIABLES_OF(job) (job).variables
#else
#define VARIABLES_OF(job) VARIABLES
#endif

#ifdef OUTPUTS
#define OUTPUTS_OF(job) OUTPUTS
#else
#define OUTPUTS_OF(job) (job).outputs
#endif

DEVICE double evaluate(const Job& job, int output, const double* b) {
#ifdef SPECIALISED
  return OUTPUT(output, b);
#else
  if (job.plain) return b[__ffs((int)job.used[output]) - 1];
  const int begin = output == 0 ? 0 : job.program_end[output - 1];
  return interpret(job.program + begin, job.program + job.program_end[output], b);
#endif
}

// Stored to physical.
DEVICE double physical(const Source& source, double value) {
  if (source.scale == 1.0 && source.offset == 0.0) return value;
  return value * source.scale + source.offset;
}

// Is the pixel of this layer behind a cloud, by its mask?
DEVICE bool is_hidden(const Job& job, const Layer& layer, int column, int row) {
  if (layer.hidden == nullptr) return false;
  const Source& mask = job.sources[layer.mask];
  if (mask.pixels == nullptr) return false;
  const Place place = locate(mask, column, row);
  double value;
  if (!place.known || !nearest<true>(mask, place, value)) return false;
  return __ldg(layer.hidden + (int)fmin(fmax(value, 0.0), 65535.0)) != 0;
}

// The variables `used` (bit v) of a layer into b; returns the bits of those that are valid.
DEVICE u32 read_layer(const Job& job, const Layer& layer, int column, int row, u32 used, double* b) {
  u32 known = 0;
  Place place = {0.0, 0.0, false};
  bool located = false;
#pragma unroll UNROLLED
  for (int v = 0; v < VARIABLES; v++) {
    if (v >= VARIABLES_OF(job)) break;
    const Source& source = job.sources[layer.first_source + v];
    if (source.pixels == nullptr || (used >> v & 1) == 0) {
      located = located && source.same_place;
      continue;
    }
    if (!located || !source.same_place) place = locate(source, column, row);
    located = true;
    double value;
    if (!sample(source, place, column, row, RESAMPLING_OF(job), value)) continue;
    b[v] = job.physical ? physical(source, value) : value;
    known |= 1u << v;
  }
  return known;
}

// The middle of values[0 .. count), which are sorted in place.
DEVICE_CALL double median(double* values, int count) {
  for (int i = 1; i < count; i++) {
    const double value = values[i];
    int j = i;
    for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
    values[j] = value;
  }
  return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

// One output over all layers that have it; false: no layer has.
DEVICE_CALL bool reduce(const Job& job, int output, int column, int row, double* value) {
  const u32 used = job.used[output];
  const int reducer = job.reducers[output];
  double b[VARIABLES], stack[MAX_LAYERS], result = 0.0;
  int count = 0;
  for (int i = 0; i < job.layer_count; i++) {
    const Layer& layer = job.layers[i];
    if (is_hidden(job, layer, column, row)) continue;
    if (read_layer(job, layer, column, row, used, b) != used) continue;
    const double next = evaluate(job, output, b);
    if (!isfinite(next)) continue;
    if (reducer == MEDIAN) stack[count] = next;
    else if (count == 0) result = next;
    else if (reducer == MEAN) result += next;
    else if (reducer == MAXIMUM) result = fmax(result, next);
    else if (reducer == MINIMUM) result = fmin(result, next);
    count++;
    if (reducer == FIRST) break;
  }
  if (count == 0) return false;
  if (reducer == MEDIAN) result = median(stack, count);
  if (reducer == MEAN) result /= count;
  *value = result;
  return true;
}

// All outputs of one layer's pixel into `outputs`; returns the bits of those that have a value. A pixel of
// plain bands is valid where any of them is, one of band maths where every variable and output is.
DEVICE u32 outputs_of(const Job& job, const Layer& layer, int column, int row, double* outputs) {
  const u32 every = OUTPUTS_OF(job) >= 32 ? 0xffffffffu : (1u << OUTPUTS_OF(job)) - 1;
  double b[VARIABLES];
  const u32 variables = read_layer(job, layer, column, row, job.used[MAX_OUTPUTS], b);
  if (variables == 0 && job.used[MAX_OUTPUTS] != 0) return 0;
  u32 known = 0;
#pragma unroll UNROLLED
  for (int o = 0; o < OUTPUTS_OF(job); o++) {
    if ((variables & job.used[o]) != job.used[o]) continue;
    outputs[o] = evaluate(job, o, b);
    if (isfinite(outputs[o])) known |= 1u << o;
  }
  return job.plain || known == every ? known : 0;
}

#ifdef REDUCED
#define REDUCED_OF(job) REDUCED
#else
#define REDUCED_OF(job) (job).reduced
#endif

// All outputs of a pixel after layers and reducers, and the bits of those that have a value; 0: it is invalid.
// `layer` is the one on top, when no reducer mixes them.
DEVICE u32 compose(const Job& job, int column, int row, double* outputs, const Layer*& layer) {
  u32 known = 0;
  if (REDUCED_OF(job)) {
    for (int o = 0; o < OUTPUTS_OF(job); o++) {
      if (reduce(job, o, column, row, outputs + o)) known |= 1u << o;
      else if (!job.plain) return 0;
    }
    return known;
  }
#pragma unroll 1
  for (int i = 0; i < job.layer_count && known == 0; i++) {
    layer = job.layers + i;
    if (!is_hidden(job, *layer, column, row)) known = outputs_of(job, *layer, column, row, outputs);
  }
  return known;
}
