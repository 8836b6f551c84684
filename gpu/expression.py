"""Band maths such as `(B08 - B04) / (B08 + B04)`: parsed by an allow-list, evaluated in NumPy, emitted to CUDA.

Arithmetic is float64 everywhere. Truth values are 1 and 0; anything but 0 is true. A NaN passes through
everything but comparisons. Nothing of the user's text reaches a compiler: all is emitted from the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.syntax import ExpressionError, Node, Parser

__all__ = ["MAX_STACK", "OPCODES", "Expression", "ExpressionError", "parse"]

MAX_STACK = 64

OPCODES: tuple[str, ...] = (
    "number", "band", "negate", "+", "-", "*", "/", "**", "square", "cube", "fourth",
    "<", "<=", ">", ">=", "==", "!=", "&", "|", "!",
    "sqrt", "abs", "log", "log10", "exp", "sin", "cos", "tan", "arctan", "min", "max", "clip", "where",
)  # fmt: skip
"""Operations of a postfix program; the position is the code (kernels/expression.cuh has the same order)."""

_POWERS = {2.0: "square", 3.0: "cube", 4.0: "fourth"}
"""Products instead of pow(): exact on every device, and the base is not repeated in emitted text."""

_NUMPY: dict[str, Callable[..., Any]] = {
    "negate": np.negative,
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "square": lambda x: x * x,
    "cube": lambda x: x * x * x,
    "fourth": lambda x: (x * x) * (x * x),
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&": lambda a, b: np.logical_and(a != 0, b != 0),
    "|": lambda a, b: np.logical_or(a != 0, b != 0),
    "!": lambda a: a == 0,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "log": np.log,
    "log10": np.log10,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arctan": np.arctan,
    "min": np.minimum,
    "max": np.maximum,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": lambda test, yes, no: np.where(test != 0, yes, no),
}

_C_NAMES = {
    "**": "pow", "sqrt": "sqrt", "abs": "fabs", "log": "log", "log10": "log10", "exp": "exp", "sin": "sin",
    "cos": "cos", "tan": "tan", "arctan": "atan", "square": "square", "cube": "cube", "fourth": "fourth",
    "min": "minimum", "max": "maximum", "clip": "clip", "where": "where",
    "&": "both", "|": "either", "!": "none",
}  # fmt: skip
"""Functions of CUDA's math library and of kernels/expression.cuh."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One output of band maths. Equal when the canonical text is."""

    text: str
    """Canonical: every operation in parentheses, numbers as repr() writes them."""
    bands: tuple[str, ...] = field(compare=False)
    """The names used, in order of first use."""
    tree: Node = field(compare=False, repr=False)
    """The operations, simplified: powers are products where they can be, min and max take two."""

    @property
    def is_band(self) -> bool:
        """Nothing but one band."""
        return self.tree.op == "band"

    def numpy(self, env: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Evaluate in float64; `env` has an array for each band. 0 / 0 gives NaN silently."""
        floats = {name: np.asarray(env[name], np.float64) for name in self.bands}
        with np.errstate(all="ignore"):
            value = np.asarray(_evaluate(self.tree, floats), np.float64)
        if not self.bands and env:
            return np.broadcast_to(value, next(iter(env.values())).shape).copy()
        return value

    def emit_c(self, variables: tuple[str, ...]) -> str:
        """A C++ expression of type double over `b[i]`, where i is the band's place in `variables`."""
        return _emit_c(self.tree, {name: i for i, name in enumerate(variables)})

    def program(self, variables: tuple[str, ...]) -> list[tuple[int, float]]:
        """Postfix code: pairs of a place in OPCODES and an operand.

        The operand is the number, or the band's place in `variables`. The stack never holds more than
        MAX_STACK values.
        """
        places = {name: float(i) for i, name in enumerate(variables)}
        codes = {op: code for code, op in enumerate(OPCODES)}
        return [
            (codes[node.op], places[node.name] if node.op == "band" else node.value) for node in _postfix(self.tree)
        ]


def parse(text: str, bands: Collection[str] | None = None) -> tuple[Expression, ...]:
    """The outputs of `text`, which `;` or `,` separate. `bands` are the names allowed; None allows any.

    Raises ExpressionError with a message for the person who wrote the text.
    """
    return tuple(_expression(_simplified(tree)) for tree in Parser(text, bands).outputs())


def _expression(tree: Node) -> Expression:
    if _stack(tree) > MAX_STACK:
        raise ExpressionError(f"The expression needs more than {MAX_STACK} intermediate values.")
    bands = tuple(dict.fromkeys(node.name for node in _postfix(tree) if node.op == "band"))
    return Expression(_text(tree), bands, tree)


def _simplified(node: Node) -> Node:
    """Powers become products or roots; min and max become chains of two."""
    args = tuple(_simplified(arg) for arg in node.args)
    if node.op == "**" and args[1].op == "number":
        if args[1].value in _POWERS:
            return Node(_POWERS[args[1].value], args[:1])
        if args[1].value == 0.5:
            return Node("sqrt", args[:1])
        if args[1].value == 1.0:
            return args[0]
    if node.op in ("min", "max"):
        chain = args[0]
        for arg in args[1:]:
            chain = Node(node.op, (chain, arg))
        return chain
    return Node(node.op, args, node.value, node.name)


def _stack(node: Node) -> int:
    """How many values the postfix program of a tree holds at once."""
    return max((i + _stack(arg) for i, arg in enumerate(node.args)), default=1)


def _postfix(node: Node) -> Iterator[Node]:
    for arg in node.args:
        yield from _postfix(arg)
    yield node


def _evaluate(node: Node, env: Mapping[str, NDArray[np.float64]]) -> Any:
    if node.op == "number":
        return np.float64(node.value)
    if node.op == "band":
        return env[node.name]
    value = _NUMPY[node.op](*(_evaluate(arg, env) for arg in node.args))
    return value.astype(np.float64) if value.dtype == np.bool_ else value


def _text(node: Node) -> str:
    if node.op == "number":
        return _number(node.value)
    if node.op == "band":
        return node.name
    args = [_text(arg) for arg in node.args]
    powers = {op: f"({args[0]} ** {power:.0f})" for power, op in _POWERS.items()}
    if node.op in powers:
        return powers[node.op]
    if node.op == "negate":
        return f"(-{args[0]})"
    if node.op == "!":
        return f"(not {args[0]})"
    if node.op.isalnum():
        return f"{node.op}({', '.join(args)})"
    sign = {"&": "and", "|": "or"}.get(node.op, node.op)
    return f"({args[0]} {sign} {args[1]})"


def _number(value: float) -> str:
    """As repr() writes it; with a sign (also that of -0.0) in parentheses."""
    text = repr(value)
    return f"({text})" if text.startswith("-") else text


def _emit_c(node: Node, places: Mapping[str, int]) -> str:
    if node.op == "number":
        return _number(node.value)
    if node.op == "band":
        return f"b[{places[node.name]}]"
    args = [_emit_c(arg, places) for arg in node.args]
    if node.op == "negate":
        return f"(-{args[0]})"
    if node.op in _C_NAMES:
        return f"{_C_NAMES[node.op]}({', '.join(args)})"
    if node.op in ("<", "<=", ">", ">=", "==", "!="):
        return f"({args[0]} {node.op} {args[1]} ? 1.0 : 0.0)"
    return f"({args[0]} {node.op} {args[1]})"
