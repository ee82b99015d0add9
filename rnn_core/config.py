"""What decides a run: one flat, frozen set of fields, each with the values that it allows.

The table of allowed values stands in the fields themselves (`FIELDS`): validation, the widgets of
a page and the address of a link all read it there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from rnn_core.allowed import Allowed, Choice, Flag, Real, Typed, Whole
from rnn_core.errors import ConfigError, quoted

MAX_RUN_SIZE: Final = 5_120_000
"""Largest steps x batch_size x hidden_size of one run; beyond it a run would not fit in memory."""

MAX_UNTIED_WEIGHTS: Final = 2**25
"""Largest steps x hidden_size^2 of an untied net, whose weights are recorded step by step."""


def _one_of(default: Any, allowed: Allowed) -> Any:
    return field(default=default, metadata={"allowed": allowed})


@dataclass(frozen=True)
class ExperimentConfig:
    """All that decides a run; two equal configs give the same numbers on one machine and build.

    Every value is checked when the config is made, and so is every pair of values that means
    nothing together. Nothing is derived, nothing is drawn.

    Attributes
    ----------
    cell : the recurrent cell.
    activation : phi of the vanilla cell; gated cells have tanh and sigmoid and allow only "tanh".
    steps : T, time steps.
    batch_size : B, sequences through the same weights.
    input_size : D, features of the input; for text the number of different characters counts.
    hidden_size : H, hidden units.
    init : the scheme that draws every weight and bias.
    weight_scale : factor on the recurrent weights that `init` draws.
    input_scale : factor on the input weights that `init` draws.
    bias_scale : standard deviation of gaussian noise added to the biases.
    forget_bias : of an LSTM; None leaves what the scheme draws, a number sets it.
    source : what the input is.
    text : the characters that the net reads when `source` is "text".
    h_init : the state before the first step.
    loss_at : whether the last step alone or every step has a loss.
    truncate : steps per block of truncated BPTT; None is full BPTT.
    is_tied : whether all steps share their recurrent weights (False: vanilla cell only).
    layers : L, each reads the states of the one below.
    is_bidirectional : whether a second set of cells reads the sequence from its end.
    seed : separate streams for weights, inputs and readout grow from it.
    chrono_steps : T_max of `init` "chrono": the longest time for which its units are drawn to
        remember; None is the length of the sequence.

    Raises
    ------
    ConfigError : "<field>: expected <what>, got <value>".
    """

    cell: str = _one_of("rnn", Choice(("rnn", "gru", "lstm")))
    activation: str = _one_of("tanh", Choice(("tanh", "sigmoid", "relu", "identity")))
    steps: int = _one_of(200, Whole(1, 10_000))
    batch_size: int = _one_of(8, Whole(1, 64))
    input_size: int = _one_of(8, Whole(1, 64))
    hidden_size: int = _one_of(64, Whole(1, 512))
    init: str = _one_of(
        "gaussian",
        Choice(
            ("gaussian", "orthogonal", "identity", "pytorch", "keras", "glorot", "he", "chrono")
        ),
    )
    weight_scale: float = _one_of(1.0, Real(0.0, 100.0))
    input_scale: float = _one_of(1.0, Real(0.0, 100.0))
    bias_scale: float = _one_of(0.0, Real(0.0, 10.0))
    forget_bias: float | None = _one_of(None, Real(-10.0, 10.0, is_optional=True))
    source: str = _one_of("noise", Choice(("noise", "impulse", "sine", "silence", "text")))
    text: str = _one_of("The writer of the books is", Typed(1000))
    h_init: str = _one_of("zero", Choice(("zero", "random")))
    loss_at: str = _one_of("last", Choice(("last", "every")))
    truncate: int | None = _one_of(None, Whole(1, 10_000, is_optional=True))
    is_tied: bool = _one_of(True, Flag())
    layers: int = _one_of(1, Whole(1, 8))
    is_bidirectional: bool = _one_of(False, Flag())
    seed: int = _one_of(0, Whole(0, 2**32 - 1))
    chrono_steps: int | None = _one_of(None, Whole(2, 10_000, is_optional=True))

    def __post_init__(self) -> None:
        for name, allowed in FIELDS.items():
            value = getattr(self, name)
            if not allowed.accepts(value):
                raise ConfigError(f"{name}: expected {allowed.expected}, got {quoted(value)}")
        self._refuse_for_cell()
        if self.init != "chrono" and self.chrono_steps is not None:
            raise ConfigError(
                f"chrono_steps: expected None with init={self.init}, got {self.chrono_steps}"
            )
        if not self.is_tied and (self.layers > 1 or self.is_bidirectional):
            raise ConfigError("is_tied: expected True with several layers or directions, got False")
        if self.truncate is not None and self.is_bidirectional:
            raise ConfigError(
                f"truncate: expected None with is_bidirectional=True, got {self.truncate}"
            )
        if self.truncate is not None and self.truncate > self.steps:
            raise ConfigError(
                f"truncate: expected None or 1 to steps={self.steps}, got {self.truncate}"
            )

    def _refuse_for_cell(self) -> None:
        """Refuse what the cell does not have."""
        if self.cell != "rnn" and self.activation != "tanh":
            raise ConfigError(
                f"activation: expected tanh with cell={self.cell}, got {quoted(self.activation)}"
            )
        if self.cell != "lstm" and self.init == "chrono":
            raise ConfigError(f"init: expected any but chrono with cell={self.cell}, got 'chrono'")
        if self.cell != "lstm" and self.forget_bias is not None:
            raise ConfigError(
                f"forget_bias: expected None with cell={self.cell}, got {quoted(self.forget_bias)}"
            )
        if self.cell != "rnn" and not self.is_tied:
            raise ConfigError(f"is_tied: expected True with cell={self.cell}, got False")


FIELDS: Final[Mapping[str, Allowed]] = MappingProxyType(
    {f.name: f.metadata["allowed"] for f in fields(ExperimentConfig)}
)
"""The allowed values of every field, in the order of the fields."""


def read_field(name: str, text: str) -> Any:
    """Return the value of field `name` that `text` (of an address, say) spells.

    Raises
    ------
    ConfigError : "<field>: expected <what>, got <text>", for an unknown name as well.
    """
    allowed = FIELDS.get(name)
    if allowed is None:
        raise ConfigError(f"{quoted(name)}: expected one of {', '.join(FIELDS)}")
    value = allowed.read(text)
    if not allowed.accepts(value):
        raise ConfigError(f"{name}: expected {allowed.expected}, got {quoted(text)}")
    return value


def write_field(value: object) -> str:
    """Return the text that `read_field` turns back into `value`, exactly.

    >>> write_field(1.5), write_field(2.0), write_field(None), write_field(True)
    ('1.5', '2.0', 'none', 'true')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def sizes(config: ExperimentConfig) -> tuple[int, int, int]:
    """Return the sizes (T, B, D) that a run of `config` really has; typed text sets all three."""
    if config.source != "text":
        return config.steps, config.batch_size, config.input_size
    read = config.text[: config.steps]
    return len(read), 1, len(set(read))


