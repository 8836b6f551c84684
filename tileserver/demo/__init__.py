"""The demo archive: an invented valley as a satellite would see it, made in place, the same each time."""

from __future__ import annotations

from tileserver.demo.archive import Scene, is_complete, make_demo

__all__ = ["Scene", "is_complete", "make_demo"]
