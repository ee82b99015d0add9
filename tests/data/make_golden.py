"""Write golden.npz and golden.json: what PyTorch says about small recurrent networks.

PyTorch is not a dependency of this project. To make the files again, in a scratch environment:

    python -m venv scratch && scratch/bin/pip install torch==2.13.0 numpy==2.4.6
    scratch/bin/python tests/data/make_golden.py

Every network is unrolled by hand in float64, because `nn.RNN` and its kin do not show the states of
lower layers nor the gradient of any state. `retain_grad` on every h_t and c_t gives the *total*
derivative: through the loss of that step, the step after it, and (for c_t) through h_t. Before
anything is written, states and gradients are compared with `nn.RNN`, `nn.GRU` and `nn.LSTM`, and
dL/dh_t with the initial state's gradient of a fused network that starts behind step t.

golden.json lists the cases: name, cell, activation, reset (GRU: `after` or `before` the product),
layers, is_bidirectional, loss, truncate, T, B, D, H, and `arrays`, the names and shapes of the
case's arrays in order. golden.npz has one flat float64 vector per case: those arrays in C order.

Names, with `<k>` = l0, l0_reverse, l1, ... in PyTorch's order:
    weight_ih_<k>, weight_hh_<k>, bias_ih_<k>, bias_hh_<k>   parameters, PyTorch's shapes
    x (T, B, D), h_init_<k>, c_init_<k> (B, H)               the inputs of the run
    loss_v                     loss `last`:    sum over b of v . y[T-1, b],     v (K,)
                               loss `every`:   sum over t, b of v[t] . y[t, b], v (T, K)
    loss_target                loss `squared`: 1/2 sum of (y - target)^2,       target (T, B, K)
    value ()                   the loss
    h_<k>, c_<k>, d_h_<k>, d_c_<k> (T, B, H)                 states and total derivatives
    d_h_init_<k>, d_c_init_<k> (B, H), d_x (T, B, D)
    grad.weight_ih_<k>, ...    gradients of the parameters
y is the top layer's h, K = H; with two directions y = [forward, reverse], K = 2 H.

Index t is the step that read x[t], in both directions: `h_l0_reverse[t]` is the reverse direction's
state after it has read x[T-1], ..., x[t]; its first state is at index T-1, its last at index 0.

Truncation: blocks of `truncate` steps start at step 0, the last may be short. The states that enter
a block are detached, those that enter the first block are not: d_h_init is the first block's.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
KINDS = [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")]
BATCH, INPUTS, HIDDEN, SEED = 3, 5, 4, 20131211


class Spec(NamedTuple):
    """One golden case before it is computed."""

    cell: str
    activation: str
    T: int
    loss: str
    truncate: int | None = None
    layers: int = 1
    is_bidirectional: bool = False
    reset: str = "after"

    @property
    def name(self) -> str:
        """The case's key in golden.npz."""
        kind = "relu" if self.activation == "relu" else self.cell
        parts = [kind, f"T{self.T}", self.loss]
        parts += [f"{self.layers}layers"] * (self.layers > 1)
        parts += ["bi"] * self.is_bidirectional
        parts += [f"cut{self.truncate}"] * (self.truncate is not None)
        parts += ["reset_before"] * (self.reset == "before")
        return "_".join(parts)


def all_specs() -> list[Spec]:
    """List the cases: one layer, the same truncated, deep networks, two directions."""
    one_layer = [(1, "last"), (2, "every"), (7, "squared"), (12, "last"), (12, "every")]
    truncated = [(12, "last", 5), (12, "every", 5), (7, "squared", 3)]
    deep = [
        (7, "last", None, 2),
        (7, "every", None, 2),
        (7, "every", 3, 2),
        (7, "squared", None, 3),
    ]
    both = [(1, "last"), (7, "last"), (7, "every"), (7, "squared", None, 2)]
    specs: list[Spec] = []
    for kind in KINDS:
        specs += [Spec(*kind, *rest) for rest in one_layer + truncated + deep]
        specs += [Spec(*kind, *rest, is_bidirectional=True) for rest in both]
    before = [(7, "every"), (12, "last")]
    return specs + [Spec("gru", "tanh", *rest, reset="before") for rest in before]


def suffixes(spec: Spec) -> list[list[str]]:
    """Name the directions of each layer, in PyTorch's order."""
    ends = ["", "_reverse"] if spec.is_bidirectional else [""]
    return [[f"l{layer}{end}" for end in ends] for layer in range(spec.layers)]


