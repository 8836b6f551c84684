// Shared memory, blocks one after another, and launches with their arguments.
#pragma once
#include "barriers.h"

namespace emu {
UNCHECKED static std::vector<size_t>& shared_sizes() {
  static std::vector<size_t> sizes;
  return sizes;
}
struct SharedSlot {
  unsigned number;
  SharedSlot(size_t size) : number(shared_sizes().size()) { shared_sizes().push_back(size); }
};
template <class T, class Tag> struct SharedOf {  // one buffer a block; Tag makes each declaration its own
  static inline SharedSlot slot{sizeof(T)};
  UNCHECKED static T& get() { return *(T*)self->shared[slot.number]; }
};

UNCHECKED static void fresh_shared(Worker* w) {
  const auto& sizes = shared_sizes();
  w->shared.resize(sizes.size(), nullptr);
  for (size_t i = 0; i < sizes.size(); i++) {
#if defined(EMU_ASAN)
    free(w->shared[i]);
    w->shared[i] = nullptr;
#elif defined(EMU_TSAN)
    if (w->shared[i]) w->retired.push_back(w->shared[i]);  // freed at the end: nothing orders two blocks
    w->shared[i] = nullptr;
#endif
    if (!w->shared[i]) w->shared[i] = aligned_alloc(128, (sizes[i] + 127) & ~size_t(127));
    memset(w->shared[i], 0xA5, sizes[i]);  // shared memory is never zero on a GPU
  }
}

UNCHECKED static uint64_t next_random(Worker* w) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return w->random;
}

static void run_block(Worker* w, std::vector<int>& order) {
  fresh_shared(w);
#ifdef EMU_TSAN
  __tsan_release(&w->launch->started);
#endif
  w->alive = w->threads;
  w->waiting = 0;
  for (Fiber& f : w->fibers) {
    f.state = READY;
    f.op = NONE;
  }
  while (w->alive) {
    bool moved = false;
    if (w->launch->order == RANDOM)
      for (int i = w->threads - 1; i > 0; i--) std::swap(order[i], order[next_random(w) % (i + 1)]);
    for (int number : order) {
      Fiber* f = &w->fibers[number];
      if (f->state != READY) continue;
      moved = true;
      enter(w, f);
      if (w->launch->failed) return;
      if (f->state == DONE) w->alive--;
    }
    if (w->alive && w->waiting == w->alive) {
      for (Fiber& f : w->fibers)
        if (f.state == AT_BARRIER) f.state = READY;
      w->waiting = 0;
      w->barriers++;
    } else if (!moved) {
      fail("deadlock: threads wait at different barriers");
      return;
    }
  }
}

static void work(Launch* launch) {
  Worker w{};
  self = &w;
  w.launch = launch;
  w.threads = launch->block.x * launch->block.y * launch->block.z;
  w.random = 0x9E3779B97F4A7C15ull ^ (uint64_t(launch->seed) << 20 | 1);
  w.fibers.resize(w.threads);
#ifdef EMU_TSAN
  w.tsan = __tsan_get_current_fiber();
#endif
  std::vector<int> order(w.threads);
  for (int i = 0; i < w.threads; i++) {
    const unsigned n = i, x = launch->block.x, y = launch->block.y;
    w.fibers[i].number = i;
    w.fibers[i].thread = {n % x, n / x % y, n / (x * y)};
    prepare(w.fibers[i]);
    order[i] = launch->order == REVERSE ? w.threads - 1 - i : i;
  }
  const uint64_t x = launch->grid.x, y = launch->grid.y, total = x * y * launch->grid.z;
  for (;;) {
    uint64_t block = launch->next.fetch_add(1);
    if (block >= total || launch->failed) break;
    if (launch->order == REVERSE) block = total - 1 - block;
    w.block = {unsigned(block % x), unsigned(block / x % y), unsigned(block / (x * y))};
    run_block(&w, order);
  }
#ifdef EMU_TSAN
  __tsan_acquire(&w.finished);
  for (void* p : w.retired) free(p);
#endif
  for (Fiber& f : w.fibers) {
#ifdef EMU_TSAN
    __tsan_destroy_fiber(f.tsan);
#endif
    free(f.stack);
  }
  for (void* p : w.shared) free(p);
  self = nullptr;
}

static int run(dim3 grid, dim3 block, void (*kernel)(void**), void** arguments, int workers, int order, unsigned seed) {
  Launch launch;
  launch.grid = grid;
  launch.block = block;
  launch.kernel = kernel;
  launch.arguments = arguments;
  launch.order = (Order)order;
  launch.seed = seed;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::max(1, workers); i++) threads.emplace_back(work, &launch);
  for (auto& thread : threads) thread.join();
  return launch.failed;
}

UNCHECKED static inline uint3 thread_index() { return self->current->thread; }
UNCHECKED static inline uint3 block_index() { return self->block; }
UNCHECKED static inline dim3 block_size() { return self->launch->block; }
UNCHECKED static inline dim3 grid_size() { return self->launch->grid; }

template <class... A, size_t... I>
static void apply(void (*kernel)(A...), void** a, std::index_sequence<I...>) {
  kernel(*(std::remove_cv_t<std::remove_reference_t<A>>*)a[I]...);
}
template <class... A> static void call(void (*kernel)(A...), void** a) { apply(kernel, a, std::index_sequence_for<A...>{}); }
// NumPy's letter of each argument's type (pointers are u) in the upper byte, its size in the lower.
template <class A> constexpr int argument_type() {
  return (std::is_floating_point_v<A> ? 'f' : std::is_pointer_v<A> || std::is_unsigned_v<A> ? 'u' : 'i') << 8 | sizeof(A);
}
template <class... A> static int argument_types(void (*)(A...), int* types) {
  const int all[] = {argument_type<A>()...};
  for (size_t i = 0; i < sizeof...(A); i++) types[i] = all[i];
  return sizeof...(A);
}
template <class T> static uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T> static T from_bits(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}
}  // namespace emu

#define EMU_EXPORT(kernel)                                                                                            \
  extern "C" int emu_arguments_##kernel(int* types) { return emu::argument_types(kernel, types); }                    \
  extern "C" int emu_launch_##kernel(const unsigned* g, const unsigned* b, void** a, int workers, int order,          \
                                     unsigned seed) {                                                                 \
    return emu::run({g[0], g[1], g[2]}, {b[0], b[1], b[2]}, [](void** p) { emu::call(kernel, p); }, a, workers,       \
                    order, seed);                                                                                     \
  }
