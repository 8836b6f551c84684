"""The grammar of band maths: text to trees, by an own small parser. User text is never evaluated as code.

outputs    = or { (";" | ",") or }
or         = and { ("or" | "|") and }
and        = not { ("and" | "&") not }
not        = ("not" | "~" | "!") not | comparison
comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
sum        = product { ("+" | "-") product }
product    = sign { ("*" | "/") sign }
sign       = ("-" | "+") sign | power
power      = atom [ "**" sign ]
atom       = number | band | function "(" or { "," or } ")" | "(" or ")" | ("~" | "!") atom
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

MAX_LENGTH = 2000
MAX_NODES = 400
MAX_DEPTH = 40
MAX_OUTPUTS = 16
MAX_CONSTANT = 1e30

FUNCTIONS: dict[str, tuple[int, int]] = {
    "sqrt": (1, 1),
    "abs": (1, 1),
    "log": (1, 1),
    "log10": (1, 1),
    "exp": (1, 1),
    "sin": (1, 1),
    "cos": (1, 1),
    "tan": (1, 1),
    "arctan": (1, 1),
    "min": (2, 8),
    "max": (2, 8),
    "clip": (3, 3),
    "where": (3, 3),
}
"""Name: fewest and most arguments."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/<>()&|~!,;])|(?P<end>$)|(?P<other>.))",
    re.DOTALL,
)
_WORDS = {"and": "&", "or": "|", "not": "!", "~": "!"}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class ExpressionError(ValueError):
    """Text that is no expression; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a tree. `op` is a sign, a function's name, "number", "band" or "negate"."""

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            raise ExpressionError(f"Cannot read the expression at character {at + 1}.")
        token = _Token(kind, _WORDS.get(match[kind], match[kind]), match.start(kind) + 1)
        if kind == "other":
            raise ExpressionError(f"Character {token.text!r} at position {token.at} is not allowed.")
        if kind == "name" and token.text in "&|!":
            token = _Token("sign", token.text, token.at)
        found.append(token)
        if kind == "end":
            return found
        at = match.end()


class Parser:
    """Reads one text; `bands` are the names it may use, None allows any."""

    def __init__(self, text: str, bands: Collection[str] | None) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"The expression has {len(text)} characters; {MAX_LENGTH} are allowed.")
        self._tokens = _tokens(text)
        self._bands = bands
        self._at = 0
        self._nodes = 0
        self._depth = 0

    def outputs(self) -> list[Node]:
        """The trees that `;` or `,` separate."""
        found = [self._or()]
        while self._take(";", ","):
            if self._next.kind != "end":  # a separator at the very end separates nothing
                found.append(self._or())
        if self._next.kind != "end":
            self._fail("an operator or the end")
        if len(found) > MAX_OUTPUTS:
            raise ExpressionError(f"The expression has {len(found)} outputs; {MAX_OUTPUTS} are allowed.")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        token = self._next
        if token.kind != "sign" or token.text not in signs:
            return ""
        self._at += 1
        return token.text

    def _fail(self, wanted: str) -> NoReturn:
        token = self._next
        if token.kind == "end":
            raise ExpressionError(f"The expression ends where {wanted} should follow.")
        raise ExpressionError(f"Expected {wanted} at position {token.at}, found {token.text!r}.")

    def _node(self, op: str, *args: Node, value: float = 0.0, name: str = "") -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ExpressionError(f"The expression has more than {MAX_NODES} operations.")
        return Node(op, args, value, name)

    def _or(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"The expression is nested more than {MAX_DEPTH} levels deep.")
        left = self._and()
        while self._take("|"):
            left = self._node("|", left, self._and())
        self._depth -= 1
        return left

    def _and(self) -> Node:
        left = self._not()
        while self._take("&"):
            left = self._node("&", left, self._not())
        return left

    def _not(self) -> Node:
        count = 0
        while self._take("!"):
            count += 1
        value = self._comparison()
        if count:  # an even number of negations still makes a truth value
            value = self._node("!", value)
            if count % 2 == 0:
                value = self._node("!", value)
        return value

    def _comparison(self) -> Node:
        left = self._sum()
        sign = self._take(*_COMPARISONS)
        if not sign:
            return left
        right = self._sum()
        if self._next.kind == "sign" and self._next.text in _COMPARISONS:
            raise ExpressionError(f"Comparisons cannot be chained (position {self._next.at}); write a < b and b < c.")
        return self._node(sign, left, right)

    def _sum(self) -> Node:
        left = self._product()
        while sign := self._take("+", "-"):
            left = self._node(sign, left, self._product())
        return left

    def _product(self) -> Node:
        left = self._sign()
        while sign := self._take("*", "/"):
            left = self._node(sign, left, self._sign())
        return left

    def _sign(self) -> Node:
        negative = False
        while sign := self._take("-", "+"):
            negative ^= sign == "-"
        value = self._power()
        if not negative:
            return value
        if value.op == "number":
            return Node("number", value=-value.value)
        return self._node("negate", value)

    def _power(self) -> Node:
        base = self._atom()
        if not self._take("**"):
            return base
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"The expression is nested more than {MAX_DEPTH} levels deep.")
        exponent = self._sign()
        self._depth -= 1
        return self._node("**", base, exponent)

    def _atom(self) -> Node:
        token = self._next
        if token.kind == "number":
            self._at += 1
            return self._number(token)
        if token.kind == "name":
            self._at += 1
            return self._call(token) if self._take("(") else self._band(token)
        if self._take("!"):
            return self._node("!", self._atom())
        if not self._take("("):
            self._fail("a number, a band or '('")
        inner = self._or()
        if not self._take(")"):
            self._fail("')'")
        return inner

    def _number(self, token: _Token) -> Node:
        value = float(token.text)
        if value > MAX_CONSTANT:
            raise ExpressionError(f"The number {token.text} at position {token.at} is too large.")
        return self._node("number", value=value)

    def _band(self, token: _Token) -> Node:
        if self._bands is not None and token.text not in self._bands:
            names = ", ".join(sorted(self._bands)[:20]) or "none"
            raise ExpressionError(f"There is no band {token.text!r} (position {token.at}). There are: {names}.")
        return self._node("band", name=token.text)

    def _call(self, token: _Token) -> Node:
        if token.text not in FUNCTIONS:
            names = ", ".join(FUNCTIONS)
            raise ExpressionError(f"There is no function {token.text!r} (position {token.at}). There are: {names}.")
        args = [self._or()]
        while self._take(","):
            args.append(self._or())
        if not self._take(")"):
            self._fail("')' or ','")
        low, high = FUNCTIONS[token.text]
        if not low <= len(args) <= high:
            count = f"{low}" if low == high else f"{low} to {high}"
            raise ExpressionError(f"{token.text} takes {count} arguments, got {len(args)} (position {token.at}).")
        return self._node(token.text, *args)