def draw_inputs(spec: Spec, rng: np.random.Generator) -> dict[str, Tensor]:
    """Draw everything that a run needs, parameters first, as leaves that ask for a gradient."""
    gates, directions = GATES[spec.cell], 2 if spec.is_bidirectional else 1
    drawn: dict[str, np.ndarray] = {}
    lift = 0.5 if spec.activation == "relu" else 0.0  # else every unit dies within a few steps
    for layer, names in enumerate(suffixes(spec)):
        width = INPUTS if layer == 0 else directions * HIDDEN
        for k in names:
            drawn[f"weight_ih_{k}"] = rng.normal(size=(gates * HIDDEN, width)) / width**0.5
            drawn[f"weight_hh_{k}"] = rng.normal(size=(gates * HIDDEN, HIDDEN)) / HIDDEN**0.5
            drawn[f"bias_ih_{k}"] = lift + 0.3 * rng.normal(size=gates * HIDDEN)
            drawn[f"bias_hh_{k}"] = 0.3 * rng.normal(size=gates * HIDDEN)
    drawn["x"] = rng.normal(size=(spec.T, BATCH, INPUTS))
    for k in itertools.chain(*suffixes(spec)):
        drawn[f"h_init_{k}"] = rng.normal(size=(BATCH, HIDDEN))
        if spec.cell == "lstm":
            drawn[f"c_init_{k}"] = rng.normal(size=(BATCH, HIDDEN))
    outputs = directions * HIDDEN
    whole = (spec.T, BATCH, outputs)
    shapes = {"last": (outputs,), "every": (spec.T, outputs), "squared": whole}
    loss_array = "loss_target" if spec.loss == "squared" else "loss_v"
    drawn[loss_array] = rng.normal(size=shapes[spec.loss])
    leaves = {name: torch.tensor(array, dtype=torch.float64) for name, array in drawn.items()}
    for name, leaf in leaves.items():
        leaf.requires_grad_(not name.startswith("loss_"))
    return leaves


def loss_value(spec: Spec, leaves: dict[str, Tensor], y: Tensor, start: int = 0) -> Tensor:
    """Compute the loss of the outputs y of the steps from `start` on."""
    if spec.loss == "last":
        return (y[-1] @ leaves["loss_v"]).sum()
    if spec.loss == "every":
        return (y * leaves["loss_v"][start:, None, :]).sum()
    return 0.5 * ((y - leaves["loss_target"][start:]) ** 2).sum()


def one_step(
    spec: Spec, k: str, leaves: dict[str, Tensor], x: Tensor, state: tuple[Tensor, Tensor | None]
) -> tuple[Tensor, Tensor | None]:
    """Compute the state after one step: PyTorch's documented equations, written out."""
    h, c = state
    from_x = x @ leaves[f"weight_ih_{k}"].T + leaves[f"bias_ih_{k}"]
    w_hh, b_hh = leaves[f"weight_hh_{k}"], leaves[f"bias_hh_{k}"]
    from_h = h @ w_hh.T + b_hh
    if spec.cell == "rnn":
        return getattr(torch, spec.activation)(from_x + from_h), None
    if spec.cell == "gru":
        x_r, x_z, x_n = from_x.chunk(3, dim=1)
        h_r, h_z, h_n = from_h.chunk(3, dim=1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        if spec.reset == "before":
            n = torch.tanh(x_n + (r * h) @ w_hh[2 * HIDDEN :].T + b_hh[2 * HIDDEN :])
        else:
            n = torch.tanh(x_n + r * h_n)
        return (1 - z) * n + z * h, None
    i, f, g, o = (from_x + from_h).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def unroll(spec: Spec, leaves: dict[str, Tensor]) -> tuple[dict[str, list[Tensor]], Tensor]:
    """Run the network step by step; return the states by name and index, and the outputs y."""
    states: dict[str, list[Tensor]] = {}
    below = list(leaves["x"].unbind(0))
    for names in suffixes(spec):
        for k in names:
            h, c = leaves[f"h_init_{k}"], leaves.get(f"c_init_{k}")
            order = range(spec.T)
            hs: dict[int, Tensor] = {}
            cs: dict[int, Tensor] = {}
            for t in reversed(order) if k.endswith("_reverse") else order:
                if spec.truncate is not None and t > 0 and t % spec.truncate == 0:
                    h, c = h.detach(), None if c is None else c.detach()
                h, c = one_step(spec, k, leaves, below[t], (h, c))
                h.retain_grad()
                hs[t] = h
                if c is not None:
                    c.retain_grad()
                    cs[t] = c
            states[f"h_{k}"] = [hs[t] for t in order]
            if cs:
                states[f"c_{k}"] = [cs[t] for t in order]
        below = [torch.cat([states[f"h_{k}"][t] for k in names], dim=1) for t in range(spec.T)]
    return states, torch.stack(below)


def gradient(tensor: Tensor) -> np.ndarray:
    """Return what backward() left at a tensor; a tensor that it never reached has gradient 0."""
    found = tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)
    return found.detach().numpy().copy()


