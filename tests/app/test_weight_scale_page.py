"""The page of weight scale, opened as a reader opens it; its numbers by other ways."""

import io
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import rnn_core as rc
from app import address, link, scale_tables, weight_scales
from app.presets import WEIGHT_SCALE
from app.views import weight_scale as view
from rnn_core.analysis.weight_sweep import NETS, SCALES
from tests.app.test_views import opened, parcel, shown_text
from tests.reference import slow_log10_norms

SMALL = {"steps": "16", "hidden_size": "17", "batch_size": "1"}
CONFIG = rc.ExperimentConfig(steps=16, hidden_size=17, batch_size=1)
PRESETS = [preset for choice in WEIGHT_SCALE for preset in choice.presets]


@pytest.fixture(scope="module")
def nets():
    """Growth of every net at every scale, one recorded run each; nan where there is none."""
    growth = np.full((NETS, len(SCALES)), np.nan)
    for seed in range(NETS):
        for k, scale in enumerate(SCALES):
            rec = rc.run(replace(CONFIG, seed=seed, weight_scale=scale))
            if rec.verdict.growth_per_step is not None:
                growth[seed, k] = rec.verdict.growth_per_step
    return growth


@pytest.fixture(scope="module")
def page():
    return opened("weight_scale", **SMALL)


def crossing_of(curve):
    """Where a curve that rises through 0 once does so, by bisection on its straight pieces."""
    low, high = SCALES[1], SCALES[-1]
    for _ in range(60):
        middle = (low + high) / 2
        value = np.interp(middle, SCALES[1:], curve[1:])
        low, high = (middle, high) if value < 0 else (low, middle)
    return low


def axis(page, name):
    return page["figure"]["layout"][name]


def test_the_claim_names_growth_and_the_measured_crossing(page, nets):
    rec = rc.run(CONFIG)
    sizes = slow_log10_norms(np.array(rec.layers[0].d_h)).mean(axis=1)
    per_step = 10 ** ((sizes[-1] - sizes[0]) / 15)
    text = shown_text(page).replace("^", "")
    assert f"The average step back divides the gradient by {per_step:.2f}: over 15 steps it" in text
    mean = nets.mean(axis=0)
    edges = [np.quantile(nets, level, axis=0) for level in (0.9, 0.1)]
    low, high = (crossing_of(edge) for edge in edges)
    assert (
        f"This input’s right weight scale is {crossing_of(mean):.2f}, not 1 (20 nets, H 17, "
        f"T 16: {low:.2f} to {high:.2f})." in text
    )


def test_a_sweep_is_complete_once_the_page_is_at_rest(page):
    assert re.fullmatch(r".*#[0-9a-f]{12}", parcel(page)["run"])
    titles = [note["text"] for note in parcel(page)["figure"]["layout"]["annotations"]]
    assert any("20 nets (H 17, T 16), 10–90 %" in title for title in titles)


def test_the_table_and_the_file_hold_every_net(page, nets):
    found = weight_scales.found(CONFIG, rc.run(CONFIG))
    frame = scale_tables.sweep_frame(found)
    for seed in range(NETS):
        assert frame[f"growth_net_{seed}"].to_numpy() == pytest.approx(
            nets[seed], abs=1e-10, nan_ok=True
        )
    assert frame["growth_mean"].to_numpy()[1:] == pytest.approx(nets.mean(axis=0)[1:])
    table = page.table[1].value
    for scale in ("1", "2.5"):
        k = SCALES.index(float(scale))
        assert table.loc[scale, "mean of the nets"] == f"{nets[:, k].mean():+.3f}".replace("-", "−")
        low, high = np.quantile(nets[:, k], [0.1, 0.9])
        assert table.loc[scale, "10 to 90 %"] == f"{low:+.3f} to {high:+.3f}".replace("-", "−")


