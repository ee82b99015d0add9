"""Which term of a step supplies the gradient: the share of each path in one step back.

The paths of a gated cell add up as vectors, so their logs do not add up. What does is the share
<path, total> / |total|^2: the length of each path's projection on their sum.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from rnn_core.analysis.crossing import along_line, chunks, landed, line_of, through_gates
from rnn_core.analysis.subject import arriving_at, layer_of
from rnn_core.analysis.tug_of_war import cuts
from rnn_core.arrays import Array, read_only
from rnn_core.bptt import Adjoint
from rnn_core.cells import StepMaps
from rnn_core.magnitudes import NOTHING, size_exponents
from rnn_core.recording import Recording
from rnn_core.scaled import Scaled, added, shifted


def term_shares(rec: Recording, *, layer: int = 0) -> Mapping[str, Array] | None:
    """Measure what each term of a step supplies of the gradient before it.

    share = <path, total> / |total|^2, where total is dL/dh_{t-1} (LSTM: the total derivative
    dL/dc_{t-1}) and the paths lead there from step t: along the line on which the cell keeps its
    state, and through the weights of each gate; beside them the loss of step t-1 itself (of a
    lower layer what arrives from above). They sum to 1 and may be negative or above 1 where paths
    cancel. Each path is computed, none is what the others leave. Memory: one array (T, B) per
    term, and one (T, B, H) for the loss.

    Parameters
    ----------
    layer : which layer and direction, in PyTorch's order.

    Returns
    -------
    (T, B) by term: "line" (not in a vanilla cell), the gates by PyTorch's letter ("h" in a vanilla
    cell), "loss", and "skip" where the net has a skip in time. Index t is the step crossed; index
    0 leads into the initial state, where only the line reaches c. All are 0 where the total is
    exactly 0. None where an overflow left no gradient.

    Raises
    ------
    ConfigError : "layer: expected 0 to ..., got ...".

    Examples
    --------
    At PyTorch's initial weights the line and the candidate supply the gradient, the gates little:

    >>> import rnn_core as rc
    >>> rec = rc.run(rc.ExperimentConfig(cell="gru", init="pytorch", steps=100))
    >>> {name: float(share[1:].mean().round(2)) for name, share in term_shares(rec).items()}
    {'line': 0.82, 'n': 0.18, 'r': 0.0, 'z': 0.0, 'loss': 0.0}
    """
    chosen = layer_of(rec, layer)
    if chosen is None:
        return None
    maps, adjoint = chosen.maps, chosen.flow.adjoint
    local = arriving_at(rec, layer)
    has_line = maps.line_state is not None
    names = [*(("line",) if has_line else ()), *maps.gates, "loss"]
    names += ["skip"] if rec.network.skip is not None else []
    shares = {name: np.zeros(adjoint.exponent[1:].shape) for name in names}
    is_cut = cuts(rec)
    for steps in chunks(rec.steps, adjoint.states[0][0].size):
        total = _before(maps, adjoint, steps)
        crossings = through_gates(maps, maps.gates, steps, adjoint)
        paths = {
            name: landed(maps, steps, crossing.beyond)
            for name, crossing in zip(maps.gates, crossings, strict=True)
        }
        if has_line:
            paths["line"] = along_line(maps, steps, adjoint)
        for name, path in paths.items():
            shares[name][steps] = np.where(is_cut[steps, None], 0.0, projection(path, total))
        shares["loss"][steps] = projection(landed(maps, steps, _own(local, steps)), total)
        if rec.network.skip is not None:
            path = landed(maps, steps, _along_skip(rec, adjoint, steps))
            shares["skip"][steps] = projection(path, total)
    order = slice(None, None, -1 if chosen.is_reverse else None)
    return MappingProxyType({n: read_only(share[order]) for n, share in shares.items()})


def projection(path: Scaled, total: Scaled) -> Array:
    """Return <path, total> / |total|^2 over the last axis; 0 where the total is exactly 0."""
    size = np.abs(total.mantissa).max(axis=-1, initial=0.0)
    by = np.frexp(size)[1].astype(np.int64)
    unit = shifted(total.mantissa, -by[..., None])
    squares = np.einsum("...i,...i->...", unit, unit)
    size_of_path = size_exponents(path.mantissa)
    by_path = np.where(size_of_path == NOTHING, 0, size_of_path)
    along = np.einsum("...i,...i->...", shifted(path.mantissa, -by_path[..., None]), unit)
    ratio: Array = along / np.where(squares > 0, squares, 1.0)
    return shifted(ratio, path.exponent + by_path - total.exponent - by)


def _before(maps: StepMaps, adjoint: Adjoint, steps: slice) -> Scaled:
    """Return the gradient on the line before some steps: dL/dh_{t-1} or the total dL/dc_{t-1}."""
    exponent = adjoint.exponent[steps]
    d_h = Scaled(adjoint.states[0][steps], exponent)
    if line_of(maps) == 0:
        return d_h
    return added(landed(maps, steps, d_h), Scaled(adjoint.states[1][steps], exponent))


def _own(local: Scaled, steps: slice) -> Scaled:
    """Return what reaches h_{t-1} directly: nothing before the first step."""
    rows = slice(max(steps.start - 1, 0), steps.stop - 1)
    mantissa, exponent = local.mantissa[rows], local.exponent[rows]
    if steps.start == 0:
        mantissa = np.concatenate([np.zeros_like(local.mantissa[:1]), mantissa])
        exponent = np.concatenate([np.zeros_like(local.exponent[:1]), exponent])
    return Scaled(mantissa, exponent)


def _along_skip(rec: Recording, adjoint: Adjoint, steps: slice) -> Scaled:
    """Return scale dL/dh_{t-1+s}, where that state is in the same block of truncated BPTT."""
    skip = rec.network.skip
    assert skip is not None  # noqa: S101 - for the types
    d_h = adjoint.states[0]
    mantissa, exponent = np.zeros_like(d_h[steps]), np.zeros_like(adjoint.exponent[steps])
    borders = np.flatnonzero(cuts(rec))
    scale, by = math.frexp(skip.scale)
    for k, p in enumerate(range(steps.start, steps.stop)):
        later = p + skip.steps
        if later <= rec.steps and not ((p <= borders) & (borders < later)).any():
            mantissa[k], exponent[k] = scale * d_h[later], adjoint.exponent[later] + by
    return Scaled(mantissa, exponent)
