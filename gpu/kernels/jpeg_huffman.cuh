// Coefficients to bits. Two lanes share a block: the lower half of its nonzero coefficients with the DC, and the upper
// half with the end of block. The same walk runs twice, first to count bits, then to write them.
#pragma once
#include "jpeg.cuh"

DEVICE int bit_length(int value) { return 32 - __clz(value < 0 ? -value : value); }

struct BitCounter {
  int bits;
  METHOD void put(u32, int length) { bits += length; }
};

// Writes words [first, first + WINDOW) of the interval's bit string, the first bit in the highest place. Words that
// two writers share are joined by atomicOr; each other word has one writer.
struct BitWriter {
  u32* words;
  u64 pending;
  int count, word, first;
  bool shared;  // the next word also belongs to the writer before
  METHOD void put(u32 code, int length) {
    pending = pending << length | code;
    count += length;
    if (count < 32) return;
    count -= 32;
    const u32 full = (u32)(pending >> count), place = (u32)(word++ - first);
    if (place < WINDOW) {
      if (shared) atomicOr(&words[place], full);
      else words[place] = full;
    }
    shared = false;
  }
  METHOD void flush() {
    const u32 place = (u32)(word - first);
    if (count && place < WINDOW) atomicOr(&words[place], (u32)(pending << (32 - count)));
  }
};

// The bits of a value of `length` after its code: negative ones as their complement.
DEVICE u32 magnitude(int value, int length) { return (u32)(value < 0 ? value - 1 : value) & ((1u << length) - 1); }

template <class Sink>
DEVICE void code_half(const s16* coefficients, int dc_difference, u64 nonzero, int half, const u32* ac, const u32* dc,
                      Sink& sink) {
  u64 rest = nonzero & ~1ull;
  const int wanted = __popcll(rest) >> 1;
  int low = 1, high = 64;  // bisect for the position that halves the nonzero coefficients
#pragma unroll
  for (int i = 0; i < 6; i++) {
    const int middle = (low + high) >> 1;
    if (__popcll(rest & ((1ull << middle) - 1)) <= wanted) low = middle;
    else high = middle;
  }
  const u64 below = (1ull << low) - 1;
  int last = 0;
  if (half == 0) {
    rest &= below;
    const int length = bit_length(dc_difference);
    const u32 entry = dc[length];
    sink.put((entry >> 8) << length | magnitude(dc_difference, length), (int)(entry & 255) + length);
  } else {
    const u64 before = rest & below;
    if (before) last = 63 - __clzll((s64)before);
    rest &= ~below;
  }
#pragma unroll 1
  while (rest) {
    const int k = __ffsll((s64)rest) - 1;
    int run = k - last - 1;
    last = k;
    rest &= rest - 1;
#pragma unroll 1
    for (; run > 15; run -= 16) sink.put(ac[0xF0] >> 8, (int)(ac[0xF0] & 255));
    const int value = coefficients[k], length = bit_length(value);
    const u32 entry = ac[run << 4 | length];
    sink.put((entry >> 8) << length | magnitude(value, length), (int)(entry & 255) + length);
  }
  if (half && last != 63) sink.put(ac[0] >> 8, (int)(ac[0] & 255));
}

struct HalfBlock {
  int block, half, chroma;
};

// Work item to half block; luma first, so that the lanes of a warp have similar work.
DEVICE HalfBlock half_block(int item, int mcus) {
  const int half = item & 1, index = item >> 1, luma = mcus * LUMA_BLOCKS;
  if (index < luma) return {index / LUMA_BLOCKS * MCU_BLOCKS + index % LUMA_BLOCKS, half, 0};
  const int rest = index - luma;
  return {(rest >> 1) * MCU_BLOCKS + LUMA_BLOCKS + (rest & 1), half, 1};
}

// DC minus the DC of the component's block before it; the first of an interval counts from 0.
DEVICE int dc_difference(const s16 (*coefficients)[ROW], int block) {
  const int k = block % MCU_BLOCKS;
  int before = block - MCU_BLOCKS;
  if (SUBSAMPLED && k < LUMA_BLOCKS) before = k == 0 ? block - 3 : block - 1;
  return coefficients[block][0] - (before >= 0 ? coefficients[before][0] : 0);
}

template <class Sink> DEVICE void code_item(EncoderMemory& memory, HalfBlock item, Sink& sink) {
  code_half(memory.coefficients[item.block], dc_difference(memory.coefficients, item.block),
            memory.nonzero[item.block], item.half, memory.u.bits.ac[item.chroma], memory.u.bits.dc[item.chroma], sink);
}
