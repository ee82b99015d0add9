"""What the page of clipping measures: two descents, and one gradient clipped in two ways."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from app import engine
from app.other_cell import with_cell
from rnn_core import Recording
from rnn_core.analysis.clipping import (
    PASCANU,
    Clipped,
    StepsAfter,
    clip_by_norm,
    clip_by_value,
    steps_after,
)
from rnn_core.theory.descent import Descent, descend

UPDATES: Final = 300
LAST: Final = 10
"""Steps before the loss whose share in the clipped gradient the page names."""


DISTURBANCES: Final = (1e-13, -1e-13)
"""How far w of a start is moved: more than rounding would, less than any reader can see."""

MORE_DISTURBANCES: Final = (7e-14, -3e-14)
"""Where the first two agree on what becomes of a path but not where, these are asked as well."""


@dataclass(frozen=True)
class Witnessed:
    """A path with those from starts moved by 1e-13: what differs among them, rounding decides.

    The wall multiplies a disturbance by some 10^4 at each meeting, so a path that meets it often
    is another one on a machine whose exp rounds otherwise.
    """

    path: Descent
    beside: tuple[Descent, ...]

    @property
    def all(self) -> tuple[Descent, ...]:
        """The path and its witnesses."""
        return (self.path, *self.beside)

    @property
    def fate(self) -> str:
        """What became of the path, or "undecided" where rounding decides that.

        Paths that are thrown after different updates have met the wall more than once: that all
        of a few were thrown is luck.
        """
        fate = self.path.fate
        if any(one.fate != fate for one in self.all):
            return "undecided"
        ends = {(one.last_below, one.overflow) for one in self.all}
        return "undecided" if fate in ("thrown", "overflow") and len(ends) > 1 else fate

    @property
    def is_lost(self) -> bool:
        """Whether all were thrown, left stuck, or left the numbers."""
        return self.fate in ("thrown", "stuck", "overflow")

    @property
    def is_scattered(self) -> bool:
        """Whether a path that stays somewhere stays elsewhere after a disturbance."""
        ends = [float(one.loss[-1]) for one in self.all]
        return self.fate in ("stuck", "under way") and max(ends) - min(ends) > 0.01 * max(ends)

    @property
    def is_same_largest(self) -> bool:
        """Whether all meet their largest gradient at the same update."""
        return len({int(np.argmax(one.gradient_norm)) for one in self.all}) == 1

    @property
    def is_same_clipped(self) -> bool:
        """Whether the same updates of all are clipped."""
        return len({one.is_clipped[:-1].tobytes() for one in self.all}) == 1


@dataclass(frozen=True)
class Descents:
    """Two paths from one start over the error of one unit.

    Attributes
    ----------
    start : (w, b).
    steps : T of the unit.
    mode : "norm" or "value".
    beside_unclipped, beside_clipped : the same from starts moved by 1e-13.
    """

    start: tuple[float, float]
    steps: int
    learning_rate: float
    threshold: float
    mode: str
    unclipped: Descent
    clipped: Descent
    beside_unclipped: tuple[Descent, ...]
    beside_clipped: tuple[Descent, ...]

    @property
    def is_untouched(self) -> bool:
        """Whether no gradient on the way was clipped, however it was rounded."""
        return not any(one.is_clipped[:-1].any() for one in self.of_clipped.all)

    @property
    def of_unclipped(self) -> Witnessed:
        """The unclipped path with its witnesses."""
        return Witnessed(self.unclipped, self.beside_unclipped)

    @property
    def of_clipped(self) -> Witnessed:
        """The clipped path with its witnesses."""
        return Witnessed(self.clipped, self.beside_clipped)


@dataclass(frozen=True)
class ClippedNet:
    """The gradient of a real run before and after.

    Attributes
    ----------
    by_norm, by_value : what is left of it at the page's threshold.
    steps_after : what clipping by norm left of each step's term in dL/dW_hh; None without one.
    """

    by_norm: Clipped
    by_value: Clipped
    steps_after: StepsAfter | None
    before: Mapping[str, float]
    """log10 of each parameter's norm."""

    @property
    def norms(self) -> dict[str, dict[str, float]]:
        """log10 norms "before", "by norm" and "by value": of "all" and of every parameter."""
        found = {"before": {"all": self.by_norm.log10_norm_before, **self.before}}
        for kind, one in (("by norm", self.by_norm), ("by value", self.by_value)):
            own = {name: gradient.log10_norm() for name, gradient in one.exact.items()}
            found[kind] = {"all": one.log10_norm_after, **own}
        return found

    @property
    def last_share(self) -> float | None:
        """The part of the clipped dL/dW_hh that the last 10 steps supply."""
        return None if self.steps_after is None else float(self.steps_after.shares[-LAST:].sum())

    @property
    def early_share(self) -> float | None:
        """The part that the first half of the steps supplies."""
        if self.steps_after is None:
            return None
        shares = self.steps_after.shares
        return float(shares[: len(shares) // 2].sum())


@dataclass(frozen=True)
class Run:
    """All of it, for some settings of the page.

    Attributes
    ----------
    recording : of the net.
    net_note : what had to be changed for it, as sentences.
    """

    recording: Recording
    net_note: str
    settings: Mapping[str, Any]

    @property
    def note(self) -> str:
        """What there is to add about the descents: nothing."""
        return ""

    @cached_property
    def descents(self) -> Descents:
        """The paths beside the cliff."""
        s = self.settings
        start, steps, rate = (s["start_w"], s["start_b"]), s["unit_steps"], s["learning_rate"]
        one = _witnessed(start, steps, rate, None, "norm")
        other = _witnessed(start, steps, rate, s["threshold"], s["clip"])
        return Descents(
            start,
            steps,
            rate,
            s["threshold"],
            s["clip"],
            one.path,
            other.path,
            one.beside,
            other.beside,
        )

    @cached_property
    def net(self) -> ClippedNet | None:
        """The clipped gradient; None where an overflow left no gradient, or all of it is 0."""
        return clipped_net(self.recording, self.settings["threshold"])

    @cached_property
    def fingerprint(self) -> str:
        """12 hex digits of the paths and of the recording."""
        digest = hashlib.sha256(self.recording.fingerprint.encode())
        for path in (self.descents.unclipped, self.descents.clipped):
            for array in (path.w, path.b, path.loss, path.gradient_norm):
                digest.update(array.tobytes())
        return digest.hexdigest()[:12]


def run_of(settings: Mapping[str, Any]) -> Run:
    """Return what the page shows for some settings."""
    run = engine.recording(with_cell(settings, settings["cell"]))
    return Run(run.recording, run.note or "", dict(settings))


def clipped_net(rec: Recording, threshold: float) -> ClippedNet | None:
    """Clip the gradient of a run by norm and by value at one threshold."""
    gradients = rec.weight_gradients
    sizes = list(rec.log10_gradient_norm.values())
    if not rec.layers or rec.overflow_left_nan or max(sizes, default=-np.inf) == -np.inf:
        return None
    by_norm = clip_by_norm(gradients, threshold, rule=PASCANU)
    return ClippedNet(
        by_norm,
        clip_by_value(gradients, threshold),
        steps_after(rec, by_norm),
        dict(rec.log10_gradient_norm),
    )


@lru_cache(maxsize=128)
def _witnessed(
    start: tuple[float, float], steps: int, rate: float, threshold: float | None, mode: str
) -> Witnessed:
    def descent(by: float) -> Descent:
        return descend(
            start=(start[0] + by, start[1]),
            learning_rate=rate,
            threshold=threshold,
            mode=mode,
            updates=UPDATES,
            steps=steps,
        )

    found = Witnessed(descent(0.0), tuple(map(descent, DISTURBANCES)))
    if not found.is_scattered:
        return found
    return Witnessed(found.path, found.beside + tuple(map(descent, MORE_DISTURBANCES)))
