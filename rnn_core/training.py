"""A short training run, update by update: every sequence in every gradient, clipped or not.

It is an iterator, so that whoever asks may show its progress and stop when it likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from rnn_core.allowed import is_real, is_whole
from rnn_core.analysis.clipping import PASCANU, Clipped, clip_by_norm, clip_by_value
from rnn_core.arrays import Array, BoolArray, all_finite
from rnn_core.config import ExperimentConfig
from rnn_core.errors import ConfigError, quoted
from rnn_core.experiment import draw, unit_readouts
from rnn_core.gradients import WeightGradient
from rnn_core.losses import Loss, LossResult
from rnn_core.network import Network
from rnn_core.optimizers import SGD, Memory, Optimizer
from rnn_core.output import OutputLayer
from rnn_core.recording import Recording
from rnn_core.running import record
from rnn_core.tasks import Task

MODES: Final = ("norm", "value")
ALIVE: Final = 0.75
"""A run that gets back to its first loss after this part of its updates was not thrown."""

FLOAT32: Final = float(np.finfo(np.float32).max)
"""Beyond this loss a run ends: networks train in float32, where it would be inf."""


@dataclass(frozen=True)
class Clip:
    """How gradients are clipped before the optimiser gets them.

    Attributes
    ----------
    threshold : of one norm over all parameters, or of every entry.
    mode : "norm" (Pascanu's rule, no epsilon) or "value".

    Raises
    ------
    ConfigError : "threshold: expected a positive number, got ..." and likewise for `mode`.
    """

    threshold: float
    mode: str = "norm"

    def __post_init__(self) -> None:
        if not (is_real(self.threshold) and 0.0 < self.threshold < np.inf):
            raise ConfigError(
                f"threshold: expected a positive number, got {quoted(self.threshold)}"
            )
        if self.mode not in MODES:
            raise ConfigError(f"mode: expected one of {', '.join(MODES)}, got {quoted(self.mode)}")

    def of(self, gradients: Mapping[str, WeightGradient]) -> Clipped:
        """Return the gradients after clipping."""
        if self.mode == "norm":
            return clip_by_norm(gradients, self.threshold, rule=PASCANU)
        return clip_by_value(gradients, self.threshold)


@dataclass(frozen=True)
class Model:
    """A network with its output layer: what is trained."""

    network: Network
    output: OutputLayer

    @property
    def parameters(self) -> dict[str, Array]:
        """Every array that is trained: those of the network, `weight_hy` and `bias_y`."""
        own = {"weight_hy": self.output.weight_hy, "bias_y": self.output.bias_y}
        return self.network.state_dict() | own

    def moved_to(self, parameters: dict[str, Array]) -> "Model":
        """Return the model with other parameters, which must be finite."""
        output = OutputLayer(parameters["weight_hy"], parameters["bias_y"])
        return Model(self.network.mapped(parameters), output)


@dataclass(frozen=True)
class Update:
    """One entry of a training run: the model before update `number`, and its gradient.

    Attributes
    ----------
    number : counted from 0.
    loss : inf or nan where float64 ends.
    log10_norm : of the whole gradient before clipping, exact at any size; nan where the loss is
        beyond float32, or no number: there the run ends.
    log10_clipped : after clipping; the same where nothing is clipped.
    log10_recurrent : of dL/dW_hh alone, before clipping.
    saturated_share : of all units at all steps, the part that is saturated.
    is_clipped : whether clipping changed the gradient.
    """

    number: int
    loss: float
    log10_norm: float
    log10_clipped: float
    log10_recurrent: float
    saturated_share: float
    is_clipped: bool


@dataclass(frozen=True)
class Training:
    """A training run as arrays, (updates + 1,) or as far as it came; read-only.

    Attributes
    ----------
    loss, log10_norm, log10_clipped, log10_recurrent, saturated_share, is_clipped : as in `Update`.
    """

    loss: Array
    log10_norm: Array
    log10_clipped: Array
    log10_recurrent: Array
    saturated_share: Array
    is_clipped: BoolArray

    @property
    def updates(self) -> int:
        """How many updates were made."""
        return len(self.loss) - 1

    @property
    def overflow(self) -> int | None:
        """The entry whose loss is beyond float32, or not a number: there the run ends; or None."""
        return self.updates if np.isnan(self.log10_norm[-1]) else None

    @property
    def last_below(self) -> int:
        """The last entry whose loss is at most that of the start."""
        return int(np.flatnonzero(self.loss <= self.loss[0])[-1]) if self.overflow != 0 else 0

    @property
    def dies_at(self) -> int | None:
        """The update after which the loss never again is as small as at the start; None if it is.

        A run of which more than three quarters are below the start's loss, and which did not
        overflow, is alive.
        """
        if self.overflow is None and self.last_below >= ALIVE * self.updates:
            return None
        return self.last_below


def model_of(config: ExperimentConfig, *, readout_scale: float = 1.0) -> Model:
    """Return the network of a config with one output, |weight_hy| = readout_scale and bias_y = 0.

    Raises
    ------
    ConfigError : "readout_scale: expected 0 to 100, got ...", or if the config asks for a new
        weight at every step: such a net is not trained.
    """
    if not (is_real(readout_scale) and 0.0 <= readout_scale <= 100.0):
        raise ConfigError(f"readout_scale: expected 0 to 100, got {quoted(readout_scale)}")
    if not config.is_tied:
        raise ConfigError("is_tied: expected True for training, got False")
    network = draw(config).network
    readout = readout_scale * unit_readouts(config.seed, 1, network.output_size)
    return Model(network, OutputLayer(readout, np.zeros(1)))


def train(
    model: Model,
    task: Task,
    *,
    optimizer: Optimizer | None = None,
    clip: Clip | None = None,
    updates: int = 200,
) -> Iterator[Update]:
    """Train on all sequences at once and yield an entry before every update, and one at the end.

    It ends early at the entry whose loss is beyond float32, whose states are beyond float64, or
    whose parameters would be.

    Parameters
    ----------
    model : its network must read the task's features, its output have as many numbers as a target.
    optimizer : `SGD(0.1)` if None.
    clip : None does not clip.

    Raises
    ------
    ConfigError, ShapeError : "<name>: expected <what>, got <value>", when the first entry is asked
        for.

    Examples
    --------
    >>> from rnn_core.tasks import adding
    >>> config = ExperimentConfig(hidden_size=4, input_size=2)
    >>> run = train(model_of(config), adding(steps=6, batch_size=5), updates=20)
    >>> losses = [entry.loss for entry in run]
    >>> len(losses), losses[-1] < losses[0]
    (21, True)
    """
    if not (is_whole(updates) and 0 <= updates <= 100_000):
        raise ConfigError(f"updates: expected 0 to 100000, got {quoted(updates)}")
    follow = SGD(0.1) if optimizer is None else optimizer
    memory = Memory()
    for number in range(updates + 1):
        watched = _Watched(task.loss(model.output))
        rec = record(model.network, task.x, watched)
        if rec.overflow is not None or not watched.is_finite:
            yield _end(number, watched.value)
            return
        norm = _log10_norm(rec)
        clipped = None if clip is None else clip.of(rec.weight_gradients)
        yield Update(
            number,
            rec.loss,
            norm,
            norm if clipped is None else clipped.log10_norm_after,
            rec.log10_gradient_norm["weight_hh_l0"],
            float(rec.layers[0].is_saturated.mean()),
            is_clipped=clipped is not None and clipped.clipped_entries > 0,
        )
        if number == updates:
            return
        handed = rec.gradients if clipped is None else clipped.gradients
        after = follow.update(model.parameters, handed, memory)
        parameters, memory = dict(after.parameters), after.memory
        if not all(all_finite(one) for one in parameters.values()):
            yield _end(number + 1, np.nan)
            return
        model = model.moved_to(parameters)


def training(entries: Sequence[Update]) -> Training:
    """Return the entries of a run, or of as much of it as there was, as arrays.

    Raises
    ------
    ConfigError : "entries: expected at least one, got none".
    """
    if not entries:
        raise ConfigError("entries: expected at least one, got none")
    columns = {
        one.name: np.array([getattr(entry, one.name) for entry in entries])
        for one in fields(Training)
    }
    for column in columns.values():
        column.setflags(write=False)
    return Training(**columns)


def _end(number: int, loss: float) -> Update:
    return Update(number, loss, np.nan, np.nan, np.nan, np.nan, is_clipped=False)


class _Watched:
    """A loss that notices where float64 ends, and lets the sweep go back over zeros instead."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.value = float("nan")
        self.is_finite = False

    def __call__(self, h: Array) -> LossResult:
        result = self.loss(h)
        if not isinstance(result, LossResult):
            result = LossResult(*result)
        arrays = (result.d_h, *result.gradients.values())
        self.value = result.value
        is_small = bool(np.abs(result.value) <= FLOAT32)  # not where it is nan
        self.is_finite = is_small and all(all_finite(a) for a in arrays)
        if self.is_finite:
            return result
        zeros = {name: np.zeros_like(one) for name, one in result.gradients.items()}
        return LossResult(0.0, np.zeros_like(result.d_h), zeros)


def _log10_norm(rec: Recording) -> float:
    """Return log10 of one norm over all gradients, at any size; -inf where all are 0."""
    sizes = np.array(list(rec.log10_gradient_norm.values()))
    largest = float(sizes.max())
    if not np.isfinite(largest):
        return largest
    return largest + 0.5 * float(np.log10(np.sum(10.0 ** (2.0 * (sizes - largest)))))