def compute(spec: Spec, leaves: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Run one case and collect its arrays by name."""
    states, y = unroll(spec, leaves)
    value = loss_value(spec, leaves, y)
    value.backward()
    arrays = {name: leaf.detach().numpy().copy() for name, leaf in leaves.items()}
    arrays["value"] = value.detach().numpy().copy()
    for name, steps in states.items():
        arrays[name] = torch.stack(steps).detach().numpy()
        arrays[f"d_{name}"] = np.stack([gradient(step) for step in steps])
    for name, leaf in leaves.items():
        if name == "x" or "_init_" in name:
            arrays[f"d_{name}"] = gradient(leaf)
        elif not name.startswith("loss_"):
            arrays[f"grad.{name}"] = gradient(leaf)
    return arrays


def fused_network(spec: Spec, leaves: dict[str, Tensor]) -> nn.RNNBase:
    """Build PyTorch's own network with the same parameters."""
    sizes = (INPUTS, HIDDEN, spec.layers)
    if spec.cell == "rnn":
        net: nn.RNNBase = nn.RNN(
            *sizes, nonlinearity=spec.activation, bidirectional=spec.is_bidirectional
        )
    else:
        fused = nn.GRU if spec.cell == "gru" else nn.LSTM
        net = fused(*sizes, bidirectional=spec.is_bidirectional)
    net.double()
    net.load_state_dict({name: leaves[name].detach() for name, _ in net.named_parameters()})
    return net


def cross_check(spec: Spec, leaves: dict[str, Tensor], arrays: dict[str, np.ndarray]) -> float:
    """Compare with PyTorch's fused network; return the largest difference over |largest entry|."""
    net, worst = fused_network(spec, leaves), 0.0

    def compare(name: str, theirs: Tensor | None) -> None:
        nonlocal worst
        ours, other = arrays[name], theirs.detach().numpy() if theirs is not None else 0.0
        scale = max(np.abs(ours).max(), np.abs(other).max(), 1e-300)
        worst = max(worst, float(np.abs(ours - other).max() / scale))

    names = list(itertools.chain(*suffixes(spec)))
    x = leaves["x"].detach().requires_grad_()
    inits = {
        s: torch.stack([leaves[f"{s}_init_{k}"].detach() for k in names]).requires_grad_()
        for s in ("hc" if spec.cell == "lstm" else "h")
    }
    block, state, outputs = spec.truncate or spec.T, tuple(inits.values()), []
    for start in range(0, spec.T, block):
        packed = state if spec.cell == "lstm" else state[0]
        y, packed = net(x[start : start + block], packed)
        outputs.append(y)
        state = tuple(s.detach() for s in (packed if spec.cell == "lstm" else [packed]))
    y = torch.cat(outputs)
    value = loss_value(spec, leaves, y)
    value.backward()
    compare("value", value)
    compare("d_x", x.grad)
    tops = suffixes(spec)[-1]
    for k, part in zip(tops, y.chunk(len(tops), dim=2), strict=True):
        compare(f"h_{k}", part)
    for s, init in inits.items():
        for j, k in enumerate(names):
            compare(f"d_{s}_init_{k}", init.grad[j])
    for name, parameter in net.named_parameters():
        compare(f"grad.{name}", parameter.grad)

    if len(names) == 1 and spec.truncate is None:
        d_h = []
        for t in range(spec.T):
            tail = [torch.tensor(arrays[f"{s}_l0"][t])[None].requires_grad_() for s in inits]
            y = tail[0]
            if t + 1 < spec.T:
                later, _ = net(x[t + 1 :], tuple(tail) if spec.cell == "lstm" else tail[0])
                y = torch.cat([y, later])
            loss_value(spec, leaves, y, start=t).backward()
            d_h.append(tail[0].grad[0])
        compare("d_h_l0", torch.stack(d_h))
    return worst


def main() -> None:
    """Compute, check and write all cases."""
    torch.set_num_threads(1)
    index, vectors = [], {}
    sizes = {"B": BATCH, "D": INPUTS, "H": HIDDEN}
    for number, spec in enumerate(all_specs()):
        leaves = draw_inputs(spec, np.random.default_rng([SEED, number]))
        arrays = compute(spec, leaves)
        worst = cross_check(spec, leaves, arrays) if spec.reset == "after" else 0.0
        if not worst < 1e-12:
            raise SystemExit(f"{spec.name}: differs from PyTorch's fused network by {worst}")
        shapes = {name: list(array.shape) for name, array in arrays.items()}
        index.append({"name": spec.name, **spec._asdict(), **sizes, "arrays": shapes})
        vectors[spec.name] = np.concatenate([array.ravel() for array in arrays.values()])
    np.savez(HERE / "golden.npz", **vectors)
    lines = ",\n".join(map(json.dumps, index))
    (HERE / "golden.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(index)} cases, made with PyTorch {torch.__version__} and NumPy {np.__version__}")


if __name__ == "__main__":
    main()
