"""What Prometheus reads at /metrics."""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()
REQUESTS = Counter("tileserver_requests", "Requests by route and status", ["route", "status"], registry=REGISTRY)
RENDERS = Counter("tileserver_renders", "Pictures drawn", registry=REGISTRY)
CACHE_HITS = Counter("tileserver_cache_hits", "Tiles answered without drawing", ["level"], registry=REGISTRY)
FALLBACKS = Counter("tileserver_device_fallbacks", "Pictures that the CPU drew in place of the GPU", registry=REGISTRY)
STAGE = Histogram(
    "tileserver_stage_seconds",
    "Time by stage",
    ["stage"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)

# Every request needs these; prometheus_client takes a lock and builds strings for each look-up of a label.
requests_of = cache(REQUESTS.labels)
hits_of = cache(CACHE_HITS.labels)
stage_of = cache(STAGE.labels)


def exposition() -> bytes:
    """All numbers in Prometheus' text format; of all workers where they share PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
