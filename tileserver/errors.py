"""Everything that can go wrong, as nouns.

    TileserverError
    ├── InvalidParameter    400  a value that the caller can correct
    ├── NotFound            404  no such collection, style, item, tile matrix set; a tile beyond the grid
    ├── TooLarge            413  more than a budget allows; says the limit
    ├── SourceUnreadable    502  an asset that cannot be opened or decoded
    └── Overloaded          503  try again later

They are raised anywhere and turned into answers in one place, `tileserver.api.errors`.
Messages are for the reader: what was wrong, what came, what is allowed. Never a path or a credential.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class TileserverError(Exception):
    """Base of all errors that a client may see."""

    status = 500
    code = "InternalError"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def body(self) -> dict[str, object]:
        """The JSON object that a client receives."""
        return {"code": self.code, "detail": self.detail}


class InvalidParameter(TileserverError):
    """A parameter's value cannot be understood or is not allowed."""

    status = 400
    code = "InvalidParameter"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        shown = str(value)
        shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
        super().__init__(f"Parameter '{name}' got '{shown}'. Allowed: {allowed.rstrip('.')}.")
        self.name = name
        self.value = value
        self.allowed = allowed


class NotFound(TileserverError):
    """A named thing does not exist."""

    status = 404
    code = "NotFound"

    def __init__(self, kind: str, name: object, known: Iterable[str] = ()) -> None:
        shown = str(name)[:100]
        names = sorted(known)
        hint = ""
        if names:
            close = get_close_matches(shown, names, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else f" There are: {', '.join(names[:12])}."
        super().__init__(f"No {kind} '{shown}'.{hint}")
        self.kind = kind


class TooLarge(TileserverError):
    """A request beyond a budget."""

    status = 413
    code = "TooLarge"

    def __init__(self, what: str, size: object, limit: object) -> None:
        super().__init__(f"{what}: {size} asked, the limit is {limit}.")


class SourceUnreadable(TileserverError):
    """An asset cannot be opened, decoded or placed. Named by item and asset, never by path."""

    status = 502
    code = "SourceUnreadable"

    def __init__(self, reason: str, *, item: str = "", asset: str = "") -> None:
        super().__init__(reason)
        self.item = item
        self.asset = asset

    def named(self, *, item: str, asset: str) -> SourceUnreadable:
        """The same error, saying whose file it was."""
        return SourceUnreadable(self.detail, item=item, asset=asset)

    def body(self) -> dict[str, object]:
        return {**super().body(), "item": self.item, "asset": self.asset}


class Overloaded(TileserverError):
    """The server has more work than it may queue."""

    status = 503
    code = "Overloaded"

    def __init__(self, detail: str = "Too many requests at once.", *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
