"""What a finite-difference check found, in a sentence or two."""

from typing import Final

from rnn_core import ConfigError, Recording
from rnn_core.check import gradient_check

AGREES: Final = 1e-5
"""Relative error below which two slopes are one: differences cannot resolve much less."""


def check(rec: Recording) -> str:
    """Compare the recorded gradient with finite differences, and say how well they agree."""
    if rec.truncate is not None:
        return (
            "Truncated BPTT leaves terms out on purpose, so its gradient is not the slope of the "
            "loss: there is nothing to compare it with. Backpropagate through all steps to check."
        )
    try:
        found = gradient_check(rec)
    except ConfigError as error:
        return f"{error}."
    if not found.errors:
        return "No direction could be measured: the loss has a kink right here. Re-roll the seed."
    verb = "agrees" if found.largest < AGREES else "does not agree"
    sentence = (
        f"The gradient on screen {verb} with finite differences along {len(found.errors)} random "
        f"directions of all weights and the initial state: largest relative error "
        f"{found.largest:.1e}."
    )
    if found.method == "whole run":
        return sentence
    return (
        f"{sentence} Float64 cannot resolve such a difference over this whole run, so a small "
        "disturbance was followed forward one differenced step at a time."
    )
