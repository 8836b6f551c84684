"""Band maths without a compiler: one compiled loop runs the postfix program of any expression.

The program is stepped through once for a few hundred pixels at a time, whose values stay in the first-level cache.
Each step is float64 and the same as NumPy's to the bit; what is not (powers, logarithms, sines) is left to NumPy.
"""

# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gpu.compiled import jit
from gpu.expression import MAX_STACK, OPCODES, Expression

CHUNK = 512
"""Pixels that take a step together."""
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

_CODE = {op: code for code, op in enumerate(OPCODES)}
NUMBER, BAND, CLIP, WHERE = _CODE["number"], _CODE["band"], _CODE["clip"], _CODE["where"]
NEGATE, SQUARE, CUBE, FOURTH = _CODE["negate"], _CODE["square"], _CODE["cube"], _CODE["fourth"]
NONE, SQRT, ABS = _CODE["!"], _CODE["sqrt"], _CODE["abs"]
ADD, SUBTRACT, MULTIPLY, DIVIDE = _CODE["+"], _CODE["-"], _CODE["*"], _CODE["/"]
LESS, LESS_EQUAL, GREATER, GREATER_EQUAL = _CODE["<"], _CODE["<="], _CODE[">"], _CODE[">="]
EQUAL, NOT_EQUAL, BOTH, EITHER = _CODE["=="], _CODE["!="], _CODE["&"], _CODE["|"]
MIN, MAX = _CODE["min"], _CODE["max"]
UNARY = (NEGATE, SQUARE, CUBE, FOURTH, NONE, SQRT, ABS)
BINARY = (
    ADD, SUBTRACT, MULTIPLY, DIVIDE, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL, BOTH, EITHER, MIN, MAX,
)  # fmt: skip
EXACT = frozenset({NUMBER, BAND, CLIP, WHERE, *UNARY, *BINARY})
"""What rounds as IEEE 754 says; NumPy's own loops for powers, logarithms and sines round in their own way."""


@lru_cache(256)
def program(expression: Expression, variables: tuple[str, ...]) -> tuple[Codes, Floats] | None:
    """Codes and operands of an expression; None where a step is not exact."""
    steps = expression.program(variables)
    if any(code not in EXACT for code, _ in steps):
        return None
    return np.array([code for code, _ in steps], np.int64), np.array([operand for _, operand in steps], np.float64)


def evaluate(
    expression: Expression, variables: tuple[str, ...], values: Floats, valid: NDArray[np.bool_], out: Floats
) -> None:
    """An expression over (bands, height, width) values into (height, width); NaN where invalid or not finite."""
    steps = program(expression, variables)
    if steps is not None:
        interpret_kernel(*steps, values.reshape(len(values), out.size), valid.reshape(-1), out.reshape(-1))
        return
    result = expression.numpy(dict(zip(variables, values, strict=True)))
    np.copyto(out, result, where=valid & np.isfinite(result))


@jit
def one(code, x):
    """A step with one argument, in place."""
    if code == NEGATE:
        for i in range(CHUNK):
            x[i] = -x[i]
    elif code == SQUARE:
        for i in range(CHUNK):
            x[i] = x[i] * x[i]
    elif code == CUBE:
        for i in range(CHUNK):
            x[i] = x[i] * x[i] * x[i]
    elif code == FOURTH:
        for i in range(CHUNK):
            x[i] = (x[i] * x[i]) * (x[i] * x[i])
    elif code == NONE:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] == 0.0 else 0.0
    elif code == SQRT:
        for i in range(CHUNK):
            x[i] = np.sqrt(x[i])
    elif code == ABS:
        for i in range(CHUNK):
            x[i] = abs(x[i])


@jit
def two(code, x, y):
    """A step with two arguments into the first. As in NumPy, a NaN wins in min and max."""
    if code == ADD:
        for i in range(CHUNK):
            x[i] = x[i] + y[i]
    elif code == SUBTRACT:
        for i in range(CHUNK):
            x[i] = x[i] - y[i]
    elif code == MULTIPLY:
        for i in range(CHUNK):
            x[i] = x[i] * y[i]
    elif code == DIVIDE:
        for i in range(CHUNK):
            x[i] = x[i] / y[i]
    elif code == LESS:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] < y[i] else 0.0
    elif code == LESS_EQUAL:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] <= y[i] else 0.0
    elif code == GREATER:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] > y[i] else 0.0
    elif code == GREATER_EQUAL:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] >= y[i] else 0.0
    elif code == EQUAL:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] == y[i] else 0.0
    elif code == NOT_EQUAL:
        for i in range(CHUNK):
            x[i] = 1.0 if x[i] != y[i] else 0.0
    elif code == BOTH:
        for i in range(CHUNK):
            x[i] = 1.0 if (x[i] != 0.0) & (y[i] != 0.0) else 0.0
    elif code == EITHER:
        for i in range(CHUNK):
            x[i] = 1.0 if (x[i] != 0.0) | (y[i] != 0.0) else 0.0
    elif code == MIN:
        for i in range(CHUNK):
            x[i] = x[i] if (x[i] != x[i]) | (x[i] < y[i]) else y[i]
    elif code == MAX:
        for i in range(CHUNK):
            x[i] = x[i] if (x[i] != x[i]) | (x[i] > y[i]) else y[i]


@jit
def three(code, x, y, z):
    """A step with three arguments into the first."""
    if code == WHERE:
        for i in range(CHUNK):
            x[i] = y[i] if x[i] != 0.0 else z[i]
    else:
        two(MAX, x, y)
        two(MIN, x, z)


@jit
def interpret_kernel(codes, operands, values, valid, out):
    """One output of a postfix program over (bands, pixels) values, NaN where it is not valid or not finite."""
    stack = np.empty((min(codes.shape[0], MAX_STACK), CHUNK))
    for start in range(0, out.shape[0], CHUNK):
        stop = min(start + CHUNK, out.shape[0])
        top = -1
        for step in range(codes.shape[0]):
            code = codes[step]
            if code <= BAND:
                top += 1
                if code == NUMBER:
                    stack[top] = operands[step]
                else:
                    stack[top, : stop - start] = values[int(operands[step]), start:stop]
                continue
            if code in (CLIP, WHERE):
                top -= 2
                three(code, stack[top], stack[top + 1], stack[top + 2])
            elif code in UNARY:
                one(code, stack[top])
            else:
                top -= 1
                two(code, stack[top], stack[top + 1])
        line, good = out[start:stop], valid[start:stop]
        for i in range(line.shape[0]):
            line[i] = stack[0, i] if good[i] and np.isfinite(stack[0, i]) else np.nan
