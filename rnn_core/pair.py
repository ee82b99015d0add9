"""Encoder and decoder: two networks with their own weights, for sequences of different lengths.

The encoder's last states, of every layer, are the decoder's first; so the decoder's dL/d(first
state) is what reaches the encoder's last step, and L has a gradient in both.
Source: Cho et al. (2014); Sutskever, Vinyals & Le (2014).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from rnn_core.arrays import Array
from rnn_core.cells import State
from rnn_core.errors import ConfigError, ShapeError, quoted
from rnn_core.losses import HandedOver, Loss
from rnn_core.network import Network
from rnn_core.overflow import find_overflow, recording_with_nan
from rnn_core.recording import Recording
from rnn_core.running import backward, forward, initial_states, prepared


@dataclass(frozen=True)
class Pair:
    """What an encoder and a decoder computed together.

    Attributes
    ----------
    encoder : its recording; it has no loss of its own, and lag 0 of its curves is its last step.
        Where the decoder alone overflowed, its gradients are nan and its `overflow` names its last
        step: from there on back there is no gradient.
    decoder : its recording, an ordinary one.
    loss : L, the decoder's.
    gradients : of all parameters, as "encoder.weight_hh_l0", "decoder.weight_hh_l0", and
        "decoder.weight_hy" of an output layer.
    """

    encoder: Recording
    decoder: Recording
    loss: float
    gradients: Mapping[str, Array]


def record_pair(
    encoder: Network,
    decoder: Network,
    x: Array,
    y: Array,
    loss: Loss,
    *,
    h_init: Array | State | None = None,
    dtype: str = "float64",
) -> Pair:
    """Run an encoder on x, a decoder on y from where the encoder ended, and record both.

    Parameters
    ----------
    x : what the encoder reads, (T, B, D).
    y : what the decoder reads, (T', B, D').
    loss : of the decoder's top states, as for `record`.
    h_init : the encoder's state before its first step, as for `record`.
    dtype : "float64" or "float32", of both.

    Raises
    ------
    ConfigError, ShapeError : "encoder: ..." or "decoder: ..." for two directions, or for cells,
        layers and sizes whose states differ; otherwise as `record`.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"weight_ih_l0": np.eye(2), "weight_hh_l0": 0.5 * np.eye(2)}
    >>> net = Network.from_state_dict(state, cell="rnn", activation="identity")
    >>> v = np.zeros((3, 1, 2)); v[-1] = 1.0
    >>> pair = record_pair(
    ...     net, net, np.ones((5, 1, 2)), np.zeros((3, 1, 2)), lambda h: (float((v * h).sum()), v)
    ... )
    >>> pair.encoder.layers[0].d_h[:, 0, 0].tolist()  # 0.5 per step, through the hand-over too
    [0.0078125, 0.015625, 0.03125, 0.0625, 0.125]
    """
    _check_fit(encoder, decoder)
    if not callable(loss):
        raise ConfigError(f"loss: expected a function of the hidden states, got {quoted(loss)}")
    encoder, read = prepared(encoder, "x", x, dtype)
    decoder, given = prepared(decoder, "y", y, dtype)
    batch = read.shape[1]
    if given.shape[1] != batch:
        raise ShapeError(f"y: expected (T, B={batch}, D={decoder.input_size}), got {given.shape}")
    tapes = forward(encoder, read, initial_states(encoder, batch, h_init, dtype))
    overflow = find_overflow(encoder, tapes)
    handed = tuple(
        tuple(s[-1] if overflow is None else np.full_like(s[-1], np.nan) for s in tape.states)
        for tape in tapes
    )
    of_decoder = forward(decoder, given, handed)
    fell = find_overflow(decoder, of_decoder)
    if fell is None:
        ended = backward(decoder, given, of_decoder, loss)
        began = backward(encoder, read, tapes, HandedOver(), d_end=ended.d_init)
    else:
        at_end = replace(fell, step=len(read) - 1) if overflow is None else overflow
        ended = recording_with_nan(decoder, given, of_decoder, fell, loss, None)
        began = recording_with_nan(encoder, read, tapes, at_end, HandedOver(), None)
    gradients = {
        f"{name}.{parameter}": gradient
        for name, rec in (("encoder", began), ("decoder", ended))
        for parameter, gradient in rec.gradients.items()
    }
    return Pair(replace(began, loss=ended.loss), ended, ended.loss, MappingProxyType(gradients))


def _check_fit(encoder: Network, decoder: Network) -> None:
    """Refuse two networks of which the one cannot start from the other's states."""
    for name, net in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(net, Network):
            raise ConfigError(f"{name}: expected a Network, got {quoted(net)}")
        if net.is_bidirectional:
            raise ConfigError(f"{name}: expected one direction, got is_bidirectional=True")
    if encoder.recurrence.states != decoder.recurrence.states:
        wanted = " and ".join(encoder.recurrence.states)
        raise ConfigError(
            f"decoder: expected a cell with states {wanted}, as {encoder.cell}, got {decoder.cell}"
        )
    if encoder.layers != decoder.layers:
        raise ShapeError(f"decoder: expected {encoder.layers} layers, got {decoder.layers}")
    if encoder.hidden_size != decoder.hidden_size:
        raise ShapeError(f"decoder: expected H={encoder.hidden_size}, got {decoder.hidden_size}")
