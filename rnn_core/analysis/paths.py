"""Path split: through which gate the gradient of a gated cell first leaves the cell line.

The line is where the cell keeps its state: c_t = f c_{t-1} + ... (LSTM), h_t = z h_{t-1} + ...
(GRU). Seen from the loss, a path follows the line for some steps, then leaves it through a gate
and the recurrent weights; where it goes afterwards does not change its name. So the gradient is
the sum of a part that never left and one part per gate, exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.analysis.crossing import chunks, line_of, part_of, through_gates
from rnn_core.analysis.factors import LEAST
from rnn_core.analysis.subject import arriving_at, is_top, layer_of
from rnn_core.analysis.term_shares import projection
from rnn_core.analysis.tug_of_war import cuts
from rnn_core.arrays import Array, read_only
from rnn_core.bptt import Adjoint, sweep
from rnn_core.cells import StepMaps
from rnn_core.errors import ConfigError
from rnn_core.magnitudes import NOTHING
from rnn_core.recording import LayerRecording, Recording, mean_log10
from rnn_core.scaled import Scaled, added, log10_frobenius

LINE: Final = "line"
WHOLE: Final = "whole"

_AT_ONCE: Final = 2**21
"""Entries (16 MiB) of an array of the gates that travel side by side."""

_KEEPING_GATE: Final = 1
"""The block of the gate that keeps: f in i, f, g, o and z in r, z, n."""


@dataclass(frozen=True)
class Paths:
    """The gradient on the cell line, split by the gate of the first exit seen from the loss.

    Index t is the state after step t. Exact zeros are -inf.

    Attributes
    ----------
    log10_norms : per step and sequence (T, B), by part: "whole", "line" (never left it) and the
        gates by PyTorch's letter. Of the total derivative dL/dc_t of an LSTM, dL/dh_t of a GRU.
    shares : <part, whole> / |whole|^2 (T, B) by part but "whole": sums to 1, may be negative.
    mismatch : the largest |sum of the parts - whole| over the largest of them, over all steps and
        sequences: what rounding leaves.
    """

    log10_norms: Mapping[str, Array]
    shares: Mapping[str, Array]
    mismatch: float

    def mean_log10_norm(self, part: str) -> Array:
        """Return the mean over sequences of a part's log10 norms (T,), exact zeros left out."""
        return mean_log10(self.log10_norms[part])


def paths(rec: Recording, *, layer: int = 0) -> Paths | None:
    """Split the gradient of the whole loss by the gate through which it first leaves the line.

    One adjoint for the line, with every other term of `vjp_step` switched off; one for each gate,
    carried on by all terms from where the line's adjoint left through that gate. None of them is
    what the others leave. The gates' travel side by side, all at once where the run is not large.
    Memory: two dozen arrays (T, B, H), of a large run half as many.

    Parameters
    ----------
    layer : which layer and direction, in PyTorch's order.

    Returns
    -------
    None where an overflow left no gradient; `rec.overflow` says where it was.

    Raises
    ------
    ConfigError : "rec: expected a gated cell, got cell=rnn" or "layer: expected 0 to ...".

    Examples
    --------
    At PyTorch's initial weights the road is the candidate g, not the conveyor belt:

    >>> import rnn_core as rc
    >>> split = paths(rc.run(rc.ExperimentConfig(cell="lstm", init="pytorch", steps=100)))
    >>> {part: float(split.shares[part][0].mean().round(2)) for part in ("line", "g")}
    {'line': 0.0, 'g': 0.92}

    Source: the constant error carousel of Hochreiter & Schmidhuber (1997) is the line; the split
    by first exits is an identity of the chain rule.
    """
    chosen = _gated(rec, layer)
    if chosen is None:
        return None
    maps, adjoint = chosen.maps, chosen.flow.adjoint
    skip, truncate = rec.network.skip, rec.truncate
    line = sweep(
        maps,
        _before_the_end(rec, layer, chosen),
        d_end=adjoint.at(rec.steps),
        terms=frozenset({LINE}),
        truncate=truncate,
        skip=skip,
    )
    measured = _Measured(maps, adjoint, rec.network.recurrence.gates)
    measured.add([LINE], line)
    for names in _groups(maps.gates, line.states[0][1:].size):
        left = _exits(maps, names, line, rec)
        measured.add(names, sweep(maps, left, truncate=truncate, skip=skip))
    order = slice(None, None, -1 if chosen.is_reverse else None)
    return Paths(
        MappingProxyType({n: read_only(norms[order]) for n, norms in measured.norms.items()}),
        MappingProxyType({n: read_only(share[order]) for n, share in measured.shares.items()}),
        measured.mismatch(),
    )


