"""From a config to a run: the network, the input, the loss and the initial state it describes."""

from dataclasses import dataclass, replace

import numpy as np

from rnn_core.arrays import Array
from rnn_core.cells import State
from rnn_core.config import ExperimentConfig, refuse_oversize, sizes
from rnn_core.errors import ConfigError, quoted
from rnn_core.initializers import draw_stack
from rnn_core.losses import Loss, NextCharacter, Projection
from rnn_core.network import Network
from rnn_core.overflow import find_overflow, recording_without_steps
from rnn_core.question import question_of
from rnn_core.recording import Recording
from rnn_core.running import backward, forward
from rnn_core.sources import alphabet, draw_input
from rnn_core.streams import Purpose, normals, uniforms


@dataclass(frozen=True)
class Experiment:
    """What a config describes, drawn: everything that `record` needs but the loss."""

    network: Network
    x: Array
    h_init: tuple[State, ...]


def run(config: ExperimentConfig) -> Recording:
    """Draw what the config describes, run it, and record every step, forward and back.

    If a state overflows at step s the run is cut there: it *is* the run with `steps` = s, since
    inputs are a prefix of longer ones. `config.steps` stays as asked and `overflow` says where.

    Raises
    ------
    ConfigError : if steps x batch_size x hidden_size is more than 5,120,000.
    """
    if not isinstance(config, ExperimentConfig):
        raise ConfigError(f"config: expected an ExperimentConfig, got {quoted(config)}")
    refuse_oversize(config)
    drawn = draw(config)
    network, x = drawn.network, drawn.x
    tapes = forward(network, x, drawn.h_init)
    overflow = first = find_overflow(network, tapes)
    while first is not None and first.step > 0:
        network, x = network.first_steps(first.step), x[: first.step]
        tapes = forward(network, x, drawn.h_init)
        first = find_overflow(network, tapes)  # a reverse direction starts elsewhere now
    loss = loss_of(config, len(x))
    if first is not None:
        recording = recording_without_steps(network, x, first, loss)
    else:
        recording = backward(network, x, tapes, loss, config.truncate)
    return replace(recording, config=config, overflow=overflow)


def draw(config: ExperimentConfig) -> Experiment:
    """Draw the network, the input and the initial state of a config."""
    steps, batch, features = sizes(config)
    stack = draw_stack(config, steps, features)
    network = Network(
        config.cell, config.activation, stack, is_bidirectional=config.is_bidirectional
    )
    states = range(len(network.recurrence.states))
    shape = (batch, config.hidden_size)

    def initial(layer: int, state: int) -> Array:
        if config.h_init == "zero":
            return np.zeros(shape)
        # uniform in (-1, 1), the range of every bounded state
        part = (state, layer) if layer else (state,)
        rows, columns = shape
        return uniforms(config.seed, Purpose.INITIAL_STATE, *part, rows=rows, columns=columns)

    init = tuple(tuple(initial(layer, k) for k in states) for layer in range(len(stack)))
    return Experiment(network, draw_input(config), init)


def loss_of(config: ExperimentConfig, steps: int) -> Loss:
    """Return the loss of a run of `steps` steps.

    L = sum over sequences of v . h_T with |v| = 1, so that curves start at 10^0; with a loss at
    every step sum over t of v_t . h_t, where v_t belongs to the lag: switching between the two
    leaves the last step's own gradient as it is. Typed text: the next-character loss at the
    position that the text asks about, or at every position.
    """
    width = config.hidden_size * (2 if config.is_bidirectional else 1)
    if config.source == "text":
        return _text_loss(config, config.text[:steps], width)
    rows = steps if config.loss_at == "every" else 1
    readout = np.zeros((steps, width))
    readout[steps - rows :] = unit_readouts(config.seed, rows, width)[::-1]
    return Projection(readout)


def steps_to_loss(config: ExperimentConfig) -> int:
    """Count the steps up to the last loss, that one among them, of a run that stays finite."""
    steps = sizes(config)[0]
    if config.source != "text":
        return steps
    if config.loss_at == "every":
        return max(steps - 1, 1)  # the last character has none after it
    return question_of(config.text[:steps]).position


def unit_readouts(seed: int, lags: int, width: int) -> Array:
    """Return v for the lags 0, 1, ... of a loss, (lags, width), each of norm 1."""
    by_lag = normals(seed, Purpose.READOUT, rows=lags, columns=width)
    by_lag /= np.linalg.norm(by_lag, axis=1, keepdims=True)
    return by_lag


def _text_loss(config: ExperimentConfig, read: str, width: int) -> NextCharacter:
    question = question_of(read)
    rivals = {question.rival} if question.rival else set()
    letters = alphabet(read + "".join(rivals))
    readout = normals(config.seed, Purpose.READOUT, rows=len(letters), columns=width)
    readout /= np.sqrt(width)
    if config.loss_at == "every" and len(read) > 1:
        return NextCharacter(readout, {t: letters.index(char) for t, char in enumerate(read[1:])})
    step = question.position - 1
    against = {step: letters.index(question.rival)} if question.rival else {}
    return NextCharacter(readout, {step: letters.index(question.target)}, against)
