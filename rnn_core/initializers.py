"""How weights are drawn: every scheme draws everything as its framework does, biases too.

Drawn once per (scheme, seed, sizes) at unit scale, then scaled: a slider moves the picture
continuously. H units are the top-left block of more units wherever the entries are independent;
an orthogonal matrix is made from the nested gaussian one.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from rnn_core.arrays import Array, read_only
from rnn_core.cells import Params
from rnn_core.config import ExperimentConfig
from rnn_core.streams import Purpose, matrices, normals, uniforms

GATES: Final = {"rnn": 1, "gru": 3, "lstm": 4}
_INPUT: Final = 0
_FORGET: Final = 1
"""The places of the input and forget gates in i, f, g, o."""


def draw_stack(config: ExperimentConfig, steps: int, input_size: int) -> tuple[Params, ...]:
    """Draw every layer and direction of a config; typed text decides T and D, so both are given."""
    directions = 2 if config.is_bidirectional else 1
    above = directions * config.hidden_size
    return tuple(
        draw_params(config, steps, input_size if index < directions else above, index)
        for index in range(config.layers * directions)
    )


def draw_params(config: ExperimentConfig, steps: int, input_size: int, index: int = 0) -> Params:
    """Draw the weights of one layer and direction, the `index`-th in PyTorch's order."""
    size, gates = config.hidden_size, GATES[config.cell]
    drawn = unit_params(config.cell, config.init, config.seed, input_size, size, index)
    weight_hh = drawn.weight_hh
    if not config.is_tied:
        weight_hh = untied_weights(config.init, config.seed, steps, size)
    named = drawn.named()
    bias_ih, bias_hh = named["bias_ih"].copy(), named["bias_hh"].copy()
    if config.init == "chrono":
        longest = steps if config.chrono_steps is None else config.chrono_steps
        bias = chrono_bias(config.seed, longest, size, index)
        bias_ih[_INPUT * size : (_INPUT + 1) * size] = -bias
        bias_ih[_FORGET * size : (_FORGET + 1) * size] = bias
    if config.bias_scale:
        for gate in range(gates):
            part = _part(gate, index)
            noise = normals(config.seed, Purpose.BIAS_NOISE, *part, rows=1, columns=size)[0]
            bias_ih[gate * size : (gate + 1) * size] += config.bias_scale * noise
    if config.forget_bias is not None:
        forget = slice(_FORGET * size, (_FORGET + 1) * size)
        bias_ih[forget], bias_hh[forget] = config.forget_bias, 0.0
    return Params(
        weight_ih=config.input_scale * drawn.weight_ih,
        weight_hh=config.weight_scale * weight_hh,
        bias_ih=bias_ih,
        bias_hh=bias_hh,
        is_tied=config.is_tied,
    )


def chrono_bias(seed: int, longest: int, size: int, index: int = 0) -> Array:
    """Draw an LSTM's forget bias log(u), u uniform in [1, T_max-1]; its input bias is minus that.

    A forget gate of bias log(u) keeps 1 - 1/(1+u): it forgets over about u steps, so the units
    cover all time scales up to T_max. (H,), 0 for T_max up to 2. The same numbers are drawn
    whatever T_max is, which is T where nothing else is chosen: so other than all else that is
    drawn it may depend on T.
    Source: Tallec & Ollivier (2018), section 3, which sets these biases alone.

    Parameters
    ----------
    longest : T_max.

    >>> bool((chrono_bias(0, longest=100, size=500) <= np.log(99)).all())
    True
    """
    part = _part(_FORGET, index)
    drawn = uniforms(seed, Purpose.INPUT_BIAS, *part, rows=size, columns=1)[:, 0]
    bias: Array = np.log1p(0.5 * (drawn + 1.0) * max(longest - 2, 0))
    return bias


def _part(gate: int, index: int) -> tuple[int, ...]:
    """Return the stream of a gate; the first layer's does not depend on how many there are."""
    return (gate, index) if index else (gate,)


