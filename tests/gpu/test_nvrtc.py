"""Every kernel is built for every GPU that we serve, without a GPU or a driver; and the cache of what was built."""

import pytest

from gpu.cuda import nvrtc
from gpu.cuda.kernels import variant
from gpu.cuda.sources import KERNELS, source
from tests.gpu.test_jobs import JOBS

nvrtc_library = pytest.importorskip("nvidia.cu13", reason="pip install nvidia-cuda-nvrtc builds kernels without a GPU")

ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]
DEFINES = {"jpeg_encode": [("SAMPLING=0",), ("SAMPLING=1",), ("SAMPLING=2",)]}


def test_architectures():
    assert set(ARCHITECTURES) <= set(nvrtc.architectures())


@pytest.mark.parametrize("name", KERNELS)
def test_builds_for_hopper(name):
    for defines in DEFINES.get(name, [()]):
        assert nvrtc.compile_cubin(source(name), name, defines, 90)[:4] == b"\x7fELF"


@pytest.mark.parametrize("name", ["rgb", "every operation", "median", "cubic"])
def test_special_kernels_build(name):
    job = JOBS[name]
    wanted = variant("shade", job.recipe, 2, reduced=name == "median")
    code = nvrtc.compile_cubin(wanted.prelude() + source("shade"), "shade", wanted.defines(), 90)
    assert code[:4] == b"\x7fELF"


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", KERNELS)
def test_builds_for_every_architecture(name, architecture):
    for defines in DEFINES.get(name, [()]):
        assert nvrtc.compile_cubin(source(name), name, defines, architecture)[:4] == b"\x7fELF"


def test_errors_name_the_file_and_line():
    with pytest.raises(nvrtc.CompileError, match=r"seg_scan\.cu\(\d+\)"):
        nvrtc.compile_cubin(source("seg_scan").replace("sum += ", "sum += nonsense "), "seg_scan", (), 90)


def test_cache(tmp_path, monkeypatch):
    """Built once; a torn file is built again; a folder that cannot be written is no error."""
    built = []
    monkeypatch.setattr(nvrtc, "compile_cubin", lambda *args: built.append(args) or b"code")
    for _ in range(2):
        assert nvrtc.cached_cubin("text", "name", ("A=1",), 90, tmp_path) == b"code"
    assert len(built) == 1
    nvrtc.cached_cubin("text", "name", ("A=2",), 90, tmp_path)
    nvrtc.cached_cubin("text", "name", ("A=1",), 80, tmp_path)
    assert len(built) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    assert nvrtc.cached_cubin("text", "name", ("A=1",), 90, tmp_path) == b"code"
    assert len(built) == 4
    (tmp_path / "file").touch()
    assert nvrtc.cached_cubin("text", "name", (), 90, tmp_path / "file" / "below") == b"code"
