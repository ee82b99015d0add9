"""What the page of weight scale measures beside its run: cached, and some of it piece by piece.

Nothing here depends on the weight scale but the singular values: to drag it costs one run. The
sweep is measured ten nets at a time, each time a page has been drawn with what there is.
"""

from dataclasses import replace
from functools import cache
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

import rnn_core as rc
from app.cache import ByteCache
from rnn_core.analysis.initialisers import Initialiser, compare_initialisers
from rnn_core.analysis.input_variance import measured_input_variance
from rnn_core.analysis.jacobian import Complex, weight_spectrum
from rnn_core.analysis.leading import leading_singular_values
from rnn_core.analysis.singular_values import SingularValues
from rnn_core.analysis.weight_sweep import NETS, SCALES, WeightSweep, joined, reduced, weight_sweep
from rnn_core.arrays import Array, read_only
from rnn_core.theory.mean_field import critical_sigma_w, slopes
from rnn_core.theory.scale_curve import Curve, at_rest_curve, mean_field_curve, measured_unit

AT_ONCE: Final = 10
"""Nets of one piece: a tenth of a second. To draw the page anew takes as long."""

FEW: Final = 2
"""Nets whose input theory follows until it has followed that of all."""

LAGS: Final = (1, 2, 5, 10, 20, 50)
_WORK: Final = 50 * 128**3
"""lag x N^3 of the longest product of Jacobians: 30 ms."""

REACH: Final = 4.0
"""Both axes of the phase diagram go from 0 to here."""

_KEPT: Final = 4_000_000
"""Bytes of sweeps, curves and comparisons that are kept for all readers."""


class Spectrum(NamedTuple):
    """Of W_hh at weight scale 1; a gated cell's candidate, an untied net's first step.

    Attributes
    ----------
    eigenvalues : (H,), the largest first.
    radius, norm : the largest absolute eigenvalue, the largest singular value.
    sigma_w : std of the entries times sqrt(H).
    bias_variance : mean over units of the square of the biases that the scheme itself draws.
    """

    eigenvalues: Complex
    radius: float
    norm: float
    sigma_w: float
    bias_variance: float


class Phase(NamedTuple):
    """The phase diagram of a wide net under a constant drive.

    Attributes
    ----------
    sigma_w, bias : the axes, (X,) and (Y,).
    growth : 0.5 log10 chi, (Y, X).
    critical : sigma_w at which it is 0, (Y,).
    """

    sigma_w: Array
    bias: Array
    growth: Array
    critical: Array


class Found(NamedTuple):
    """What is known at present.

    Attributes
    ----------
    sweep : of the nets measured so far; None where there is none yet.
    nets : how many these are, of `NETS`.
    is_complete : whether all nets have been measured, and theory has followed the input of all.
    curve : what theory says at `SCALES`; None where none holds.
    spectrum : of W_hh at weight scale 1.
    values : singular values of ds_T/ds_{T-k}; None where there is no pair of states.
    input_variance : mean of (W_ih x_t)^2 of the run; None for a run without steps.
    schemes : initialisers side by side; None while they are not measured.
    phase : the diagram of the run's activation; None where mean field knows no such net.
    """

    sweep: WeightSweep | None
    nets: int
    is_complete: bool
    curve: Curve | None
    spectrum: Spectrum
    values: SingularValues | None
    input_variance: float | None
    schemes: tuple[Initialiser, ...] | None
    phase: Phase | None

    def effective_bias(self, config: rc.ExperimentConfig) -> float | None:
        """Return sqrt(bias_scale^2 + the input's variance), the ordinate of the phase diagram.

        What the scheme itself draws as biases is part of it.
        """
        if self.input_variance is None:
            return None
        own = config.bias_scale**2 + self.spectrum.bias_variance
        return float(np.sqrt(own + self.input_variance))


class _Pieces:
    """A sweep under way."""

    def __init__(self, config: rc.ExperimentConfig) -> None:
        self.config = config
        self.parts: tuple[WeightSweep, ...] = ()
        self._lock = Lock()

    @property
    def nets(self) -> int:
        return AT_ONCE * len(self.parts)

    def measure_more(self) -> None:
        with self._lock:  # two readers may ask for the same sweep
            if self.nets < NETS:
                seeds = range(self.nets, min(self.nets + AT_ONCE, NETS))
                self.parts = (*self.parts, weight_sweep(self.config, seeds=seeds))


def found(config: rc.ExperimentConfig, rec: rc.Recording, *, sequence: int = 0) -> Found:
    """Return what is known beside a run, without measuring what takes long.

    Parameters
    ----------
    sequence : whose Jacobians are multiplied, from 0.
    """
    small = reduced(config)
    pieces = _sweep(small)
    variance = measured_input_variance(rec)
    return Found(
        joined(pieces.parts) if pieces.parts else None,
        pieces.nets,
        pieces.nets == NETS and _CURVES.has(small),
        _curve(small),
        spectrum_of(config),
        _values(config, rec, min(sequence, rec.x.shape[1] - 1)),
        variance,
        _schemes(small, variance),
        phase(config.activation) if config.cell == "rnn" and config.init != "identity" else None,
    )


def measure_more(config: rc.ExperimentConfig, rec: rc.Recording) -> bool:
    """Measure the next piece; False where nothing is missing."""
    small = reduced(config)
    pieces = _sweep(small)
    if pieces.nets < NETS:
        pieces.measure_more()
        return True
    if not _CURVES.has(small):
        _CURVES.get(small, lambda: (_theory(small, NETS),))
        return True
    variance = measured_input_variance(rec)
    if variance is None or _SCHEMES.has(_scheme_key(small, variance)):
        return False
    _compared(small, variance)
    return True


