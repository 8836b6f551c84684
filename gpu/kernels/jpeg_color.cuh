// Pixels of an interval to samples in block order: flattened on the background, colour transform, subsampling,
// edges repeated. One thread takes one pixel, or four for 4:2:0.
#pragma once
#include "jpeg.cuh"

struct Colour {
  int r, g, b;
};

// (colour * alpha + background * (255 - alpha)) / 255, rounded, as gpu.encode.over.
DEVICE int over(int colour, int ground, int alpha) { return (colour * alpha + ground * (255 - alpha) + 127) / 255; }

DEVICE Colour load(const Image& image, int x, int y) {
  const s64 row = min(y, image.height - 1) - image.top;
  const u32 pixel = __ldg(image.pixels + row * image.width + min(x, image.width - 1));
  Colour c = {(int)(pixel & 255), (int)(pixel >> 8 & 255), (int)(pixel >> 16 & 255)};
  const int alpha = (int)(pixel >> 24);
  if (alpha != 255) {
    c.r = over(c.r, (int)(image.background & 255), alpha);
    c.g = over(c.g, (int)(image.background >> 8 & 255), alpha);
    c.b = over(c.b, (int)(image.background >> 16 & 255), alpha);
  }
  return c;
}

// ITU-R BT.601 in 16.16 fixed point, rounded as libjpeg does.
DEVICE int luma(Colour c) { return (19595 * c.r + 38470 * c.g + 7471 * c.b + 32768) >> 16; }
DEVICE int blue(Colour c) { return (-11059 * c.r - 21709 * c.g + 32768 * c.b + (128 << 16) + 32767) >> 16; }
DEVICE int red(Colour c) { return (32768 * c.r - 27439 * c.g - 5329 * c.b + (128 << 16) + 32767) >> 16; }

// Thread `item` of 64 an MCU: `mcu` counts from the interval's start, m is its number in the picture.
DEVICE void samples_of(const Image& image, EncoderMemory& memory, int mcu, int m, int item) {
  const int mcu_y = m / image.mcus_x, mcu_x = m - mcu_y * image.mcus_x;
  u8(*blocks)[64] = memory.u.stage.samples + mcu * MCU_BLOCKS;
  const int column = item & 7, row = item >> 3;
#if SAMPLING == 1
  const int x = mcu_x * 16 + column * 2, y = mcu_y * 16 + row * 2;
  u8* top = blocks[(row >> 2) * 2 + (column >> 2)] + (row & 3) * 16 + (column & 3) * 2;
  // libjpeg repeats the last row of the subsampled planes, not of the pixels: below the picture, chroma comes from there
  const int chroma_y = min(mcu_y * 8 + row, (image.height + 1) / 2 - 1) * 2;
  int sum_blue = 1 + (column & 1), sum_red = sum_blue;  // libjpeg's alternating rounding
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const Colour c = load(image, x + (i & 1), y + (i >> 1));
    top[(i >> 1) * 8 + (i & 1)] = (u8)luma(c);
    const Colour d = chroma_y == y ? c : load(image, x + (i & 1), chroma_y + (i >> 1));
    sum_blue += blue(d);
    sum_red += red(d);
  }
  blocks[4][item] = (u8)(sum_blue >> 2);
  blocks[5][item] = (u8)(sum_red >> 2);
#else
  const Colour c = load(image, mcu_x * 8 + column, mcu_y * 8 + row);
  blocks[0][item] = (u8)luma(c);
#if SAMPLING == 0
  blocks[1][item] = (u8)blue(c);
  blocks[2][item] = (u8)red(c);
#endif
#endif
}
