// Where an output pixel lies in a source, and the stored value there: GDAL's rules, in float64.
// -DPIXEL=n and -DRESAMPLING=n fix the pixel type and the method at compile time; without them the job decides.
#pragma once
#include "types.cuh"

#ifdef PIXEL
#define PIXEL_OF(source) PIXEL
#else
#define PIXEL_OF(source) (source).type
#endif

struct Place {
  double x, y;
  bool known;  // false: the output pixel has no place in the source
};

// The last segment of the row whose start is <= column gives x and y; pixel (0, 0) has its centre at (0.5, 0.5).
DEVICE Place locate(const Source& source, int column, int row) {
  if (source.segments == nullptr) return {column + 0.5, row + 0.5, true};
  int low = (int)__ldg(source.first + row), high = (int)__ldg(source.first + row + 1);
  const double* segment = source.segments + (s64)low * 5;
  if (low >= high || __ldg(segment) > column) return {0.0, 0.0, false};
  while (high - low > 1) {
    const int middle = (low + high) >> 1;
    const double* candidate = source.segments + (s64)middle * 5;
    if (__ldg(candidate) <= column) {
      low = middle;
      segment = candidate;
    } else {
      high = middle;
    }
  }
  const double steps = column - __ldg(segment);
  const double x = __ldg(segment + 1) + __ldg(segment + 2) * steps;
  const double y = __ldg(segment + 3) + __ldg(segment + 4) * steps;
  // Far beyond every image (and NaN) is nowhere: the conversion to an index below stays defined.
  return {x, y, fabs(x) < 1e9 && fabs(y) < 1e9};
}

// The stored value of a pixel inside the source; false: nodata or masked. MASK: a type of its own, known at run time.
template <bool MASK = false> DEVICE bool fetch(const Source& source, int x, int y, double& value) {
  const u8* at = source.pixels + (s64)y * source.pitch;
  switch (MASK ? source.type : PIXEL_OF(source)) {
    case UINT8: value = __ldg(at + x); break;
    case INT8: value = __ldg((const s8*)at + x); break;
    case UINT16: value = __ldg((const u16*)at + x); break;
    case INT16: value = __ldg((const s16*)at + x); break;
    case UINT32: value = __ldg((const u32*)at + x); break;
    case INT32: value = __ldg((const s32*)at + x); break;
    case FLOAT32: value = __ldg((const float*)at + x); break;
    default: value = __ldg((const double*)at + x);
  }
  if (source.has_nodata && value == source.nodata) return false;
  if (source.valid != nullptr && __ldg(source.valid + (s64)y * source.width + x) == 0) return false;
  return value == value;
}

DEVICE bool inside(const Source& source, int x, int y) {
  return (u32)x < (u32)source.width && (u32)y < (u32)source.height;
}

template <bool MASK = false> DEVICE bool nearest(const Source& source, Place place, double& value) {
  const int x = (int)floor(place.x + 1e-10), y = (int)floor(place.y + 1e-10);
  return inside(source, x, y) && fetch<MASK>(source, x, y, value);
}

// Weights of the four pixels around t in [0, 1) of the second: Catmull-Rom, GDAL's "cubic".
DEVICE double cubic_weight(double t) {
  t = fabs(t);
  if (t <= 1.0) return (1.5 * t - 2.5) * t * t + 1.0;
  if (t <= 2.0) return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0;
  return 0.0;
}

DEVICE double linear_weight(double t) {
  t = fabs(t);
  return t < 1.0 ? 1.0 - t : 0.0;
}

// Weighted mean of the valid pixels [x0, x1] x [y0, y1] around the centre; false: no weight. `complete` tells
// whether every pixel was there.
template <bool CUBIC_KERNEL>
DEVICE bool weighted(const Source& source, double u, double v, int x0, int x1, int y0, int y1, double scale_x,
                     double scale_y, double& value, bool& complete) {
  double sum = 0.0, weights = 0.0;
  complete = true;
#pragma unroll 1
  for (int y = y0; y <= y1; y++) {
    const double dy = (y - v) * scale_y, wy = CUBIC_KERNEL ? cubic_weight(dy) : linear_weight(dy);
#pragma unroll 1
    for (int x = x0; x <= x1; x++) {
      double pixel;
      if (!inside(source, x, y) || !fetch(source, x, y, pixel)) {
        complete = false;
        continue;
      }
      const double dx = (x - u) * scale_x;
      const double weight = (CUBIC_KERNEL ? cubic_weight(dx) : linear_weight(dx)) * wy;
      sum += pixel * weight;
      weights += weight;
    }
  }
  value = sum / weights;
  return weights >= 1e-6;
}