@lru_cache(maxsize=16)
def unit_params(
    cell: str, init: str, seed: int, input_size: int, size: int, index: int = 0
) -> Params:
    """Draw the weights of a tied net at scale 1, read-only.

    gaussian : W_hh std 1/sqrt(H), W_ih std 1/sqrt(D): unit-variance drive; biases 0.
    orthogonal : each gate's W_hh orthogonal, W_ih and biases as gaussian.
    identity : each gate's W_hh the identity (IRNN, Le, Jaitly & Hinton 2015), else as gaussian.
    pytorch : everything uniform in +-1/sqrt(H), both biases too (torch.nn.RNNBase).
    keras : W_ih glorot uniform and W_hh orthogonal, each over the whole kernel of all gates,
        biases 0, an LSTM's forget bias 1 (keras.layers.LSTM; a gate's block is not orthogonal).
    glorot : glorot uniform for each gate's matrices (Glorot & Bengio 2010), biases 0.
    he : W_hh std sqrt(2/H), W_ih std sqrt(2/D), biases 0 (He et al. 2015, for ReLU).
    chrono : as glorot; `draw_params` sets the biases of the input and forget gates, which depend
        on T_max: see `chrono_bias`.

    What variance an input gets through W_ih differs: for unit-variance input it is 1 (gaussian,
    orthogonal, identity), D/(3H) (pytorch), 2D/(D+GH) (keras), 2D/(D+H) (glorot, chrono), 2 (he).
    `measured_input_variance` measures it in a run.
    """
    gates = GATES[cell]
    bias_ih: Array = np.zeros(gates * size)
    bias_hh: Array = np.zeros(gates * size)

    parts = [_part(gate, index) for gate in range(gates)]

    def normal(purpose: Purpose, columns: int) -> Array:
        blocks = [normals(seed, purpose, *part, rows=size, columns=columns) for part in parts]
        return np.concatenate(blocks)

    def uniform(purpose: Purpose, columns: int, limit: float) -> Array:
        blocks = [uniforms(seed, purpose, *part, rows=size, columns=columns) for part in parts]
        return limit * np.concatenate(blocks)

    if init == "he":
        weight_ih = normal(Purpose.INPUT_WEIGHTS, input_size) * np.sqrt(2.0 / input_size)
        weight_hh = normal(Purpose.RECURRENT_WEIGHTS, size) * np.sqrt(2.0 / size)
    elif init in ("gaussian", "orthogonal", "identity"):
        weight_ih = normal(Purpose.INPUT_WEIGHTS, input_size) / np.sqrt(input_size)
        if init == "gaussian":
            weight_hh = normal(Purpose.RECURRENT_WEIGHTS, size) / np.sqrt(size)
        elif init == "orthogonal":
            drawn = normal(Purpose.RECURRENT_WEIGHTS, size).reshape(gates, size, size)
            weight_hh = orthogonal(drawn).reshape(gates * size, size)
        else:
            weight_hh = np.tile(np.eye(size), (gates, 1))
    elif init == "pytorch":
        limit = 1.0 / np.sqrt(size)
        weight_ih = uniform(Purpose.INPUT_WEIGHTS, input_size, limit)
        weight_hh = uniform(Purpose.RECURRENT_WEIGHTS, size, limit)
        bias_ih = uniform(Purpose.INPUT_BIAS, 1, limit)[:, 0]
        bias_hh = uniform(Purpose.RECURRENT_BIAS, 1, limit)[:, 0]
    elif init == "keras":
        weight_ih = uniform(
            Purpose.INPUT_WEIGHTS, input_size, np.sqrt(6.0 / (input_size + gates * size))
        )
        weight_hh = orthogonal(normal(Purpose.RECURRENT_WEIGHTS, size))
        if cell == "lstm":
            bias_ih[_FORGET * size : (_FORGET + 1) * size] = 1.0
    else:  # glorot, chrono
        weight_ih = uniform(Purpose.INPUT_WEIGHTS, input_size, np.sqrt(6.0 / (input_size + size)))
        weight_hh = uniform(Purpose.RECURRENT_WEIGHTS, size, np.sqrt(6.0 / (2 * size)))
    params = Params(weight_ih, weight_hh, bias_ih, bias_hh)
    return params.mapped(read_only)


def untied_weights(init: str, seed: int, steps: int, size: int) -> Array:
    """Draw a recurrent matrix for every step, (T, H, H), at scale 1, as the scheme draws one."""
    if init == "identity":
        same: Array = np.tile(np.eye(size), (steps, 1, 1))
        return same
    limits = {"pytorch": size**-0.5, "glorot": (3.0 / size) ** 0.5}
    is_uniform = init in limits
    drawn = matrices(seed, Purpose.UNTIED_WEIGHTS, steps=steps, size=size, is_uniform=is_uniform)
    if init in ("orthogonal", "keras"):
        return orthogonal(drawn)
    drawn *= limits[init] if is_uniform else ((2.0 if init == "he" else 1.0) / size) ** 0.5
    return drawn


def orthogonal(drawn: Array) -> Array:
    """Return the orthonormal columns of gaussian matrices (..., N, M), N >= M.

    Signs are fixed by a positive diagonal of R, which makes the result uniform (Mezzadri 2007).
    """
    q: Array
    q, r = np.linalg.qr(drawn)
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return q