def log10_gate_products(rec: Recording, *, layer: int = 0) -> Array | None:
    """Multiply the forget gates (GRU: z) from every step to the loss: the line as a number.

    log10 of f_{t+1} f_{t+2} ... f_T per unit: by how much the line alone scales dL/dc_T on its way
    to c_t. A cumulative sum of logs, taken from the pre-activations: exact at any T, and 10^-5000
    in one step where a gate is shut. Memory: two arrays (T, B, H).

    Returns
    -------
    (T, B, H); 0 at the step where the loss reads, -inf across a border of truncated BPTT. None
    where an overflow left no gradient.

    Raises
    ------
    ConfigError : as `paths`.

    Examples
    --------
    Gates at one half, over 200 steps:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(cell="lstm", forget_bias=0, weight_scale=0, input_scale=0)
    >>> float(log10_gate_products(rc.run(config))[0].mean().round(3))
    -59.905
    """
    chosen = _gated(rec, layer)
    if chosen is None:
        return None
    size = chosen.params.hidden_size
    a = chosen.tape.a[..., _KEEPING_GATE * size : (_KEEPING_GATE + 1) * size]
    logs = _log10_sigmoid(a.astype(np.float64, copy=False))
    reached = (chosen.flow.adjoint.size[1:] != NOTHING).reshape(rec.steps, -1).any(axis=1)
    last = int(np.flatnonzero(reached)[-1]) if reached.any() else rec.steps - 1
    borders = np.flatnonzero(cuts(rec)[: last + 1])
    start = int(borders[-1]) if borders.size else 0
    found = np.zeros_like(logs)
    with np.errstate(over="ignore"):
        for t in range(last - 1, start - 1, -1):  # a cumulative sum is eight times slower
            np.add(found[t + 1], logs[t + 1], out=found[t])
    np.maximum(found, LEAST, out=found)  # no gate of a sigmoid is 0
    found[:start] = -np.inf
    return read_only(found[::-1] if chosen.is_reverse else found)


def rms_over_units(log10_factors: Array) -> Array:
    """Return log10 of the root mean square over units: what is left of a random direction."""
    rms: Array = log10_frobenius(log10_factors) - 0.5 * np.log10(log10_factors.shape[-1])
    return rms


def _log10_sigmoid(a: Array) -> Array:
    """Return log10 of sigmoid(a) = -log10(1 + e^-a), with all digits on both sides."""
    with np.errstate(under="ignore"):
        logs = np.exp(-np.abs(a))
    np.log1p(logs, out=logs)
    logs -= np.minimum(a, 0.0)
    logs *= -1.0 / np.log(10.0)
    return logs


def _gated(rec: Recording, layer: int) -> LayerRecording | None:
    if rec.network.cell == "rnn":
        raise ConfigError("rec: expected a gated cell, got cell=rnn")
    return layer_of(rec, layer)


def _before_the_end(rec: Recording, layer: int, chosen: LayerRecording) -> Scaled:
    """Return what reaches dL/dh directly at every step of `layer` but its last."""
    ends_last = rec.last_loss_step == rec.steps - 1 and not chosen.is_reverse
    if rec.loss_steps <= 1 and ends_last and is_top(rec, layer):
        return Scaled.plain(np.zeros((rec.steps, 1, 1)))
    arriving = arriving_at(rec, layer)
    arriving.mantissa[-1] = 0.0  # the last state's gradient has it already, and what came before
    return arriving


