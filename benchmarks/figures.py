"""What a section measured, kept as JSON until the report is written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

Cell = str | float | None


@dataclass
class Table:
    """Rows under a heading; numbers are written with three digits."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """A row, shown at once."""
        assert len(cells) == len(self.columns)
        self.rows.append(cells)
        print("  ", " | ".join(map(written, cells)), flush=True)

    def markdown(self) -> list[str]:
        """The lines of the table."""
        head = [f"### {self.title}", ""] if self.title else []
        rows = [self.columns, tuple("---" for _ in self.columns), *(tuple(map(written, row)) for row in self.rows)]
        return [*head, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


@dataclass
class Figures:
    """Tables and the numbers that goals are judged by."""

    section: str
    title: str
    side: int
    tables: list[Table] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    when: str = ""
    load: str = ""
    seconds: float = 0.0

    def table(self, title: str, *columns: str) -> Table:
        """Another table."""
        table = Table(title, columns)
        self.tables.append(table)
        print(f"\n{title or self.title}\n   {' | '.join(columns)}", flush=True)
        return table

    def keep(self, folder: Path, seconds: float) -> None:
        """Write them down, with the time and how busy the machine is."""
        self.when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        self.load = " ".join(f"{value:.1f}" for value in os.getloadavg())
        self.seconds = seconds
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.section}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def kept(cls, path: Path) -> Self:
        """Those of the last run."""
        document: dict[str, Any] = json.loads(path.read_text())
        tables = [
            Table(one["title"], tuple(one["columns"]), [tuple(row) for row in one["rows"]])
            for one in document.pop("tables")
        ]
        return cls(tables=tables, **document)


def written(cell: Cell) -> str:
    """Three digits are as many as a benchmark has."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if abs(cell) >= 100 or cell == int(cell):
        return f"{cell:.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}" if abs(cell) >= 0.1 else f"{cell:.3f}"


def times(ratio: float) -> str:
    """`12x`."""
    return f"{written(ratio)}x"


def spread(values: Sequence[float]) -> str:
    """Lowest to highest."""
    return f"{written(min(values))}–{written(max(values))}"
