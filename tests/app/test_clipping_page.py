"""The page of clipping: links, presets, corners, tables and files, and the two training runs."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import rnn_core as rc
from app import address, clipping_tables, trained
from app.clipped import run_of
from app.presets import CLIPPING
from app.sentences import clipping as says
from app.sentences.numerals import number
from app.sentences.training import training_words
from app.views import clipping
from rnn_core.training import training
from tests.app.slow_cliff import slow_clipped, slow_descent
from tests.app.test_clipping_figure import settings, slow_gradients
from tests.app.test_views import opened, shown_text
from tests.rnn_core.test_training import slow_training

SMALL = {"steps": "30", "hidden_size": "6", "batch_size": "2", "input_size": "3"}
PRESETS = [preset for choice in CLIPPING for preset in choice.presets]


def parcels(page):
    """Return what each live figure of the page was told to paint, by its key."""
    live = [one.proto for one in page.get("bidi_component")]
    found = [json.loads(one.bytes) for one in live if one.component_name.endswith("live_figure")]
    return {one["key"]: one for one in found}


def test_the_page_shows_a_link_with_all_its_settings():
    query = {"threshold": "2.5", "clip": "value", "learning_rate": "0.2", "unit_steps": "40"}
    query |= {"start_w": "4.8", "start_b": "-2.4", "update": "17"} | SMALL
    page = opened("clipping", **query)
    changes = {"threshold": 2.5, "clip": "value", "learning_rate": 0.2, "unit_steps": 40}
    run = run_of(settings(**changes, start_w=4.8, start_b=-2.4))
    text = shown_text(page).replace("^", "")
    assert says.claim(run).replace("^", "") in text
    assert "One sigmoid unit over 40 steps, from w = 4.8, b = −2.4, learning rate 0.2" in text
    main = parcels(page)["clipping"]
    assert main["alt"].startswith(says.claim(run))
    assert main["walk"] == 17
    assert main["run"].split("#")[1] == run.fingerprint
    for name, value in query.items():
        assert re.search(rf"(^|&){name}={re.escape(value)}(\.0)?(&|#)", main["run"]), name
    assert page.slider(key="threshold").value == 2.5
    assert page.number_input(key="start_w").value == 4.8


@pytest.mark.parametrize(
    ("key", "kind", "value", "field"),
    [
        ("threshold", "slider", 3.0, "threshold"),
        ("learning_rate", "slider", 0.3, "learning_rate"),
        ("unit_steps", "slider", 20, "unit_steps"),
        ("start_w", "number_input", 4.6, "start_w"),
        ("start_b", "number_input", -2.2, "start_b"),
        ("weight_scale", "slider", 2.0, "weight_scale"),
    ],
)
def test_every_control_moves_the_picture_and_the_address(key, kind, value, field):
    page = opened("clipping", **SMALL)
    before = parcels(page)["clipping"]["run"]
    getattr(page, kind)(key=key).set_value(value).run()
    assert not page.exception
    after = parcels(page)["clipping"]["run"]
    assert after.split("#")[1] != before.split("#")[1]
    assert page.query_params[field] == str(value)
    assert after.split("#")[1] == run_of(settings(**{field: value})).fingerprint


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_one_press_and_keeps_the_seed(preset):
    page = opened("clipping", seed="4", steps="20", threshold="7")
    page.button(key=preset.key).click().run()
    assert not page.exception
    expected = run_of(dict(address.DEFAULTS) | preset.chosen | {"seed": 4})
    assert parcels(page)["clipping"]["run"].split("#")[1] == expected.fingerprint


def test_a_picked_start_is_rounded_and_stays_on_the_map():
    page = opened("clipping", **SMALL)
    run = run_of(settings())
    (panel,) = clipping.picture(settings()).fig["layout"]["meta"]["picks"]
    assert (panel["x"]["low"], panel["x"]["high"]) == (4.0, 5.6)
    assert panel["at"] == [5.0, -2.5]
    assert parcels(page)["clipping"]["picks"]
    assert run.descents.start == (5.0, -2.5)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"threshold": "nonsense"}, "threshold: expected 1e-06 to 1e+06, got 'nonsense'"),
        ({"threshold": "0"}, "threshold: expected 1e-06 to 1e+06, got '0'"),
        ({"clip": "both"}, "clip: expected one of norm, value, got 'both'"),
        ({"start_w": "99"}, "start_w: expected 4 to 5.6, got '99'"),
        ({"unit_steps": "1e9"}, "unit_steps: expected 1 to 200, got '1e9'"),
        ({"learning_rate": "nan"}, "learning_rate: expected 0.001 to 100, got 'nan'"),
        ({"update": "-4"}, "update: expected None or 0 to 300, got '-4'"),
    ],
)
def test_nonsense_gets_a_sentence_and_the_default(query, sentence):
    page = opened("clipping", **query | SMALL)
    (warning,) = page.warning
    assert warning.value.replace("\\", "") == sentence
    assert says.claim(run_of(settings())).replace("^", "") in shown_text(page).replace("^", "")


@pytest.mark.parametrize(
    "query",
    [
        {"unit_steps": "1"},
        {"steps": "1"},
        {"steps": "1", "hidden_size": "1", "batch_size": "1"},
        {"hidden_size": "1", "weight_scale": "0"},
        {"threshold": "0.000001", "clip": "value"},
        {"threshold": "1000000"},
        {"learning_rate": "100", "unit_steps": "200"},
        {"learning_rate": "0.001", "unit_steps": "2"},
        {"activation": "relu", "input_scale": "0", "weight_scale": "0"},
        {"activation": "relu", "weight_scale": "100", "steps": "300"},
        {"activation": "identity", "weight_scale": "100", "input_scale": "100", "steps": "300"},
        {"is_tied": "false"},
        {"loss_at": "every"},
        {"source": "text"},
        {"cell": "lstm"},
        {"cell": "gru", "truncate": "7"},
        {"start_w": "5.6", "start_b": "-2.985"},
        {"start_w": "4", "start_b": "-3"},
        {"big": "1", "ask": "1"},
    ],
)
def test_every_corner_has_a_page(query):
    page = opened("clipping", **SMALL | query)
    assert not page.warning
    text = shown_text(page)
    for word in ("nan", "None", "inf "):
        assert word not in text
    assert "clipping" in parcels(page)


def test_a_link_that_holds_the_answer_back_shows_it_on_a_press():
    page = opened("clipping", ask="1", **SMALL)
    assert "What does clipping do" in shown_text(page)
    assert not parcels(page)["clipping"]["walks"]
    page.button(key="reveal").click().run()
    assert "is thrown after 43 updates" in shown_text(page)
    assert parcels(page)["clipping"]["walks"]


def test_the_table_of_descents_has_what_a_slow_loop_has():
    table = clipping_tables.descents_table(run_of(settings()))
    rows = slow_descent(5.0, -2.5, threshold=None, updates=43)
    assert {0, 43, 44, 300} <= set(table.index)
    for k in (0, 1, 10, 20, 40):
        assert table.loc[k, "unclipped: E"] == number(rows[k][2])
        assert table.loc[k, "unclipped: norm"] == number(rows[k][3])


def test_the_table_of_the_net_has_what_a_slow_loop_has():
    run = run_of(settings(weight_scale=3.0, threshold=0.05))
    slow = slow_gradients(run.recording)
    before, by_norm, by_value, _, _ = slow_clipped(slow.gradients, 0.05)
    table = clipping_tables.net_table(run.net)
    for column, value in (("before", before), ("by norm", by_norm), ("by value", by_value)):
        assert table.loc["all", column] == number(value, 3)
    norm = float(np.linalg.norm(slow.gradients["weight_hh_l0"]))
    assert table.loc["weight_hh_l0", "before"] == number(norm, 3)


def test_the_file_holds_every_update_of_both_descents():
    frame = clipping_tables.descents_frame(run_of(settings()))
    assert list(frame.index) == list(range(301))
    rows = np.array(slow_descent(5.0, -2.5, threshold=None, updates=40))
    names = [f"unclipped_{name}" for name in ("w", "b", "loss", "gradient_norm")]
    assert frame[names].to_numpy()[:41] == pytest.approx(rows, rel=1e-8)


def pair_of(updates=6, **changes):
    """Return the page's pair after a few updates, as a press of Stop leaves it."""
    asked = settings(**changes)
    begun = {}
    for key in trained.keys(asked):
        run = trained.entries(key)
        begun[key] = [next(run) for _ in range(updates + 1)]
    return trained.pair_of(asked, begun), asked


