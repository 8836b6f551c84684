// Words, and the descriptors that gpu/cuda/descriptors.py fills; the layouts there and here must agree.
// Host emulation (tests/gpu/host) compiles the same files: SHARED is the one thing that differs.
#pragma once

#ifndef EMULATED
#define SHARED(Type, name) __shared__ Type name
#endif
#define DEVICE static __device__ __forceinline__
#define DEVICE_CALL static __device__ __noinline__
#define METHOD __device__ __forceinline__

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;

constexpr int MAX_VARIABLES = 32;  // bands of one recipe
constexpr int MAX_OUTPUTS = 32;    // expressions of one recipe
constexpr int MAX_LAYERS = 64;     // dates that a median can hold
constexpr int PIECE_ROWS = 128;    // of a picture; each piece may have a stretch of its own
constexpr int PIECE_COLUMNS = 512;

enum PixelType { UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, FLOAT64 };
enum Resampling { NEAREST, BILINEAR, CUBIC, AVERAGE };
enum Reducer { FIRST, MEDIAN, MEAN, MAXIMUM, MINIMUM };
enum ColourMode { RGB, RAMP, CLASSES, INTERVALS };

// One band's pixels around a picture, and where each output pixel lies in them.
struct Source {
  const u8* pixels;        // null: nothing here
  const u8* valid;         // (height, width) bytes, 0 is invalid; null: only nodata decides
  const double* segments;  // (count, 5): start column, x0, dx, y0, dy; null: pixels lie one to one
  const s64* first;        // (output height + 1): index of each row's first segment
  const u8* table;         // colour byte of each stored value, from `table_low`; null: computed
  const double* pieces;    // (down, across, 2): stretch of each piece; null: `stretch` is that of all
  s64 pitch;               // bytes from row to row
  double nodata, scale, offset;
  double stretch[2];       // output pixels per source pixel, along x and y
  s32 width, height;
  s32 type;                // PixelType
  s32 has_nodata;
  s32 same_place;          // 1: control of the variable before, no need to locate again
  s32 table_low;
  s32 pieces_across;
  s32 unused;
};

// One item of a mosaic or one date of a stack.
struct Layer {
  const u8* hidden;  // (65536) 1 where a value of the mask hides the pixel; null: no mask
  s32 first_source;  // index of the source of variable 0; the others follow
  s32 mask;          // index of the mask's source
};

struct Instruction {  // postfix code of band maths
  double operand;
  s32 code;           // place in gpu.expression.OPCODES
  s32 unused;
};

struct Job {  // one picture
  const Source* sources;
  const Layer* layers;            // top first
  const Instruction* program;     // of all outputs, one after another
  const double* ranges;           // (outputs, 2): lowest, highest; INTERVALS: (count, 2)
  const double* keys;             // CLASSES: stored values, ascending
  const u32* palette;             // RGBA words: 256 of a RAMP, else one for each class or interval
  const u8* curves;               // (3, 256) colour formula of each channel; null: none
  u32* pixels;                    // shade: (height, width) RGBA words, R in the lowest byte
  u8* indices;                    // shade: (height, width) places in the palette; null: not wanted
  double* values;                 // values: (outputs, height, width)
  u8* valid;                      // values: (height, width)
  u32* counts;                    // shade: number of visible and of opaque pixels
  s32 layer_count, variables, outputs, width, height;
  s32 top, fresh;                 // a stripe's first row in the picture; rows here before `fresh` are not counted
  s32 resampling, plain, physical, reduced, mode, palette_size;
  u8 reducers[MAX_OUTPUTS];
  s32 program_end[MAX_OUTPUTS];   // index after the last instruction of each output
  u32 used[MAX_OUTPUTS + 1];      // bit v: output needs variable v to be valid; the last: all variables
};