def settings_at(found: Found, sigma_w: float, bias: float) -> dict[str, float]:
    """Return the settings that take a run to a point of the phase diagram, to two decimals.

    Below what the input alone drives there is no bias to take away: it is 0 there.
    """
    noise = bias**2 - (found.input_variance or 0.0) - found.spectrum.bias_variance
    return {
        "weight_scale": round(sigma_w / found.spectrum.sigma_w, 2),
        "bias_scale": round(float(np.sqrt(max(noise, 0.0))), 2),
    }


def warm_up() -> None:
    """Measure what the page of a default run needs, before the first reader comes."""
    config = rc.ExperimentConfig()
    rec = rc.run(config)
    found(config, rec)
    while measure_more(config, rec):
        pass


@cache
def phase(activation: str) -> Phase:
    """Return the phase diagram of an activation."""
    sigma_w, bias = np.linspace(0.0, REACH, 81), np.linspace(0.0, REACH, 33)
    growth = slopes(activation, sigma_w[None], 0.0, bias[:, None] ** 2)
    critical = np.array([critical_sigma_w(activation, drive=one**2) for one in bias])
    return Phase(*map(read_only, (sigma_w, bias, growth, critical)))


def _sweep(small: rc.ExperimentConfig) -> _Pieces:
    return _SWEEPS.get(small, lambda: _Pieces(small))


def _curve(small: rc.ExperimentConfig) -> Curve | None:
    if not _CURVES.has(small):
        return _theory(small, FEW)
    return _CURVES.get(small, lambda: (_theory(small, NETS),))[0]


def _theory(small: rc.ExperimentConfig, nets: int) -> Curve | None:
    of_cell = mean_field_curve if small.cell == "rnn" else at_rest_curve
    return of_cell(small, measured_unit(small, range(nets)), SCALES)


def spectrum_of(config: rc.ExperimentConfig) -> Spectrum:
    """Return the spectrum of the W_hh that a run draws, at weight scale 1."""
    one_step = rc.ExperimentConfig(
        cell=config.cell,
        init=config.init,
        hidden_size=config.hidden_size,
        is_tied=config.is_tied,
        seed=config.seed,
        steps=1,
        batch_size=1,
        input_size=1,
    )
    return _SPECTRA.get(one_step, lambda: _measured_spectrum(one_step))


def _measured_spectrum(one_step: rc.ExperimentConfig) -> Spectrum:
    rec = rc.run(one_step)
    gates = weight_spectrum(rec)
    name = {"rnn": "a", "gru": "n", "lstm": "g"}[one_step.cell]
    values = gates[name].singular_values.reshape(-1)
    eigenvalues = gates[name].eigenvalues.reshape(-1)
    size, place = one_step.hidden_size, list(gates).index(name)
    biases = (rec.network.params.bias_ih, rec.network.params.bias_hh)
    bias = sum(one[place * size : (place + 1) * size] for one in biases if one is not None)
    eigenvalues.setflags(write=False)
    return Spectrum(
        eigenvalues,
        float(np.abs(eigenvalues).max()),
        float(values.max()),
        float(np.sqrt(np.mean(values**2))),
        float(np.mean(np.square(bias))),
    )


def _values(config: rc.ExperimentConfig, rec: rc.Recording, sequence: int) -> SingularValues | None:
    if not rec.layers or rec.overflow_left_nan:
        return None
    size = rec.network.hidden_size * (2 if rec.network.cell == "lstm" else 1)
    lags = [lag for lag in LAGS if lag < rec.steps and lag * size**3 <= _WORK]
    if not lags:
        return None
    key = (config, sequence)
    return _VALUES.get(key, lambda: (leading_singular_values(rec, lags, sequence=sequence),))[0]


def _schemes(small: rc.ExperimentConfig, variance: float | None) -> tuple[Initialiser, ...] | None:
    if variance is None or not _SCHEMES.has(_scheme_key(small, variance)):
        return None
    return _compared(small, variance)


def _compared(small: rc.ExperimentConfig, variance: float) -> tuple[Initialiser, ...]:
    plain, drive = _scheme_key(small, variance)
    return _SCHEMES.get((plain, drive), lambda: compare_initialisers(plain, drive))


def _scheme_key(small: rc.ExperimentConfig, variance: float) -> tuple[rc.ExperimentConfig, float]:
    plain = replace(
        small,
        cell="rnn",
        activation="tanh",
        init="gaussian",
        forget_bias=None,
        chrono_steps=None,
        bias_scale=0.0,
        input_scale=1.0,
        is_tied=True,
    )
    return plain, _rounded(variance)


def _rounded(variance: float) -> float:
    """Return two digits of a variance: each seed has another one, and one comparison will do."""
    return float(f"{variance:.1e}") if np.isfinite(variance) else 1e6


def _size_of_curve(curve: tuple[Curve | None]) -> int:
    return 200 + sum(part.nbytes for part in curve[0] or ())


_SWEEPS: Final = ByteCache[rc.ExperimentConfig, _Pieces](_KEPT, lambda _: 8 * NETS * len(SCALES))
_CURVES: Final = ByteCache[rc.ExperimentConfig, tuple[Curve | None]](_KEPT // 8, _size_of_curve)
_SPECTRA: Final = ByteCache[rc.ExperimentConfig, Spectrum](
    _KEPT // 4, lambda found: 200 + found.eigenvalues.nbytes
)
_VALUES: Final = ByteCache[tuple[rc.ExperimentConfig, int], tuple[SingularValues | None]](
    _KEPT // 8, lambda kept: 500 + (0 if kept[0] is None else kept[0].log10_values.nbytes)
)
_SCHEMES: Final = ByteCache[tuple[rc.ExperimentConfig, float], tuple[Initialiser, ...]](
    _KEPT // 8, lambda found: 400 * len(found)
)