def runs_of(pair):
    return pair.unclipped, pair.clipped


@pytest.mark.parametrize(("mode", "threshold"), [("norm", 1.0), ("value", 0.05)])
def test_both_training_runs_are_those_of_a_slow_loop(monkeypatch, mode, threshold):
    monkeypatch.setattr(trained, "NET", trained.NET | {"steps": 8, "batch_size": 3})
    monkeypatch.setattr(trained, "READOUT", 1.0)  # what the slow loop starts from
    pair, asked = pair_of(updates=4, clip=mode, threshold=threshold, seed=77)
    config, task = trained.config(77), trained.task(77)
    for run, limit in ((pair.unclipped, None), (pair.clipped, threshold)):
        loss, norm, _, _ = slow_training(config, task, asked["training_rate"], limit, mode, 4)
        assert run.loss == pytest.approx(loss, rel=1e-9)
        assert 10**run.log10_norm == pytest.approx(norm, rel=1e-9)


def test_a_stopped_training_has_a_sentence_and_a_picture():
    pair, _ = pair_of(updates=3, seed=5)
    assert not pair.is_complete
    courses = [f"{number(run.loss[0])} to {number(run.loss[3])}" for run in runs_of(pair)]
    assert training_words(pair) == (
        f"Stopped after 3 updates without clipping: its loss has gone from {courses[0]}. Stopped "
        f"after 3 updates of the run clipped by norm at 1: its loss has gone from {courses[1]}; "
        f"to say 1 to every sequence would score {number(slow_score_of_1(5))}."
    )
    one = replace(pair, clipped=None)
    assert training_words(one) == (
        f"Stopped after 3 updates without clipping: its loss has gone from {courses[0]}. "
        "The clipped run had not begun."
    )
    for shown in (pair, one):
        figure = clipping.training_figure.drawing(shown)
        assert figure["data"]
        assert not any("dies" in note["text"] for note in figure["layout"]["annotations"])


