"""The CPU backend: compiled kernels over NumPy arrays."""

from gpu.cpu.engine import CpuBackend

__all__ = ["CpuBackend"]
