"""Jacobians by finite differences, and products of them in hundreds of decimal digits.

A product is written out in full, and its singular values come from Hestenes' rotations; nothing is
kept apart by scale, since there are more digits than decades between the values.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import numpy as np

from tests.reference.slow_rnn import backward_step, forward_step, forward_steps, read_layer

if TYPE_CHECKING:
    from tests.reference.slow_rnn import Array, Layer, StateDict, Step

DIGITS = 400
Matrix = list[list[Decimal]]


def states_of(step: Step, name: str) -> Array:
    """Return the state "after" or "before" a step, (h, c) side by side in an LSTM."""
    parts = (step.h, step.c) if name == "after" else (step.h_before, step.c_before)
    return np.concatenate([part for part in parts if part is not None])


def tape_of_one(
    state: StateDict,
    x: Array,
    *,
    cell: str,
    activation: str = "tanh",
    h_init: Array | None = None,
    c_init: Array | None = None,
) -> tuple[Layer, list[Step]]:
    """Run one sequence, x (T, D), from h_init and c_init (H,)."""
    layer = read_layer(state, cell, activation, "after", "l0")

    def row(vector: Array | None) -> Array | None:
        return None if vector is None else vector[None]

    return layer, [s[0] for s in forward_steps(layer, x[:, None], row(h_init), row(c_init))]


def measured_jacobian(layer: Layer, step: Step, size: float = 1e-6) -> Array:
    """Measure ds/ds_prev by central differences of the forward step: [i, j] = ds_i / ds_prev_j."""
    before = states_of(step, "before")
    hidden = layer.hidden_size

    def after(state: Array) -> Array:
        c = state[hidden:] if layer.cell == "lstm" else None
        return states_of(forward_step(layer, step.x, state[:hidden], c), "after")

    columns = []
    for j in range(len(before)):
        along = np.zeros_like(before)
        along[j] = size
        columns.append((after(before + along) - after(before - along)) / (2 * size))
    return np.array(columns).T


def slow_jacobian(layer: Layer, step: Step) -> Array:
    """Carry every unit vector back over a step: the rows of ds/ds_prev."""
    hidden = layer.hidden_size
    is_lstm = layer.cell == "lstm"
    rows = []
    for unit in np.eye(2 * hidden if is_lstm else hidden):
        back = backward_step(layer, step, unit[:hidden], unit[hidden:] if is_lstm else None)
        rows.append(np.concatenate([back.d_h_before, *([back.d_c_before] if is_lstm else [])]))
    return np.array(rows)


def exact(matrix: Array) -> Matrix:
    """Turn floats into decimals, digit for digit."""
    return [[Decimal(float(entry)) for entry in row] for row in matrix]


def times(one: Matrix, other: Matrix) -> Matrix:
    """Multiply two matrices."""
    return [[sum(a * b for a, b in zip(row, col, strict=True)) for col in zip(*other, strict=True)]
            for row in one]  # fmt: skip


def log10_singular_values(matrix: Matrix) -> list[float]:
    """Rotate pairs of rows until they are orthogonal; return log10 of their lengths, descending."""
    rows = [list(row) for row in matrix]

    def dot(one: list[Decimal], other: list[Decimal]) -> Decimal:
        return sum((a * b for a, b in zip(one, other, strict=True)), Decimal(0))

    for _ in range(60):
        is_done = True
        for i in range(len(rows)):
            for j in range(i + 1, len(rows)):
                alpha, beta = dot(rows[i], rows[i]), dot(rows[j], rows[j])
                gamma = dot(rows[i], rows[j])
                if gamma * gamma <= alpha * beta * Decimal(10) ** -40:
                    continue
                is_done = False
                zeta = (beta - alpha) / (2 * gamma)
                t = 1 / (abs(zeta) + (1 + zeta * zeta).sqrt())
                t = t.copy_sign(zeta)
                c = 1 / (1 + t * t).sqrt()
                rows[i], rows[j] = (
                    [c * (a - t * b) for a, b in zip(rows[i], rows[j], strict=True)],
                    [c * (t * a + b) for a, b in zip(rows[i], rows[j], strict=True)],
                )
        if is_done:
            break
    sizes = sorted((dot(row, row).sqrt() for row in rows), reverse=True)
    return [float(size.log10()) if size else -np.inf for size in sizes]


def exact_singular_values(
    jacobians: list[Array], lags: list[int], digits: int = DIGITS
) -> list[list[float]]:
    """Compute log10 of the singular values of J_T ... J_{T-k+1} for each lag k.

    `jacobians` ends with J_T; `digits` exceed the decades between the values by 100.
    """
    found = []
    with localcontext() as context:
        context.prec = digits
        context.Emin, context.Emax = -(10**9), 10**9
        product: Matrix = []
        for lag in range(1, max(lags) + 1):
            step = exact(jacobians[-lag])
            product = times(product, step) if product else step
            if lag in lags:
                found.append(log10_singular_values(product))
    return found


def exact_volume_growth(jacobians: list[Array], basis: Array) -> list[float]:
    """Compute the natural log of how J_1^T ... J_T^T stretches each column of a basis (N, m).

    Of each column only what is orthogonal to the images of the columns before it: Gram-Schmidt
    once, at the end, on the product written out.
    """
    with localcontext() as context:
        context.prec = DIGITS
        context.Emin, context.Emax = -(10**9), 10**9
        columns = [list(column) for column in zip(*exact(basis), strict=True)]
        for jacobian in reversed(jacobians):
            transposed = exact(jacobian.T)
            columns = [
                [sum(a * b for a, b in zip(row, column, strict=True)) for row in transposed]
                for column in columns
            ]
        found, earlier = [], []
        for column in columns:
            rest = column
            for other in earlier:
                along = sum(a * b for a, b in zip(rest, other, strict=True))
                along /= sum(a * a for a in other)
                rest = [a - along * b for a, b in zip(rest, other, strict=True)]
            earlier.append(rest)
            found.append(float(sum(a * a for a in rest).sqrt().ln()))
        return found