def test_what_a_stopped_training_would_have_become_is_not_told():
    """After 20 updates the net is dead for all we see; only the end tells that it stays so."""
    pair, _ = pair_of(updates=20, seed=0)
    assert pair.unclipped.dies_at == 6
    assert "dies" not in training_words(pair)
    assert "survives" not in training_words(pair)


def test_a_clipping_that_never_happens_is_the_same_training():
    asked = settings(training_rate=0.05, threshold=20.0)
    runs = [list(trained.entries(key)) for key in trained.keys(asked)]
    pair = trained.pair_of(asked, dict(zip(trained.keys(asked), runs, strict=True)))
    assert max(10.0**pair.clipped.log10_norm) < 20.0
    assert list(pair.clipped.loss) == list(pair.unclipped.loss)
    assert training_words(pair) == (
        f"Without clipping this net survives: its loss goes from {number(pair.clipped.loss[0])} to "
        f"{number(pair.clipped.loss[-1])}. Clipped by norm at 20, it is the same run: no gradient "
        "on the way is so large."
    )


def test_a_training_dies_at_its_first_update_where_the_rate_is_too_large():
    asked = settings(training_rate=0.5)
    runs = [list(trained.entries(key)) for key in trained.keys(asked)]
    pair = trained.pair_of(asked, dict(zip(trained.keys(asked), runs, strict=True)))
    assert min(pair.unclipped.loss[1:]) > pair.unclipped.loss[0]
    text = training_words(pair)
    assert text.startswith("Without clipping the net dies at its first update: its gradient, of ")
    assert f", and after {len(pair.unclipped.loss) - 1} updates the loss is beyond float32" in text
    notes = [one["text"] for one in clipping.training_figure.drawing(pair)["layout"]["annotations"]]
    assert "dies at once" in notes


