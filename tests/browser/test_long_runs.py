"""The largest runs that a page allows are shown, and the page says what it changed."""

from tests.browser.driving import fingerprint, painted


def test_ten_thousand_steps_are_shown_with_the_sequences_that_fit(open_page):
    page = open_page("/?steps=10000")
    assert painted(page) == f"steps=10000#{fingerprint(steps=10_000, batch_size=1)}"
    page.get_by_text("1 of its 8 sequences").wait_for()


def test_a_run_that_a_page_cannot_show_leaves_the_last_one(open_page):
    page = open_page("/?steps=10&hidden_size=512")
    run = painted(page)
    number = page.locator(".st-key-steps-number input")
    number.fill("10000")
    number.press("Enter")
    alert = page.get_by_role("alert")
    alert.filter(has_text="expected at most 1,024,000, got 10000 x 8 x 512 = 40,960,000").wait_for()
    assert painted(page) == run
    assert page.url.endswith("/?steps=10&hidden_size=512")
    number.fill("20")
    number.press("Enter")
    alert.wait_for(state="detached")
    assert painted(page) == f"steps=20&hidden_size=512#{fingerprint(steps=20, hidden_size=512)}"
