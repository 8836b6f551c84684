"""Every kernel is built for every GPU that we serve, without a GPU or a driver; and the cache of what was built."""

import pytest

from gpu.cuda import nvrtc
from gpu.cuda.kernels import variant
from gpu.cuda.sources import KERNELS, source
from gpu.cuda.styles import mode_of
from tests.gpu.host.resources import resources
from tests.gpu.test_jobs import JOBS

nvrtc_library = pytest.importorskip("nvidia.cu13", reason="pip install nvidia-cuda-nvrtc builds kernels without a GPU")

ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]
DEFINES = {"jpeg_encode": [("SAMPLING=0",), ("SAMPLING=1",), ("SAMPLING=2",)]}


@pytest.fixture(scope="module")
def compiler():
    return nvrtc.Compiler()


def test_architectures(compiler):
    assert set(ARCHITECTURES) <= set(compiler.architectures())
    assert compiler.architecture(90) == 90
    assert compiler.architecture(87) in (86, 87)  # the nearest of its generation
    with pytest.raises(nvrtc.CompileError, match="sm_52"):
        compiler.architecture(52)


def test_a_compiler_newer_than_the_driver_is_not_taken():
    with pytest.raises(nvrtc.CompileError, match="not installed; the one of CUDA"):
        nvrtc.Compiler(newest=11)


@pytest.mark.parametrize("name", KERNELS)
def test_builds_for_hopper(compiler, name):
    for defines in DEFINES.get(name, [()]):
        assert compiler.cubin(source(name), name, defines, 90)[:4] == b"\x7fELF"


@pytest.mark.parametrize("name", ["rgb", "every operation", "median", "cubic"])
def test_special_kernels_build(compiler, name):
    job = JOBS[name]
    wanted = variant("shade", job.recipe, 2, reduced=name == "median", mode=mode_of(job.recipe), tabled=name == "rgb")
    code = compiler.cubin(wanted.prelude() + source("shade"), "shade", wanted.defines(), 90)
    assert code[:4] == b"\x7fELF"


@pytest.mark.parametrize(
    ("name", "threads", "blocks"), [("jpeg_encode", 192, 8), ("seg_scan", 1024, 2), ("seg_gather", 256, 8)]
)
def test_no_register_is_spilled(compiler, name, threads, blocks):
    """And as many blocks as the other limits allow are at work on a multiprocessor of a Hopper GPU."""
    for defines in DEFINES.get(name, [()]):
        found = resources(compiler.cubin(source(name), name, defines, 90), name)
        assert found.stack == 0
        assert found.blocks(threads) == blocks


@pytest.mark.parametrize(("name", "stack", "blocks"), [("rgb", 16, 8), ("index", 0, 5), ("cubic", 32, 3)])
def test_special_kernels_are_light(compiler, name, stack, blocks):
    job = JOBS[name]
    wanted = variant("shade", job.recipe, 2, reduced=False, mode=mode_of(job.recipe), tabled=name == "rgb")
    code = compiler.cubin(wanted.prelude() + source("shade"), "shade", wanted.defines(), 90)
    found = resources(code, "shade")
    assert found.stack <= stack
    assert found.blocks(256) >= blocks


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", KERNELS)
def test_builds_for_every_architecture(compiler, name, architecture):
    for defines in DEFINES.get(name, [()]):
        assert compiler.cubin(source(name), name, defines, architecture)[:4] == b"\x7fELF"


def test_errors_name_the_file_and_line(compiler):
    with pytest.raises(nvrtc.CompileError, match=r"seg_scan\.cu\(\d+\)"):
        compiler.cubin(source("seg_scan").replace("sum += ", "sum += nonsense "), "seg_scan", (), 90)


def test_cache(compiler, tmp_path, monkeypatch):
    """Built once; a torn file is built again; a folder that cannot be written is no error."""
    built = []
    monkeypatch.setattr(compiler, "cubin", lambda *args: built.append(args) or b"code")
    for _ in range(2):
        assert nvrtc.cached_cubin(compiler, "text", "name", ("A=1",), 90, tmp_path) == b"code"
    assert len(built) == 1
    nvrtc.cached_cubin(compiler, "text", "name", ("A=2",), 90, tmp_path)
    nvrtc.cached_cubin(compiler, "text", "name", ("A=1",), 80, tmp_path)
    assert len(built) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    assert nvrtc.cached_cubin(compiler, "text", "name", ("A=1",), 90, tmp_path) == b"code"
    assert len(built) == 4
    (tmp_path / "file").touch()
    assert nvrtc.cached_cubin(compiler, "text", "name", (), 90, tmp_path / "file" / "below") == b"code"
