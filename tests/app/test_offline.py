"""The file to take home: complete, and without a word to any network."""

import json
import re

import rnn_core as rc
from app import address
from app.offline import SCALES, offline
from app.views import gradient_flow

SETTINGS = dict(address.DEFAULTS) | {"steps": 12, "hidden_size": 4, "weight_scale": 1.25}


def frames(page):
    found = re.search(
        r'<script type="application/json" id="frames">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(found[1])


def test_every_place_of_the_slider_is_a_recorded_run():
    page = offline(gradient_flow.picture, SETTINGS).decode()
    found = frames(page)
    assert [float(frame["scale"]) for frame in found] == sorted({*SCALES, 1.25})
    for frame in (found[0], found[13], found[-1]):
        settings = {"steps": 12, "hidden_size": 4, "weight_scale": float(frame["scale"])}
        rec = rc.run(rc.ExperimentConfig(**settings))
        assert frame["parcel"]["run"].endswith(f"#{rec.fingerprint}")
    assert [frame["scale"] for frame in found if frame["isStart"]] == ["1.25"]


def test_a_text_cannot_end_its_script():
    text = "<!-- <script></script><script>alert(1)</script>"
    settings = SETTINGS | {"source": "text", "text": text, "steps": 60}
    page = offline(gradient_flow.picture, settings).decode()
    assert "<script>alert" not in page
    assert page.count("</script>") == 3
    assert "<!--" not in page
    assert frames(page)[0]["parcel"]["run"].count("alert%281%29") == 1


def test_the_file_names_no_other_place():
    page = offline(gradient_flow.picture, SETTINGS).decode()
    without_library = page[: page.index("<script>")] + page[page.index('id="frames"') :]
    assert not re.search(r"https?://|src=\"|href=\"", without_library)
