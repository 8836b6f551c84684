"""The benchmark says plainly when there is nothing to measure, and its code runs."""

import json

import pytest

from benchmarks import gpu as benchmark
from benchmarks.gpu_cases import GOALS, Bench, FellBack
from benchmarks.gpu_parts import some_tiles
from gpu.cuda.device import DeviceError
from tests.gpu.host.device import HostDevice, HostStream


def test_without_a_gpu(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "why_no_cuda", lambda: "there is no NVIDIA GPU")
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert benchmark.main() == 2
    assert capsys.readouterr().out.startswith("No GPU to measure: there is no NVIDIA GPU.")


def small_bench():
    return Bench(HostDevice(), size=320, runs=1, emulated=True)


def test_a_part_that_fails_costs_its_row(capsys):
    bench = small_bench()
    bench.attempt(lambda _: 1 / 0, "impossible")
    bench.attempt(lambda bench: bench.measure("sleep", "nothing", lambda: None, pixels=1), "possible")
    assert [row["case"] for row in bench.rows] == ["impossible", "sleep"]
    assert bench.rows[0]["error"] == "ZeroDivisionError: division by zero"
    assert "impossible: not measured" in capsys.readouterr().out


def test_the_cpu_is_never_measured_as_the_gpu(monkeypatch):
    """Where the GPU fails, the row says so instead of the CPU's time."""
    bench = small_bench()
    tile = some_tiles(bench, 1, "nearest")
    monkeypatch.setattr(HostStream, "synchronize", lambda _: (_ for _ in ()).throw(DeviceError("no")))
    with pytest.raises(FellBack):
        bench.gpu.draw(tile)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_case_runs_under_emulation(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["gpu", "--emulate", "--json", str(tmp_path / "rows.json")])
    assert benchmark.main() == 0
    shown = capsys.readouterr().out
    assert "to the byte" in shown
    assert "times mean nothing" in shown
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    measured = {row["case"] for row in rows if "error" not in row}
    for case in (*GOALS, "one tile's latency", "median of 30 dates", "CPU: granule"):
        if case not in ("granule, from deflate blocks by nvCOMP", "512 tiles, the device alone"):  # a GPU's; 4 here
            assert case in measured
    assert {row["case"] for row in rows if "error" in row} <= {"nvCOMP", "nvJPEG"}
    assert all(row["boundary"] for row in rows)
    assert not any(row.get("goal") for row in rows)
