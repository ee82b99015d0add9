"""The pages, opened as a reader opens them: plain, from a link, by a button."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import rnn_core as rc
from app.presets import PRESETS
from app.sentences import claim
from rnn_core.analysis.precision import lost_precision

LAB = Path(__file__).parents[2] / "app" / "lab.py"
ONE_PAGE = Path(__file__).with_name("one_page.py")


def opened(view=None, **query):
    """Open the lab, or one of its pages alone by the name of its module."""
    page = AppTest.from_file(str(ONE_PAGE if view else LAB), default_timeout=60)
    if view:
        page.session_state["the page"] = view
    for name, text in query.items():
        page.query_params[name] = text
    page.run()
    assert not page.exception
    return page


def parcel(page):
    """Return what the live figure was told to paint."""
    live = [one.proto for one in page.get("bidi_component")]
    (found,) = [one for one in live if one.component_name.endswith("live_figure")]
    return json.loads(found.bytes)


def as_number(text):
    """Read a number of a table, which has true minus signs."""
    return float(text.replace("−", "-"))


def shown_text(page):
    """Return what the page says outside its picture, without the marks of HTML.

    An exponent has its minus as in a plain sentence: 10^-37.
    """
    html = " ".join(one.proto.body for one in page.get("html")).replace("<sup>−", "<sup>-")
    return re.sub(r"<style>.*?</style>|<[^>]+>", "", html, flags=re.DOTALL)


def arrays(page):
    """Return the typed arrays of every trace, by place and name."""
    kinds = {"f4": np.float32, "f8": np.float64, "i2": np.int16}
    return {
        (number, name): np.frombuffer(base64.b64decode(part["bdata"]), kinds[part["dtype"]])
        * part.get("scale", 1.0)
        for number, trace in enumerate(parcel(page)["figure"]["data"])
        for name, part in trace.items()
        if isinstance(part, dict) and "bdata" in part
    }


def test_the_first_page_shows_the_default_run():
    page, rec = opened(), rc.run(rc.ExperimentConfig())
    assert claim(rec, lost_precision(rec)) in shown_text(page)
    assert arrays(page)[0, "z"] == pytest.approx(rec.layers[0].h[:, 0].T.ravel(), abs=2e-5)
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert parcel(page)["alt"].startswith(claim(rec))


def test_a_link_shows_its_run():
    settings = {"cell": "lstm", "steps": 40, "hidden_size": 12, "seed": 5, "loss_at": "every"}
    page = opened(**{name: str(value) for name, value in settings.items()})
    rec = rc.run(rc.ExperimentConfig(**settings))
    assert claim(rec)[:-1] in shown_text(page)
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")


def test_the_sequence_of_the_heatmaps_is_a_setting():
    page, rec = opened(sequence="3"), rc.run(rc.ExperimentConfig())
    assert arrays(page)[0, "z"] == pytest.approx(rec.layers[0].h[:, 2].T.ravel(), abs=2e-5)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_one_press_and_keeps_the_seed(preset):
    page = opened(seed="4", weight_scale="2.5", source="sine", steps="20")
    page.button(key=preset.key).click().run()
    assert not page.exception
    rec = rc.run(preset.config(seed=4))
    assert parcel(page)["run"].endswith(f"#{rec.fingerprint}")
    assert claim(rec)[:-1] in shown_text(page)


def test_a_pinned_run_stays_in_the_picture_while_the_settings_move():
    page = opened(steps="40")
    before = len(parcel(page)["figure"]["data"])
    page.button(key="pin").click().run()
    page.slider(key="weight_scale").set_value(2.0).run()
    data = parcel(page)["figure"]["data"]
    assert len(data) == before + 2  # its size, and the running total of its shares
    a = rc.run(rc.ExperimentConfig(steps=40))
    lines = [trace for trace in data if "A: " in trace.get("hovertemplate", "")]
    (y,) = [np.frombuffer(base64.b64decode(line["y"]["bdata"]), np.float32) for line in lines]
    assert y == pytest.approx(a.layers[0].log10_norms("d_h").mean(axis=1), abs=1e-5)
    assert f"Pinned run A. {claim(a)}" in shown_text(page)
    page.button(key="unpin").click().run()
    assert len(parcel(page)["figure"]["data"]) == before


def test_a_run_is_checked_when_asked():
    page = opened(steps="30", hidden_size="8")
    assert "relative error" not in shown_text(page)
    page.button(key="check-run").click().run()
    stated = re.search(
        r"agrees with finite .* largest relative error ([\d.e-]+)\.", shown_text(page)
    )
    assert float(stated[1]) < 1e-6


def test_a_long_run_says_that_it_has_fewer_sequences():
    page = opened(steps="4000", hidden_size="64")
    assert "A run this long shows 4 of its 8 sequences." in shown_text(page)
    assert "One net, seed 0, 4 sequences." in shown_text(page)


def test_settings_that_cannot_run_leave_the_last_picture_and_one_sentence():
    page = opened(steps="1000")
    good = parcel(page)["run"]
    page.slider(key="hidden_size").set_value(512).run()
    assert not page.exception
    assert len(page.warning) == 1
    assert parcel(page)["run"] == good


def test_an_address_that_makes_no_sense_gives_a_sentence_and_the_default():
    page = opened(steps="many", activation="<script>")
    (block,) = page.warning
    assert block.value.count("expected") == 2
    assert parcel(page)["run"].endswith(f"#{rc.run(rc.ExperimentConfig()).fingerprint}")


def test_typed_text_cannot_write_html_or_markdown():
    page = opened(source="text", text="<img> ![x](http://x.org/y.png) **is**")
    html = " ".join(one.proto.body for one in page.get("html"))
    assert "<img" not in html
    for one in page.markdown:
        assert "http" not in one.value


@pytest.mark.parametrize(
    "query",
    [
        {"steps": "1"},
        {"weight_scale": "0", "loss_at": "every"},
        {"activation": "relu", "hidden_size": "1", "steps": "50"},
        {"is_tied": "false", "steps": "50"},
        {"truncate": "7", "steps": "50"},
        {"cell": "gru", "source": "silence", "steps": "50"},
        {"hidden_size": "1", "init": "identity", "weight_scale": "100", "input_scale": "100"},
    ],
)
def test_every_corner_has_a_page(query):
    page = opened(**query)
    assert not page.warning
    assert "nan" not in shown_text(page)
    assert "None" not in shown_text(page)


def test_numbers_are_those_of_the_run():
    rec = rc.run(rc.ExperimentConfig(steps=50, cell="lstm"))
    page = opened("numbers", steps="50", cell="lstm")
    steps, whole, floats = (table.value for table in page.table)
    frame = rec.to_frame()
    assert list(steps.index) == [50, 49, 48, 45, 40, 30, 1]
    for step in steps.index:
        for name, column in (("log10 |dL/dh|", "log10_d_h_mean"), ("mean |h|", "h_abs_mean")):
            assert as_number(steps.loc[step, name]) == pytest.approx(
                frame.loc[step, column], abs=6e-4
            )
    assert as_number(whole.loc["decades", "value"]) == pytest.approx(rec.verdict.decades, abs=6e-3)
    lost = lost_precision(rec)["float16"].lost_lag
    assert floats.loc["float16", "lost"] == f"step {50 - lost}"
    assert claim(rec) in shown_text(page)


def test_numbers_are_explained_with_their_sources():
    text = shown_text(opened("numbers", steps="20"))
    for name in ("log10 |dL/dh|", "share in dL/dW", "saturated", "half-life", "lost", "Pascanu"):
        assert name in text
    assert text.count("Source: ") >= 8


def test_numbers_of_a_run_without_shares_say_none_or_zero():
    steps = opened("numbers", steps="9", is_tied="false").table[0].value
    assert set(steps["share in $dL/dW_{hh}$"]) == {"none"}
    zeros = opened("numbers", steps="9", weight_scale="0").table[0].value
    assert list(zeros["log10 |dL/dh|"]) == ["0.000"] + ["exactly 0"] * (len(zeros) - 1)


def test_a_picture_is_numbered_anew_where_it_is_another():
    """So the browser knows the last one, and Streamlit does not send the same one twice."""
    page, orders = opened(steps="20"), []
    for scale in (1.0, 1.01, 1.01, 1.0):
        page.slider(key="weight_scale").set_value(scale)
        orders.append(parcel(page.run())["order"])
    assert orders == [1, 2, 2, 3]
