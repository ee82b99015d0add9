"""A session and its address, without a browser: AppTest opens addresses and moves controls."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).with_name("small_page.py")
TOO_LARGE = "hidden_size: expected at most 1,024,000, got 1000 x 8 x 512 = 4,096,000"


@pytest.fixture
def app():
    return AppTest.from_file(PAGE, default_timeout=30)


def opened(app, **query):
    for name, text in query.items():
        app.query_params[name] = text
    return checked(app.run())


def checked(app):
    assert not app.exception
    return app


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return checked(app.run())


def query(app):
    return {name: app.query_params[name] for name in app.query_params}


def report(app):
    return app.session_state["report"]


def test_an_address_moves_the_controls(app):
    opened(app, weight_scale="2.5", cell="lstm", forget_bias="1.0", steps="3000")
    assert app.slider(key="weight_scale").value == 2.5
    assert app.slider(key="steps").value == 1000
    assert app.number_input(key="steps-number").value == 3000
    assert app.slider(key="forget_bias").value == 1.0
    assert report(app)["config"].steps == 3000


def test_a_move_runs_the_page_once_also_the_first(app):
    opened(app)
    for runs, steps in ((2, 300), (3, 301)):
        app.slider(key="steps").set_value(steps)
        checked(app.run())
        assert app.session_state["runs"] == runs


def test_a_control_moves_the_address_and_its_twin(app):
    opened(app)
    app.slider(key="steps").set_value(300)
    checked(app.run())
    assert query(app) == {"steps": "300"}
    assert app.number_input(key="steps-number").value == 300
    app.number_input(key="steps-number").set_value(4000)
    checked(app.run())
    assert app.slider(key="steps").value == 1000
    assert report(app)["config"].steps == 4000


def forgotten(app):
    """Return a session that knows of `app` what its address says."""
    other = AppTest.from_file(PAGE, default_timeout=30)
    other.query_params.update(app.query_params)
    return other


def told(other, app):
    """Run another session with every control as it stands in the browser that shows `app`."""
    return checked(other._run(app._tree.get_widget_states()))


def after_a_restart(app, label, *, broken_off):
    """Return a session that knows nothing of `app`, whose page is still in the browser, where
    `label` is pressed: at once, or while the session's first run is under way.
    """
    other = forgotten(app)
    if broken_off:
        other.session_state["another move"] = broken_off
        told(other, app)
        assert (other.session_state["runs"], "report" in other.session_state) == (1, False)
    next(button for button in app.button if button.label == label).click()
    return told(other, app)


@pytest.mark.parametrize("broken_off", [None, "soon", "late"])
@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Re-roll", {"weight_scale": "2.0", "seed": "5"}),
        ("Reset", {"seed": "4"}),
        ("huge", {"weight_scale": "8.0", "seed": "4"}),  # its slider ends at 4
    ],
)
def test_the_first_press_after_a_restart_counts_once(app, label, expected, broken_off):
    opened(app, weight_scale="2.0", seed="4")
    assert query(after_a_restart(app, label, broken_off=broken_off)) == expected


def test_the_first_move_after_a_restart_may_bring_a_control_that_was_not_there(app):
    opened(app, cell="lstm")
    app.segmented_control(key="truncate-switch").set_value(True)
    other = told(forgotten(app), app)
    assert query(other) == {"cell": "lstm", "truncate": "50"}
    assert other.number_input(key="truncate").value == 50


def test_sliders_left_without_a_server_move_their_settings_unless_they_are_locked(app):
    opened(app, lock="steps")
    press(app, "leave")
    assert app.slider(key="weight_scale").value == 2.0
    assert (report(app)["config"].weight_scale, report(app)["config"].steps) == (2.0, 200)


def test_an_address_that_is_right_is_left_as_it_was_written(app):
    """Rewriting it would make Back impossible: each visit would push the reader forward."""
    opened(app, weight_scale="2", steps="200", seed="0")
    checked(app.run())
    assert set(query(app)) == {"weight_scale", "steps", "seed"}
    assert report(app)["run"] == "weight_scale=2.0#abc"


def test_settings_that_cannot_run_show_the_last_run_and_a_sentence(app):
    opened(app, weight_scale="2.0")
    press(app, "too large")
    assert report(app)["config"].hidden_size == 64
    (sentence,) = report(app)["complaints"]
    assert sentence == f"steps x batch_size x {TOO_LARGE}"
    assert app.slider(key="hidden_size").value == 512
    assert set(query(app)) == {"weight_scale"}
    app.slider(key="hidden_size").set_value(32)
    checked(app.run())
    assert report(app)["complaints"] == ()
    assert report(app)["run"] == "steps=1000&hidden_size=32&weight_scale=2.0#abc"


def test_a_value_that_is_not_allowed_changes_nothing(app):
    opened(app)
    press(app, "not allowed")
    assert report(app)["run"] == "#abc"
    assert report(app)["complaints"] == (
        "steps: expected 1 to 10000, got '0'",
        "cell: expected one of rnn, gru, lstm, got 'GRU'",
    )


def test_a_choice_is_written_as_its_field_is(app):
    opened(app)
    press(app, "numbers")
    assert report(app)["run"] == "steps=7&weight_scale=3.0#abc"


def test_a_control_that_does_not_apply_keeps_its_value(app):
    opened(app, activation="relu")
    cell = next(group for group in app.get("button_group") if group.key == "cell")
    cell.set_value("lstm")
    checked(app.run())
    assert report(app)["run"] == "cell=lstm#abc"
    assert report(app)["complaints"] == ()
    cell = next(group for group in app.get("button_group") if group.key == "cell")
    cell.set_value("rnn")
    checked(app.run())
    assert report(app)["run"] == "activation=relu#abc"


def test_a_preset_keeps_seed_and_pinned_run(app):
    opened(app, seed="3", weight_scale="2.0")
    press(app, "pin")
    press(app, "preset")
    assert report(app)["run"] == "cell=gru&steps=50&seed=3&a=weight_scale%3D2.0%26seed%3D3#abc"
    press(app, "unpin")
    assert report(app)["pinned"] is None
    assert report(app)["run"] == "cell=gru&steps=50&seed=3#abc"


def test_re_roll_takes_the_next_seed_and_reset_keeps_it(app):
    opened(app, weight_scale="2.0")
    press(app, "Re-roll")
    press(app, "Reset")
    assert report(app)["run"] == "seed=1#abc"


def test_settings_that_make_a_long_address_are_shown_and_the_address_is_left(app):
    opened(app, seed="5")
    press(app, "long")
    assert len(report(app)["config"].text) == 999
    assert report(app)["full"] is None
    assert len(report(app)["complaints"]) == 1
    assert report(app)["complaints"][0].startswith("address: expected at most 4,000 characters")
    assert set(query(app)) == {"seed"}


def test_a_link_of_the_page_menu_keeps_the_settings(app):
    opened(app, weight_scale="2.0")
    app.session_state["the page"] = "numbers"
    app.query_params["weight_scale"] = report(app)["query"]["weight_scale"]
    checked(app.run())
    assert report(app)["run"] == "weight_scale=2.0#abc"
    assert query(app) == {"weight_scale": "2.0"}


def test_an_empty_address_is_the_default(app):
    opened(app, weight_scale="2.0")
    app.query_params.clear()
    checked(app.run())
    assert report(app)["run"] == "#abc"


def test_a_move_is_not_undone_by_an_address_from_before_it(app):
    """A fast second key press arrives with the address from before the first."""
    opened(app)
    app.slider(key="weight_scale").set_value(1.5)
    checked(app.run())
    app.query_params.clear()
    app.slider(key="weight_scale").set_value(1.6)
    checked(app.run())
    assert report(app)["run"] == "weight_scale=1.6#abc"
