"""NVIDIA's run-time compiler by ctypes, and a cache of what it made. Needs no GPU and no driver."""

from __future__ import annotations

import ctypes
import hashlib
import os
import site
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

FLAGS = ("-std=c++17", "-default-device", "--fmad=false")
"""No contraction of a * b + c: coordinates and band maths are the CPU's to the last bit."""


class CompileError(RuntimeError):
    """NVRTC is missing or refused a source; the message is its log."""


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """From NVIDIA's wheel, else the system's. Raises CompileError."""
    folders = [Path(path) / "nvidia" for path in (*site.getsitepackages(), *sys.path) if path]
    found = [file for folder in folders for file in sorted(folder.glob("*/lib/libnvrtc.so.*[0-9]"), reverse=True)]
    for name in (*map(str, found), "libnvrtc.so.13", "libnvrtc.so.12"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CompileError("NVIDIA's run-time compiler (nvidia-cuda-nvrtc) is not installed")


def version() -> tuple[int, int]:
    """Major and minor."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def architectures() -> list[int]:
    """Compute capabilities that it can build for: 90 is sm_90."""
    count = ctypes.c_int()
    _check(library().nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    found = (ctypes.c_int * count.value)()
    _check(library().nvrtcGetSupportedArchs(found))
    return list(found)


def compile_cubin(source: str, name: str, defines: Sequence[str], architecture: int) -> bytes:
    """Machine code of a complete source for one architecture."""
    nvrtc = library()
    program = ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), f"{name}.cu".encode(), 0, None, None))
    try:
        options = [f"--gpu-architecture=sm_{architecture}", *FLAGS, *(f"-D{define}" for define in defines)]
        texts = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        failed = nvrtc.nvrtcCompileProgram(program, len(options), texts)
        size = ctypes.c_size_t()
        if failed:
            _check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
            log = ctypes.create_string_buffer(size.value)
            _check(nvrtc.nvrtcGetProgramLog(program, log))
            raise CompileError(f"{name} does not compile: {log.value.decode(errors='replace')[:4000]}")
        _check(nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)))
        code = ctypes.create_string_buffer(size.value)
        _check(nvrtc.nvrtcGetCUBIN(program, code))
        return code.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def cached_cubin(source: str, name: str, defines: Sequence[str], architecture: int, folder: Path | None) -> bytes:
    """As compile_cubin, made once for each source, options, compiler and architecture.

    A folder that cannot be written costs time only.
    """
    parts = (source, *FLAGS, *defines, f"sm_{architecture}", str(version()))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    file = None if folder is None else folder / f"{name}-{key[:32]}.cubin"
    if file is not None and (code := _read(file)):
        return code
    code = compile_cubin(source, name, defines, architecture)
    if file is not None:
        _write(file, code)
    return code


def default_folder() -> Path:
    """Where cubins are kept: the user's cache folder."""
    base = os.environ.get("TILESERVER_CACHE_DIR")
    if base:
        return Path(base) / "cubins"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "tilescope" / "cubins"


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


def _check(result: int) -> None:
    if result:
        library().nvrtcGetErrorString.restype = ctypes.c_char_p
        raise CompileError(f"NVRTC: {library().nvrtcGetErrorString(result).decode()}")
