// Pictures to entropy-coded restart intervals. One block of THREADS an interval, all in shared memory; no interval
// knows of another. Output: stuffed bytes with the closing marker at scratch[offsets[i]], lengths[i] bytes.
#include "jpeg_color.cuh"
#include "jpeg_dct.cuh"
#include "jpeg_huffman.cuh"

DEVICE void load_quantiser(EncoderMemory& memory, const JpegTables& tables) {
  for (int i = threadIdx.x; i < 128; i += THREADS) {
    (&memory.quantiser[0][0][0])[i] = (&tables.reciprocal[0][0])[i];
    (&memory.quantiser[1][0][0])[i] = (&tables.correction[0][0])[i];
    (&memory.quantiser[2][0][0])[i] = (&tables.shift[0][0])[i];
  }
  for (int i = threadIdx.x; i < 64; i += THREADS) memory.zigzag[i] = tables.zigzag[i];
}

DEVICE void load_codes(EncoderMemory& memory, const JpegTables& tables) {
  for (int i = threadIdx.x; i < 512; i += THREADS) (&memory.u.bits.ac[0][0])[i] = (&tables.ac[0][0])[i];
  for (int i = threadIdx.x; i < 32; i += THREADS) (&memory.u.bits.dc[0][0])[i] = (&tables.dc[0][0])[i];
}

// 4:2:0: luma blocks past the right or bottom edge repeat the DC of the block before, without AC, as libjpeg does.
DEVICE void fill_outside(const Image& image, EncoderMemory& memory, int mcu, int m) {
  const int mcu_y = m / image.mcus_x, mcu_x = m - mcu_y * image.mcus_x;
  const bool right = mcu_x * 16 + 8 >= image.width, bottom = mcu_y * 16 + 8 >= image.height;
  for (int k = 1; k < 4; k++) {
    if (!((k & 1) && right) && !((k & 2) && bottom)) continue;
    memory.coefficients[mcu * 6 + k][0] = memory.coefficients[mcu * 6 + k - 1][0];
    memory.nonzero[mcu * 6 + k] = 0;
  }
}

DEVICE u8 byte_at(const u32* words, int i) { return (u8)(words[i >> 2] >> (24 - 8 * (i & 3))); }

// Bytes of one window to `out`, a zero after each 255; returns how many were written. Every thread must call.
DEVICE int stuff_bytes(EncoderMemory& memory, int bytes, u8* out) {
  const int each = (bytes + THREADS - 1) / THREADS;
  const int begin = min((int)threadIdx.x * each, bytes), end = min(begin + each, bytes);
  int stuffed = 0, total;
  for (int i = begin; i < end; i++) stuffed += byte_at(memory.u.bits.words, i) == 255;
  const int before = block_scan(stuffed, memory.u.bits.sums, total);
  if (out != nullptr) {
    out += begin + before;
    for (int i = begin; i < end; i++) {
      const u8 byte = byte_at(memory.u.bits.words, i);
      *out++ = byte;
      if (byte == 255) *out++ = 0;
    }
  }
  return bytes + total;
}

// Eight blocks are what the shared memory of a multiprocessor (228 KiB on Hopper) holds: few enough registers for them.
extern "C" __global__ void __launch_bounds__(THREADS, 8)
    jpeg_encode(const Image* images, const s32* interval_image, const JpegTables* tables, u8* scratch, u32 capacity,
                u32* cursor, u32* offsets, u32* lengths) {
  SHARED(EncoderMemory, memory);
  const int thread = threadIdx.x, interval = blockIdx.x;
  const Image& image = images[interval_image[interval]];
  const int number = interval - image.first_interval, first_mcu = number * INTERVAL;
  const int mcus = min(INTERVAL, image.mcus_x * image.mcus_y - first_mcu), blocks = mcus * MCU_BLOCKS;

  load_quantiser(memory, *tables);
  for (int i = thread; i < mcus * 64; i += THREADS) samples_of(image, memory, i >> 6, first_mcu + (i >> 6), i & 63);
  __syncthreads();
  transform(memory, blocks);
  __syncthreads();
  load_codes(memory, *tables);
#if SAMPLING == 1
  if (thread < mcus) fill_outside(image, memory, thread, first_mcu + thread);
#endif
  __syncthreads();

  // lengths of all halves in work order, kept in stream order, then summed
  const int items = 2 * blocks;
  for (int i = thread; i < items; i += THREADS) {
    const HalfBlock item = half_block(i, mcus);
    BitCounter counter = {0};
    code_item(memory, item, counter);
    memory.u.bits.start[2 * item.block + item.half] = counter.bits;
  }
  __syncthreads();
  int bits = 0;
  for (int first = 0; first < items; first += THREADS) {
    const int i = first + thread;
    int total;
    const int before = block_scan(i < items ? memory.u.bits.start[i] : 0, memory.u.bits.sums, total);
    if (i < items) memory.u.bits.start[i] = bits + before;
    bits += total;
  }

  const int bytes = (bits + 7) >> 3, words = (bits + 31) >> 5;
  if (thread == 0) memory.base = atomicAdd(cursor, (u32)((2 * bytes + 2 + 15) & ~15));  // room if all were stuffed
  __syncthreads();
  const u32 base = memory.base;
  const bool fits = (u64)base + 2 * bytes + 2 <= capacity;
  u32 length = 0;
  for (int first = 0; first < words; first += WINDOW) {
    for (int i = thread; i < min(WINDOW, words - first); i += THREADS) memory.u.bits.words[i] = 0;
    __syncthreads();
    for (int i = thread; i < items; i += THREADS) {
      const HalfBlock item = half_block(i, mcus);
      const int start = memory.u.bits.start[2 * item.block + item.half];
      BitWriter writer = {memory.u.bits.words, 0, start & 31, start >> 5, first, true};
      code_item(memory, item, writer);
      writer.flush();
    }
    const int last = words - 1 - first;
    if (thread == 0 && (bits & 7) && last < WINDOW)  // the last byte is filled with ones
      atomicOr(&memory.u.bits.words[last], ((1u << (8 - (bits & 7))) - 1) << (24 - ((bytes - 1) & 3) * 8));
    __syncthreads();
    length += stuff_bytes(memory, min(WINDOW * 4, bytes - first * 4), fits ? scratch + base + length : nullptr);
    __syncthreads();
  }
  if (thread == 0) {
    if (fits) {
      scratch[base + length] = 255;
      scratch[base + length + 1] = number + 1 < image.intervals ? 0xD0 + (number & 7) : 0xD9;  // RSTn or EOI
    }
    offsets[interval] = base;
    lengths[interval] = length + 2;
  }
}
