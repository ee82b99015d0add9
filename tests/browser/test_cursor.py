"""One cursor: a step of time, marked in every panel, with true values, pinned and moved."""

import json
import re
import subprocess
import sys

from tests.browser.driving import ROOT, painted, slider

NUMBERS = """
import json, sys, numpy as np, rnn_core as rc
step = int(sys.argv[1])
rec = rc.run(rc.ExperimentConfig(steps=60))
layer, t = rec.layers[0], step - 1
G = rec.ledger.shares
print(json.dumps({
    "h": float(layer.h[t, 0, 0]),
    "cell": float(abs(layer.d_h[t, 0, 0])),
    "mean": float(np.exp(np.log(np.linalg.norm(layer.d_h[t], axis=-1)).mean())),
    "share": float(G[t]), "total": float(G[t:].sum()),
}))
"""
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def truth(step):
    done = subprocess.run(
        [sys.executable, "-c", NUMBERS, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def number(text):
    """Read "5.9 × 10⁻¹³ %" as a reader does."""
    text = text.strip().replace("−", "-")
    scale = 0.01 if text.endswith("%") else 1.0
    found = re.match(r"(-?[\d.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    return float(found[1]) * 10.0 ** int((found[2] or "⁰").translate(RAISED)) * scale


def point(page, step, of=60, axis="yaxis3"):
    box = page.evaluate(
        """([axis]) => {
            const chart = document.querySelector('[data-run]');
            const { xaxis, [axis]: y } = chart._fullLayout;
            const { left, top } = chart.getBoundingClientRect();
            return [left + xaxis._offset, xaxis._length, top + y._offset + y._length / 2];
        }""",
        [axis],
    )
    left, width, middle = box
    return left + (step - 0.5) / of * width, middle


def said(page):
    return dict(
        part.split(": ", 1)
        for text in page.locator(".lab-value").all_inner_texts()
        for part in re.split(r"\s{3,}", text)
    )


def test_hovering_marks_a_step_in_every_panel_with_its_true_values(open_page):
    page = open_page("/?steps=60")
    page.mouse.move(*point(page, 23))
    page.wait_for_selector(".lab-cursor[data-step='23']")
    assert page.locator(".lab-value").count() == 4
    values, true = said(page), truth(23)
    near = {"rel_tol": 0.06}
    for name, expected in (
        ("h of unit 1", true["h"]),
        ("|∂L/∂h| of unit 1", true["cell"]),
        ("|∂L/∂h|, mean", true["mean"]),
        ("share", true["share"]),
        ("to the loss", true["total"]),
    ):
        assert abs(number(values[name]) - expected) <= near["rel_tol"] * abs(expected), name
    assert "t=" not in page.url
    page.mouse.move(5, 5)
    page.locator(".lab-cursor").wait_for(state="hidden")


def test_a_click_pins_a_step_arrows_move_it_and_the_address_keeps_it(open_page):
    page = open_page("/?steps=60")
    entries = page.evaluate("history.length")
    page.mouse.click(*point(page, 30))
    page.wait_for_url("**/?steps=60&t=30")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/?steps=60&t=28")
    page.wait_for_selector(".lab-cursor[data-pinned][data-step='28']")
    assert page.evaluate("history.length") == entries + 1
    run = painted(page)
    slider(page, "weight_scale").press("ArrowRight")
    page.wait_for_url("**weight_scale=1.01*t=28")
    page.go_back()
    assert painted(page) == run
    other = open_page("/?steps=60&t=28")
    other.wait_for_selector(".lab-cursor[data-pinned][data-step='28']")
    assert painted(other) == run


def test_the_keyboard_alone_finds_moves_pins_and_unpins(open_page):
    page = open_page("/?steps=60")
    step = page.locator(".lab-step")
    step.focus()
    page.wait_for_selector(".lab-cursor[data-step='60']")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.wait_for_selector(".lab-cursor[data-step='59']")
    assert "h of unit 2" in said(page)
    assert step.get_attribute("aria-valuetext").startswith("step 59. ")
    assert "t=" not in page.url
    page.keyboard.press("Enter")
    page.wait_for_url("**/?steps=60&t=59")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?steps=60")
    page.wait_for_selector(".lab-cursor:not([data-pinned])")


def test_a_pinned_step_beyond_the_end_stands_at_the_end(open_page):
    page = open_page("/?steps=20&t=60")
    page.wait_for_selector(".lab-cursor[data-pinned][data-step='20']")
