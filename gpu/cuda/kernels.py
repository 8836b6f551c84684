"""Compiled kernels: general ones that do every job, and special ones for a recipe, made off the request path."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from gpu.backend import Recipe
from gpu.cuda.descriptors import RESAMPLINGS
from gpu.cuda.device import Device, Kernel
from gpu.cuda.sources import source

log = logging.getLogger(__name__)

Specialise = Literal["never", "later", "now"]
"""later: the general kernel serves until the special one is compiled; now: wait for it (tests, benchmarks)."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What may be fixed at compile time."""

    kernel: str
    outputs: tuple[str, ...]
    """C++ of each output, emitted from its tree."""
    variables: int
    resampling: int
    pixel: int | None
    """The type of all sources, when they have one."""
    reduced: bool
    mode: int
    """How outputs become colours."""
    bands: tuple[int, ...] = ()
    """Of plain outputs whose stored values become colours by tables: the variable of each."""

    def prelude(self) -> str:
        """Definitions before the kernel's text."""
        chosen = self.outputs[-1]
        for number, text in reversed(list(enumerate(self.outputs[:-1]))):
            chosen = f"((output) == {number} ? {text} : {chosen})"
        text = f"#define SPECIALISED\n#define OUTPUT(output, b) {chosen}\n"
        if not self.bands:
            return text
        place = str(self.bands[-1])
        for number, variable in reversed(list(enumerate(self.bands[:-1]))):
            place = f"((output) == {number} ? {variable} : {place})"
        used = sum(1 << variable for variable in set(self.bands))
        return f"{text}#define TABLED\n#define BAND(output) {place}\n#define USED {used}u\n"

    def defines(self) -> list[str]:
        """Constants for the compiler."""
        fixed = {
            "VARIABLES": max(self.variables, 1),
            "OUTPUTS": len(self.outputs),
            "RESAMPLING": self.resampling,
            "REDUCED": int(self.reduced),
            "MODE": self.mode,
        }
        if self.pixel is not None:
            fixed["PIXEL"] = self.pixel
        return [f"{name}={value}" for name, value in fixed.items()]


def variant(
    kernel: str, recipe: Recipe, pixel: int | None, *, reduced: bool, mode: int, tabled: bool = False
) -> Variant:
    """The variant of a recipe."""
    places = {name: i for i, name in enumerate(recipe.variables)}
    return Variant(
        kernel,
        tuple(expression.emit_c(recipe.variables) for expression in recipe.expressions),
        len(recipe.variables),
        RESAMPLINGS[recipe.resampling],
        pixel,
        reduced,
        mode,
        tuple(places[expression.tree.name] for expression in recipe.expressions) if tabled else (),
    )


class Kernels:
    """The kernels of one device. Thread-safe."""

    LIMIT = 64
    """Special kernels kept; the least recently used goes."""
    PENDING = 8
    """Special kernels waiting for the compiler; more are not queued."""

    def __init__(self, device: Device, specialise: Specialise = "later") -> None:
        self._device = device
        self._specialise = specialise
        self._general: dict[tuple[str, tuple[str, ...]], Kernel] = {}
        self._special: OrderedDict[Variant, Future[Kernel]] = OrderedDict()
        self._lock = threading.Lock()
        self._compiler: ThreadPoolExecutor | None = None

    def general(self, name: str, *defines: str) -> Kernel:
        """The kernel of a file; compiled at its first use, so warm it at start."""
        with self._lock:
            kernel = self._general.get((name, defines))
            if kernel is None:
                kernel = self._device.compile(source(name), name, defines)
                self._general[name, defines] = kernel
            return kernel

    def best(self, wanted: Variant) -> Kernel:
        """The special kernel when it is there, else the general one."""
        if self._specialise == "never":
            return self.general(wanted.kernel)
        future = self._future(wanted)
        if future is None or (self._specialise == "later" and not future.done()):
            return self.general(wanted.kernel)
        try:
            return future.result()
        except Exception:
            return self.general(wanted.kernel)

    def close(self) -> None:
        """Stop compiling."""
        if self._compiler is not None:
            self._compiler.shutdown(wait=False, cancel_futures=True)

    def _future(self, wanted: Variant) -> Future[Kernel] | None:
        with self._lock:
            future = self._special.get(wanted)
            if future is not None:
                self._special.move_to_end(wanted)
                return future
            if sum(not other.done() for other in self._special.values()) >= self.PENDING:
                return None
            if self._compiler is None:
                self._compiler = ThreadPoolExecutor(1, thread_name_prefix="nvrtc")
            future = self._compiler.submit(_logged(lambda: self._compile(wanted)))
            self._special[wanted] = future
            if len(self._special) > self.LIMIT:
                self._special.popitem(last=False)
            return future

    def _compile(self, wanted: Variant) -> Kernel:
        text = wanted.prelude() + source(wanted.kernel)
        return self._device.compile(text, wanted.kernel, wanted.defines())


def _logged(make: Callable[[], Kernel]) -> Callable[[], Kernel]:
    def run() -> Kernel:
        try:
            return make()
        except Exception:
            log.exception("a special kernel was not compiled; the general one serves")
            raise

    return run


def common_pixel(types: set[int]) -> int | None:
    """The one pixel type, when there is only one."""
    return next(iter(types)) if len(types) == 1 else None
