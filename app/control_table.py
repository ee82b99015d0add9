"""One line for every setting that a reader can move: what it is called, and how it is moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from app.widgets import Choice, Decimal, Line, Menu, Number, Slider, Switch, Widget


@dataclass(frozen=True)
class Control:
    """How one setting is called, explained and moved."""

    label: str
    widget: Widget
    explanation: str | None = None


CONTROLS: Final[Mapping[str, Control]] = MappingProxyType(
    {
        "cell": Control("Cell", Choice({"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"})),
        "activation": Control(
            "Activation",
            Choice({"tanh": "tanh", "sigmoid": "sigmoid", "relu": "ReLU", "identity": "linear"}),
        ),
        "hidden_size": Control("Hidden units H", Slider(1, 512, 1, 0)),
        "init": Control(
            "Initialiser",
            Menu(
                {
                    "gaussian": "Gaussian, std 1/√H",
                    "orthogonal": "orthogonal",
                    "identity": "identity",
                    "pytorch": "PyTorch's default",
                    "keras": "Keras's default",
                    "glorot": "Glorot (Xavier)",
                    "he": "He",
                    "chrono": "chrono (LSTM only)",
                }
            ),
            "Draws every weight and bias; the scales multiply what it drew.",
        ),
        "weight_scale": Control(
            "Weight scale (drag me)",
            Slider(0.0, 4.0, 0.01, 2),
            "Factor on the recurrent weights that the initialiser drew.",
        ),
        "forget_bias": Control(
            "Forget bias",
            Slider(-2.0, 6.0, 0.1, 1),
            "Of the LSTM. Until it is moved, the biases are as the initialiser draws them.",
        ),
        "chrono_steps": Control(
            "T_max, in steps",
            Slider(2, 1000, 1, 0),
            "The longest time, in steps, for which a unit is drawn to remember.",
        ),
        "steps": Control("Sequence length T", Slider(1, 1000, 1, 0)),
        "source": Control(
            "Input",
            Menu(
                {
                    "noise": "noise",
                    "impulse": "impulse at the first step",
                    "sine": "sine",
                    "silence": "silence",
                    "text": "text you type",
                }
            ),
        ),
        "text": Control(
            "Text",
            Line(1000),
            "One sequence, one character per step: T is the length of the text.",
        ),
        "input_scale": Control(
            "Input scale",
            Slider(0.0, 10.0, 0.05, 2),
            "Factor on the input weights; at 1, noise drives a unit with variance 1.",
        ),
        "loss_at": Control("Loss at", Choice({"last": "last step", "every": "every step"})),
        "sequence": Control("Sequence in the heatmaps", Number(1, 64)),
        "batch_size": Control("Sequences B", Slider(1, 64, 1, 0)),
        "input_size": Control("Input features D", Slider(1, 64, 1, 0)),
        "h_init": Control("State before step 1", Choice({"zero": "zero", "random": "random"})),
        "bias_scale": Control(
            "Bias scale", Slider(0.0, 2.0, 0.05, 2), "Noise added to the biases."
        ),
        "truncate": Control(
            "Steps per block",
            Number(1, 10_000),
            "The gradient is cut at the border of each block.",
        ),
        "is_tied": Control(
            "Recurrent weights",
            Choice({True: "same at every step", False: "new at every step"}),
            "A real recurrent net has the same; theory often draws new ones.",
        ),
        "unit": Control("Unit to open", Number(1, 512)),
        "notation": Control("Notation", Choice({"ours": "h_t, W_hh", "course": "a^<t>, W_aa"})),
        "nets": Control(
            "Band over",
            Choice({"1": "one net", "20": "20 nets"}),
            "One draw of weights is an anecdote: 20 show what the recipe does.",
        ),
        "reach": Control(
            "Decades shown",
            Menu(
                {
                    "0.25": "a quarter of the usual",
                    "0.5": "half the usual",
                    "1": "as usual",
                    "2": "twice the usual",
                    "4": "4 times the usual",
                    "32": "32 times the usual",
                }
            ),
            "How far the axes and colours of gradients reach; they never follow a slider.",
        ),
        "threshold": Control(
            "Threshold (drag me)",
            Slider(0.05, 20.0, 0.05, 2),
            "The largest norm, or by value the largest entry, that the optimiser gets.",
        ),
        "clip": Control("Clipped", Choice({"norm": "by norm", "value": "by value"})),
        "learning_rate": Control("Learning rate", Slider(0.01, 1.0, 0.01, 2)),
        "unit_steps": Control("Steps T of the unit", Slider(1, 100, 1, 0)),
        "start_w": Control("Start w", Decimal(4.0, 5.6, 0.01, 3)),
        "start_b": Control("Start b", Decimal(-3.0, -1.9, 0.01, 3)),
        "training_rate": Control("Learning rate of the net", Slider(0.01, 0.5, 0.01, 2)),
        "seed": Control("Seed", Number(0, 2**32 - 1), "Decides every random draw."),
    }
)
"""Every setting that a reader can move."""

LIVE: Final = (
    "weight_scale",
    "steps",
    "input_scale",
    "forget_bias",
    "chrono_steps",
    "threshold",
    "learning_rate",
    "unit_steps",
)
"""Settings whose sliders move the picture while they are dragged."""

NUMBERS: Final = MappingProxyType({"steps": Control("or type T, to 10,000", Number(1, 10_000))})
"""Settings that go beyond their slider: the control to type them."""

SWITCHES: Final = MappingProxyType(
    {
        "forget_bias": Control(
            "Forget bias", Switch({False: "as initialised", True: "set to"}, first=1.0)
        ),
        "chrono_steps": Control(
            "Chrono’s T_max", Switch({False: "as long as the sequence", True: "set to"}, first=100)
        ),
        "truncate": Control(
            "Backpropagation", Switch({False: "through all steps", True: "in blocks"}, first=50)
        ),
    }
)
"""Settings that may be None: the control that makes them a number."""


class Rest(NamedTuple):
    """Where a slider stands while its setting means nothing, and what would give it a meaning."""

    value: float
    needs: Mapping[str, Any]


AT_REST: Final = MappingProxyType({"forget_bias": Rest(0.0, {"cell": "lstm"})})
"""Settings that may mean nothing: where their slider stands then, and what they need."""
