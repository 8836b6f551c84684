// Samples to quantised coefficients: libjpeg's accurate integer DCT (Loeffler, Ligtenberg and Moschytz 1989, 13-bit
// constants) and division by exact reciprocals. Eight lanes take a block, a warp four blocks at once.
#pragma once
#include "jpeg.cuh"

// One 8-point pass in place. ROWS: first pass, scaled up by 4; else the second, scaled down again.
template <bool ROWS> DEVICE void dct_pass(int* d) {
  constexpr int shift = ROWS ? 11 : 15, half = 1 << (shift - 1);
  const int s0 = d[0] + d[7], s1 = d[1] + d[6], s2 = d[2] + d[5], s3 = d[3] + d[4];
  int d3 = d[3] - d[4], d2 = d[2] - d[5], d1 = d[1] - d[6], d0 = d[0] - d[7];
  // even part
  const int even0 = s0 + s3, even3 = s0 - s3, even1 = s1 + s2, even2 = s1 - s2;
  d[0] = ROWS ? (even0 + even1) * 4 : (even0 + even1 + 2) >> 2;
  d[4] = ROWS ? (even0 - even1) * 4 : (even0 - even1 + 2) >> 2;
  const int turn = (even2 + even3) * 4433;           // 0.541196100
  d[2] = (turn + even3 * 6270 + half) >> shift;      // 0.765366865
  d[6] = (turn - even2 * 15137 + half) >> shift;     // 1.847759065
  // odd part
  const int sum = (d3 + d1 + d2 + d0) * 9633;        // 1.175875602
  const int z1 = (d3 + d0) * -7373;                  // -0.899976223
  const int z2 = (d2 + d1) * -20995;                 // -2.562915447
  const int z3 = (d3 + d1) * -16069 + sum;           // -1.961570560
  const int z4 = (d2 + d0) * -3196 + sum;            // -0.390180644
  d[7] = (d3 * 2446 + z1 + z3 + half) >> shift;      // 0.298631336
  d[5] = (d2 * 16819 + z2 + z4 + half) >> shift;     // 2.053119869
  d[3] = (d1 * 25172 + z2 + z3 + half) >> shift;     // 3.072711026
  d[1] = (d0 * 12299 + z1 + z4 + half) >> shift;     // 1.501321110
}

// Every thread of the block must call.
DEVICE void transform(EncoderMemory& memory, int blocks) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, line = lane & 7;
  s32* transpose = memory.u.stage.transpose[warp] + (lane >> 3) * 72;
  for (int first = warp * 4; first < blocks; first += WARPS * 4) {
    const int block = first + (lane >> 3);
    const bool on = block < blocks;
    int d[8];
    if (on) {
      const uint2 packed = *(const uint2*)(memory.u.stage.samples[block] + line * 8);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        d[i] = (int)(packed.x >> (8 * i) & 255) - 128;
        d[4 + i] = (int)(packed.y >> (8 * i) & 255) - 128;
      }
      dct_pass<true>(d);
#pragma unroll
      for (int i = 0; i < 8; i++) transpose[line * 9 + i] = d[i];
    }
    __syncwarp();
    u64 nonzero = 0;
    if (on) {
#pragma unroll
      for (int i = 0; i < 8; i++) d[i] = transpose[i * 9 + line];
      dct_pass<false>(d);
      const int chroma = block % MCU_BLOCKS >= LUMA_BLOCKS;
#pragma unroll
      for (int i = 0; i < 8; i++) {
        const int n = i * 8 + line;
        const u32 size = (u32)(d[i] < 0 ? -d[i] : d[i]);
        const u32 level = (size * memory.quantiser[0][chroma][n] + memory.quantiser[1][chroma][n]) >>
                          memory.quantiser[2][chroma][n];
        const int k = memory.zigzag[n];
        memory.coefficients[block][k] = (s16)(d[i] < 0 ? -(int)level : (int)level);
        if (level) nonzero |= 1ull << k;
      }
    }
#pragma unroll
    for (int step = 1; step < 8; step <<= 1) nonzero |= __shfl_xor_sync(0xffffffffu, nonzero, step);
    if (on && line == 0) memory.nonzero[block] = nonzero;
    __syncwarp();
  }
}
