"""Which layer an analysis is about, and what reaches that layer from above at every step."""

import numpy as np

from rnn_core.allowed import is_whole
from rnn_core.analysis.crossing import into_input
from rnn_core.arrays import Array
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import LayerRecording, Recording
from rnn_core.running import top_output
from rnn_core.scaled import Scaled, added


def layer_of(rec: Recording, layer: int) -> LayerRecording | None:
    """Return layer and direction number `layer` (PyTorch's order) of a finite recording.

    None where an overflow left no steps or nan: `rec.overflow` says where it was.

    Raises
    ------
    ConfigError : "layer: expected 0 to ..., got ...".
    """
    last = len(rec.network.stack) - 1
    if not (is_whole(layer) and 0 <= layer <= last):
        raise ConfigError(f"layer: expected 0 to {last}, got {quoted(layer)}")
    if not rec.layers or rec.overflow_left_nan:
        return None
    return rec.layers[layer]


def is_top(rec: Recording, layer: int) -> bool:
    """Tell whether the loss reads that layer itself."""
    return layer // _directions(rec) == rec.network.layers - 1


def own_loss_gradient(rec: Recording) -> Array:
    """Return each step's own dl_t/dh_t of the top layer's output, in the order of time.

    (T, B, H), or (T, B, 2H) of both directions; without what flows back from later steps. It is
    not recorded: the loss is called once more.
    """
    tapes = tuple(layer.tape for layer in rec.layers)
    with np.errstate(over="ignore", invalid="ignore"):
        result = rec.loss_function(top_output(rec.network, rec.x, tapes))
    return np.array(result[1], dtype=np.float64)  # a copy: a loss may hand out its own array


def arriving_at(rec: Recording, layer: int) -> Scaled:
    """Return what reaches the output of `layer` at every step, in the order of its own steps.

    (T, B, H): of the top layer the loss's own gradient; further down what the layers above hand
    on through their inputs.
    """
    net, directions = rec.network, _directions(rec)
    value = Scaled.plain(own_loss_gradient(rec))
    for above in reversed(range(layer // directions + 1, net.layers)):
        both = rec.layers[above * directions : (above + 1) * directions]
        value = handed_down(
            rec,
            value,
            [into_input(one.maps, one.params.weight_ih, one.flow.adjoint) for one in both],
        )
    return of_direction(rec, layer, value)


def handed_down(rec: Recording, value: Scaled, into_inputs: list[Scaled]) -> Scaled:
    """Return what reaches the output of the layer below, in the order of time.

    Parameters
    ----------
    value : what reached this layer's own output; a residual connection hands it on.
    into_inputs : dL/dx of each direction, in the order in which it took its steps.
    """
    handed = into_inputs[0]
    for other in into_inputs[1:]:
        handed = added(handed, Scaled(other.mantissa[::-1], other.exponent[::-1]))
    is_past = rec.network.is_residual and handed.mantissa.shape == value.mantissa.shape
    return added(handed, value) if is_past else handed


def of_direction(rec: Recording, layer: int, value: Scaled) -> Scaled:
    """Return the units of one direction, in the order in which it took its steps."""
    size, direction = rec.network.hidden_size, layer % _directions(rec)
    units = slice(direction * size, (direction + 1) * size)
    order = slice(None, None, -1 if direction else None)
    return Scaled(value.mantissa[order, ..., units], value.exponent[order])


def _directions(rec: Recording) -> int:
    return 2 if rec.network.is_bidirectional else 1
