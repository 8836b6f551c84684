"""Update sequences of capabilities documents: a number that grows with every change of what they describe."""

from __future__ import annotations

from threading import Lock
from time import time

State = tuple[tuple[str, str], ...]
"""(collection, revision) of everything that a document describes."""


class Sequences:
    """One number for each document: the second in which its newest state was seen."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, tuple[State, int]] = {}

    def number(self, document: str, state: State) -> int:
        """The document's number now."""
        with self._lock:
            known, number = self._known.get(document, ((), 0))
            if known != state or not number:
                number = max(int(time()), number + 1)
                self._known[document] = (state, number)
            return number


def compare(text: str, number: int) -> int:
    """-1, 0 or 1: what a client has is older than, the same as or newer than ours. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"The update sequence is a whole number, now {number}.")
    return (int(text) > number) - (int(text) < number)