class _Measured:
    """Sizes and shares of the parts, filled one sweep after the other, a few steps at a time."""

    def __init__(self, maps: StepMaps, whole: Adjoint, gates: Sequence[str]) -> None:
        self.maps, self.whole = maps, whole
        shape = whole.exponent[1:].shape
        self.norms = {name: np.empty(shape) for name in (WHOLE, LINE, *gates)}
        self.shares = {name: np.empty(shape) for name in (LINE, *gates)}
        self._sum = Scaled(np.empty(whole.states[0][1:].shape), np.empty(shape, dtype=np.int64))

    def add(self, names: Sequence[str], parts: Adjoint) -> None:
        """Measure parts, (T, B, H) or side by side (T, names, B, H), and add them up.

        The line comes first, by itself.
        """
        several = parts.exponent.ndim > self._sum.exponent.ndim
        for steps in chunks(len(self._sum.exponent), parts.states[0][0].size):
            whole, part = self._at(self.whole, steps), self._at(parts, steps)
            if names[0] == LINE:
                self.norms[WHOLE][steps] = whole.log10_norms()
            norms = part.log10_norms()
            beside = Scaled(whole.mantissa[:, None], whole.exponent[:, None])
            shares = projection(part, beside if several else whole)
            for k, name in enumerate(names):
                one = (slice(None), k) if several else slice(None)
                self.norms[name][steps], self.shares[name][steps] = norms[one], shares[one]
                total = Scaled(part.mantissa[one], part.exponent[one])
                if name != LINE:
                    so_far = Scaled(self._sum.mantissa[steps], self._sum.exponent[steps])
                    total = added(so_far, total)
                self._sum.mantissa[steps], self._sum.exponent[steps] = (
                    total.mantissa,
                    total.exponent,
                )

    def mismatch(self) -> float:
        """Return how far the sum of the parts is off, beside the largest of them."""
        largest = np.maximum.reduce(list(self.norms.values()))
        rest = np.empty_like(largest)
        for steps in chunks(len(rest), self._sum.mantissa[0].size):
            whole = self._at(self.whole, steps)
            total = Scaled(self._sum.mantissa[steps], self._sum.exponent[steps])
            rest[steps] = added(total, Scaled(-whole.mantissa, whole.exponent)).log10_norms()
        beside = np.where(np.isneginf(largest), 0, largest)
        return float(10.0 ** np.where(np.isneginf(rest), -np.inf, rest - beside).max())

    def _at(self, adjoint: Adjoint, steps: slice) -> Scaled:
        """Return the total derivative on the line after some steps."""
        after = tuple(state[1:][steps] for state in adjoint.states)
        with np.errstate(all="ignore"):
            total = part_of(self.maps, steps).total(after)[line_of(self.maps)]
        return Scaled(total, adjoint.exponent[1:][steps])


def _groups(gates: Sequence[str], entries: int) -> Iterator[Sequence[str]]:
    """Cut the gates into groups that travel side by side, each with so many entries of its own."""
    length = max(1, _AT_ONCE // entries)
    for start in range(0, len(gates), length):
        yield gates[start : start + length]


def _exits(maps: StepMaps, names: Sequence[str], line: Adjoint, rec: Recording) -> Scaled:
    """Return what leaves the line through each gate, as it enters dL/dh after every step.

    (T, gates, B, H).
    """
    steps, *rest = line.states[0][1:].shape
    mantissa = np.zeros((steps, len(names), *rest))
    exponent = np.zeros(mantissa.shape[:-1], dtype=np.int64)
    for part in chunks(steps, mantissa[0].size):
        before = slice(max(part.start - 1, 0), part.stop - 1)
        entering = slice(1 if part.start == 0 else 0, None)  # the initial state is no step's
        for k, crossing in enumerate(through_gates(maps, names, part, line)):
            mantissa[before, k] = crossing.beyond.mantissa[entering]
            exponent[before, k] = crossing.beyond.exponent[entering]
    borders = np.flatnonzero(cuts(rec))
    mantissa[borders - 1] = 0.0
    return Scaled(mantissa, exponent)
