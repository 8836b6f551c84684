// What the stages of the JPEG encoder share. The files are libjpeg-turbo's to the byte for equal restart intervals:
// its integer colour transform, its ISLOW DCT, its exact reciprocal quantiser, its default Huffman tables.
// -DSAMPLING: 0 4:4:4, 1 4:2:0, 2 grey. -DINTERVAL: MCUs of a restart interval. -DTHREADS: of a block.
// -DWINDOW: words of the bit buffer; an interval that is longer takes several turns.
#pragma once
#include "scan.cuh"

#ifndef SAMPLING
#define SAMPLING 1
#endif
#ifndef INTERVAL
#define INTERVAL (SAMPLING == 0 ? 32 : SAMPLING == 1 ? 16 : 96)
#endif
#ifndef THREADS
#define THREADS 192
#endif
#ifndef WINDOW
#define WINDOW 2048
#endif

constexpr int SUBSAMPLED = SAMPLING == 1;
constexpr int LUMA_BLOCKS = SUBSAMPLED ? 4 : 1;                 // 8 x 8 blocks of an MCU
constexpr int MCU_BLOCKS = SAMPLING == 2 ? 1 : LUMA_BLOCKS + 2;
constexpr int MCU_SIZE = SUBSAMPLED ? 16 : 8;                   // pixels
constexpr int INTERVAL_BLOCKS = INTERVAL * MCU_BLOCKS;
constexpr int WARPS = THREADS / 32;
constexpr int ROW = 66;  // 16-bit words of a block's coefficients: 33 banks, so that threads do not collide

struct JpegTables {  // gpu/jpeg.py; index 0 luma, 1 chroma; natural order
  u32 reciprocal[2][64], correction[2][64], shift[2][64];
  u32 ac[2][256], dc[2][16];  // code << 8 | length
  u8 zigzag[64];              // natural to zigzag position
};

struct Image {            // one picture of a batch, or a stripe of one
  const u32* pixels;      // RGBA words of the rows from `top` on
  s32 width, height, mcus_x, mcus_y;
  s32 first_interval;     // number of interval 0 in this launch; negative where it is in an earlier stripe
  s32 intervals;          // of the whole picture
  u32 background;         // RGB word: what shows through transparent pixels
  s32 top;
};

struct EncoderMemory {
  union {
    struct {
      u8 samples[INTERVAL_BLOCKS][64];
      s32 transpose[WARPS][4 * 72];
    } stage;
    struct {  // once the samples are no longer needed
      u32 words[WINDOW];  // the bit string
      u32 ac[2][256], dc[2][16];
      s32 start[2 * INTERVAL_BLOCKS];  // first bit of each half block
      s32 sums[32];
    } bits;
  } u;
  s16 coefficients[INTERVAL_BLOCKS][ROW];  // zigzag order
  u64 nonzero[INTERVAL_BLOCKS];            // bit k: coefficient k is not zero
  u32 quantiser[3][2][64];
  u8 zigzag[64];
  u32 base;
};
