"""The value of one place on many dates: one question to us, a question for each date to TiTiler."""

from __future__ import annotations

import json
import math
import os
import statistics
from datetime import date, timedelta

from benchmarks import granule, limit
from benchmarks.bench import BLOCKS, Bench
from benchmarks.figures import Figures, times
from benchmarks.server import Load, Server
from benchmarks.workloads import COLLECTION

DATES = 24
SERIES = "series"
HOT = 20
"""Questions from which the hot figure is taken."""


def measure(bench: Bench) -> Figures:
    """Cold is the first question that touches the files, of a server that has answered others."""
    figures = Figures("point", f"NDVI of one place on {DATES} dates", bench.side)
    days = _archive(bench)
    west, south, east, north = granule.inside(bench.side)
    place = (west + (east - west) * 0.37, south + (north - south) * 0.61)
    theirs, ours = _titiler(bench, days, place), _ours(SERIES, place)
    pairs = []
    with bench.titiler() as peer:
        peer.ask(theirs[:2])
        for _ in range(bench.rounds):
            asked = peer.ask(theirs)
            with bench.ours(BLOCKS) as server:
                server.settle().ask([_ours(COLLECTION, place)])
                pairs.append((asked, server.ask([ours]), server.ask([ours] * HOT)))
                _agree(peer, theirs, server, ours)
    table = figures.table("", "", "CPU ms", "ms until answered", "CPU", "time")
    whole = [(a.cpu * DATES, a.wall * DATES) for a, _, _ in pairs]
    table.add("TiTiler, one by one", *(statistics.median(one) for one in zip(*whole, strict=True)), None, None)
    for at, name in ((1, "cold"), (2, "hot")):
        loads: list[Load] = [pair[at] for pair in pairs]
        cpu = statistics.median(a[0] / b.cpu for a, b in zip(whole, loads, strict=True))
        wall = statistics.median(a[1] / b.wall for a, b in zip(whole, loads, strict=True))
        spent = statistics.median(load.cpu for load in loads)
        table.add(f"ours, {name}", spent, statistics.median(load.wall for load in loads), times(cpu), times(wall))
        figures.measured |= {f"point {name} CPU": cpu, f"point {name} time": wall}
        if name == "cold":
            least = DATES * 2 * limit.measure(bench.bands, bench.port + 9).block
            figures.measured[f"limit: point over {DATES} dates, cold"] = spent / least
            table.add("limit, cold: whole blocks", least, None, None, None)
    return figures


def _archive(bench: Bench) -> list[date]:
    """The two bands once for each date, five days apart; hard links, which nobody can tell from files."""
    days = [date(2024, 1, 1) + timedelta(days=5 * number) for number in range(DATES)]
    for day in days:
        folder = bench.folder / SERIES / f"{day}"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("B04", "B08"):
            (folder / f"{name}.tif").unlink(missing_ok=True)
            os.link(bench.bands / f"{name}.tif", folder / f"{name}.tif")
    bench.ingest(bench.folder / SERIES, SERIES)
    return days


def _titiler(bench: Bench, days: list[date], place: tuple[float, float]) -> list[str]:
    query = "assets=B08&assets=B04&expression=(b1-b2)/(b1%2Bb2)"
    return [f"/bands/point/{place[0]},{place[1]}?url={bench.folder / SERIES / str(day)}&{query}" for day in days]


def _ours(collection: str, place: tuple[float, float]) -> str:
    query = f"lon={place[0]}&lat={place[1]}&expression=(B08-B04)/(B08%2BB04)"
    return f"/collections/{collection}/timeseries?{query}"


def _agree(peer: Server, theirs: list[str], server: Server, ours: str) -> None:
    """Both must have read the same pixels."""
    values = [json.loads(answer.body)["values"][0] for answer in peer.answers(theirs)]
    mine = json.loads(server.answers([ours])[0].body)["value"]
    assert len(mine) == DATES
    assert all(math.isclose(a, b, abs_tol=1e-4) for a, b in zip(values, mine, strict=True)), (values, mine)