// Where the stretch along x and y of the kernels of an output pixel is.
DEVICE const double* stretch_of(const Source& source, int column, int row) {
  if (source.pieces == nullptr) return source.stretch;
  return source.pieces + 2 * (row / PIECE_ROWS * source.pieces_across + column / PIECE_COLUMNS);
}

// Bilinear or cubic. As GDAL: only where the nearest pixel is valid; below a stretch of 0.95 the kernel widens;
// cubic falls back to bilinear where one of its sixteen pixels is missing.
DEVICE_CALL bool smooth(const Source& source, Place place, const double* stretch, bool cubic, double& value) {
  double centre;
  if (!nearest(source, place, centre)) return false;
  const double u = place.x - 0.5, v = place.y - 0.5;
  const int x = (int)floor(u), y = (int)floor(v);
  const double stretch_x = __ldg(stretch), stretch_y = __ldg(stretch + 1);
  bool complete;
  if (stretch_x >= 0.95 && stretch_y >= 0.95) {
    if (cubic && weighted<true>(source, u, v, x - 1, x + 2, y - 1, y + 2, 1.0, 1.0, value, complete) && complete)
      return true;
    return weighted<false>(source, u, v, x, x + 1, y, y + 1, 1.0, 1.0, value, complete);
  }
  const double sx = fmin(stretch_x, 1.0), sy = fmin(stretch_y, 1.0);
  const int rx = (int)ceil((cubic ? 2.0 : 1.0) / sx), ry = (int)ceil((cubic ? 2.0 : 1.0) / sy);
  const int x0 = max(x - rx, 0), x1 = min(x + rx, source.width - 1);
  const int y0 = max(y - ry, 0), y1 = min(y + ry, source.height - 1);
  return cubic ? weighted<true>(source, u, v, x0, x1, y0, y1, sx, sy, value, complete)
               : weighted<false>(source, u, v, x0, x1, y0, y1, sx, sy, value, complete);
}

// Mean of the valid pixels under the output pixel, by the share of each that is covered.
DEVICE_CALL bool average(const Source& source, Place place, double& value) {
  const double half_x = 0.5 / source.stretch[0], half_y = 0.5 / source.stretch[1];
  const double left = place.x - half_x, right = place.x + half_x, top = place.y - half_y, bottom = place.y + half_y;
  const int x0 = max((int)floor(left + 1e-10), 0), x1 = min((int)ceil(right - 1e-10), source.width);
  const int y0 = max((int)floor(top + 1e-10), 0), y1 = min((int)ceil(bottom - 1e-10), source.height);
  double sum = 0.0, weights = 0.0;
#pragma unroll 1
  for (int y = y0; y < y1; y++) {
    const double wy = fmin(bottom, y + 1.0) - fmax(top, (double)y);
#pragma unroll 1
    for (int x = x0; x < x1; x++) {
      double pixel;
      if (!fetch(source, x, y, pixel)) continue;
      const double weight = (fmin(right, x + 1.0) - fmax(left, (double)x)) * wy;
      sum += pixel * weight;
      weights += weight;
    }
  }
  value = sum / weights;
  return weights > 1e-6;
}

// The nearest integer that the pixel type can hold, halves upwards, as GDAL writes it.
DEVICE double stored(int type, double value) {
  double low, high;
  switch (type) {
    case UINT8: low = 0.0; high = 255.0; break;
    case INT8: low = -128.0; high = 127.0; break;
    case UINT16: low = 0.0; high = 65535.0; break;
    case INT16: low = -32768.0; high = 32767.0; break;
    case UINT32: low = 0.0; high = 4294967295.0; break;
    case INT32: low = -2147483648.0; high = 2147483647.0; break;
    case FLOAT32: return (double)(float)value;
    default: return value;
  }
  return fmin(fmax(floor(value + 0.5), low), high);
}

// The stored value of `source` at the place of an output pixel; false: invalid.
DEVICE bool sample(const Source& source, Place place, int column, int row, int resampling, double& value) {
  if (source.pixels == nullptr || !place.known) return false;
  if (resampling == NEAREST || source.segments == nullptr) return nearest(source, place, value);
  const bool found = resampling == AVERAGE
                         ? average(source, place, value)
                         : smooth(source, place, stretch_of(source, column, row), resampling == CUBIC, value);
  if (found) value = stored(PIXEL_OF(source), value);
  return found;
}
