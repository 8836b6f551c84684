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
}  // namespace emu