def test_the_numbers_of_this_run_are_those_of_plain_linear_algebra(page):
    rec = rc.run(CONFIG)
    state, x = rec.network.state_dict(), np.array(rec.x)
    W = state["weight_hh_l0"]
    variance = ((x @ state["weight_ih_l0"].T) ** 2).mean()
    rows = page.table[2].value["value"]
    assert float(rows["spectral radius"]) == pytest.approx(
        np.abs(np.linalg.eigvals(W)).max(), rel=6e-3
    )
    assert float(rows["largest singular value"]) == pytest.approx(np.linalg.norm(W, 2), rel=6e-3)
    assert float(rows["std of W_hh × √H"]) == pytest.approx(
        np.linalg.norm(W) / math.sqrt(17), rel=6e-3
    )
    assert float(rows["input variance"]) == pytest.approx(variance, rel=6e-3)
    assert float(rows["effective bias"]) == pytest.approx(math.sqrt(variance), rel=6e-3)


@pytest.mark.parametrize("init", ["gaussian", "pytorch", "he"])
def test_the_dot_stands_at_the_run_s_own_weights_and_drive(init):
    settings = {"init": init, "weight_scale": "1.5", "bias_scale": "0.5", "hidden_size": "40"}
    sent = parcel(opened("weight_scale", **SMALL | settings))
    rec = rc.run(replace(CONFIG, init=init, weight_scale=1.5, bias_scale=0.5, hidden_size=40))
    quiet = rc.run(replace(rec.config, bias_scale=0.0)).network.state_dict()
    state = rec.network.state_dict()
    drive = ((np.array(rec.x) @ state["weight_ih_l0"].T) ** 2).mean()
    scheme = ((quiet["bias_ih_l0"] + quiet["bias_hh_l0"]) ** 2).mean()
    (panel,) = sent["figure"]["layout"]["meta"]["picks"]
    x, y = panel["at"]
    assert x == pytest.approx(np.linalg.norm(state["weight_hh_l0"]) / math.sqrt(40))
    assert y == pytest.approx(math.sqrt(0.25 + drive + scheme))


@pytest.mark.parametrize(("x", "y"), [(2.0, 2.5), (0.4, 1.2), (3.9, 3.0)])
def test_a_picked_point_is_where_the_run_then_stands(x, y):
    rec = rc.run(CONFIG)
    chosen = weight_scales.settings_at(weight_scales.found(CONFIG, rec), x, y)
    moved = replace(CONFIG, **chosen)
    found = weight_scales.found(moved, rc.run(moved))
    assert moved.weight_scale * found.spectrum.sigma_w == pytest.approx(x, abs=0.006)
    assert found.effective_bias(moved) == pytest.approx(y, abs=0.02)


def test_below_what_the_input_alone_drives_only_the_weights_move():
    found = weight_scales.found(CONFIG, rc.run(CONFIG))
    assert weight_scales.settings_at(found, 2.0, 0.1)["bias_scale"] == 0.0


