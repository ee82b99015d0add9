"""On every page the last value under a finger wins: what is left is what its address opens."""

import pytest

from tests.browser.driving import held, settled, slider

SMALL = "steps=30&batch_size=2&hidden_size=8"
SLIDERS = [
    ("/", "weight_scale"),
    ("/saturation", "weight_scale"),
    ("/saturation", "input_scale"),
    ("/weight-scale", "weight_scale"),
    ("/gating", "forget_bias"),
    ("/clipping", "threshold"),
    ("/clipping", "weight_scale"),
]
ALL_THERE = """(field) => {
    const query = new URLSearchParams(location.search);
    const value = Number(document.querySelector(`.st-key-${field} input[type=range]`).value);
    return Number(query.get(field)) === value && !document.querySelector('html[data-lab-moving]')
        && [...document.querySelectorAll('[data-painted]')].every(({ dataset: { run } }) => {
            const [asked, fingerprint] = run.split('#');
            return asked === location.search.slice(1) && !fingerprint.includes('.');
        });
}"""
SHOWN = """() => {
    const numbers = (part) => (part === undefined ? null
        : Array.from(part, (one) => (one?.length === undefined ? one : numbers(one))));
    const pictures = [...document.querySelectorAll('[data-painted]')].map((node) => ({
        run: node.dataset.run,
        alt: node.getAttribute('aria-label'),
        drawn: node.data.map(({ x, y, z }) => [x, y, z].map(numbers)),
    }));
    return { claim: document.querySelector('.claim').innerText, pictures };
}"""


def shown(page, field):
    """Wait until every picture is that of the address and of the slider; return all of them."""
    page.wait_for_function(ALL_THERE, arg=field)
    settled(page)
    page.wait_for_function(ALL_THERE, arg=field)
    return page.evaluate(SHOWN)


@pytest.mark.parametrize(("path", "field"), SLIDERS)
def test_what_a_finger_leaves_is_what_its_address_opens(open_page, path, field):
    page = open_page(f"{path}?{SMALL}")
    page.locator(f".st-key-{field}").scroll_into_view_if_needed()
    with held(page, field) as to:
        for part in (0.8, 0.3, 0.9, 0.57):
            to(part)
    left = shown(page, field)
    assert left["pictures"]
    fresh = open_page(page.url)
    assert shown(fresh, field) == left
    assert slider(fresh, field).input_value() == slider(page, field).input_value()
