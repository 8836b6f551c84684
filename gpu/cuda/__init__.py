"""The GPU backend: kernels launched by CuPy, or by host emulation in the tests."""

from gpu.cuda.backend import CudaBackend

__all__ = ["CudaBackend"]
