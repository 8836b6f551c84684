"""How many cores this process may use: those of its machine, less what a scheduler or a container leaves it."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """At least one."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        allowed = os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota())))


def _quota() -> float:
    """Cores' worth of time that the control group may use, of either version; infinite without a limit."""
    for parts in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = " ".join((CGROUPS / part).read_text() for part in parts).split()
            time, period = float(words[0]), float(words[1])
        except (OSError, ValueError, IndexError):  # "max" is no number
            continue
        if time > 0 and period > 0:
            return time / period
    return math.inf
