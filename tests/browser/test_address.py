"""The address is the run: it travels, it goes back and forth, it survives the server."""

from urllib.parse import urlencode

import pytest

from rnn_core.config import FIELDS
from tests.browser.driving import fingerprint, moved, painted, slider, travel

APP = "[data-testid=stApp]"


# query, the sentences about it, the query of the run that is shown
WRONG = [
    ("steps=abc", ["steps: expected 1 to 10000, got 'abc'"], ""),
    ("steps=", ["steps: expected 1 to 10000, got ''"], ""),
    ("steps=0&cell=gru", ["steps: expected 1 to 10000, got '0'"], "cell=gru"),
    (
        "weight_scale=1e9&steps=3.7",
        [
            "weight_scale: expected 0 to 100, got '1e9'",
            "steps: expected 1 to 10000, got '3.7'",
        ],
        "",
    ),
    ("weight_scale=nan", ["weight_scale: expected 0 to 100, got 'nan'"], ""),
    ("weight_scale=inf", ["weight_scale: expected 0 to 100, got 'inf'"], ""),
    ("cell=LSTM", ["cell: expected one of rnn, gru, lstm, got 'LSTM'"], ""),
    (
        "cell=%F0%9F%98%80",
        ["cell: expected one of rnn, gru, lstm, got '\N{GRINNING FACE}'"],
        "",
    ),
    (
        "wieght_scale=2&steps=50",
        ["'wieght_scale': expected one of cell, activation"],
        "steps=50",
    ),
    ("steps=1&steps=2", ["steps: expected one value, got 2"], ""),
    (
        "cell=lstm&activation=relu",
        ["activation: expected tanh with cell=lstm, got 'relu'"],
        "",
    ),
    ("steps=10&truncate=50", ["truncate: expected None or 1 to steps=10, got 50"], ""),
    (
        "steps=1000&batch_size=64&hidden_size=512",
        [
            "hidden_size: expected at most 1,024,000, got 1000 x 64 x 512 = 32,768,000",
        ],
        "",
    ),
    (
        "a=steps%3Dabc",
        ["a: expected the settings of a run, such as cell=lstm&steps=100, got 'steps=abc'"],
        "",
    ),
    ("source=text&text=", ["text: expected 1 to 1000 characters"], "source=text"),
    ("source=text&text=%00", ["text: expected 1 to 1000 characters"], "source=text"),
    ("seed=%3Cimg%20src=x%3E", ["seed: expected 0 to 4294967295, got '<img src=x>'"], ""),
    (
        "seed=![x](http://example.org/x.png)",
        ["got '![x](http://example.org/x.png)'"],
        "",
    ),
]


def test_an_address_opens_the_run_that_it_was_copied_from(page, open_page):
    before = painted(page)
    slider(page, "weight_scale").press("End")
    before = moved(page, before)
    page.locator(".st-key-cell").get_by_text("LSTM").click()
    run = moved(page, before)
    assert run == f"cell=lstm&weight_scale=4.0#{fingerprint(cell='lstm', weight_scale=4.0)}"
    other = open_page(page.url.removeprefix(page.url.split("/?")[0]))
    assert painted(other) == run
    assert slider(other, "weight_scale").input_value() == "4"