def test_the_training_of_the_page_is_run_once_and_stays():
    page = opened("clipping", **SMALL)
    assert "training" not in parcels(page)
    page.button(key="train").click().run()
    assert not page.exception
    assert page.query_params["train"] == "1"
    pair = trained.pair_of(settings(), {})
    assert pair.is_complete
    assert training_words(pair).replace("^", "") in shown_text(page).replace("^", "")
    assert parcels(page)["training"]["alt"] == training_words(pair)
    name = parcels(page)["training"]["run"].split("#")[1]
    page.button(key="train").click().run()
    assert parcels(page)["training"]["run"].split("#")[1] == name
    text = clipping_tables.training_file(pair, settings(), name)
    frame = pd.read_csv(io.BytesIO(text), comment="#", index_col="updates")
    assert frame["clipped_loss"].to_numpy() == pytest.approx(pair.clipped.loss, rel=1e-12)


@pytest.mark.parametrize("seed", range(21))
def test_unclipped_the_net_dies_and_clipped_it_survives_with_any_seed(seed):
    runs = [list(trained.entries(key)) for key in trained.keys(settings(seed=seed))]
    unclipped, clipped = map(training, runs)
    assert unclipped.overflow is not None
    assert unclipped.dies_at is not None
    assert unclipped.loss[-1] > 3.4e38
    assert unclipped.saturated_share[0] < 0.4
    assert unclipped.saturated_share[-2] > 0.95
    assert clipped.overflow is None
    assert clipped.dies_at is None
    asked = settings(seed=seed)
    pair = trained.pair_of(asked, dict(zip(trained.keys(asked), runs, strict=True)))
    always_1 = slow_score_of_1(seed)
    assert clipped.loss[-1] < always_1 < clipped.loss[0]
    text = training_words(pair)
    below = [k for k, one in enumerate(unclipped.loss) if one <= unclipped.loss[0]]
    died = f"after {below[-1]} update" if below[-1] else "at its first update: "
    assert text.startswith(f"Without clipping the net dies {died}")
    largest = 10.0 ** max(unclipped.log10_norm[: below[-1] + 2])
    written = number(largest) if largest <= 100 else f"10^{np.log10(largest):.1f}"
    first = number(10.0 ** unclipped.log10_norm[0])
    grown = f"of norm {first} at the start, has reached {written}"
    assert (grown in text) == (largest > 1.5 * 10.0 ** unclipped.log10_norm[0])
    count = sum(norm >= 0.0 for norm in clipped.log10_norm[:-1])
    assert f"in {count} of 150 updates, its loss goes from {number(clipped.loss[0])}" in text
    assert text.endswith(f"; to say 1 to every sequence would score {number(always_1)}.")
    assert rc.ExperimentConfig(**trained.NET, seed=seed) == trained.config(seed)


def slow_score_of_1(seed):
    """Return what always saying 1 scores on the 32 sequences of a seed, one at a time."""
    x = trained.task(seed).x
    sums = [sum(float(u) for u, mark in x[:, b] if mark == 1.0) for b in range(32)]
    return sum((one - 1.0) ** 2 for one in sums) / 32


@pytest.mark.parametrize(("seed", "score"), [(0, "0.20"), (1, "0.12"), (6, "0.29"), (8, "0.25")])
def test_to_say_1_scores_what_it_scores_on_the_sequences_that_are_trained_on(seed, score):
    pair, _ = pair_of(updates=2, seed=seed)
    assert number(slow_score_of_1(seed)) == score
    assert f"to say 1 to every sequence would score {score}" in training_words(pair)
    lines = clipping.training_figure.drawing(pair)["layout"]["shapes"]
    (level,) = (line["y0"] for line in lines if line["yref"] == "y")
    assert 10.0**level == pytest.approx(slow_score_of_1(seed), rel=1e-12)


@pytest.mark.parametrize(
    ("below", "said"), [(1, "dies after 1 update"), (2, "dies after 2 updates")]
)
def test_the_figure_counts_the_updates_of_a_death_as_a_reader_does(below, said):
    pair, _ = pair_of(updates=8, seed=5)
    loss = np.array([1.0] * (below + 1) + [2.0] * (8 - below))
    norms = np.append(pair.unclipped.log10_norm[:-1], np.nan)  # it overflowed: it came to its end
    dead = replace(pair, unclipped=replace(pair.unclipped, loss=loss, log10_norm=norms))
    assert dead.unclipped.dies_at == below
    notes = [one["text"] for one in clipping.training_figure.drawing(dead)["layout"]["annotations"]]
    assert said in notes
