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


def test_the_longest_time_of_chrono_is_chosen_and_moved_with_the_keyboard(open_page):
    page = open_page(f"{SMALL}&init=chrono")
    run = painted(page)
    page.locator(".st-key-chrono_steps-switch").get_by_role("radio", name="set to").click()
    run = moved(page, run)
    assert run.endswith(f"#{fingerprint(**SETTINGS, init='chrono', chrono_steps=100)}")
    thumb = slider(page, "chrono_steps")
    for _ in range(2):
        thumb.press("PageUp")
        run = moved(page, run)
    longest = int(thumb.input_value())
    assert longest > 100
    assert run.endswith(f"#{fingerprint(**SETTINGS, init='chrono', chrono_steps=longest)}")
    assert f"= {longest})" in page.locator(".protocol").inner_text()
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
