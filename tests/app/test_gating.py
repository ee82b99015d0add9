"""The page of gating: its words against slow loops, its files, its presets, its corners."""

import io
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import rnn_core as rc
from app import address, engine, tables
from app import roads as kept
from app.other_cell import with_cell
from app.presets import GATING
from app.sentences import claim as plain_claim
from app.sentences import gating as says
from app.sentences.gating_beliefs import beliefs
from app.views import gating as view
from rnn_core.analysis.defaults import Default
from rnn_core.analysis.roads import roads
from tests.app.test_views import opened, parcel, shown_text
from tests.reference import slow_bptt, slow_log10_norms
from tests.reference.slow_terms import slow_paths

PAGE = "gating"
SMALL = {"steps": 30, "batch_size": 2, "input_size": 3, "hidden_size": 6, "init": "pytorch"}
BY_NAME = {preset.name: preset for choice in GATING for preset in choice.presets}
SEEDS = range(21)
ENOUGH = 18  # of the 20 other seeds


def three(**changes):
    settings = dict(address.DEFAULTS) | SMALL | changes
    return {cell: rc.run(with_cell(settings, cell)) for cell in ("rnn", "gru", "lstm")}


def slow(rec):
    d_loss = np.zeros(rec.layers[0].h.shape)
    d_loss[-1] = rec.layers[0].d_h[-1]
    return slow_bptt(
        rec.network.state_dict(),
        np.array(rec.x),
        d_loss,
        cell=rec.network.cell,
        activation=rec.network.activation,
    )


def truth(rec):
    """Return log10 of what gates and gradient are multiplied by, from loops."""
    again = slow(rec)
    on_line = again.d_c if rec.network.cell == "lstm" else again.d_h
    gate = again.gates["f" if rec.network.cell == "lstm" else "z"]
    product = np.prod(gate[1:], axis=0)
    belt = 0.5 * np.log10(np.mean(np.square(product), axis=1)).mean()
    sizes = slow_log10_norms(on_line)
    return belt, (sizes[0] - sizes[-1]).mean()


def written(log10):
    if 1 <= log10 <= 2:
        return f"{10**log10:.0f}"
    digits = 1 if abs(log10) < 9.95 else 0
    return f"10^{log10:.{digits}f}"


@pytest.mark.parametrize(
    ("cell", "gate", "of"), [("lstm", "forget", "dL/dc"), ("gru", "update", "dL/dh")]
)
def test_the_claim_sets_the_belt_against_the_gradient(cell, gate, of):
    rec = three(cell=cell, steps=90, hidden_size=16)[cell]
    belt, gradient = truth(rec)
    assert gradient - belt > 1
    assert says.claim(rec, roads(rec)) == (
        f"Over 89 steps the {gate} gates alone multiply {of} by {written(belt)} in the rms over "
        f"units, the whole {cell.upper()} multiplies it by {written(gradient)}: "
        "the conveyor belt is not the road that the gradient takes."
    )
    first = beliefs(three(cell=cell, steps=90, hidden_size=16), rec, roads(rec))[0]
    assert first.look.startswith(
        f"in the rms over units the product is {written(belt)}, and {of} is multiplied by "
        f"{written(gradient)}: "
    )
    assert f"{written(gradient - belt)} times too small" in first.look


def test_where_the_belt_is_the_only_road_the_claim_says_so():
    rec = three(cell="gru", weight_scale=0.0)["gru"]
    found = says.claim(rec, roads(rec))
    assert found.endswith("by size the belt would do, and 100 % of the gradient did stay on it.")
    assert says.notice(rec, roads(rec)).startswith(
        "100 % of ∂L/∂h at step 1 came by the line itself. The split is of ∂L/∂h"
        if rec.network.cell == "gru"
        else "100 % of ∂L/∂c at step 1 came by the line itself. The split is of ∂L/∂c"
    )


def test_the_equation_has_both_paces():
    rec = three(cell="lstm")["lstm"]
    belt, gradient = truth(rec)
    text = says.equation(rec, roads(rec))
    assert f"$\\prod f$ **× {10 ** (belt / 29):.3f}**" in text
    assert f"the whole **× {10 ** (gradient / 29):.3f}**" in text


def test_three_cells_stand_side_by_side():
    recs = three(cell="lstm")
    text = says.side_by_side(recs)
    for cell, rec in recs.items():
        sizes = slow_log10_norms(slow(rec).d_h)
        assert f"{cell.upper()} × {written((sizes[0] - sizes[-1]).mean())}" in text


