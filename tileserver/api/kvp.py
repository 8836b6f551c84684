"""Key-value pairs of OGC requests: names in any case, values as they are, nothing said twice differently."""

from __future__ import annotations

from collections.abc import Iterable

from tileserver.errors import InvalidParameter


class MissingParameter(InvalidParameter):
    """A parameter that must be there is not, or is empty."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "", "a value, this parameter must be given")


class KeyValues:
    """The parameters of one request."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str, default: str = "") -> str:
        """The value, "" or `default` if there is none. Raises InvalidParameter for several that differ.

        Addresses that people paste and programs extend often say the same twice: that is understood.
        """
        values = list(dict.fromkeys(self._values.get(name.lower(), ())))
        if len(values) > 1:
            raise InvalidParameter(name, " and ".join(values), "one value, this parameter was given several")
        return values[0].strip() if values else default

    def need(self, name: str) -> str:
        """The value. Raises MissingParameter when it is missing or empty."""
        value = self.get(name)
        if not value:
            raise MissingParameter(name)
        return value
