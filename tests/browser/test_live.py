"""The picture follows a finger on a slider; what the finger leaves is one step of the history."""

import pytest

from tests.browser.driving import (
    AT_THE_FINGER,
    fingerprint,
    held,
    painted,
    place,
    settled,
    slider,
)

RUNS = """(field) => {
    window.runs = [];
    const chart = document.querySelector('[data-run]');
    new MutationObserver(() => {
        const query = new URLSearchParams(chart.dataset.run.split('#')[0]);
        window.runs.push(Number(query.get(field)));
    }).observe(chart, { attributeFilter: ['data-run'] });
}"""


@pytest.mark.parametrize(
    ("field", "query", "part"),
    [
        ("weight_scale", "", 0.7),
        ("steps", "steps=100&hidden_size=16", 0.2),
        ("input_scale", "", 0.3),
        ("forget_bias", "cell=lstm&forget_bias=1.0", 0.7),
    ],
)
def test_the_picture_follows_the_finger_and_the_address_waits(open_page, field, query, part):
    page = open_page(f"/?{query}")
    url, entries = page.url, page.evaluate("history.length")
    claim = page.locator(".claim").inner_text()
    with held(page, field) as to:
        to(part)
        page.wait_for_function(AT_THE_FINGER, arg=field)
        run = page.locator("[data-run]").get_attribute("data-run")
        assert run.split("#")[0] != query
        assert page.url == url
        page.wait_for_function(
            "(claim) => document.querySelector('.claim').innerText !== claim", arg=claim
        )
    value = slider(page, field).input_value()
    released = painted(page)
    assert released == run
    assert f"{field}={float(value) if field != 'steps' else value}" in released
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    assert painted(page, query).split("#")[0] == query


BACK_WITH_THE_RELEASE = """async (field) => {
    const slider = document.querySelector(`.st-key-${field} input[type=range]`);
    const thumb = slider.parentElement.parentElement;
    const { x, y, width, height } = thumb.getBoundingClientRect();
    const fire = (type, target, across) => target.dispatchEvent(new PointerEvent(type, {
        bubbles: true, cancelable: true, pointerId: 1, pointerType: 'mouse', button: 0,
        buttons: type === 'pointerup' ? 0 : 1, isPrimary: true,
        clientX: x + width / 2 + across, clientY: y + height / 2 }));
    const frame = () => new Promise(requestAnimationFrame);
    const chart = document.querySelector('[data-run]'), before = chart.dataset.run;
    fire('pointerdown', thumb, 0);
    fire('pointermove', window, 40);
    while (chart.dataset.run === before) await frame();
    fire('pointermove', window, 0);
    fire('pointerup', window, 0);
}"""


def test_a_finger_that_comes_back_as_it_lets_go_leaves_the_picture_of_before(page):
    """Nothing is committed then: no picture comes from the server."""
    before, claim = painted(page), page.locator(".claim").inner_text()
    page.evaluate(BACK_WITH_THE_RELEASE, "weight_scale")
    page.wait_for_function(
        """(run) => document.querySelector('[data-run]').dataset.run === run
            && !document.documentElement.hasAttribute('data-lab-moving')""",
        arg=before,
    )
    assert slider(page, "weight_scale").input_value() == "1"
    assert page.locator(".claim").inner_text() == claim


def test_after_a_drag_the_fingerprint_is_that_of_the_engine(page):
    with held(page, "weight_scale") as to:
        to(0.6)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
        to(0.65)
    page.wait_for_url("**/?weight_scale=*")
    scale = float(slider(page, "weight_scale").input_value())
    assert painted(page) == f"weight_scale={scale}#{fingerprint(weight_scale=scale)}"
    assert page.locator(".claim").inner_text().count("float16") == 1


