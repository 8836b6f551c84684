"""This server beside TiTiler and MapServer, its goals, and the physical limit, into benchmarks/RESULTS.md.

make bench, or: python -m benchmarks [SECTION…] [--side 4096]. Sections that are not run keep their last figures.
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

from benchmarks import granule, report
from benchmarks.bench import Bench
from benchmarks.figures import Figures

HERE = Path(__file__).parent
SECTIONS = ("tiles", "mapserver", "pyramid", "point", "s3", "processes", "start", "catalog", "memory")


def main() -> None:
    asked = _options().parse_args()
    bench = Bench(
        data=asked.data.resolve(),
        side=asked.side,
        rounds=asked.rounds,
        port=asked.port,
        minutes=asked.minutes,
        items=asked.items,
        database=asked.catalog,
    )
    bench.prepare()
    for name in asked.sections or SECTIONS:
        start = time.perf_counter()
        figures: Figures = importlib.import_module(f"benchmarks.sections.{name}").measure(bench)
        figures.keep(bench.folder / "figures", time.perf_counter() - start)
    kept = [bench.folder / "figures" / f"{name}.json" for name in SECTIONS]
    text = report.markdown([Figures.kept(path) for path in kept if path.exists()], HERE / "NOTES.md")
    out = asked.out or (HERE / "RESULTS.md" if asked.side == granule.FULL else bench.folder / "RESULTS.md")
    out.write_text(text)
    print(f"\n{text}\nWritten to {out}")


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION", help=", ".join(SECTIONS))
    options.add_argument(
        "--side", type=int, default=granule.FULL, help="pixels of the granule, multiples of 512 or full"
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--minutes", type=float, default=5, help="of load in the memory section; 60 for an hour")
    options.add_argument("--items", type=int, default=100_000, help="of the catalog section")
    options.add_argument("--catalog", default="", metavar="URI", help="database of the catalog section")
    options.add_argument("--data", type=Path, default=HERE.parent / "build" / "bench")
    options.add_argument("--port", type=int, default=8310, help="first of ten that are free")
    options.add_argument("--out", type=Path, help="default: benchmarks/RESULTS.md, for a smaller granule in its folder")
    return options


if __name__ == "__main__":
    main()