def test_the_three_cells_read_the_same_input():
    recs = three(cell="lstm")
    assert np.array_equal(recs["rnn"].x, recs["gru"].x)
    assert np.array_equal(recs["rnn"].x, recs["lstm"].x)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1},
        {"steps": 6},
        {"loss_at": "every"},
        {"truncate": 7},
        {"source": "text"},
    ],
)
def test_where_there_is_no_one_road_the_claim_is_the_plain_one(settings):
    recs = three(**{"cell": "lstm"} | settings)
    rec = recs["lstm"]
    found = roads(rec)
    assert says.claim(rec, found) == plain_claim(rec)
    text = f"{says.notice(rec, found)} {says.equation(rec, found)} {says.side_by_side(recs)}"
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert beliefs(recs, rec, found) == ()


def test_the_file_holds_every_step_of_all_cells_and_paths():
    recs = three(cell="lstm")
    text = tables.file_of(
        tables.gating_frame(recs, "lstm", roads(recs["lstm"])), address.DEFAULTS, "abc"
    )
    frame = pd.read_csv(io.BytesIO(text), index_col="step", comment="#")
    assert list(frame.index) == list(range(1, 31))
    for cell, rec in recs.items():
        expected = slow_log10_norms(slow(rec).d_h).mean(axis=1)
        assert frame[f"log10_{cell}_d_h"].to_numpy() == pytest.approx(expected, abs=1e-11)
    assert {"log10_lstm_whole", "log10_lstm_line", "log10_lstm_product"} <= set(frame)


def test_the_table_of_defaults_has_mean_and_spread():
    found = [Default("A", "rnn", -0.25, 0.031, 3), Default("B", "lstm", -0.07, 0.005, 3)]
    table = tables.defaults_table(found)
    assert table.loc["A", "RNN"] == "−0.250 ± 0.031"
    assert table.loc["B", "LSTM"] == "−0.070 ± 0.005"
    assert table.loc["B", "RNN"] == "as above"


STAYED = r": by size the belt would do, and \d+ % of the gradient did stay on it\.$"
BELT = r": the conveyor belt is not the road that the gradient takes\.$"
EXPECTED = {
    "an LSTM": ("vanishing", (-23, -17), 4, 11),
    "a GRU": ("vanishing", (-22, -16), 4, 10),
    "1": ("vanishing", (-10.5, -6), 2.5, 8),
    "5": ("stable", (-2, 2), 0.9, 2.5),
    "chrono": ("vanishing", (-3.2, -2.4), -0.05, 0.5),
    "large weights": ("exploding", (4, 35), 20, 200),
}
"""Regime, decades of dL/dh, and by how many decades the belt is too small."""


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_shows_what_its_name_says_with_any_seed(name):
    regime, (low, high), least, most = EXPECTED[name]
    words = STAYED if name == "chrono" else BELT
    runs = [rc.run(BY_NAME[name].config(seed)) for seed in SEEDS]
    found = [roads(one) for one in runs]
    said = [says.claim(one, road) for one, road in zip(runs, found, strict=True)]
    assert runs[0].verdict.regime == regime
    assert re.search(words, said[0]), said[0]
    assert Counter(one.verdict.regime for one in runs[1:])[regime] >= ENOUGH
    assert sum(re.search(words, one) is not None for one in said[1:]) >= ENOUGH, said
    decades = [one.verdict.decades for one in runs]
    assert sum(low < one < high for one in decades) >= ENOUGH + 1, decades
    missing = [one.missing for one in found]
    assert sum(least < one < most for one in missing) >= ENOUGH + 1, missing


def test_every_preset_is_tested():
    assert list(BY_NAME) == list(EXPECTED)
    assert len({preset.key for preset in BY_NAME.values()}) == len(EXPECTED)


def test_a_link_shows_three_runs_and_the_roads_of_one():
    page = opened(PAGE, cell="lstm", steps="30", hidden_size="6", batch_size="2", forget_bias="1")
    settings = {"steps": 30, "hidden_size": 6, "batch_size": 2, "forget_bias": 1.0, "cell": "lstm"}
    rec = rc.run(rc.ExperimentConfig(**settings))
    text = shown_text(page).replace("^", "")
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert says.claim(rec, roads(rec)).replace("^", "") in text
    assert parcel(page)["alt"].startswith(says.claim(rec, roads(rec)))
    assert "You may have read: “The gradient of the LSTM is the product" in text
    assert list(page.table[0].value.index) == [
        "PyTorch",
        "PyTorch, forget bias 1",
        "Keras (forget bias 1)",
    ]
    assert list(page.table[0].value["RNN"]).index("as above") == 1


