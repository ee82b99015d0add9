"""Path split: through which gate the gradient of a gated cell first leaves the cell line.

The line is where the cell keeps its state: c_t = f c_{t-1} + ... (LSTM), h_t = z h_{t-1} + ...
(GRU). Seen from the loss, a path follows the line for some steps, then leaves it through a gate
and the recurrent weights; where it goes afterwards does not change its name. So the gradient is
the sum of a part that never left and one part per gate, exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from rnn_core.analysis.crossing import chunks, line_of, through_gate
from rnn_core.analysis.subject import arriving_at, layer_of
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
    what the others leave. Memory: a dozen arrays (T, B, H) at a time, however many gates.

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
    on_line = line_of(maps)
    whole = _total(maps, adjoint, on_line)
    from_loss = arriving_at(rec, layer)
    from_loss.mantissa[-1] = 0.0  # the last state's gradient has it already, and what came before
    skip, truncate = rec.network.skip, rec.truncate
    line = sweep(
        maps,
        from_loss,
        d_end=adjoint.at(rec.steps),
        terms=frozenset({LINE}),
        truncate=truncate,
        skip=skip,
    )
    order = slice(None, None, -1 if chosen.is_reverse else None)
    norms = {WHOLE: read_only(whole.log10_norms()[order])}
    shares: dict[str, Array] = {}
    total: Scaled | None = None
    for name in (LINE, *rec.network.recurrence.gates):
        if name == LINE:
            part = _total(maps, line, on_line)
        else:
            left = _exits(maps, name, line, rec)
            part = _total(maps, sweep(maps, left, truncate=truncate, skip=skip), on_line)
        norms[name] = read_only(part.log10_norms()[order])
        shares[name] = read_only(projection(part, whole)[order])
        total = part if total is None else added(total, part)
    assert total is not None  # noqa: S101 - for the types
    rest = added(total, Scaled(-whole.mantissa, whole.exponent)).log10_norms()[order]
    largest = np.maximum.reduce(list(norms.values()))
    off = np.where(np.isneginf(rest), -np.inf, rest - np.where(np.isneginf(largest), 0, largest))
    return Paths(MappingProxyType(norms), MappingProxyType(shares), float(10.0 ** off.max()))


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
    with np.errstate(under="ignore"):
        logs = np.logaddexp(0.0, -a.astype(np.float64)) / -np.log(10.0)
    logs[cuts(rec)] = -np.inf
    reached = (chosen.flow.adjoint.size[1:] != NOTHING).reshape(rec.steps, -1).any(axis=1)
    last = int(np.flatnonzero(reached)[-1]) if reached.any() else rec.steps - 1
    found = np.zeros_like(logs)
    found[:last] = np.cumsum(logs[1 : last + 1][::-1], axis=0)[::-1]
    return read_only(found[::-1] if chosen.is_reverse else found)


def rms_over_units(log10_factors: Array) -> Array:
    """Return log10 of the root mean square over units: what is left of a random direction."""
    rms: Array = log10_frobenius(log10_factors) - 0.5 * np.log10(log10_factors.shape[-1])
    return rms


def _gated(rec: Recording, layer: int) -> LayerRecording | None:
    if rec.network.cell == "rnn":
        raise ConfigError("rec: expected a gated cell, got cell=rnn")
    return layer_of(rec, layer)


def _total(maps: StepMaps, adjoint: Adjoint, on_line: int) -> Scaled:
    """Return the total derivative on the line after every step, (T, B, H)."""
    with np.errstate(all="ignore"):
        return adjoint.of_steps(maps)[on_line]


def _exits(maps: StepMaps, name: str, line: Adjoint, rec: Recording) -> Scaled:
    """Return what leaves the line through a gate, as it enters dL/dh after every step."""
    mantissa = np.zeros(line.states[0][1:].shape)
    exponent = np.zeros_like(line.exponent[1:])
    for steps in chunks(rec.steps, line.states[0][0].size):
        beyond = through_gate(maps, name, steps, line).beyond
        before = slice(max(steps.start - 1, 0), steps.stop - 1)
        entering = slice(1 if steps.start == 0 else 0, None)  # the initial state is no step's
        mantissa[before], exponent[before] = beyond.mantissa[entering], beyond.exponent[entering]
    borders = np.flatnonzero(cuts(rec))
    mantissa[borders - 1] = 0.0
    return Scaled(mantissa, exponent)
