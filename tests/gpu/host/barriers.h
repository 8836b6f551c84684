// What CUDA threads wait for: barriers of the block and operations of a warp.
#pragma once
#include "fibers.h"

namespace emu {
UNCHECKED static void barrier(const char* file, int line) {
  Worker* w = self;
  Fiber* f = w->current;
  f->state = AT_BARRIER;
  f->file = file;
  f->line = line;
  w->waiting++;
#ifdef EMU_TSAN
  char* sync = &w->at_barrier[w->barriers & 1];  // by turns: who runs ahead must not meet who still wakes up
  __tsan_release(sync);
#endif
  leave();
#ifdef EMU_TSAN
  __tsan_acquire(sync);
#endif
}

UNCHECKED static void resolve(Worker* w, Fiber* last) {  // all lanes of a mask have come: exchange and go on
  const int base = last->number & ~31;
  Fiber* lanes[32];
  unsigned votes = 0;
  for (int i = 0; i < 32; i++) {
    lanes[i] = last->mask >> i & 1 ? &w->fibers[base + i] : nullptr;
    if (lanes[i] && lanes[i]->value) votes |= 1u << i;
  }
  for (int i = 0; i < 32; i++) {
    Fiber* f = lanes[i];
    if (!f) continue;
    const int width = f->width, part = i & ~(width - 1), place = i & (width - 1), by = f->parameter;
    int source = i;
    switch (f->op) {
      case SHUFFLE: source = part + (by & (width - 1)); break;
      case UP: source = place - by >= 0 ? i - by : i; break;
      case DOWN: source = place + by < width ? i + by : i; break;
      case XOR: source = (place ^ by) < width ? part + (place ^ by) : i; break;
      case BALLOT: f->result = votes; continue;
      case ALL: f->result = votes == last->mask; continue;
      case ANY: f->result = votes != 0; continue;
      default: continue;
    }
    f->result = lanes[source] ? lanes[source]->value : 0xDEADBEEFDEADBEEFull;  // undefined in CUDA
  }
  for (Fiber* f : lanes)
    if (f) f->state = READY;
}

UNCHECKED static uint64_t in_warp(Op op, unsigned mask, uint64_t value, int parameter, int width, const char* file, int line) {
  Worker* w = self;
  Fiber* f = w->current;
  const int base = f->number & ~31, lane = f->number & 31, lanes = std::min(32, w->threads - base);
  if (lanes < 32) mask &= (1u << lanes) - 1;  // the last warp of a block may be partial
  f->op = op;
  f->mask = mask;
  f->value = value;
  f->parameter = parameter;
  f->width = width;
  f->file = file;
  f->line = line;
  if (!(mask >> lane & 1)) fail("a lane is not in its own mask");
#ifdef EMU_TSAN
  char* sync = &w->in_warp[base >> 5][f->generation & 1];
  if (op == SYNC) {  // only __syncwarp orders memory; shuffles and votes do not
    __tsan_release(sync);
    f->generation++;
  }
#endif
  f->state = IN_WARP;
  bool complete = true;
  for (int i = 0; i < lanes; i++) {
    if (!(mask >> i & 1)) continue;
    Fiber* g = &w->fibers[base + i];
    if (g->state == DONE) fail("a lane named in the mask has exited");
    if (g->state != IN_WARP) {
      complete = false;
    } else if (g->op != op || g->mask != mask) {
      if (g->mask >> lane & 1) fail("lanes of one mask wait at different warp operations");
      complete = false;
    }
  }
  if (complete) resolve(w, f);
  leave();  // also when resolved: lets other orders happen
#ifdef EMU_TSAN
  if (op == SYNC) __tsan_acquire(sync);
#endif
  f->op = NONE;
  return f->result;
}
}  // namespace emu
