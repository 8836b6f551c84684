"""What an operator is told while files are read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Report:
    """Counts and remarks; the command line shows them as they come."""

    skipped: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason)."""
    hints: list[tuple[str, str]] = field(default_factory=list)
    """(file, why it is drawn slower than it could be)."""
    collections: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Items, new or changed ones, removed ones."""

    def begin(self, what: str, total: int) -> None:
        """So many files are about to be read."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""

    def skip(self, file: str, reason: str) -> None:
        """A file is left out."""
        self.skipped.append((file, reason))

    def hint(self, file: str, text: str) -> None:
        """A file is drawn, but slower than it could be."""
        self.hints.append((file, text))

    def done(self, collection: str, items: int, changed: int, removed: int) -> None:
        """A collection is up to date."""
        self.collections[collection] = (items, changed, removed)