def test_copy_link_writes_every_field(open_page, new_context):
    page = open_page("/?weight_scale=1.5&a=cell%3Dgru")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    run = painted(page)
    page.locator(".st-key-copy-link button").click()
    page.locator(".st-key-copy-link [role=status]").get_by_text("Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert len(link) < 4_000
    assert all(f"{name}=" in link.replace("?", "&") for name in FIELDS)
    other = new_context().new_page()
    other.goto(link)
    assert painted(other, run.split("#")[0]) == run
    assert other.url == link


def test_without_a_clipboard_the_link_stands_in_a_field(new_context):
    context = new_context()
    context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page = context.new_page()
    page.goto("/?steps=50")
    painted(page)
    page.locator(".st-key-copy-link button").click()
    assert "steps=50" in page.locator(".st-key-copy-link input").input_value()


def test_five_times_back_gives_five_earlier_runs_and_forward_the_later(page):
    runs = [(page.url, painted(page))]
    moves = [
        lambda: slider(page, "weight_scale").press("ArrowRight"),
        lambda: page.locator(".st-key-cell").get_by_text("GRU").click(),
        lambda: slider(page, "steps").press("ArrowLeft"),
        page.locator(".st-key-re-roll button").first.click,
        page.locator(".st-key-reset button").first.click,
    ]
    for move in moves:
        move()
        run = moved(page, runs[-1][1])
        runs.append((page.url, run))
    assert len({run for _, run in runs}) == 6
    for url, run in reversed(runs[:-1]):
        page.go_back()
        assert painted(page) == run
        assert page.url == url
    for url, run in runs[1:]:
        page.go_forward()
        assert painted(page) == run
        assert page.url == url
    assert slider(page, "weight_scale").input_value() == "1"


def test_the_page_menu_keeps_the_settings_and_is_one_step_of_the_history(open_page):
    """Streamlit's own menu drops the query; written anew, it would be a second step."""
    page = open_page("/?steps=100&weight_scale=2.5")
    run = painted(page)
    page.locator(".st-key-menu a").nth(1).click()
    page.wait_for_url(lambda url: not url.endswith("/?steps=100&weight_scale=2.5"))
    assert page.url.endswith("?steps=100&weight_scale=2.5")
    elsewhere = page.url
    page.locator(".st-key-picture").wait_for(state="detached")
    page.locator(".st-key-menu a").nth(0).click()
    page.locator(".st-key-picture [data-run]").wait_for()
    assert painted(page) == run
    page.go_back()
    page.wait_for_url(elsewhere)
    page.locator(".st-key-picture").wait_for(state="detached")
    page.go_back()
    page.locator(".st-key-picture [data-run]").wait_for()
    assert painted(page) == run
    assert page.url.endswith("/?steps=100&weight_scale=2.5")


@pytest.mark.parametrize(
    ("move", "changed"),
    [
        (lambda page: slider(page, "weight_scale").press("ArrowRight"), {"weight_scale": 2.01}),
        (lambda page: slider(page, "steps").press("ArrowLeft"), {"steps": 59}),
        (lambda page: page.locator(".st-key-re-roll button").first.click(), {"seed": 1}),
    ],
    ids=["weight_scale", "steps", "re-roll"],
)
def test_a_killed_server_comes_back_to_the_same_run(server, watch, open_page, move, changed):
    """The first move reaches a session that has never seen this page."""
    page = open_page("/?steps=60&weight_scale=2.0")
    run = painted(page)
    server.kill()
    page.wait_for_selector(f"{APP}:not([data-test-connection-state=CONNECTED])")
    server.start()
    page.wait_for_selector(f"{APP}[data-test-connection-state=CONNECTED]")
    assert painted(page) == run
    move(page)
    wanted = {"steps": 60, "weight_scale": 2.0} | changed
    assert moved(page, run) == f"{urlencode(wanted)}#{fingerprint(**wanted)}"
    assert slider(page, "weight_scale").input_value() == f"{wanted['weight_scale']:g}"
    for box in (slider(page, "steps"), page.locator(".st-key-steps-number input")):
        assert box.input_value() == str(wanted["steps"])
    watch.forgive_lost_connections()


def test_an_address_that_cannot_be_gets_its_sentence_and_a_picture(page):
    for query, said, shown in WRONG:
        travel(page, "")
        painted(page)
        travel(page, query)
        for sentence in said:
            page.get_by_role("alert").filter(has_text=sentence).wait_for()
        painted(page, shown)
        assert page.get_by_role("alert").count() == 1, query


@pytest.mark.parametrize("query", ["steps=abc", "cell=lstm&activation=relu", "a=b"])
def test_a_fresh_browser_gets_a_sentence_and_the_default(open_page, query):
    page = open_page(f"/?{query}")
    painted(page, "")
    page.get_by_role("alert").wait_for()


def test_a_wrong_address_is_forgotten_with_the_next_move_and_back_leaves_it(new_context):
    page = new_context().new_page()
    page.goto("/?steps=50")
    painted(page)
    page.goto("/?steps=abc")
    run = painted(page, "")
    slider(page, "weight_scale").press("ArrowRight")
    moved(page, run)
    assert page.get_by_role("alert").count() == 0
    page.go_back()
    painted(page, "")
    page.get_by_role("alert").wait_for()
    page.go_back()
    painted(page, "steps=50")
