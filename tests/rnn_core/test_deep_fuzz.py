"""Deep nets, connections and pairs of any weights: two documented errors, nan only after overflow.

Weights of 1e200, subnormals, zeros and negative ones, in any layer; warnings are errors here.
"""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rnn_core as rc
from rnn_core.cells import cell_named
from tests.rnn_core.deep_networks import KINDS
from tests.rnn_core.test_fuzz import assert_no_lie

QUIET = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SIZES = [0.0, 1.0, -1.0, 0.5, 5e-324, -2.2e-308, 1e-200, 1e-30, -20.0, 1e30, 1e100, -1e140, 1e200]


def numbers(shape):
    wild = hnp.arrays(np.float64, shape, elements=st.sampled_from(SIZES))
    mild = hnp.arrays(np.float64, shape, elements=st.floats(-1, 1))
    return wild | mild | st.tuples(mild, st.sampled_from(SIZES)).map(lambda p: p[0] * p[1])


@st.composite
def nets(draw, *, kinds=KINDS, directions=(False, True), inputs=None, layers=None, size=None):
    """Draw a network of 1 to 3 layers with connections of any scale."""
    cell, activation, reset = draw(st.sampled_from(kinds))
    layers = layers or draw(st.integers(1, 3))
    both, H = draw(st.sampled_from(directions)), size or draw(st.integers(1, 3))
    D = inputs or draw(st.integers(1, 3))
    rows, state = len(cell_named(cell, activation).gates) * H, {}
    has_biases = draw(st.booleans())
    for layer in range(layers):
        wide = D if layer == 0 else (2 * H if both else H)
        for end in ("", "_reverse") if both else ("",):
            state[f"weight_ih_l{layer}{end}"] = draw(numbers((rows, wide)))
            state[f"weight_hh_l{layer}{end}"] = draw(numbers((rows, H)))
            if has_biases:
                state[f"bias_ih_l{layer}{end}"] = draw(numbers((rows,)))
                state[f"bias_hh_l{layer}{end}"] = draw(numbers((rows,)))
    skip = None
    if draw(st.booleans()):
        skip = rc.SkipInTime(draw(st.integers(2, 9)), draw(st.sampled_from(SIZES)))
    return rc.Network.from_state_dict(
        state,
        cell=cell,
        activation=activation,
        reset=reset,
        is_residual=draw(st.booleans()),
        skip=skip,
    )


@st.composite
def states(draw, net, batch):
    shape = (len(net.stack), batch, net.hidden_size)
    parts = tuple(
        draw(
            hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.5, -1.0, 1e-200, 1e100]))
        )
        for _ in net.recurrence.states
    )
    return parts if len(parts) > 1 else parts[0]


@QUIET
@given(st.data())
def test_deep_nets_of_any_weights_are_recorded(data):
    net = data.draw(nets())
    T, B = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 2))
    x = data.draw(numbers((T, B, net.input_size)))
    d_y = data.draw(numbers((T, B, net.output_size)))
    truncate = None if net.is_bidirectional else data.draw(st.none() | st.integers(1, T))
    h_init = data.draw(states(net, B))
    rec = rc.record(net, x, lambda _: (0.0, d_y), h_init=h_init, truncate=truncate)
    assert_no_lie(rec)


@QUIET
@given(st.data())
def test_pairs_of_any_weights_are_recorded(data):
    kinds = [data.draw(st.sampled_from(KINDS))]
    encoder = data.draw(nets(kinds=kinds, directions=[False]))
    decoder = data.draw(
        nets(kinds=kinds, directions=[False], layers=encoder.layers, size=encoder.hidden_size)
    )
    B = data.draw(st.integers(1, 2))
    x, y = (
        data.draw(numbers((data.draw(st.integers(1, 6)), B, net.input_size)))
        for net in (encoder, decoder)
    )
    d_y = data.draw(numbers((len(y), B, decoder.hidden_size)))
    pair = rc.record_pair(
        encoder, decoder, x, y, lambda _: (0.0, d_y), h_init=data.draw(states(encoder, B))
    )
    assert_no_lie(pair.decoder)
    assert_no_lie(pair.encoder)
    assert set(pair.gradients) == {
        f"{name}.{key}"
        for name, net in (("encoder", encoder), ("decoder", decoder))
        for key in net.state_dict()
    }


@QUIET
@given(st.data())
def test_losses_of_any_logits_are_recorded(data):
    """Or the gradient is beyond float64, and the loss says so in one sentence."""
    net = data.draw(nets())
    T, B, K = (data.draw(st.integers(1, top)) for top in (4, 2, 3))
    kind = data.draw(st.sampled_from([rc.BinaryCrossEntropy, rc.CrossEntropy, rc.SquaredError]))
    layer = rc.OutputLayer(data.draw(numbers((K, net.output_size))), data.draw(numbers((K,))))
    if kind is rc.CrossEntropy:
        targets = data.draw(hnp.arrays(np.int64, (T, B), elements=st.integers(0, K - 1)))
    else:
        targets = data.draw(hnp.arrays(np.float64, (B, K), elements=st.floats(0, 1)))
    at = data.draw(st.sampled_from(["last", "every", [0], list(range(T))]))
    x = data.draw(numbers((T, B, net.input_size)))
    try:
        rec = rc.record(net, x, kind(layer, targets, at))
    except rc.ShapeError as error:
        name, _, rest = str(error).partition(": ")
        assert name in ("d_h", "weight_hy", "bias_y")
        assert rest.startswith("expected finite numbers, got")
        return
    assert_no_lie(rec)
