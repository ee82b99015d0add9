"""What was run, in one line: a claim is worth as much as the run that it was measured on."""

from typing import Final

from app.sentences.numerals import counted
from rnn_core import ExperimentConfig, Recording
from rnn_core.config import longest_memory, sizes

_ACTIVATIONS: Final = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "ReLU", "identity": "linear"}
_SCHEMES: Final = {
    "gaussian": "Gaussian weights",
    "orthogonal": "orthogonal weights",
    "identity": "identity weights",
    "pytorch": "PyTorch’s weights",
    "keras": "Keras’s weights",
    "glorot": "Glorot’s weights",
    "he": "He’s weights",
    "chrono": "Glorot’s weights",
}
_SOURCES: Final = {
    "noise": "noise input",
    "impulse": "an impulse at step 1",
    "sine": "sine input",
    "silence": "silent input",
}


def protocol(rec: Recording) -> str:
    """Name the network, its input and how many of each were measured; "" without a config."""
    config = rec.config
    if config is None:
        return ""
    kept = "" if config.is_tied else ", new at every step"
    parts = [
        _units(config),
        f"{_SCHEMES[config.init]} × {config.weight_scale:g}{kept}",
        *_forget_bias(config),
        *_chrono(config),
        *([f"bias noise {config.bias_scale:g}"] if config.bias_scale else []),
        *([f"blocks of {counted(config.truncate, 'step')}"] if config.truncate else []),
        *(["random state before step 1"] if config.h_init == "random" else []),
        _input(config),
        *(["loss at every step"] if rec.loss_steps > 1 else []),
    ]
    return f"{', '.join(parts)}. One net, seed {config.seed}, {_sequences(config)}."


def _units(config: ExperimentConfig) -> str:
    kind = _ACTIVATIONS[config.activation] if config.cell == "rnn" else config.cell.upper()
    return counted(config.hidden_size, f"{kind} unit")


def _forget_bias(config: ExperimentConfig) -> list[str]:
    bias = config.forget_bias
    return [] if bias is None else [f"forget bias {bias:g}".replace("-", "−")]


def _chrono(config: ExperimentConfig) -> list[str]:
    """Name the biases of the scheme; a forget bias that is set leaves those of the input gates."""
    if config.init != "chrono":
        return []
    biases = "chrono biases" if config.forget_bias is None else "chrono biases of the input gates"
    longest = f"{longest_memory(config):,}"
    return [f"{biases} (T_max = {longest if config.chrono_steps else f'T = {longest}'})"]


def _input(config: ExperimentConfig) -> str:
    steps, _, features = sizes(config)
    over = counted(steps, "step")
    if config.source == "silence":
        return f"{over} of {_SOURCES[config.source]}"
    of = (
        f"one-hot text of {counted(features, 'character')}"
        if config.source == "text"
        else (f"{_SOURCES[config.source]} in {counted(features, 'feature')}")
    )
    return f"{over} of {of} × {config.input_scale:g}"


def _sequences(config: ExperimentConfig) -> str:
    count = sizes(config)[1]
    return "one sequence, so no band" if count == 1 else f"{count} sequences"
