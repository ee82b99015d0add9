"""Gradient flow in recurrent networks, recorded at every time step of a real BPTT."""

from rnn_core.analysis.verdict import Verdict
from rnn_core.cells import SkipInTime
from rnn_core.check import GradientCheck, gradient_check
from rnn_core.config import ExperimentConfig
from rnn_core.errors import ConfigError, ShapeError
from rnn_core.experiment import run
from rnn_core.losses import LossResult
from rnn_core.network import Network
from rnn_core.output import BinaryCrossEntropy, CrossEntropy, OutputLayer, SquaredError
from rnn_core.pair import Pair, record_pair
from rnn_core.recording import LayerRecording, Overflow, Recording
from rnn_core.running import record
from rnn_core.weights_file import load_weights, save_weights

__all__ = [
    "BinaryCrossEntropy",
    "ConfigError",
    "CrossEntropy",
    "ExperimentConfig",
    "GradientCheck",
    "LayerRecording",
    "LossResult",
    "Network",
    "OutputLayer",
    "Overflow",
    "Pair",
    "Recording",
    "ShapeError",
    "SkipInTime",
    "SquaredError",
    "Verdict",
    "gradient_check",
    "load_weights",
    "record",
    "record_pair",
    "run",
    "save_weights",
]
