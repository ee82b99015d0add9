"""Independent witnesses for the engine: a slow, obvious reference and stored golden numbers.

Nothing here imports `rnn_core`. What a test of the engine needs:

    from tests.reference import slow_bptt, slow_network_bptt, golden_cases, reference_tables

One layer, one direction
    run = slow_bptt(state_dict, x, d_loss_dh, cell="gru", activation="tanh", reset="after",
                    suffix="l0", h_init=None, c_init=None, truncate=None)
    `state_dict` has PyTorch's names, x is (T, B, D), `d_loss_dh` is (T, B, H) or a function of the
    states h that gives it. run.h, .c, .a, .gates["z"]; run.d_h, .d_c (total derivatives), .d_a,
    .d_x, .d_h_init, .d_c_init; run.gradients[name]; run.step_gradients[name] (T, ...).
    `slow_forward` is its forward half alone.

Any depth, one direction or two
    net = slow_network_bptt(state_dict, x, d_loss_dy, cell="lstm", h_init={"l0": ...}, ...)
    net.y, net.layers["l1_reverse"] (each a run as above, on the time axis of x), net.d_x,
    net.gradients.

Golden numbers
    golden_cases()      66 cases from PyTorch: case.state_dict, .x, .h_init, .c_init, .truncate,
                        .loss_of(y) -> (value, d_y), .value, .gradients, .arrays["d_h_l0"], ...
    reference_cases()   the 12 networks of reference.json's `golden`: case.expected
    reference_tables()  its tables
    rounding_golden()   PyTorch's roundings to float16 and bfloat16
"""

from tests.reference.golden import (
    GoldenCase,
    ReferenceCase,
    golden_cases,
    reference_cases,
    reference_json,
    reference_tables,
    rounding_golden,
)
from tests.reference.slow_bptt import SlowForward, SlowRun, slow_bptt, slow_forward
from tests.reference.slow_network import SlowNetworkRun, slow_network_bptt

__all__ = [
    "GoldenCase",
    "ReferenceCase",
    "SlowForward",
    "SlowNetworkRun",
    "SlowRun",
    "golden_cases",
    "reference_cases",
    "reference_json",
    "reference_tables",
    "rounding_golden",
    "slow_bptt",
    "slow_forward",
    "slow_network_bptt",
]
