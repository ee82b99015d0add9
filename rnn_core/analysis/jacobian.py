"""The Jacobian of one step, ds_t/ds_{t-1}, and the spectrum of the recurrent weights in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_core.allowed import is_whole
from rnn_core.analysis.crossing import part_of
from rnn_core.analysis.subject import layer_of
from rnn_core.arrays import Array, read_only
from rnn_core.cells import StepMaps
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import LayerRecording, Recording

Complex = npt.NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class WeightSpectrum:
    """Eigenvalues and singular values of one recurrent matrix (H, H).

    Of an untied net of every step's own: a leading axis T.

    Attributes
    ----------
    eigenvalues : (H,) complex, by descending absolute value.
    spectral_radius : the largest absolute eigenvalue; it decides nothing in a driven net.
    singular_values : (H,) descending.
    spectral_norm : the largest singular value: the most that one step can stretch a vector.
    """

    eigenvalues: Complex
    singular_values: Array

    @property
    def spectral_radius(self) -> Array:
        """The largest absolute eigenvalue, () or (T,)."""
        return np.asarray(np.abs(self.eigenvalues[..., 0]))

    @property
    def spectral_norm(self) -> Array:
        """The largest singular value, () or (T,)."""
        return np.asarray(self.singular_values[..., 0])


def jacobian(rec: Recording, step: int, *, sequence: int = 0, layer: int = 0) -> Array | None:
    """Return ds_t/ds_{t-1}, what one step makes of a small change of the state before it.

    `[i, j]` = ds_i/ds_prev_j; the state is h, of an LSTM (h, c) side by side: then the first H
    rows and columns belong to h. One application of the step's linear map to the identity.
    A reverse direction's step t leads from the state of t + 1. The part of a skip in time that
    jumps over t - 1 is not in it.

    Parameters
    ----------
    step : t, from 0; step 0 starts from the initial state.
    sequence, layer : which; `layer` in PyTorch's order of layers and directions.

    Returns
    -------
    (H, H), or (2H, 2H) of an LSTM; None where an overflow left no gradient.

    Raises
    ------
    ConfigError : "step: expected 0 to T-1, got ..."; likewise for `sequence` and `layer`.

    Examples
    --------
    In a linear net it is W_hh itself:

    >>> import numpy as np
    >>> import rnn_core as rc
    >>> rec = rc.run(rc.ExperimentConfig(activation="identity", steps=5))
    >>> np.array_equal(jacobian(rec, 3), rec.network.params.weight_hh)
    True
    """
    chosen = layer_of(rec, layer)
    check_index("step", step, rec.steps)
    check_index("sequence", sequence, rec.x.shape[1])
    if chosen is None:
        return None
    t = rec.steps - 1 - step if chosen.is_reverse else step
    with np.errstate(all="ignore"):
        return read_only(jacobian_of(maps_of_one(chosen, sequence), t))


def weight_spectrum(rec: Recording, *, layer: int = 0) -> Mapping[str, WeightSpectrum]:
    """Return eigenvalues and singular values of W_hh, gate by gate.

    Returns
    -------
    By PyTorch's letter of the gate; a vanilla cell has one matrix, "a". nan of weights that float32
    cannot hold, of which the recording is an overflow.

    Raises
    ------
    ConfigError : "layer: expected 0 to ..., got ...".

    Examples
    --------
    >>> import rnn_core as rc
    >>> rec = rc.run(rc.ExperimentConfig(init="orthogonal", weight_scale=1.5, steps=1))
    >>> spectrum = weight_spectrum(rec)["a"]
    >>> float(spectrum.spectral_radius.round(9)), float(spectrum.spectral_norm.round(9))
    (1.5, 1.5)
    """
    layer_of(rec, layer)  # refuses a layer that does not exist
    params, cell = rec.network.stack[layer], rec.network.recurrence
    found = {}
    for name, block in zip(
        cell.gates, np.split(params.weight_hh, len(cell.gates), axis=-2), strict=True
    ):
        weight = block.astype(np.float64)
        if np.isfinite(weight).all():
            eigenvalues = np.linalg.eigvals(weight).astype(np.complex128)
            values = np.linalg.svd(weight, compute_uv=False)
        else:
            eigenvalues = np.full(weight.shape[:-1], np.nan, dtype=np.complex128)
            values = np.full(weight.shape[:-1], np.nan)
        order = np.argsort(-np.abs(eigenvalues), axis=-1)
        found[name] = WeightSpectrum(
            np.take_along_axis(eigenvalues, order, axis=-1), read_only(values)
        )
    return MappingProxyType(found)


def jacobian_of(maps: StepMaps, t: int) -> Array:
    """Return the Jacobian of the maps' step t; the maps are of one sequence."""
    size = maps.weight.shape[-1]
    identity = np.eye(maps.state_count * size)
    return pulled_back(maps, t, identity).T


def pulled_back(maps: StepMaps, t: int, columns: Array) -> Array:
    """Return J_t^T times some columns (N, m); the maps are of one sequence."""
    rows = np.ascontiguousarray(columns.T)[:, None]
    d_state = tuple(
        np.ascontiguousarray(part) for part in np.split(rows, maps.state_count, axis=-1)
    )
    before = np.concatenate(maps.vjp_step(t, d_state), axis=-1)
    return before[:, 0].T


def maps_of_one(layer: LayerRecording, sequence: int) -> StepMaps:
    """Return the maps of one sequence, in float64."""
    maps = part_of(layer.maps, slice(None), slice(sequence, sequence + 1))
    if maps.weight.dtype == np.float64:
        return maps
    return maps.mapped(lambda array: array.astype(np.float64))


def check_index(name: str, value: int, count: int) -> None:
    """Refuse an index that is not from 0 to count - 1."""
    if not (is_whole(value) and 0 <= value < count):
        raise ConfigError(f"{name}: expected 0 to {count - 1}, got {quoted(value)}")
