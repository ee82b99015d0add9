"""Settings that show one thing each, named by what they show.

What a preset's name says was measured at its own seed and at 20 others; a test repeats that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rnn_core import ExperimentConfig


@dataclass(frozen=True)
class Preset:
    """A named run.

    Attributes
    ----------
    name : what it shows; the text of its button.
    key : of its button.
    settings : what differs from the default; the seed is the reader's.
    lesson : the sentence that a reader gets who asks what it is for.
    """

    name: str
    key: str
    settings: Mapping[str, Any]
    lesson: str

    def config(self, seed: int = 0) -> ExperimentConfig:
        """Return its run with one seed."""
        return ExperimentConfig(**dict(self.settings), seed=seed)

    def is_run_by(self, config: ExperimentConfig) -> bool:
        """Tell whether a config is this preset, with whatever seed."""
        return config == self.config(config.seed)


def _preset(name: str, lesson: str, **settings: Any) -> Preset:
    words = "".join(c if c.isalnum() else " " for c in name.lower().replace("’", "")).split()
    return Preset(name, "preset-" + "-".join(words), MappingProxyType(settings), lesson)


PRESETS: Final = (
    _preset(
        "Vanishes",
        "Orthogonal weights keep every length; tanh at unit input does not.",
        init="orthogonal",
        weight_scale=1.0,
    ),
    _preset(
        "Holds",
        "Where W gives what φ′ takes: 1.9, not 1.",
        init="orthogonal",
        weight_scale=1.9,
    ),
    _preset(
        "Explodes",
        "The slope of tanh never exceeds 1, and the gradient explodes all the same.",
        init="orthogonal",
        weight_scale=3.0,
    ),
    _preset(
        "Radius 1.5 vanishes",
        "A spectral radius above 1 decides nothing: driven by unit input this net vanishes.",
        init="orthogonal",
        weight_scale=1.5,
    ),
    _preset(
        "Weak input explodes",
        "Radius 1.5 again, a tenth of the input: φ′ stays closer to 1, and it explodes.",
        init="orthogonal",
        weight_scale=1.5,
        input_scale=0.1,
    ),
    _preset(
        "Sigmoid dies",
        "The slope of a sigmoid is at most 1/4: four times the weights do not save it.",
        activation="sigmoid",
        init="orthogonal",
        weight_scale=4.0,
    ),
    _preset(
        "GRU vanishes",
        "A GRU as PyTorch draws it loses its gradient about as fast as a plain net.",
        cell="gru",
        init="pytorch",
    ),
    _preset(
        "LSTM vanishes",
        "So does an LSTM as PyTorch draws it: its forget gates start at 1/2.",
        cell="lstm",
        init="pytorch",
    ),
    _preset(
        "Forget bias 1",
        "The usual remedy for an LSTM makes it better, not good.",
        cell="lstm",
        init="pytorch",
        forget_bias=1.0,
    ),
    _preset(
        "Holds 500 steps",
        "An LSTM with forget bias 4: its forget gates start at 0.98.",
        cell="lstm",
        init="pytorch",
        forget_bias=4.0,
        steps=500,
    ),
    _preset(
        "The writer",
        "“is” or “are” is decided by “writer”, 14 characters back, not by “books”.",
        source="text",
        init="pytorch",
    ),
)
"""In the order of a lesson."""
