"""Baselines of tasks, the curse of memory and the ends of float types, against their tables."""

from fractions import Fraction

import numpy as np
import pytest

from rnn_core.theory import baselines
from rnn_core.theory.floats import LIMITS, ends
from rnn_core.theory.memory import curse_of_memory
from tests.reference import reference_tables

TABLES = reference_tables()


def test_table_of_baselines():
    named = {
        "adding_mse_predict_1": baselines.ADDING,
        "adding_mse_pascanu_code_target_is_mean": baselines.ADDING_OF_THE_MEAN,
        "temporal_order_ce": baselines.TEMPORAL_ORDER,
        "sequential_digits_ce": baselines.SEQUENTIAL_DIGITS,
    }
    rows = TABLES["task_baselines"]["rows"]
    for task, T, loss in rows:
        found = baselines.copy(T) if task == "copy_ce_nats" else named.pop(task)
        assert found == pytest.approx(loss, rel=1e-11)
    assert not named


def test_predicting_one_scores_the_adding_baseline(rng):
    total = rng.uniform(size=(400_000, 2)).sum(axis=1)
    assert np.mean((total - 1) ** 2) == pytest.approx(baselines.ADDING, abs=0.001)
    assert np.mean((total / 2 - 0.5) ** 2) == pytest.approx(
        baselines.ADDING_OF_THE_MEAN, abs=0.0003
    )


def test_table_of_the_curse_of_memory():
    rows = np.array(TABLES["curse_of_memory"]["rows"])
    found = curse_of_memory(rows[:, 0])
    assert found.state == pytest.approx(rows[:, 1], rel=1e-11)
    assert found.sensitivity == pytest.approx(rows[:, 2], rel=1e-11)


@pytest.mark.parametrize("decay", [0.5, -0.8, 0.95])
def test_curse_of_memory_is_the_sum_over_all_past_inputs(decay):
    """h = sum l^k x_{t-k} and dh/dl = sum k l^(k-1) x_{t-k}, white x: sums of squares."""
    k = np.arange(4000)
    found = curse_of_memory(decay)
    assert found.state == pytest.approx(np.sum(decay ** (2.0 * k)), rel=1e-12)
    assert found.sensitivity == pytest.approx(
        np.sum(k[1:] ** 2 * decay ** (2.0 * k[1:] - 2)), rel=1e-11
    )


def test_table_of_float_limits():
    for name, normal, subnormal, largest in TABLES["float_limits"]["rows"]:
        found = LIMITS[name]
        assert found.smallest_normal == pytest.approx(normal, rel=1e-11)
        assert found.smallest_subnormal == pytest.approx(subnormal, rel=1e-11)
        assert found.largest == pytest.approx(largest, rel=1e-11)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_limits_are_numpy_s(name):
    info = np.finfo(name)
    found = LIMITS[name]
    assert found.smallest_normal == float(info.smallest_normal)
    assert found.smallest_subnormal == float(info.smallest_subnormal)
    assert found.largest == float(info.max)


def test_table_of_steps_to_the_end_of_a_type():
    for rho, kinds in TABLES["float_underflow_T"]["by_rho"].items():
        for kind, expected in kinds.items():
            found = ends(float(rho), kind)
            if float(rho) < 1:
                assert [found.subnormal, found.zero] == expected
                assert found.overflow is None
            else:
                assert [found.overflow] == expected
                assert found.subnormal is found.zero is None


@pytest.mark.parametrize("rho", ["1/4", "1/2", "3/5", "9/10", "11/10", "2", "7/3", "8", "65504"])
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32"])
def test_steps_are_those_of_exact_fractions(rho, kind):
    exact, limits, T, power = Fraction(rho), LIMITS[kind], 0, Fraction(1)
    reached = {}
    while len(reached) < (2 if exact < 1 else 1):
        T, power = T + 1, power * exact
        if power < Fraction(limits.smallest_normal):
            reached.setdefault("subnormal", T)
        if power <= Fraction(limits.smallest_subnormal) / 2:
            reached.setdefault("zero", T)
        if power > Fraction(limits.largest):
            reached.setdefault("overflow", T)
    found = ends(float(exact), kind)
    assert {k: v for k, v in found._asdict().items() if v is not None} == reached


def test_a_factor_of_one_never_ends():
    assert ends(1.0, "float16") == (None, None, None)
