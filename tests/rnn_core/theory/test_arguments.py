"""Every closed form refuses what it does not hold for, in one wording."""

import re

import numpy as np
import pytest

import rnn_core as rc
from rnn_core.theory import (
    baselines,
    chaos,
    cliff,
    depth_scales,
    descent,
    driven,
    floats,
    gated,
    latch,
    mean_field,
    memory,
    random_matrices,
    self_loop,
    skip,
)

SCALE = "0 to 1e+100"
CALLS = [
    (
        lambda: mean_field.fixed_point("cosine", 1.0),
        "activation: expected one of tanh, sigmoid, relu, identity, got 'cosine'",
    ),
    (lambda: mean_field.fixed_point("tanh", -1.0), f"sigma_w: expected {SCALE}, got -1.0"),
    (lambda: mean_field.fixed_point("tanh", np.nan), f"sigma_w: expected {SCALE}, got nan"),
    (lambda: mean_field.fixed_point("tanh", True), f"sigma_w: expected {SCALE}, got True"),
    (lambda: mean_field.fixed_point("tanh", 1.0, "x"), f"sigma_b: expected {SCALE}, got 'x'"),
    (lambda: mean_field.critical_sigma_w("tanh", 0, -2), f"drive: expected {SCALE}, got -2"),
    (
        lambda: mean_field.slopes("tanh", [1.0, -3.0]),
        f"sigma_w: expected numbers from {SCALE}, got -3",
    ),
    (
        lambda: mean_field.slopes("tanh", ["a"]),
        f"sigma_w: expected numbers from {SCALE}, got ['a']",
    ),
    (
        lambda: mean_field.slopes("tanh", [[1.0], [1.0, 2.0]]),
        f"sigma_w: expected numbers from {SCALE}, got [[1.0], [1.0, 2.0]]",
    ),
    (
        lambda: mean_field.finite_width("tanh", 1.0, 0),
        "hidden_size: expected 1 to 1000000, got 0",
    ),
    (
        lambda: mean_field.finite_width("tanh", 1.0, 2.0),
        "hidden_size: expected 1 to 1000000, got 2.0",
    ),
    (
        lambda: driven.driven("tanh", 1.0, 0.0, np.zeros((0, 2))),
        "drive: expected (T, ...) with at least one step, got (0, 2)",
    ),
    (
        lambda: driven.driven("tanh", 1.0, 0.0, 1.0),
        "drive: expected (T, ...) with at least one step, got ()",
    ),
    (
        lambda: depth_scales.depth_scales("tanh", 0.5),
        "sigma_w: expected one with 0 < q* <= 10000 and chi_1 > 0, got q* = 0 and chi_1 = 0.25",
    ),
    (
        lambda: depth_scales.depth_scales("relu", 2.0),
        "sigma_w: expected one with 0 < q* <= 10000 and chi_1 > 0, got q* = inf and chi_1 = 2",
    ),
    (lambda: random_matrices.ginibre_exponents(0), "hidden_size: expected 1 to 1000000, got 0"),
    (lambda: random_matrices.keras_orthogonal_block(0), "gates: expected 1 to 1000000, got 0"),
    (lambda: gated.at_rest("rnn", 1.0), "cell: expected one of gru, lstm, got 'rnn'"),
    (
        lambda: gated.at_rest("gru", 1.0, 1.0),
        "forget_bias: expected 0 with cell=gru, got 1.0",
    ),
    (
        lambda: gated.tied_slope_over(gated.Linear(0.5, 0.1), 20, 20),
        "far: expected 21 to 1000000, got 20",
    ),
    (lambda: cliff.cliff(5.0, np.inf), "b: expected numbers from -1e+100 to 1e+100, got inf"),
    (lambda: cliff.cliff(5.0, 0.0, steps=0), "steps: expected 1 to 1000000, got 0"),
    (lambda: cliff.folds(-1.0), f"w: expected numbers from {SCALE}, got -1"),
    (
        lambda: descent.descend(threshold=0.0),
        "threshold: expected 1e-100 to 1e+100, got 0.0",
    ),
    (lambda: descent.descend(updates=0), "updates: expected 1 to 100000, got 0"),
    (lambda: latch.attractor(-0.1), "w: expected 0 to 100, got -0.1"),
    (lambda: latch.hold(1.0, 0.0, -1), "steps: expected 0 to 100000, got -1"),
    (
        lambda: self_loop.factor("relu", 1.0, 1.0),
        "activation: expected one of sigmoid, tanh, got 'relu'",
    ),
    (lambda: skip.rate(0.5, 0.1, 1), "steps: expected 2 to 1000000, got 1"),
    (lambda: skip.rate(0.5, -0.1, 501), "steps: expected 2 to 500, got 501"),
    (lambda: chaos.near_onset(0.9), "g: expected numbers from 1 to 1e+100, got 0.9"),
    (lambda: memory.curse_of_memory([0.5, 1.0]), "decay: expected numbers inside -1 to 1, got 1"),
    (lambda: memory.curse_of_memory(2.0), "decay: expected numbers from -1 to 1, got 2"),
    (lambda: baselines.copy(-1), "blanks: expected 0 to 1000000, got -1"),
    (
        lambda: floats.ends(0.5, "float8"),
        "kind: expected one of float16, bfloat16, float32, float64, got 'float8'",
    ),
    (lambda: floats.ends(0.0, "float16"), "rho: expected 1e-300 to 1e+100, got 0.0"),
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_what_no_formula_holds_for_is_refused_in_one_sentence(call, message):
    with pytest.raises((rc.ConfigError, rc.ShapeError), match=f"^{re.escape(message)}$"):
        call()
