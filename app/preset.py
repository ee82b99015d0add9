"""A named run, and several side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

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
    page : settings of a page beside those of the run.
    """

    name: str
    key: str
    settings: Mapping[str, Any]
    lesson: str
    page: Mapping[str, Any] = field(default_factory=dict)

    def config(self, seed: int = 0) -> ExperimentConfig:
        """Return its run with one seed."""
        return ExperimentConfig(**dict(self.settings), seed=seed)

    def is_run_by(self, config: ExperimentConfig) -> bool:
        """Tell whether a config is this preset, with whatever seed."""
        return config == self.config(config.seed)

    @property
    def chosen(self) -> dict[str, Any]:
        """Everything that a press of its button chooses."""
        return {**self.settings, **self.page}


@dataclass(frozen=True)
class Choice:
    """Presets side by side under one label: what is changed between them flips the conclusion."""

    label: str
    presets: tuple[Preset, ...]


def preset(name: str, lesson: str, **settings: Any) -> Preset:
    """Make a preset whose button is named after what it shows."""
    words = "".join(c if c.isalnum() else " " for c in name.lower().replace("’", "")).split()
    return Preset(name, "preset-" + "-".join(words), MappingProxyType(settings), lesson)
