"""Tiles of this server and of MapServer, which keeps its files and blocks between requests, side by side."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import workloads
from benchmarks.bench import Bench
from benchmarks.cases import CACHES, Case, Servers, keep
from benchmarks.figures import Figures, times
from benchmarks.pairs import Asked, compare
from benchmarks.peers import mapserver
from benchmarks.server import Load, Server

CASES = (
    Case("fresh", workloads.RANDOM, "new", fresh=True),
    Case("warm against none", workloads.RANDOM, "cold"),
    Case("warm", workloads.RANDOM, "hot"),
    Case("panning fresh", workloads.PAN, "new", fresh=True),
    Case("panning", workloads.PAN, "hot"),
    Case("panning coarse", workloads.PAN_COARSE, "hot"),
)


def measure(bench: Bench) -> Figures:
    """One process of it behind nginx, whose CPU counts too."""
    figures = Figures("mapserver", "Tiles against MapServer", bench.side)
    if absent := mapserver.missing():
        figures.notes.append(
            f"MapServer was not measured: {absent} not installed (Debian: cgi-mapserver spawn-fcgi nginx-light)."
        )
        return figures
    table = figures.table(
        "Server CPU for each tile, over HTTP",
        *("workload", "MapServer", "our caches", "MapServer ms", "ours ms", "CPU", "1 client", "8 clients"),
    )
    with mapserver.served(bench.bands, bench.port + 8) as server, ExitStack() as stack:
        ours = Servers(bench, stack)
        for case in CASES:
            theirs = _fresh(bench, case) if case.fresh else _warm(bench, case, server)
            pair = compare(bench.rounds, theirs, ours.asked(case))
            said = "fresh" if case.fresh else "warm"
            ratios = (times(pair.cpu), times(pair.latency), times(pair.rate))
            table.add(case.workload.name, said, CACHES[case.state], pair.theirs, pair.ours, *ratios)
            keep(figures, f"mapserver {case.key}", pair)
    return figures


def _fresh(bench: Bench, case: Case) -> Asked:
    """A new process that has opened the files."""

    def asked(clients: int) -> Load:
        with mapserver.served(bench.bands, bench.port + 9) as server:
            server.ask(case.opening.mapserver(bench.side))
            return server.ask(case.workload.mapserver(bench.side), clients)

    return asked


def _warm(bench: Bench, case: Case, server: Server) -> Asked:
    """One that has drawn the same tiles before."""
    paths = case.workload.mapserver(bench.side)

    def asked(clients: int) -> Load:
        server.ask(paths)
        return server.ask(paths, clients)

    return asked
