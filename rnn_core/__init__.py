"""Gradient flow in recurrent networks, recorded at every time step of a real BPTT."""

from rnn_core.config import ExperimentConfig
from rnn_core.errors import ConfigError, ShapeError

__all__ = ["ConfigError", "ExperimentConfig", "ShapeError"]
