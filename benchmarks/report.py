"""RESULTS.md: the goals first, then every section's tables, then NOTES.md."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from benchmarks import goals
from benchmarks.figures import Figures
from benchmarks.peers import mapserver
from benchmarks.server import ROOT

_PACKAGES = ("titiler.core", "rio-tiler", "rasterio", "uvicorn", "numpy", "numba", "imagecodecs")


def markdown(sections: list[Figures], notes: Path) -> str:
    """The whole page."""
    measured = {key: value for section in sections for key, value in section.measured.items()}
    lines = ["# Results", "", *_machine(sections), "", "## Goals", "", goals.summary(measured), ""]
    lines += goals.table(measured).markdown()
    for section in sections:
        lines += [f"## {section.title}", ""]
        lines += [
            f"{section.when}, {section.seconds:.0f} s, load average {section.load}; granule of {section.side} pixels.",
            "",
        ]
        for note in section.notes:
            lines += [note, ""]
        for table in section.tables:
            lines += table.markdown()
    return "\n".join([*lines, ""]) + (notes.read_text() if notes.exists() else "")


def _machine(sections: list[Figures]) -> list[str]:
    days = sorted(section.when[:10] for section in sections)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    absent = mapserver.missing()
    return [
        f"{' to '.join(dict.fromkeys((days[0], days[-1])))}, {os.cpu_count()} cores {_processor()}, {memory:.0f} GiB.",
        f"Python {platform.python_version()}, {versions}, {f'no MapServer ({absent})' if absent else _mapserver()}.",
        "",
        "A synthetic granule in one UTM zone: uint16, blocks of 512 x 512, deflate with predictor 2, one file for each",
        "band, in the page cache. One process each unless said; TiTiler has one task thread and its authors' settings.",
        "Times are medians of interleaved rounds, ratios medians of the rounds' ratios; above 1 ours is faster. CPU is",
        "the server's, with one client; the load generator runs on the same cores.",
    ]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def _mapserver() -> str:
    said = subprocess.run(["mapserv", "-v"], capture_output=True, text=True, check=False, cwd=ROOT)
    return " ".join((said.stdout or said.stderr).split()[:3]) or "MapServer"
