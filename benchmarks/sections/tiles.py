"""Tiles of this server and of TiTiler side by side, and how far ours are from the physical limit."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import limit, workloads
from benchmarks.bench import Bench
from benchmarks.cases import CACHES, Case, Servers, keep
from benchmarks.figures import Figures, times, written
from benchmarks.granule import RGB
from benchmarks.limit import Parts
from benchmarks.pairs import compare
from benchmarks.server import Load

_SAMPLE = {1: 30, 8: 64}
"""Tiles asked of TiTiler, by clients; ours are quicker and get more."""

CASES = (
    Case("random", workloads.RANDOM, "cold"),
    Case("random 512", workloads.RANDOM_512, "cold"),
    Case("coarse", workloads.COARSE, "cold"),
    Case("ndvi", workloads.NDVI, "cold"),
    Case("one file", workloads.ONE_FILE, "cold"),
    Case("panning", workloads.PAN, "filling"),
    Case("panning 512", workloads.PAN_512, "filling"),
    Case("panning one file", workloads.PAN_ONE_FILE, "filling"),
    Case("hot", workloads.RANDOM, "hot"),
    Case("hot 512", workloads.RANDOM_512, "hot"),
    Case("hot ndvi", workloads.NDVI, "hot"),
    Case("encoded", workloads.RANDOM, "encoded"),
)


def measure(bench: Bench) -> Figures:
    """TiTiler, ours, and the parts of the limit."""
    figures = Figures("tiles", "Tiles against TiTiler", bench.side)
    parts = limit.measure(bench.bands, bench.port + 9)
    table = figures.table(
        "Server CPU for each tile, over HTTP",
        *("workload", "our caches", "TiTiler ms", "ours ms", "CPU", "1 client", "8 clients"),
        *("limit ms", "ours / limit", "limit, needed rows only"),
    )
    with bench.titiler() as server, ExitStack() as stack:
        ours = Servers(bench, stack)
        server.ask(workloads.RANDOM.titiler(bench.archive, bench.side)[:5])
        for case in CASES:
            paths = case.workload.titiler(bench.archive, bench.side)

            def theirs(clients: int, paths: list[str] = paths) -> Load:
                return server.ask(paths[: _SAMPLE[clients]], clients)

            pair = compare(bench.rounds, theirs, ours.asked(case))
            whole, least = _limits(bench, case, parts)
            ratios = (times(pair.cpu), times(pair.latency), times(pair.rate))
            far = pair.ours / whole
            table.add(case.workload.name, CACHES[case.state], pair.theirs, pair.ours, *ratios, whole, times(far), least)
            keep(figures, f"titiler {case.key}", pair)
            figures.measured[f"limit: {case.workload.name} ({CACHES[case.state]})"] = far
        _stages(figures, ours)
    _parts(figures, parts)
    return figures


def _limits(bench: Bench, case: Case, parts: Parts) -> tuple[float, float]:
    """Milliseconds with whole blocks, and with blocks inflated no further than needed."""
    if case.state == "encoded":
        return parts.http, parts.http
    picture = parts.picture(case.workload)
    if case.state == "hot":
        return picture, picture
    count = 2 if case.workload.ndvi else 3
    tiles = case.workload.tiles(bench.side)
    blocks = limit.blocks(bench.bands / f"{RGB[0]}.tif", tiles, case.workload.size, count)
    if case.state == "filling":
        return blocks.once * parts.block + picture, blocks.once * parts.block + picture
    return blocks.each * parts.block + picture, blocks.rows * parts.block + picture


def _stages(figures: Figures, ours: Servers) -> None:
    """Where our time goes."""
    table = figures.table(
        "Where our time goes: elapsed ms of each stage, one client",
        *("workload", "our caches", "stages, as in Server-Timing"),
    )
    for case in CASES:
        if case.state in {"cold", "hot"}:
            stages = ours.stages(case)
            said = ", ".join(f"{stage} {written(spent)}" for stage, spent in stages.items())
            table.add(case.workload.name, CACHES[case.state], said)


def _parts(figures: Figures, parts: Parts) -> None:
    """What the limit is made of."""
    table = figures.table("Parts of the limit (CPU ms)", "part", "ms")
    table.add("block of 512 x 512 uint16: libdeflate", parts.inflate)
    table.add("block: predictor", parts.block - parts.inflate)
    for size in (256, 512):
        table.add(f"{size} px: look up three bands", parts.draw[size])
        table.add(f"{size} px: JPEG of quality 85", parts.jpeg[size])
        table.add(f"{size} px: PNG of one band", parts.png[size])
    table.add("HTTP answer of 20 kB", parts.http)
