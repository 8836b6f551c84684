// A CUDA launch on the host: one fiber per CUDA thread, block after block, on a few OS threads.
// Checked: barriers that not all threads reach, wrong or exited lanes in a warp's mask, stale shared memory
// (poisoned), and under -fsanitize=thread every access that no barrier orders: fibers are threads to it.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(__x86_64__)
#define EMU_UCONTEXT 1
#endif
#ifdef EMU_UCONTEXT
#include <ucontext.h>
#endif
#if defined(__SANITIZE_THREAD__)
#define EMU_TSAN 1
#define UNCHECKED __attribute__((no_sanitize("thread")))
extern "C" {
void* __tsan_get_current_fiber(void);
void* __tsan_create_fiber(unsigned);
void __tsan_destroy_fiber(void*);
void __tsan_switch_to_fiber(void*, unsigned);
void __tsan_acquire(void*);
void __tsan_release(void*);
}
#else
#define UNCHECKED
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EMU_ASAN 1
extern "C" {
void __sanitizer_start_switch_fiber(void**, const void*, size_t);
void __sanitizer_finish_switch_fiber(void*, const void**, size_t*);
}
#endif

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

namespace emu {
constexpr size_t STACK = 128 * 1024;
enum State : uint8_t { READY, AT_BARRIER, IN_WARP, DONE };
enum Op : uint8_t { NONE, SYNC, SHUFFLE, UP, DOWN, XOR, BALLOT, ALL, ANY };
enum Order { FORWARD, REVERSE, RANDOM };

#ifdef EMU_UCONTEXT
typedef ucontext_t Context;
#else
typedef void* Context;  // a saved stack pointer
extern "C" void emu_switch(void** save, void* to);
asm(R"(
.text
.type emu_switch,@function
emu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emu_switch,.-emu_switch
)");
#endif

struct Fiber {  // one CUDA thread
  uint3 thread;
  int number;
  State state;
  Op op;  // the warp operation it waits in
  unsigned mask;
  int parameter, width;
  uint64_t value, result;
  Context context;
  char* stack;
  const char* file;
  int line;
  unsigned generation;
#ifdef EMU_TSAN
  void* tsan;
#endif
#ifdef EMU_ASAN
  void* fake;
#endif
};

struct Launch {
  dim3 grid, block;
  void (*kernel)(void**);
  void** arguments;
  Order order;
  unsigned seed;
  std::atomic<int> failed{0};
  std::atomic<uint64_t> next{0};
  char started;
};

struct Worker {  // one OS thread that runs blocks
  Launch* launch;
  uint3 block;
  int threads, alive, waiting;
  std::vector<Fiber> fibers;
  Fiber* current;
  Context main;
  std::vector<void*> shared, retired;
  uint64_t random, barriers;
  bool inside;
  char at_barrier[2], in_warp[64][2], finished;
#ifdef EMU_TSAN
  void* tsan;
#endif
#ifdef EMU_ASAN
  void* fake;
  const void* bottom;
  size_t size;
#endif
};
static thread_local Worker* self;

UNCHECKED static void leave() {  // fiber to scheduler
  Worker* w = self;
  Fiber* f = w->current;
#ifdef EMU_TSAN
  __tsan_switch_to_fiber(w->tsan, 1);
#endif
#ifdef EMU_ASAN
  __sanitizer_start_switch_fiber(&f->fake, w->bottom, w->size);
#endif
#ifdef EMU_UCONTEXT
  swapcontext(&f->context, &w->main);
#else
  emu_switch(&f->context, w->main);
#endif
#ifdef EMU_ASAN
  __sanitizer_finish_switch_fiber(f->fake, &w->bottom, &w->size);
#endif
}

UNCHECKED __attribute__((noinline)) static void enter(Worker* w, Fiber* f) {  // scheduler to fiber
  w->current = f;
  w->inside = true;
#ifdef EMU_TSAN
  __tsan_switch_to_fiber(f->tsan, 1);
#endif
#ifdef EMU_ASAN
  __sanitizer_start_switch_fiber(&w->fake, f->stack, STACK);
#endif
#ifdef EMU_UCONTEXT
  swapcontext(&w->main, &f->context);
#else
  emu_switch(&w->main, f->context);
#endif
#ifdef EMU_ASAN
  __sanitizer_finish_switch_fiber(w->fake, nullptr, nullptr);
#endif
  w->inside = false;
}

UNCHECKED static void fail(const char* reason) {
  static const char* const names[] = {"-", "syncwarp", "shfl", "shfl_up", "shfl_down", "shfl_xor", "ballot", "all", "any"};
  Worker* w = self;
  fprintf(stderr, "cuda_emu: %s, block (%u, %u, %u)\n", reason, w->block.x, w->block.y, w->block.z);
  int shown = 0;
  for (Fiber& f : w->fibers)
    if (f.state != DONE && shown++ < 8)
      fprintf(stderr, "   thread %d state %d in %s mask %08x at %s:%d\n", f.number, f.state, names[f.op], f.mask,
              f.file ? f.file : "?", f.line);
  fflush(stderr);
  w->launch->failed = 1;
  if (w->inside) leave();  // abandoned: the launch returns an error
}

UNCHECKED static void fiber_main() {
#ifdef EMU_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->bottom, &self->size);
#endif
  for (;;) {
#ifdef EMU_TSAN
    __tsan_acquire(&self->launch->started);
#endif
    self->launch->kernel(self->launch->arguments);
#ifdef EMU_TSAN
    __tsan_release(&self->finished);
#endif
    self->current->state = DONE;
    self->current->op = NONE;
    leave();
  }
}

UNCHECKED static void prepare(Fiber& f) {
  f.stack = (char*)aligned_alloc(4096, STACK);
#ifdef EMU_TSAN
  f.tsan = __tsan_create_fiber(0);
#endif
#ifdef EMU_ASAN
  f.fake = nullptr;
#endif
#ifdef EMU_UCONTEXT
  getcontext(&f.context);
  f.context.uc_stack.ss_sp = f.stack;
  f.context.uc_stack.ss_size = STACK;
  f.context.uc_link = nullptr;
  makecontext(&f.context, (void (*)())fiber_main, 0);
#else
  void** top = (void**)(f.stack + STACK);
  *--top = nullptr;
  *--top = (void*)fiber_main;
  for (int i = 0; i < 6; i++) *--top = nullptr;
  f.context = top;
#endif
}

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
template <class... A> static int argument_sizes(void (*)(A...), int* sizes) {
  const int all[] = {(int)sizeof(A)...};
  for (size_t i = 0; i < sizeof...(A); i++) sizes[i] = all[i];
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
  extern "C" int emu_arguments_##kernel(int* sizes) { return emu::argument_sizes(kernel, sizes); }                    \
  extern "C" int emu_launch_##kernel(const unsigned* g, const unsigned* b, void** a, int workers, int order,          \
                                     unsigned seed) {                                                                 \
    return emu::run({g[0], g[1], g[2]}, {b[0], b[1], b[2]}, [](void** p) { emu::call(kernel, p); }, a, workers,       \
                    order, seed);                                                                                     \
  }
