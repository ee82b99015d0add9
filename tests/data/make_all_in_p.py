"""Write all_in_p.npz: gradients of small cells that PyTorch computes wholly in narrow types.

PyTorch is not a dependency of this project; `make_golden.py` says how to run this beside it.

For each case: `<case>/cell`, `<case>/activation`, the float64 parameters `<case>/weight_ih_l0`,
..., inputs `<case>/x` and readout `<case>/v`: L = sum over sequences of v . h_T. For each type
`<case>/<type>/log10_norms` (T, B) of dL/dh_t, `<case>/<type>/lags`: lost, first subnormal, first
all zero, first not finite (-1 where not), and of the two 16-bit types `<case>/<type>/h`, the first
states.
Lost is judged against PyTorch's own float64 gradient. Everything in a run is of the type:
parameters, inputs, states, gradients; torch.nn.RNNCell, GRUCell, LSTMCell on one thread of a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

SEED = 20131211
SHOWN = 4
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


class Case(NamedTuple):
    """One net: the standard deviation of its recurrent weights times sqrt(H), and of its input."""

    cell: str
    activation: str
    T: int
    B: int
    D: int
    H: int
    scale: float
    drive: float


CASES = {
    "tanh_vanishing": Case("rnn", "tanh", 260, 3, 2, 16, 1.2, 1.0),
    "tanh_holding": Case("rnn", "tanh", 200, 3, 2, 16, 1.9, 1.0),
    "tanh_exploding": Case("rnn", "tanh", 200, 3, 2, 16, 5.0, 0.5),
    "relu": Case("rnn", "relu", 100, 3, 2, 16, 1.0, 1.0),
    "gru": Case("gru", "tanh", 280, 3, 2, 16, 0.577, 1.0),
    "lstm": Case("lstm", "tanh", 250, 3, 2, 16, 0.577, 1.0),
    "lstm_large": Case("lstm", "tanh", 200, 3, 2, 16, 4.0, 1.0),
}
ROWS = {"rnn": 1, "gru": 3, "lstm": 4}


def draw(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw parameters, inputs and readout."""
    rows = ROWS[case.cell] * case.H
    v = rng.normal(size=case.H)
    return {
        "weight_ih_l0": rng.normal(size=(rows, case.D)) / case.D**0.5,
        "weight_hh_l0": case.scale * rng.normal(size=(rows, case.H)) / case.H**0.5,
        "bias_ih_l0": 0.2 * rng.normal(size=rows),
        "bias_hh_l0": 0.2 * rng.normal(size=rows),
        "x": case.drive * rng.normal(size=(case.T, case.B, case.D)),
        "v": v / np.linalg.norm(v),
    }


def backpropagated(
    case: Case, drawn: dict[str, np.ndarray], dtype: torch.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """Run forward and back in one type; return states and dL/dh_t, (T, B, H), as float64."""
    kinds = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}
    options = {"nonlinearity": case.activation} if case.cell == "rnn" else {}
    cell = kinds[case.cell](case.D, case.H, **options).to(dtype)
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.copy_(torch.tensor(drawn[f"{name}_l0"]).to(dtype))
    x, v = torch.tensor(drawn["x"]).to(dtype), torch.tensor(drawn["v"]).to(dtype)
    h = torch.zeros(case.B, case.H, dtype=dtype)
    c = torch.zeros(case.B, case.H, dtype=dtype)
    states = []
    for x_t in x:
        if case.cell == "lstm":
            h, c = cell(x_t, (h, c))
        else:
            h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    (h @ v).sum().backward()
    gradients = [state.grad.double().numpy() for state in states]
    return np.stack([s.detach().double().numpy() for s in states]), np.stack(gradients)


def lags_of(kind: str, narrow: np.ndarray, true: np.ndarray) -> list[int]:
    """Find the lags at which the narrow gradient fails; -1 where it does not."""
    by_lag, exact = narrow[::-1], true[::-1]
    smallest = float(torch.finfo(TYPES[kind]).tiny)
    with np.errstate(all="ignore"):
        error = np.linalg.norm(by_lag - exact, axis=-1) / np.linalg.norm(exact, axis=-1)
        error[~np.isfinite(by_lag).all(axis=-1)] = np.inf
        size = np.abs(by_lag)
        found = [
            np.median(error, axis=1) > 0.5,
            ((size > 0) & (size < smallest)).any(axis=(1, 2)),
            ~size.any(axis=(1, 2)),
            ~np.isfinite(by_lag).all(axis=(1, 2)),
        ]
    return [int(flags.argmax()) if flags.any() else -1 for flags in found]


def table() -> dict[str, np.ndarray]:
    """Run every case in every type."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    found: dict[str, np.ndarray] = {}
    for name, case in CASES.items():
        drawn = draw(case, rng)
        found |= {f"{name}/{key}": value for key, value in drawn.items()}
        found[f"{name}/cell"], found[f"{name}/activation"] = case.cell, case.activation
        _, true = backpropagated(case, drawn, torch.float64)
        for kind, dtype in TYPES.items():
            h, narrow = backpropagated(case, drawn, dtype)
            with np.errstate(all="ignore"):
                norms = np.log10(np.linalg.norm(narrow, axis=-1))
            lags = lags_of(kind, narrow, true)
            if kind != "float32":  # their sums depend on the order of addition
                found[f"{name}/{kind}/h"] = h[:SHOWN].astype(np.float32)
            found[f"{name}/{kind}/log10_norms"] = norms.astype(np.float32)
            found[f"{name}/{kind}/lags"] = np.array(lags)
            print(name, kind, lags)
    return found


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).parent / "all_in_p.npz", **table())
