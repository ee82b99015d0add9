"""At T = 10,000 every analysis gives finite logs, exact zeros told as such, or a stated overflow.

Warnings are errors in this suite.
"""

import tracemalloc

import numpy as np
import pytest

import rnn_core as rc
from tests.rnn_core.test_analysis_fuzz import analyses_of, arrays_in
from tests.rnn_core.test_fuzz import assert_no_lie

T = 10_000
RUNS = [
    {"init": "orthogonal", "weight_scale": 0.5},
    {"init": "orthogonal", "weight_scale": 3.0},
    {"activation": "relu", "init": "identity"},
    {"activation": "identity", "init": "orthogonal", "weight_scale": 3.0},
    {"cell": "gru", "init": "pytorch"},
    {"cell": "lstm", "forget_bias": 5.0, "loss_at": "every"},
    {"cell": "gru", "truncate": 3_000},
    {"cell": "lstm", "init": "pytorch", "layers": 2},
]


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_every_analysis_of_a_long_run(settings):
    sizes = {"steps": T, "hidden_size": 4, "batch_size": 2, "input_size": 2}
    rec = rc.run(rc.ExperimentConfig(**sizes, **settings))
    if settings.get("activation") == "identity":
        assert 600 < rec.steps == rec.overflow.step < 700
    else:
        assert (rec.steps, rec.overflow) == (T, None)
    assert_no_lie(rec)
    for found in analyses_of(rec):
        for array in arrays_in(found):
            assert not np.isnan(array).any(), type(found)
            assert array.dtype.kind == "c" or not np.isposinf(array).any(), type(found)


@pytest.mark.parametrize(("loss_at", "more"), [("last", 0), ("every", 7)])
@pytest.mark.parametrize(("cell", "arrays"), [("rnn", 7), ("gru", 14), ("lstm", 18)])
def test_memory_of_a_long_run_is_the_stated_number_of_arrays(cell, arrays, loss_at, more):
    """`record` states it: so many arrays (T, B, H), and half a one for what is smaller."""
    sizes = {"hidden_size": 16, "batch_size": 4}
    config = rc.ExperimentConfig(cell=cell, steps=T, loss_at=loss_at, **sizes)
    rc.run(rc.ExperimentConfig(cell=cell, steps=10))
    tracemalloc.start()
    rec = rc.run(config)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rec.steps == T
    assert peak < (arrays + more + 0.5) * T * 4 * 16 * 8
