"""NVIDIA's run-time compiler by ctypes, and a cache of what it made. Needs no GPU and no driver."""

from __future__ import annotations

import ctypes
import hashlib
import os
import site
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

FLAGS = ("-std=c++17", "-default-device", "--fmad=false")
"""No contraction of a * b + c: coordinates and band maths are the CPU's to the last bit."""
SYSTEM = Path("/usr/local/cuda/lib64")


class CompileError(RuntimeError):
    """NVRTC is missing or refused a source; the message is its log."""


class Compiler:
    """The first NVRTC that is not newer than a driver: what a newer one builds, the driver does not load."""

    def __init__(self, newest: int | None = None) -> None:
        """`newest`: the CUDA major version of the driver; None: any. Raises CompileError."""
        refused = ""
        for name in _candidates():
            try:
                self._library = ctypes.CDLL(name)
            except OSError:
                continue
            self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
            major, minor = ctypes.c_int(), ctypes.c_int()
            self._check(self._library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
            self.version = (major.value, minor.value)
            if newest is None or major.value <= newest:
                return
            refused = f"; the one of CUDA {major.value} is too new for a driver of CUDA {newest}"
        raise CompileError(f"NVIDIA's run-time compiler (nvidia-cuda-nvrtc) is not installed{refused}")

    def architectures(self) -> list[int]:
        """Compute capabilities that it can build for: 90 is sm_90."""
        count = ctypes.c_int()
        self._check(self._library.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
        found = (ctypes.c_int * count.value)()
        self._check(self._library.nvrtcGetSupportedArchs(found))
        return list(found)

    def architecture(self, device: int) -> int:
        """What to build for a device: its own, or the nearest lower one of its generation, which it also runs."""
        fitting = [one for one in self.architectures() if one // 10 == device // 10 and one <= device]
        if not fitting:
            raise CompileError(f"NVRTC {self.version[0]}.{self.version[1]} does not build for sm_{device}")
        return max(fitting)

    def cubin(self, source: str, name: str, defines: Sequence[str], architecture: int) -> bytes:
        """Machine code of a complete source for one architecture."""
        nvrtc, program = self._library, ctypes.c_void_p()
        text, file = source.encode(), f"{name}.cu".encode()
        self._check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, file, 0, None, None))
        try:
            options = [f"--gpu-architecture=sm_{architecture}", *FLAGS, *(f"-D{define}" for define in defines)]
            texts = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            size = ctypes.c_size_t()
            if nvrtc.nvrtcCompileProgram(program, len(options), texts):
                self._check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
                log = ctypes.create_string_buffer(size.value)
                self._check(nvrtc.nvrtcGetProgramLog(program, log))
                raise CompileError(f"{name} does not compile: {log.value.decode(errors='replace')[:4000]}")
            self._check(nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)))
            code = ctypes.create_string_buffer(size.value)
            self._check(nvrtc.nvrtcGetCUBIN(program, code))
            return code.raw
        finally:
            nvrtc.nvrtcDestroyProgram(ctypes.byref(program))

    def _check(self, result: int) -> None:
        if result:
            raise CompileError(f"NVRTC: {self._library.nvrtcGetErrorString(result).decode()}")


def cached_cubin(
    compiler: Compiler, source: str, name: str, defines: Sequence[str], architecture: int, folder: Path | None
) -> bytes:
    """As Compiler.cubin, made once for each source, options, compiler and architecture.

    A folder that cannot be written costs time only.
    """
    parts = (source, *FLAGS, *defines, f"sm_{architecture}", str(compiler.version))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    file = None if folder is None else folder / f"{name}-{key[:32]}.cubin"
    if file is not None and (code := _read(file)):
        return code
    code = compiler.cubin(source, name, defines, architecture)
    if file is not None:
        _write(file, code)
    return code


def default_folder() -> Path | None:
    """Where cubins are kept: the user's cache folder; None: there is none."""
    base = os.environ.get("TILESERVER_CACHE_DIR")
    if base:
        return Path(base) / "cubins"
    home = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # a user without a home
        return (Path(home) if home else Path.home() / ".cache") / "tilescope" / "cubins"
    return None


def _candidates() -> Iterator[str]:
    """Libraries from NVIDIA's wheels, then the system's, newest first."""
    folders = dict.fromkeys(Path(path) / "nvidia" for path in (*site.getsitepackages(), *sys.path) if path)
    found = [file for folder in folders for file in folder.glob("*/lib/libnvrtc.so.*[0-9]")]
    yield from map(str, sorted(found, key=lambda file: _version(file.name), reverse=True))
    yield from ("libnvrtc.so.13", "libnvrtc.so.12")
    yield from map(str, sorted(SYSTEM.glob("libnvrtc.so.[0-9][0-9]"), reverse=True))


def _version(name: str) -> int:
    number = name.rpartition(".so.")[2].split(".")[0]
    return int(number) if number.isdigit() else 0


def _read(file: Path) -> bytes | None:
    """What was kept, when it is whole: the digest stands before it."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(file: Path, code: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as made:
            made.write(hashlib.sha256(code).digest() + code)
        Path(made.name).replace(file)
    except OSError:
        return
