"""The page of numbers where a number does not exist, or means something else."""

import numpy as np
import pytest

import rnn_core as rc
from app.sentences.definitions import DEFINITIONS
from tests.app.test_views import opened, shown_text


def whole(**query):
    """Return the table of the whole run, a text per name."""
    page = opened("numbers", **{"hidden_size": "8", "batch_size": "2"} | query)
    return page.table[1].value["value"].to_dict()


def test_what_is_exactly_zero_is_called_so():
    zero = whole(steps="30", weight_scale="0")
    assert zero["decades"] == "exactly 0"
    assert zero["growth per step"] == "none"
    silent = whole(steps="30", source="silence")
    assert silent["log10 |$dL/dW_{hh}$|"] == "exactly 0"
    for value in (*zero.values(), *silent.values()):
        assert "inf" not in value
        assert "nan" not in value


@pytest.mark.parametrize(
    ("query", "regime"),
    [
        ({"steps": "30", "truncate": "7"}, "none: cut at step 29"),
        ({"steps": "30", "truncate": "30"}, "vanishing"),
        ({"source": "text", "text": "aaaa"}, "none: the loss has no gradient"),
        ({"steps": "9"}, "none below 10 steps"),
        ({"steps": "60"}, "vanishing"),
        ({"steps": "60", "init": "orthogonal", "weight_scale": "1.9"}, "holds"),
        ({"steps": "60", "init": "orthogonal", "weight_scale": "9"}, "exploding"),
    ],
)
def test_a_regime_is_named_only_where_there_is_one(query, regime):
    size = {} if "weight_scale" not in query else {"hidden_size": "64", "batch_size": "8"}
    assert whole(**query | size)["regime"] == regime


def test_a_gradient_that_grows_doubles():
    grows = whole(activation="identity", init="orthogonal", weight_scale="2", steps="40")
    assert grows["doubles in"] == "1.00 steps"
    shrinks = whole(activation="identity", init="orthogonal", weight_scale="0.5", steps="40")
    assert shrinks["half-life"] == "1.00 steps"
    assert "doubles in" not in shrinks


def test_many_wrong_names_get_one_block():
    page = opened(steps="many", x="1", y="2", z="3", v="4", w="5")
    (block,) = page.warning
    assert "steps\\: expected 1 to 10000" in block.value
    assert "and 1 more name:" in block.value.replace("\\", "")
    assert "Gradient" not in shown_text(page)[:8]


def test_the_product_of_gates_is_defined_as_it_is_measured():
    """The rms and the typical unit differ by decades, so the page has to say which it shows."""
    meaning = {one.name: one.meaning for one in DEFINITIONS}["gates alone, ∏ f or ∏ z"]
    assert "log10 of its rms over units, then the mean over sequences" in meaning
    assert "gates alone, ∏ f or ∏ z" in shown_text(opened("numbers", steps="12"))


def test_every_row_and_column_of_the_page_is_defined():
    page = opened("numbers", steps="30", cell="lstm")
    steps, run, floats = (table.value for table in page.table)
    names = {part for one in DEFINITIONS for part in (one.name, *one.name.split(", "))}
    names |= {"inf or nan", "doubles in", "10 % quantile", "90 % quantile"}  # said of their mean
    for name in (*steps.columns, *run.index, *floats.columns):
        assert name.replace("$", "").replace("{hh}", "hh") in names, name


def test_a_negative_loss_has_a_true_minus_sign_and_a_pace_its_unit():
    rec = rc.run(rc.ExperimentConfig(steps=60, hidden_size=8, batch_size=2))
    table = whole(steps="60")
    of_sequences = rec.layers[0].d_h[-1] * rec.layers[0].h[-1]
    assert of_sequences.sum() < 0
    assert table["loss"] == f"−{-of_sequences.sum():.6g}"
    sizes = np.log10(np.linalg.norm(rec.layers[0].d_h, axis=2)).mean(axis=1)
    growth = (sizes[0] - sizes[-1 - 10]) / (59 - 10)
    assert table["growth per step"] == f"−{-growth:.4f} decades per step"


def test_formulas_of_definitions_are_set():
    text = " ".join(one.proto.body for one in opened("numbers", steps="12").get("html"))
    for raw in ("^lag", "W_hh", "&lt;G", "G_t", "h_0"):
        assert raw not in text.replace('<span style="font-size:0">^</span>', ""), raw
    assert "dL/dW<sub>hh</sub>" in text
    assert "⟨G<sub>t</sub>, G⟩" in text


def test_the_share_of_step_1_is_0_because_no_state_is_before_it():
    steps = opened("numbers", steps="12").table[0].value
    assert steps["share in $dL/dW_{hh}$"].iloc[-1] == "0"
    meaning = {one.name: one.meaning for one in DEFINITIONS}["share in dL/dW_hh"]
    assert "at step 1 that is h_0, which is 0 unless a random one is chosen" in meaning
