"""The scripts to take home, executed: they reproduce the numbers of the page."""

import ast
import contextlib
import io
import re
from importlib.util import find_spec

import numpy as np
import pytest

import rnn_core as rc
from app.presets import GATING, PRESETS, SATURATION
from app.snippets import in_pytorch, in_rnn_core

SMALL = {"hidden_size": 6, "batch_size": 3, "input_size": 4, "steps": 25}
RUNS = [
    {},
    {"steps": 1},
    {"activation": "sigmoid", "weight_scale": 4.0, "bias_scale": 0.5},
    {"activation": "relu", "init": "he"},
    {"activation": "identity", "h_init": "random", "weight_scale": 0.8},
    {"init": "orthogonal", "weight_scale": 3.0, "steps": 60},
    {"is_tied": False},
    {"truncate": 7},
    {"loss_at": "every"},
    {"cell": "gru", "init": "pytorch"},
    {"cell": "gru", "truncate": 7, "h_init": "random"},
    {"cell": "lstm", "init": "keras", "forget_bias": 2.0},
    {"cell": "lstm", "truncate": 7, "h_init": "random"},
    {"cell": "lstm", "init": "chrono", "chrono_steps": 70},
    {"weight_scale": 0.0},
    {"cell": "gru", "truncate": 7, "steps": 40, "init": "keras"},
    {"activation": "relu", "hidden_size": 3, "steps": 12, "seed": 1},
    {"source": "text", "init": "pytorch"},
    {"source": "text", "text": 'a "quoted" \\n text', "loss_at": "every", "cell": "lstm"},
    {"activation": "identity", "weight_scale": 100.0, "input_scale": 100.0, "steps": 300},
]


def recorded(settings):
    return rc.run(rc.ExperimentConfig(**SMALL | settings))


def executed(script):
    """Return the names that a script leaves behind; what it prints is for its reader."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(script, "script", "exec"), names)
    return names


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_the_script_records_the_run_again(settings):
    rec = recorded(settings)
    again = executed(in_rnn_core(rec))["rec"]
    assert again.fingerprint == rec.fingerprint
    assert again.verdict == rec.verdict


@pytest.mark.parametrize("settings", RUNS, ids=str)
def test_the_script_for_pytorch_agrees_where_pytorch_is(settings):
    """Without PyTorch its text alone is judged: that it is Python, with every setting in it."""
    rec = recorded(settings)
    script = in_pytorch(rec)
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    (made,) = [call for call in calls if ast.unparse(call.func) == "rc.ExperimentConfig"]
    named = {one.arg: ast.literal_eval(one.value) for one in made.keywords}
    assert rc.ExperimentConfig(**named) == rec.config
    if find_spec("torch") is None:
        return
    found = executed(script)
    sizes, own = found["sizes"].numpy(), rec.layers[0].log10_norms("d_h")
    assert sizes[-1] == pytest.approx(own[-1], abs=1e-9, nan_ok=True)
    promised = re.search(r"^print\(sizes\[0\]\.mean\(\)\)  # (\S+) at step 1", script, re.MULTILINE)
    if "beyond float64" not in script:
        assert sizes[0].mean() == pytest.approx(float(promised[1]), abs=6e-5)
        assert np.array_equal(np.isneginf(sizes), np.isneginf(own))
    if "growth" in found:
        assert float(found["growth"]) == pytest.approx(rec.verdict.growth_per_step, abs=1e-9)
    else:
        finite = own > float("-inf")
        assert sizes[finite] == pytest.approx(own[finite], abs=1e-9)


def test_every_preset_has_its_scripts():
    choices = (*GATING, *SATURATION)
    for preset in (*PRESETS, *(one for choice in choices for one in choice.presets)):
        rec = rc.run(preset.config(seed=3))
        for script in (in_rnn_core(rec), in_pytorch(rec)):
            ast.parse(script)
            assert "seed=3" in script
            assert max(map(len, script.splitlines())) <= 100


def test_a_run_without_steps_has_no_script_for_pytorch():
    net = rc.ExperimentConfig(
        activation="identity", weight_scale=100.0, input_scale=100.0, hidden_size=4, steps=400
    )
    rec = rc.run(net)
    assert "the state overflows at step" in in_pytorch(rec)
    assert f"T = {rec.steps}" in in_pytorch(rec)
    with pytest.raises(ValueError, match="expected the recording of a config"):
        in_rnn_core(rc.record(rec.network, rec.x[:2], lambda h: (0.0, 0 * h)))
