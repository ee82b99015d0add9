"""The page of saturation, opened as a reader opens it."""

import math

import numpy as np
import pandas as pd
import pytest

import rnn_core as rc
from app import address, tables
from app.presets import SATURATION
from app.sentences import saturation as says
from app.views import saturation as view
from rnn_core.analysis.saturation import saturation
from tests.app.test_views import as_number, opened, parcel, shown_text
from tests.reference import slow_bptt, slow_log10_norms

PAGE = "saturation"
SMALL = {"steps": "40", "hidden_size": "8", "batch_size": "2"}
PRESETS = [preset for choice in SATURATION for preset in choice.presets]


def test_a_link_shows_its_run_with_claim_equation_and_answers():
    page = opened(PAGE, weight_scale="2.5", **SMALL)
    rec = rc.run(rc.ExperimentConfig(weight_scale=2.5, steps=40, hidden_size=8, batch_size=2))
    found, text = saturation(rec), shown_text(page).replace("^", "")
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert parcel(page)["alt"] == says.alt_text(rec, found)
    assert says.claim(rec, found).replace("^", "") in text
    assert says.notice(rec, found).replace("_hh", "hh") in text
    radius = np.abs(np.linalg.eigvals(rec.network.state_dict()["weight_hh_l0"])).max()
    for belief in says.beliefs(rec, found, radius):
        told = f"You may have read: {belief.read} Look: {belief.look}."
        assert told.replace("^", "").replace("_hh", "hh") in text


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_one_press_and_keeps_the_seed(preset):
    page = opened(PAGE, seed="4", source="sine", **SMALL)
    page.button(key=preset.key).click().run()
    assert not page.exception
    rec = rc.run(preset.config(seed=4))
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert says.claim(rec, saturation(rec)).replace("^", "") in shown_text(page).replace("^", "")


def test_a_gated_cell_is_shown_as_the_plain_net_of_its_settings():
    page = opened(PAGE, cell="lstm", forget_bias="1", **SMALL)
    rec = rc.run(rc.ExperimentConfig(steps=40, hidden_size=8, batch_size=2))
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert "Gates have a page of their own" in shown_text(page)


def test_a_pinned_run_stays_in_the_picture():
    plain, pinned = opened(PAGE, **SMALL), opened(PAGE, a="cell=lstm&steps=20", **SMALL)
    before, after = (len(parcel(page)["figure"]["data"]) for page in (plain, pinned))
    assert after == before + 1


@pytest.mark.parametrize(
    "query",
    [
        {"steps": "1"},
        {"steps": "1", "hidden_size": "1", "activation": "relu"},
        {"weight_scale": "0", "loss_at": "every", "steps": "30"},
        {"is_tied": "false", "steps": "30"},
        {"truncate": "7", "steps": "30"},
        {"source": "text"},
        {"activation": "identity", "weight_scale": "100", "input_scale": "100"},
        {"hidden_size": "1", "weight_scale": "100", "input_scale": "100"},
        {"steps": "4000", "hidden_size": "64"},
        {"cell": "lstm", "init": "chrono", "steps": "30", "a": "cell=lstm&init=chrono&steps=9"},
    ],
)
def test_every_corner_has_a_page(query):
    page = opened(PAGE, **query)
    assert not page.warning
    for word in ("nan", "None", "inf "):
        assert word not in shown_text(page)


def test_an_address_that_makes_no_sense_gives_a_sentence_and_a_picture():
    page = opened(PAGE, steps="many", activation="<script>")
    assert len(page.warning) == 2
    assert parcel(page)["run"].endswith(f"#{rc.run(rc.ExperimentConfig()).fingerprint}")


def test_a_picture_on_request_is_that_of_the_page():
    settings = dict(address.DEFAULTS) | {"steps": 30, "weight_scale": 2.0}
    found = view.picture(settings)
    rec = rc.run(rc.ExperimentConfig(steps=30, weight_scale=2.0))
    assert found.run == f"steps=30&weight_scale=2.0#{rec.fingerprint}"
    assert set(found.says) == {".claim", ".protocol"}


def test_the_table_and_the_file_hold_the_numbers_of_slow_loops(tmp_path):
    rec = rc.run(rc.ExperimentConfig(steps=40, hidden_size=8, batch_size=2))
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    slow = slow_bptt(
        rec.network.state_dict(), np.array(rec.x), d_loss, cell="rnn", activation="tanh"
    )
    logs = slow_log10_norms(slow.d_h)
    text = tables.file_of(tables.saturation_frame(rec, saturation(rec)), address.DEFAULTS, "abc")
    (tmp_path / "run.csv").write_bytes(text)
    frame = pd.read_csv(tmp_path / "run.csv", index_col="step", comment="#")
    assert list(frame.index) == list(range(1, 41))
    assert frame["log10_d_h_mean"].to_numpy() == pytest.approx(logs.mean(axis=1), abs=1e-11)
    saturated = (np.abs(slow.h) > 0.9).mean(axis=(1, 2))
    assert frame["saturated_share"].to_numpy() == pytest.approx(saturated)
    growth = (logs[:-1] - logs[1:]).mean(axis=1)
    assert frame["log10_total"].to_numpy()[1:] == pytest.approx(growth, abs=1e-11)
    pulls = frame["log10_by_weight"] + frame["log10_by_slope"]
    assert pulls.to_numpy()[1:] == pytest.approx(growth, abs=1e-11)
    slopes = 1 - slow.h**2
    taken = slow_log10_norms(slow.d_h * slopes) - logs
    assert frame["log10_by_slope"].to_numpy() == pytest.approx(taken.mean(axis=1), abs=1e-11)
    table = opened(PAGE, **SMALL).table[0].value
    assert list(table.index) == [40, 39, 38, 35, 30, 20, 1]
    for step in table.index:
        expected = {
            "log10 |dL/dh|": logs.mean(axis=1)[step - 1],
            "φ′, log10": taken.mean(axis=1)[step - 1],
            "saturated": saturated[step - 1],
        }
        for name, value in expected.items():
            assert math.isclose(as_number(table.loc[step, name]), value, abs_tol=6e-4)
