"""What the page of gating alone has, in a real browser."""

from tests.browser.driving import fingerprint, moved, painted, slider

SMALL = "/gating?cell=lstm&steps=40&batch_size=2&hidden_size=12"
SETTINGS = {"cell": "lstm", "steps": 40, "batch_size": 2, "hidden_size": 12}


def test_a_forget_bias_makes_the_net_an_lstm(open_page):
    page = open_page("/gating?steps=40&batch_size=2&hidden_size=12")
    run = painted(page)
    thumb = slider(page, "forget_bias")
    assert float(thumb.input_value()) == 0.0
    thumb.press("PageUp")
    run = moved(page, run)
    assert run.endswith(f"#{fingerprint(**SETTINGS, forget_bias=float(thumb.input_value()))}")
    again = open_page(page.url)
    assert painted(again) == run


def test_a_forget_bias_is_set_and_moved_with_the_keyboard(open_page):
    page = open_page(SMALL)
    run, claim = painted(page), page.locator(".claim").inner_text()
    thumb = slider(page, "forget_bias")
    for _ in range(3):
        thumb.press("PageUp")
        run = moved(page, run)
    bias = float(thumb.input_value())
    assert bias > 1.0
    assert run.endswith(f"#{fingerprint(**SETTINGS, forget_bias=bias)}")
    assert page.locator(".claim").inner_text() != claim
