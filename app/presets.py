"""Settings that show one thing each, named by what they show.

What a preset's name says was measured at its own seed and at 20 others; a test repeats that.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from app.preset import Choice, Preset, preset

PRESETS: Final = (
    preset(
        "Vanishes",
        "Orthogonal weights keep every length; tanh at unit input does not.",
        init="orthogonal",
        weight_scale=1.0,
    ),
    preset(
        "Holds",
        "Where W gives what φ′ takes: 1.9, not 1.",
        init="orthogonal",
        weight_scale=1.9,
    ),
    preset(
        "Explodes",
        "The slope of tanh never exceeds 1, and the gradient explodes all the same.",
        init="orthogonal",
        weight_scale=3.0,
    ),
    preset(
        "Radius 1.5 vanishes",
        "A spectral radius above 1 decides nothing: driven by unit input this net vanishes.",
        init="orthogonal",
        weight_scale=1.5,
    ),
    preset(
        "Weak input explodes",
        "Radius 1.5 again, a tenth of the input: φ′ stays closer to 1, and it explodes.",
        init="orthogonal",
        weight_scale=1.5,
        input_scale=0.1,
    ),
    preset(
        "Sigmoid dies",
        "The slope of a sigmoid is at most 1/4: four times the weights do not save it.",
        activation="sigmoid",
        init="orthogonal",
        weight_scale=4.0,
    ),
    preset(
        "GRU vanishes",
        "A GRU as PyTorch draws it loses its gradient about as fast as a plain net.",
        cell="gru",
        init="pytorch",
    ),
    preset(
        "LSTM vanishes",
        "So does an LSTM as PyTorch draws it: its forget gates start at 1/2.",
        cell="lstm",
        init="pytorch",
    ),
    preset(
        "Forget bias 1",
        "The usual remedy for an LSTM makes it better, not good.",
        cell="lstm",
        init="pytorch",
        forget_bias=1.0,
    ),
    preset(
        "Holds 500 steps",
        "An LSTM with forget bias 4: its forget gates start at 0.98.",
        cell="lstm",
        init="pytorch",
        forget_bias=4.0,
        steps=500,
    ),
    preset(
        "The writer",
        "“is” or “are” is decided by “writer”, 14 characters back, not by “books”.",
        source="text",
        init="pytorch",
    ),
)
"""In the order of a lesson."""

_SATURATED: Final = {"init": "orthogonal", "steps": 100, "hidden_size": 32, "weight_scale": 10.0}

SATURATION: Final = (
    Choice(
        "Weights × 10:",
        (
            preset(
                "1 unit",
                "One saturated unit leaves the gradient no way round.",
                **_SATURATED | {"hidden_size": 1},
            ),
            preset(
                "32 units",
                "The same weight scale, nearly as saturated, and the gradient explodes.",
                **_SATURATED,
            ),
        ),
    ),
    Choice(
        "88 % saturated by:",
        (
            preset(
                "its own weights",
                "Weights large enough to saturate the units stretch the gradient even more.",
                **_SATURATED,
            ),
            preset(
                "its inputs",
                "As many saturated units, but now W is too weak for what φ′ takes.",
                **_SATURATED | {"weight_scale": 3.0, "input_scale": 10.0},
            ),
        ),
    ),
    Choice(
        "Beside them:",
        (
            preset(
                "hardly saturated",
                "A sigmoid that stays in its middle loses three quarters per step all the same.",
                **_SATURATED | {"weight_scale": 1.0, "activation": "sigmoid"},
            ),
            preset(
                "dead ReLUs",
                "A ReLU that is never above 0 passes nothing back, and never will.",
                **_SATURATED
                | {
                    "weight_scale": 1.0,
                    "activation": "relu",
                    "input_scale": 0.1,
                    "bias_scale": 1.0,
                },
            ),
        ),
    ),
)
"""The two switches of the page of saturation, and two runs beside them."""

_DEFAULT: Final = {"init": "pytorch", "steps": 100}

GATING: Final = (
    Choice(
        "As it comes:",
        (
            preset(
                "an LSTM",
                "PyTorch’s LSTM: forget gates start at 1/2, and the gradient takes other roads.",
                **_DEFAULT | {"cell": "lstm"},
            ),
            preset(
                "a GRU",
                "PyTorch’s GRU: it vanishes at the same pace.",
                **_DEFAULT | {"cell": "gru"},
            ),
        ),
    ),
    Choice(
        "Forget bias:",
        (
            preset(
                "1",
                "Better, not good: a half-life of 4 steps.",
                **_DEFAULT | {"cell": "lstm", "forget_bias": 1.0},
            ),
            preset(
                "5",
                "The gates start at 0.993: the gradient arrives.",
                **_DEFAULT | {"cell": "lstm", "forget_bias": 5.0},
            ),
            preset(
                "chrono",
                "Units that forget over 1 to T steps: most of the gradient stays on the belt.",
                **_DEFAULT | {"cell": "lstm", "init": "chrono"},
            ),
        ),
    ),
    Choice(
        "Eight times the weights:",
        (
            preset(
                "large weights",
                "An LSTM explodes as well.",
                **_DEFAULT | {"cell": "lstm", "steps": 400, "weight_scale": 8.0},
            ),
        ),
    ),
)
"""What a gated cell does as it comes, with a forget bias, and with large weights."""

_ORTHOGONAL: Final = {"init": "orthogonal"}

WEIGHT_SCALE: Final = (
    Choice(
        "Unit input:",
        (
            preset(
                "1 vanishes",
                "Every length is kept by W and taken by φ′: radius 1 is too small.",
                **_ORTHOGONAL,
            ),
            preset(
                "1.9 is right",
                "Where W gives what φ′ takes.",
                **_ORTHOGONAL | {"weight_scale": 1.9},
            ),
            preset(
                "3 explodes",
                "A tanh whose slope is at most 1 explodes.",
                **_ORTHOGONAL | {"weight_scale": 3.0},
            ),
        ),
    ),
    Choice(
        "Silence:",
        (
            preset(
                "1 is right",
                "Without input tanh stays where its slope is 1: now the rule of radius 1 holds.",
                **_ORTHOGONAL | {"source": "silence"},
            ),
        ),
    ),
    Choice(
        "Sigmoid:",
        (
            preset(
                "4 is too small",
                "Its slope is at most 1/4: no weight scale of the slider saves it.",
                **_ORTHOGONAL | {"activation": "sigmoid", "weight_scale": 4.0},
            ),
        ),
    ),
)
"""Sizes that are wrong, right and wrong again, and inputs that move the right one."""

_CLIFF: Final = {
    "threshold": 1.0,
    "clip": "norm",
    "learning_rate": 0.1,
    "unit_steps": 51,
    "start_w": 5.0,
    "start_b": -2.5,
}


def _on_the_cliff(name: str, lesson: str, page: Mapping[str, Any], **settings: Any) -> Preset:
    return replace(preset(name, lesson, **settings), page=MappingProxyType(_CLIFF | dict(page)))


CLIPPING: Final = (
    Choice(
        "The cliff:",
        (
            _on_the_cliff(
                "Clipped survives",
                "One step from the wall throws the unclipped descent onto a plateau.",
                {},
            ),
            _on_the_cliff(
                "Threshold 20 is none",
                "A threshold that lets the throw through protects nothing.",
                {"threshold": 20.0},
            ),
            _on_the_cliff(
                "No wall at T = 1",
                "Without a second step nothing is multiplied, so nothing explodes.",
                {"unit_steps": 1},
            ),
        ),
    ),
    Choice(
        "The net below:",
        (
            _on_the_cliff(
                "explodes",
                "Clipped to norm 1, the gradient still is what its first steps made of it.",
                {},
                **_ORTHOGONAL | {"weight_scale": 3.0, "steps": 100},
            ),
            _on_the_cliff(
                "vanishes",
                "No threshold gives back to the first steps what they have lost.",
                {},
                **_ORTHOGONAL | {"steps": 100},
            ),
        ),
    ),
)
"""Thrown or not beside the cliff, and a net whose gradient is clipped in vain."""