def test_a_pick_moves_both_settings_at_once_and_another_panel_nothing(monkeypatch):
    chosen = []
    monkeypatch.setattr(link, "shown", lambda: dict(address.DEFAULTS) | {"steps": 16})
    monkeypatch.setattr(link, "choose", lambda **changes: chosen.append(changes))
    view.LESSON.on_pick("phase", 2.0, 2.0)
    view.LESSON.on_pick("elsewhere", 2.0, 2.0)
    (changes,) = chosen
    assert set(changes) == {"weight_scale", "bias_scale"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_one_press_and_keeps_the_seed(preset):
    page = opened("weight_scale", seed="4", source="sine", **SMALL)
    page.button(key=preset.key).click().run()
    assert not page.exception
    assert parcel(page)["run"].endswith(f"#{rc.run(preset.config(seed=4)).fingerprint}")


def test_initialisers_stand_side_by_side_with_their_variance(page):
    table = page.table[0].value
    assert list(table.index) == [
        "Gaussian", "orthogonal", "PyTorch", "Keras", "orthogonal", "identity", "He",
    ]  # fmt: skip
    variances = {float(one) for one in table["input variance"]}
    assert len(variances) == 1
    rec = rc.run(CONFIG)
    own = ((np.array(rec.x) @ rec.network.state_dict()["weight_ih_l0"].T) ** 2).mean()
    assert variances.pop() == pytest.approx(own, rel=0.05)


@pytest.mark.parametrize(
    "query",
    [
        {"steps": "1"},
        {"steps": "2", "hidden_size": "1"},
        {"hidden_size": "1", "weight_scale": "100", "input_scale": "100"},
        {"weight_scale": "0", "loss_at": "every", "steps": "30"},
        {"is_tied": "false", "steps": "12"},
        {"truncate": "7", "steps": "30"},
        {"source": "text"},
        {"source": "silence"},
        {"source": "silence", "activation": "relu", "init": "identity", "steps": "30"},
        {"activation": "identity", "weight_scale": "100", "input_scale": "100", "steps": "400"},
        {"activation": "sigmoid", "steps": "30"},
        {"cell": "gru", "init": "orthogonal", "steps": "30"},
        {"cell": "lstm", "init": "chrono", "steps": "30", "a": "cell=lstm&init=chrono&steps=9"},
        {"cell": "lstm", "init": "pytorch", "input_size": "1", "steps": "30"},
        {"steps": "4000", "hidden_size": "8"},
        {"hidden_size": "300", "steps": "30", "batch_size": "2"},
        {"bias_scale": "10", "input_scale": "100", "steps": "30"},
    ],
)
def test_every_corner_has_a_page(query):
    page = opened("weight_scale", **query)
    assert not page.exception
    assert not page.warning
    text = shown_text(page) + "".join(str(table.value) for table in page.table)
    for word in ("nan", "None", "inf "):
        assert word not in text
    assert parcel(page)["figure"]["layout"]["annotations"]


def test_an_overflow_says_where_and_shows_what_there_is():
    query = {"activation": "identity", "weight_scale": "4", "steps": "1000", "hidden_size": "8"}
    page = opened("weight_scale", **query, batch_size="1")
    config = rc.ExperimentConfig(
        activation="identity", weight_scale=4.0, steps=1000, hidden_size=8, batch_size=1
    )
    step = rc.run(config).overflow.step + 1
    assert f"The hidden state overflows at step {step}." in shown_text(page)
    assert parcel(page)["figure"]["data"]


def test_a_picture_on_request_is_that_of_the_page():
    settings = dict(address.DEFAULTS) | {"steps": 16, "hidden_size": 17, "batch_size": 1}
    opened("weight_scale", **SMALL)  # the sweep does not depend on the weight scale
    found = view.picture(settings | {"weight_scale": 2.2})
    rec = rc.run(replace(CONFIG, weight_scale=2.2))
    assert found.run == f"steps=16&batch_size=1&hidden_size=17&weight_scale=2.2#{rec.fingerprint}"
    assert "This input’s right weight scale is" in found.says[".claim"]


def test_before_its_sweep_is_measured_a_picture_says_so():
    settings = dict(address.DEFAULTS) | {"steps": 15, "hidden_size": 16, "batch_size": 1}
    found = view.picture(settings)
    assert found.run.endswith(".0")
    assert "right weight scale" not in found.says[".claim"]
    titles = [note["text"] for note in found.fig["layout"]["annotations"]]
    assert any("20 nets: when you let go" in title for title in titles)


def test_every_step_goes_home_with_what_mean_field_predicts():
    rec = rc.run(CONFIG)
    frame = pd.read_csv(io.StringIO(scale_tables.steps_frame(rec).to_csv()), index_col="step")
    assert list(frame.index) == list(range(1, 17))
    state, x = rec.network.state_dict(), np.array(rec.x)
    drive = ((x @ state["weight_ih_l0"].T) ** 2).mean(axis=(1, 2))
    assert frame["drive"].to_numpy() == pytest.approx(drive)
    assert frame["predicted_q"][1] == pytest.approx(drive[0])


def test_controls_stand_right_after_runs_in_a_row():
    """The browser may draw a widget from the last of them alone: it must start where it stands."""
    fresh = opened("weight_scale", init="pytorch", seed="3", **SMALL | {"steps": "14"})
    assert list(fresh.slider(key="steps").proto.default) == [14.0]
    assert list(fresh.slider(key="hidden_size").proto.default) == [17.0]
    assert fresh.number_input(key="steps-number").proto.default == 14
    assert fresh.number_input(key="seed").proto.default == 3
    menu = fresh.selectbox(key="init").proto
    assert menu.options[menu.default] == "PyTorch's default"
