"""The benchmark says plainly when there is nothing to measure, and its code runs."""

import json

import pytest

from benchmarks import gpu as benchmark


def test_without_a_gpu(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "why_no_cuda", lambda: "there is no NVIDIA GPU")
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert benchmark.main() == 2
    assert capsys.readouterr().out.startswith("No GPU to measure: there is no NVIDIA GPU.")


@pytest.mark.slow
def test_every_case_runs_under_emulation(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["gpu", "--emulate", "--json", str(tmp_path / "rows.json")])
    assert benchmark.main() == 0
    shown = capsys.readouterr().out
    assert "to the byte" in shown
    assert "times mean nothing" in shown
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert len(rows) >= 15
    assert all(row["boundary"] for row in rows)
    assert all(row["goal"] is None for row in rows)
