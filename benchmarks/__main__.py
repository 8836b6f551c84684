"""Tiles of this server and of TiTiler side by side: server CPU per tile and ratios, into benchmarks/RESULTS.md.

make bench
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import granule, stock
from benchmarks.server import Server
from benchmarks.workloads import COLLECTION, DATE, WORKLOADS, Workload

HERE = Path(__file__).parent
CACHES = {
    "no cache": {"TILESERVER_BLOCK_CACHE_BYTES": "0", "TILESERVER_TILE_CACHE_BYTES": "0"},
    "blocks": {"TILESERVER_TILE_CACHE_BYTES": "0"},
    "all caches": {},
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=HERE.parent / "build" / "bench")
    options.add_argument("--side", type=int, default=4096, help="pixels of the granule")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--port", type=int, default=8310)
    options.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    asked = options.parse_args()
    folder = granule.write(asked.data.resolve() / COLLECTION / DATE, asked.side)
    rows = measure(folder, asked.rounds, asked.port)
    asked.out.write_text(report(rows, asked.side))
    print(asked.out.read_text())


def measure(folder: Path, rounds: int, port: int) -> list[tuple[str, str, float, float, float]]:
    """(workload, our caches, TiTiler's CPU ms, ours, median ratio of the rounds)."""
    rows = []
    peer = ["-m", "uvicorn", "benchmarks.stock:app", "--port", str(port), "--no-access-log"]
    with Server(peer, port, stock.SETTINGS) as theirs:
        theirs.ask(WORKLOADS[0].stock(folder)[:5])
        for number, (caches, environment) in enumerate(CACHES.items(), 1):
            scratch = {"TILESERVER_CACHE_DIR": str(folder.parents[1] / f"cache-{number}")}
            command = ["-m", "tileserver", "serve", str(folder.parents[1]), "--port", str(port + number)]
            with Server(command, port + number, {"TILESERVER_DEVICE": "cpu", **environment, **scratch}) as ours:
                ours.ask(WORKLOADS[1].ours()[:5])
                for workload in _of(caches):
                    if caches == "all caches":
                        ours.ask(workload.ours())
                    rows.append((workload.name, caches, *_pair(workload, folder, theirs, ours, rounds)))
                if caches == "blocks":
                    hot = WORKLOADS[0]
                    ours.ask(hot.ours())
                    rows.append((f"{hot.name}, 8 clients", "blocks, hot", *_pair(hot, folder, theirs, ours, rounds, 8)))
    return rows


def _of(caches: str) -> tuple[Workload, ...]:
    if caches == "all caches":
        return WORKLOADS[:1]
    return WORKLOADS[:4] if caches == "no cache" else WORKLOADS[4:]


def _pair(
    workload: Workload, folder: Path, theirs: Server, ours: Server, rounds: int, clients: int = 1
) -> tuple[float, float, float]:
    """Interleaved, so that a busy machine slows both."""
    pairs = []
    for _ in range(rounds):
        paths = workload.stock(folder)
        sample = paths[: max(12, len(paths) // 3)]
        pairs.append((theirs.ask(sample, clients)[0], ours.ask(workload.ours(), clients)[0]))
    ratios = [a / max(b, 1e-3) for a, b in pairs]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), statistics.median(ratios)


def report(rows: list[tuple[str, str, float, float, float]], side: int) -> str:
    """The table in Markdown."""
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        "# Results",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores {processor}, load average {load}.",
        f"Python {platform.python_version()}. Synthetic granule of {side} x {side} pixels, 512 px blocks, deflate",
        "with predictor 2, one file per band, in the page cache. One process each; server CPU per tile, median of",
        "interleaved rounds. TiTiler has one task thread and its authors' GDAL settings.",
        "",
        "| workload | our caches | TiTiler ms/tile | Tilescope ms/tile | ratio |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {caches} | {a:.1f} | {b:.2f} | {ratio:.1f}x |" for name, caches, a, b, ratio in rows]
    notes = HERE / "NOTES.md"
    return "\n".join(lines) + "\n" + (f"\n{notes.read_text()}" if notes.exists() else "")


if __name__ == "__main__":
    main()
