"""What the page of saturation alone has, in a real browser."""

from tests.browser.driving import fingerprint, moved, painted

SMALL = "/saturation?steps=60&batch_size=2&hidden_size=16"


def test_an_activation_is_chosen_with_the_mouse(open_page):
    page = open_page(SMALL)
    run = painted(page)
    page.locator(".st-key-activation").get_by_text("ReLU", exact=True).click()
    run = moved(page, run)
    settings = {"steps": 60, "hidden_size": 16, "batch_size": 2, "activation": "relu"}
    assert run.endswith(f"#{fingerprint(**settings)}")