def test_a_finger_that_comes_back_leaves_everything_as_it_was(page):
    run, url, entries = painted(page), page.url, page.evaluate("history.length")
    page.wait_for_function("() => document.querySelector('.claim').innerText.includes('float16')")
    claim = page.locator(".claim").inner_text()
    x, y = place(page, "weight_scale")
    with held(page, "weight_scale") as to:
        to(0.6)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
        page.mouse.move(x, y, steps=4)
        page.wait_for_function(
            "document.querySelector('.st-key-weight_scale input[type=range]').value === '1'"
        )
    page.wait_for_function(
        "(run) => document.querySelector('[data-run]').dataset.run === run", arg=run
    )
    page.wait_for_function(
        "(text) => document.querySelector('.claim').innerText === text", arg=claim
    )
    settled(page)
    assert (page.url, page.evaluate("history.length")) == (url, entries)


def test_words_of_a_drag_never_outlive_those_that_the_page_wrote_under_it(page):
    """A commit's words may come a moment before the last words of the drag."""
    painted(page)
    other = "([text]) => document.querySelector('.claim').innerText !== text"
    claim = page.locator(".claim")
    x, y = place(page, "weight_scale")
    with held(page, "weight_scale") as to:
        before = claim.inner_text()
        to(0.6)
        page.wait_for_function(other, arg=[before])
        claim.evaluate("(node) => { node.innerHTML = 'what the page wrote'; }")
        to(0.7)
        page.wait_for_function(other, arg=["what the page wrote"])
        page.mouse.move(x, y, steps=4)
        page.wait_for_function(
            "document.querySelector('.st-key-weight_scale input[type=range]').value === '1'"
        )
    page.wait_for_function("document.querySelector('.claim').innerText === 'what the page wrote'")


def test_one_request_is_in_flight_and_the_newest_is_next(page):
    flying, most, asked = [0], [0], []

    def count(change):
        def heard(request):
            if "/live/" in request.url:
                flying[0] += change
                most[0] = max(most[0], flying[0])
                if change > 0:
                    asked.append(request.url)

        return heard

    page.on("request", count(1))
    page.on("requestfinished", count(-1))
    with held(page, "weight_scale") as to:
        for part in (0.3, 0.5, 0.35, 0.9, 0.4):
            to(part)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
    painted(page)
    assert most[0] == 1
    assert 1 <= len(asked) <= 30


def test_a_burst_of_keys_is_one_step_of_the_history(page):
    entries = page.evaluate("history.length")
    page.evaluate(RUNS, "weight_scale")
    for _ in range(12):
        slider(page, "weight_scale").press("ArrowRight")
    page.wait_for_url("**/?weight_scale=1.12")
    run = painted(page)
    assert run == f"weight_scale=1.12#{fingerprint(weight_scale=1.12)}"
    assert page.evaluate("history.length") == entries + 1
    seen = page.evaluate("window.runs")
    assert seen == sorted(seen), "an older picture came after a newer one"
    slider(page, "steps").press("ArrowLeft")
    page.wait_for_url("**/?steps=199&weight_scale=1.12")
    assert page.evaluate("history.length") == entries + 2
    page.go_back()
    assert painted(page) == run
    page.go_back()
    painted(page, "")


def test_without_the_route_a_slider_still_works_on_release(new_context, watch):
    context = new_context()
    context.route("**/live/**", lambda route: route.abort())
    page = context.new_page()
    page.goto("/")
    painted(page)
    with held(page, "weight_scale") as to:
        to(0.6)
    page.wait_for_url("**/?weight_scale=*")
    scale = float(slider(page, "weight_scale").input_value())
    assert painted(page).startswith(f"weight_scale={scale}#")
    watch.forgive("ERR_FAILED")


def test_zoom_and_node_survive_a_drag(page):
    page.evaluate("document.querySelector('[data-run] .main-svg').dataset.marked = 'yes'")
    with held(page, "weight_scale") as to:
        to(0.8)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
    page.wait_for_url("**/?weight_scale=*")
    painted(page)
    assert page.locator("[data-run] .main-svg[data-marked=yes]").count() == 1


@pytest.mark.parametrize("path", ["/saturation", "/gating"])
def test_other_pages_follow_the_finger_too(open_page, path):
    page = open_page(f"{path}?steps=40")
    with held(page, "input_scale") as to:
        to(0.3)
        page.wait_for_function(AT_THE_FINGER, arg="input_scale")
        assert page.url.endswith(f"{path}?steps=40")
    page.wait_for_url("**input_scale=*")
    painted(page)