@pytest.mark.parametrize("preset", BY_NAME.values(), ids=lambda preset: preset.key)
def test_a_preset_is_one_press_and_keeps_the_seed(preset):
    page = opened(PAGE, seed="4", steps="20", hidden_size="5")
    page.button(key=preset.key).click().run()
    assert not page.exception
    assert parcel(page)["run"].endswith(f"#{rc.run(preset.config(seed=4)).fingerprint}")


@pytest.mark.parametrize(
    "query",
    [
        {"steps": "1"},
        {"steps": "1", "hidden_size": "1", "cell": "gru"},
        {"weight_scale": "0", "loss_at": "every", "steps": "20"},
        {"activation": "relu", "steps": "40", "weight_scale": "100"},
        {"activation": "identity", "weight_scale": "100", "input_scale": "100", "steps": "400"},
        {"is_tied": "false", "steps": "20"},
        {"truncate": "7", "steps": "20"},
        {"source": "text", "cell": "gru"},
        {"cell": "lstm", "init": "chrono", "steps": "20"},
        {"cell": "lstm", "forget_bias": "-10", "weight_scale": "100", "steps": "20"},
    ],
)
def test_every_corner_has_a_page(query):
    page = opened(PAGE, **query)
    assert not page.warning
    for word in ("nan", "None", "inf "):
        assert word not in shown_text(page)


def test_a_part_that_pulls_back_has_a_true_minus_sign():
    """Of typed text at the default weights the line takes away 0.3 % of dL/dc at step 1."""
    rec = rc.run(rc.ExperimentConfig(cell="lstm", init="pytorch", source="text"))
    last = rec.last_loss_step
    own = np.zeros(rec.layers[0].h.shape)
    own[last] = rec.layers[0].d_h[last]
    zeros = np.zeros(own.shape[1:])
    parts = slow_paths(
        rec.network.state_dict(), np.array(rec.x), own, cell="lstm", h_init=zeros, c_init=zeros
    )
    whole = sum(part[0, 0] for name, part in parts.items() if name != "whole")
    share = 100 * (parts["line"][0, 0] @ whole) / (whole @ whole)
    assert share < -0.1
    assert f". −{-share:.1f} % never left the line" in says.notice(rec, roads(rec))


@pytest.fixture
def split(monkeypatch):
    """Return the runs whose roads are worked out from here on."""
    runs = []

    def counted(rec):
        runs.append(rec.config)
        return roads(rec)

    monkeypatch.setattr(kept, "roads", counted)
    return runs


def test_a_page_that_is_drawn_again_splits_no_gradient_again(split):
    settings = dict(address.DEFAULTS) | SMALL | {"cell": "gru", "seed": 77}
    run = view.LESSON.run(settings)
    assert view.LESSON.claim(run) == says.claim(run.recording, roads(run.recording))
    assert split == [with_cell(settings, "gru")]
    again = view.LESSON.run(settings | {"reach": "2"})
    assert view.LESSON.claim(again) == view.LESSON.claim(run)
    assert len(split) == 1


def test_of_run_a_one_cell_is_recorded_and_its_roads_are_kept(split, monkeypatch):
    """Its other cells are not shown, and it stays as it is while this run changes."""
    pin = address.read_one("a", "cell=lstm&steps=12&hidden_size=5&batch_size=2&seed=78")
    settings = dict(address.DEFAULTS) | SMALL | {"cell": "gru", "seed": 79, "a": pin}
    ran = []

    def counted(config):
        ran.append(config)
        return recording(config)

    with monkeypatch.context() as patch:
        recording = engine.recording
        patch.setattr(engine, "recording", counted)
        found = view.picture(settings)
    (curve,) = [
        one
        for one in found.fig["data"]
        if one.get("line", {}).get("dash") == "dash" and "A: " in one["hovertemplate"]
    ]
    norms = rc.run(pin.config).layers[0].log10_norms("d_h").mean(axis=1)
    assert curve["y"][-12:] == pytest.approx(norms, abs=1e-5)
    assert [config.cell for config in ran if config.seed == 78] == ["lstm"]
    view.picture(settings | {"seed": 80})
    assert sorted(config.seed for config in split) == [78, 79, 80]
