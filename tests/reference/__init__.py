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

The numbers of a page, from log10 norms (T, B) by time step
    slow_log10_norms(d_h) (T, B), slow_log10_norm(d_h) (T,)
    slow_verdict(norms) -> growth_per_step, decades, regime, half_life, zero_sequences
    slow_least_squares_slope(norms, 20, 80), slow_pascanu_bound(weight_hh, activation, norms)
    slow_ledger(run.step_gradients["weight_hh_l0"]) -> share, log10_size (or None)
    slow_range_only(state_dict, x, d_loss_dh, "float16", cell=...) -> d_h, relative_error, lost,
        first_subnormal, first_all_zero, first_not_finite (lags);  round_to(value, "bfloat16")

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
from tests.reference.slow_numbers import (
    SlowLedger,
    SlowVerdict,
    slow_least_squares_slope,
    slow_ledger,
    slow_log10_norm,
    slow_log10_norms,
    slow_pascanu_bound,
    slow_verdict,
)
from tests.reference.slow_precision import FORMATS, SlowPrecision, round_to, slow_range_only

__all__ = [
    "FORMATS",
    "GoldenCase",
    "ReferenceCase",
    "SlowForward",
    "SlowLedger",
    "SlowNetworkRun",
    "SlowPrecision",
    "SlowRun",
    "SlowVerdict",
    "golden_cases",
    "reference_cases",
    "reference_json",
    "reference_tables",
    "round_to",
    "rounding_golden",
    "slow_bptt",
    "slow_forward",
    "slow_least_squares_slope",
    "slow_ledger",
    "slow_log10_norm",
    "slow_log10_norms",
    "slow_network_bptt",
    "slow_pascanu_bound",
    "slow_range_only",
    "slow_verdict",
]
