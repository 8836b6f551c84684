"""Which backend is opened where, and what is said when there is no GPU."""

import sys
import types

import pytest

from gpu import devices
from gpu.devices import DeviceUnavailable, open_backend, why_no_cuda


@pytest.fixture
def cupy(monkeypatch):
    """A CuPy whose runtime answers as told."""

    def install(count):
        def get():
            if isinstance(count, Exception):
                raise count
            return count

        runtime = types.SimpleNamespace(getDeviceCount=get)
        cuda = types.SimpleNamespace(runtime=runtime)
        monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(cuda=cuda))
        monkeypatch.setitem(sys.modules, "cupy.cuda", cuda)

    monkeypatch.delenv("TILESERVER_GPU_SOCKET", raising=False)
    return install


def test_cpu():
    assert open_backend("cpu").name == "cpu"


@pytest.mark.parametrize(("count", "reason"), [(0, "no NVIDIA GPU"), (RuntimeError("driver"), "no NVIDIA driver")])
def test_without_a_gpu(cupy, count, reason):
    cupy(count)
    assert reason in why_no_cuda()
    assert open_backend("auto").name == "cpu"
    with pytest.raises(DeviceUnavailable) as caught:
        open_backend("cuda")
    assert reason in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setitem(sys.modules, "cupy.cuda", None)
    assert why_no_cuda() == "CuPy is not installed"
    assert open_backend("auto").name == "cpu"


def test_a_gpu_that_does_not_start(cupy, monkeypatch):
    cupy(1)
    monkeypatch.setattr(devices, "_cuda", lambda *_: (_ for _ in ()).throw(RuntimeError("out of order")))
    assert open_backend("auto").name == "cpu"
    with pytest.raises(DeviceUnavailable, match="out of order"):
        open_backend("cuda")
