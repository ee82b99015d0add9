"""The code that is taken home from the page of clipping, executed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import clipping_script
from app.clipped import run_of
from app.sentences.numerals import number
from app.snippets import in_rnn_core
from tests.app.slow_cliff import slow_clipped, slow_descent
from tests.app.test_clipping_figure import settings, slow_gradients
from tests.reference import slow_ledger


def executed(script, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(script)
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": str(root)}
    ran = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, env=env, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_the_script_repeats_the_run_and_both_descents(tmp_path, mode):
    run = run_of(settings(clip=mode, threshold=0.3))
    said = executed(in_rnn_core(run.recording) + clipping_script.written(run, "rnn_core"), tmp_path)
    assert run.recording.fingerprint in said
    for path, line in zip((run.descents.unclipped, run.descents.clipped), said[-2:], strict=True):
        assert line == f"{path.fate} {path.loss[-1]}"
    slow = slow_gradients(run.recording)
    angle = slow_clipped(slow.gradients, 0.3)[3]
    assert float(said[-4].split()[2]) == pytest.approx(angle, rel=1e-6)
    shares = slow_ledger(slow.step_gradients["weight_hh_l0"]).share
    assert float(said[-3]) == pytest.approx(shares[-10:].sum(), rel=1e-9)


@pytest.mark.parametrize("mode", ["norm", "value"])
def test_the_script_for_pytorch_has_the_settings_and_what_became_of_both(mode):
    """What is thrown ends where a slow loop ends; the rest is left to the machine's last digits."""
    script = clipping_script.written(run_of(settings(clip=mode)), "pytorch")
    assert "START, STEPS, RATE = (5.0, -2.5), 51, 0.1" in script
    assert f"MODE, UPDATES = '{mode}', 300" in script
    compile(script, "script", "exec")
    end = slow_descent(5.0, -2.5, threshold=None)[-1][2]
    assert f"print(descend(None))  # thrown, at error {number(end)}" in script
    fate = {"norm": "arrived", "value": "under way"}[mode]
    assert script.endswith(f"print(descend(1.0))  # {fate}\n")


@pytest.mark.parametrize("language", ["rnn_core", "pytorch"])
def test_a_script_promises_no_fate_that_rounding_decides(language):
    """From b = -3 a start moved by 10^-13 ends at an error of 0.09 or of 0.06."""
    ends = [slow_descent(5.0 + by, -3.0, threshold=None)[-1][2] for by in (0.0, 1e-13, -1e-13)]
    assert min(ends) < 0.06
    assert max(ends) > 0.0899
    script = clipping_script.written(run_of(settings(start_b=-3.0)), language)
    first = next(line for line in script.splitlines() if line.startswith("print") and "# " in line)
    assert first.endswith("  # rounding decides")
