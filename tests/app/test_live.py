"""Pictures on request: what a slider gets while it is dragged."""

import json
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

import rnn_core as rc
from app import live
from app.sentences import claim
from app.views import gating, gradient_flow

ROUTE = live.route({"picture": gradient_flow.picture})


def ask(key="picture", route=ROUTE, **settings):
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{live.PATH}{key}",
        "path_params": {"key": key},
        "query_string": urlencode(settings).encode(),
        "headers": [],
        "scheme": "http",
        "server": ("localhost", 80),
    }
    return route.endpoint(Request(scope))


def test_the_answer_is_the_picture_of_the_query():
    answer = ask(weight_scale="1.5", steps="30", cell="gru")
    found, rec = (
        json.loads(answer.body),
        rc.run(rc.ExperimentConfig(weight_scale=1.5, steps=30, cell="gru")),
    )
    assert found["run"] == f"cell=gru&steps=30&weight_scale=1.5#{rec.fingerprint}"
    assert found["alt"].startswith(claim(rec))
    assert found["says"][".claim"].startswith("From step 30 back")
    assert answer.headers["cache-control"] == "no-store"


def test_a_picture_of_a_drag_is_smaller():
    fine, coarse = (len(ask(steps="200", **more).body) for more in ({}, {"coarse": "1"}))
    assert coarse < 0.5 * fine


def test_the_name_of_a_picture_is_the_same_coarse_or_fine():
    assert (
        json.loads(ask(steps="9", coarse="1").body)["run"] == json.loads(ask(steps="9").body)["run"]
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": "many"}, "steps: expected 1 to 10000, got 'many'"),
        ({"wrong": "1"}, "'wrong': expected one of"),
        ({"steps": "1000", "hidden_size": "512"}, "got 1000 x 8 x 512 = 4,096,000"),
    ],
)
def test_what_cannot_run_gets_a_sentence(settings, sentence):
    answer = ask(**settings)
    assert answer.status_code == 422
    assert sentence in answer.body.decode()


def test_a_chart_that_is_not_there_is_not_found():
    assert ask(key="nothing").status_code == 404


def test_a_long_run_moves_with_its_first_sequences_and_says_so():
    found = json.loads(ask(steps="1000", coarse="1").body)
    rec = rc.run(rc.ExperimentConfig(steps=1000, batch_size=2))
    assert found["run"] == f"steps=1000&batch_size=2#{rec.fingerprint}"
    assert "2 sequences" in found["says"][".protocol"]
    shown = json.loads(ask(steps="1000", sequence="5", coarse="1").body)
    assert "batch_size=5" in shown["run"]
    assert "sequence 5 of 5" in json.dumps(shown["figure"]["layout"])
    assert "8 sequences" in json.loads(ask(steps="1000").body)["says"][".protocol"]


def test_the_longest_time_of_chrono_moves_under_a_finger():
    scope = {"cell": "lstm", "init": "chrono", "steps": "20", "hidden_size": "6"}
    found = json.loads(
        ask(
            "gating",
            live.route({"gating": gating.picture}),
            chrono_steps="500",
            batch_size="2",
            **scope,
        ).body
    )
    config = rc.ExperimentConfig(
        cell="lstm", init="chrono", chrono_steps=500, steps=20, hidden_size=6, batch_size=2
    )
    assert found["run"].endswith(f"#{rc.run(config).fingerprint}")
    assert "T_max = 500" in found["says"][".protocol"].replace("<sub>max</sub>", "_max")


def test_a_forget_bias_under_a_finger_makes_the_net_an_lstm():
    route = live.route({"gating": gating.picture})
    scope = {"steps": "20", "hidden_size": "6", "batch_size": "2", "activation": "relu"}
    found = json.loads(ask("gating", route, forget_bias="2.5", **scope).body)
    config = rc.ExperimentConfig(
        cell="lstm", forget_bias=2.5, steps=20, hidden_size=6, batch_size=2
    )
    assert found["run"].endswith(f"#{rc.run(config).fingerprint}")
    assert "cell=lstm" in found["run"]
