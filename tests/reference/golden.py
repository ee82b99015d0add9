"""Read the stored witnesses in tests/data: PyTorch's arrays and the tables of reference.json."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.reference.slow_rnn import GATE_NAMES, Array

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class GoldenCase:
    """One network, its inputs and what PyTorch computed; `make_golden.py` lists the array names."""

    name: str
    cell: str
    activation: str
    reset: str
    layers: int
    is_bidirectional: bool
    loss: str
    truncate: int | None
    T: int
    B: int
    D: int
    H: int
    arrays: dict[str, Array]

    def _named(self, start: str) -> dict[str, Array]:
        found = {name: a for name, a in self.arrays.items() if name.startswith(start)}
        return {name.removeprefix(start): a for name, a in found.items()}

    @property
    def state_dict(self) -> dict[str, Array]:
        """Parameters by PyTorch's names, in PyTorch's order."""
        return {n: a for n, a in self.arrays.items() if n.startswith(("weight_", "bias_"))}

    @property
    def x(self) -> Array:
        """The inputs (T, B, D)."""
        return self.arrays["x"]

    @property
    def h_init(self) -> dict[str, Array]:
        """States before the first step, by suffix: l0, l0_reverse, ..."""
        return self._named("h_init_")

    @property
    def c_init(self) -> dict[str, Array]:
        """Cell states before the first step, by suffix; empty without an LSTM."""
        return self._named("c_init_")

    @property
    def value(self) -> float:
        """The loss."""
        return float(self.arrays["value"])

    @property
    def gradients(self) -> dict[str, Array]:
        """Gradients of the parameters, by PyTorch's names."""
        return self._named("grad.")

    def loss_of(self, y: Array) -> tuple[float, Array]:
        """Compute the loss and dL/dy of the outputs y (T, B, K)."""
        if self.loss == "squared":
            error = y - self.arrays["loss_target"]
            return 0.5 * float(np.sum(error**2)), error
        d_y = np.zeros(y.shape)
        if self.loss == "last":
            d_y[-1] = self.arrays["loss_v"]
        else:
            d_y += self.arrays["loss_v"][:, None, :]
        return float(np.sum(d_y * y)), d_y


@cache
def golden_cases() -> tuple[GoldenCase, ...]:
    """Return every case of golden.npz; the arrays are read-only."""
    index = json.loads((DATA / "golden.json").read_text(encoding="utf-8"))
    cases = []
    with np.load(DATA / "golden.npz") as vectors:
        for entry in index:
            vector, shapes, start, arrays = vectors[entry["name"]], entry.pop("arrays"), 0, {}
            vector.setflags(write=False)
            for name, shape in shapes.items():
                arrays[name] = vector[start : start + math.prod(shape)].reshape(shape)
                start += math.prod(shape)
            if start != len(vector):
                raise ValueError(f"{entry['name']}: expected {start} numbers, got {len(vector)}")
            cases.append(GoldenCase(**entry, arrays=arrays))
    return tuple(cases)


@cache
def rounding_golden() -> dict[str, Array]:
    """Return float32 numbers, `value`, and PyTorch's `float16` and `bfloat16` of them."""
    with np.load(DATA / "rounding.npz") as table:
        return dict(table)


@cache
def reference_json() -> dict[str, Any]:
    """Return all of reference.json: `meta`, `tables`, `golden`."""
    loaded: dict[str, Any] = json.loads((DATA / "reference.json").read_text(encoding="utf-8"))
    return loaded


def reference_tables() -> dict[str, Any]:
    """Return the tables of reference.json, each with `source` and `tolerance`."""
    tables: dict[str, Any] = reference_json()["tables"]
    return tables


@dataclass(frozen=True)
class ReferenceCase:
    """One case of reference.json's `golden`: a network by rule, and what was computed from it.

    `expected` has `value`, `param_grad_norm` and `h_T` or `out_T` (B, K), and per step
    `grad_h_norm`, `grad_c_norm` (one layer) or `grad_x_norm` (two layers, two directions).
    """

    name: str
    cell: str
    activation: str
    truncate: int | None
    loss: str
    state_dict: dict[str, Array]
    x: Array
    expected: dict[str, Any]

    def loss_of(self, y: Array) -> tuple[float, Array]:
        """Compute loss A (last step, mean over b) or B (mean square of y - 1/2), and dL/dy."""
        _, batch, outputs = y.shape
        if self.loss == "B":
            return float(np.mean((y - 0.5) ** 2)), 2 * (y - 0.5) / y.size
        v = np.arange(1, outputs + 1) / outputs
        d_y = np.zeros(y.shape)
        d_y[-1] = v / batch
        return float(np.mean(y[-1] @ v)), d_y


@cache
def reference_cases() -> tuple[ReferenceCase, ...]:
    """Build the networks of reference.json's `golden` by its rules for parameters and inputs."""
    golden = reference_json()["golden"]
    T, B, D, H = (golden[key] for key in "TBIH")
    t, b, i = np.meshgrid(np.arange(T), np.arange(B), np.arange(D), indexing="ij")
    x = np.cos(0.3 * t + 1.1 * b + 0.9 * i)
    cases = []
    for expected in golden["cases"]:
        arch, loss, cut = expected["arch"], expected["loss"][0], expected.get("tbptt_chunk")
        cell = arch.lower() if arch in ("GRU", "LSTM") else "rnn"
        suffixes = {"RNN_2layer": ["l0", "l1"], "RNN_bi": ["l0", "l0_reverse"]}.get(arch, ["l0"])
        rows, state, s = len(GATE_NAMES[cell]) * H, {}, 0
        for suffix in suffixes:
            width = H if suffix == "l1" else D
            parts: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, width),
                "weight_hh": (rows, H),
                "bias_ih": (rows,),
                "bias_hh": (rows,),
            }
            for part, shape in parts.items():
                k = np.arange(math.prod(shape))
                state[f"{part}_{suffix}"] = (0.6 * np.sin(0.7 * k + s)).reshape(shape)
                s += 1
        name = f"{arch}_{loss}" + ("" if cut is None else f"_cut{cut}")
        activation = "relu" if arch == "RELU" else "tanh"
        cases.append(ReferenceCase(name, cell, activation, cut, loss, state, x, expected))
    return tuple(cases)