def longest_memory(config: ExperimentConfig) -> int:
    """Return T_max of chrono biases: as it is set, or the length of the sequence."""
    return sizes(config)[0] if config.chrono_steps is None else config.chrono_steps


def refuse_oversize(config: ExperimentConfig, limit: int = MAX_RUN_SIZE) -> None:
    """Refuse a run whose recording would not fit in memory.

    Raises
    ------
    ConfigError : one sentence with the product and the limit.
    """
    steps, batch_size, _ = sizes(config)
    product = steps * batch_size * config.hidden_size
    stack = config.layers * (2 if config.is_bidirectional else 1)
    if product * stack > limit:
        what, shown = "steps x batch_size x hidden_size", f"{config.hidden_size}"
        if stack > 1:
            what += " x layers x directions"
            shown += f" x {config.layers} x {stack // config.layers}"
        raise ConfigError(
            f"{what}: expected at most {limit:,}, "
            f"got {steps} x {batch_size} x {shown} = {product * stack:,}"
        )
    weights = steps * config.hidden_size**2
    if not config.is_tied and weights > MAX_UNTIED_WEIGHTS:
        raise ConfigError(
            f"steps x hidden_size^2: expected at most {MAX_UNTIED_WEIGHTS:,} with is_tied=False, "
            f"got {steps} x {config.hidden_size}^2 = {weights:,}"
        )
