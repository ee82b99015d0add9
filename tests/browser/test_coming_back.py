"""What a server, a cable or a laptop's lid interrupts goes on where it was."""

from urllib.parse import urlencode

import pytest

from tests.browser.cable import Cable
from tests.browser.driving import AT_THE_FINGER, fingerprint, held, moved, painted, settled, slider

APP = "[data-testid=stApp]"
CONNECTED = f"{APP}[data-test-connection-state=CONNECTED]"
CUT_OFF = f"{APP}:not([data-test-connection-state=CONNECTED])"
SETTINGS = {"steps": 60, "weight_scale": 2.0}


@pytest.fixture
def cable(server, watch):
    cable = Cable(server.port)
    watch.hosts.add(cable.host)
    yield cable
    cable.close()
    watch.forgive_lost_connections()


def restart(page, server, watch):
    server.kill()
    page.wait_for_selector(CUT_OFF)
    server.start()
    page.wait_for_selector(CONNECTED)
    watch.forgive_lost_connections()


def next_move_works(page, run, **settings):
    """One key: picture, address and slider follow, from the settings that were on the page."""
    wanted = SETTINGS | settings
    wanted["weight_scale"] = round(wanted["weight_scale"] + 0.01, 2)
    slider(page, "weight_scale").press("ArrowRight")
    assert moved(page, run) == name(wanted)
    assert slider(page, "weight_scale").input_value() == f"{wanted['weight_scale']:g}"
    assert slider(page, "steps").input_value() == str(wanted["steps"])


def name(settings):
    """Return what `data-run` says of these settings, named in the order of an address."""
    return f"{urlencode(settings)}#{fingerprint(**settings)}"


def test_a_server_killed_under_a_finger_goes_on_when_it_is_back(server, watch, open_page):
    page = open_page("/?steps=60&weight_scale=2.0")
    with held(page, "weight_scale") as to:
        to(0.6)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
        restart(page, server, watch)
        to(0.7)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
        assert page.url.endswith("/?steps=60&weight_scale=2.0")
    page.wait_for_function("() => !location.search.includes('weight_scale=2.0')")
    scale = float(slider(page, "weight_scale").input_value())
    assert 2.5 < scale < 3.1
    wanted = SETTINGS | {"weight_scale": scale}
    assert painted(page) == f"steps=60&weight_scale={scale}#{fingerprint(**wanted)}"


def test_a_dropped_connection_loses_nothing(cable, new_context):
    """No control can be moved meanwhile; the last good picture stays, with its words."""
    page = new_context().new_page()
    page.goto(f"http://{cable.host}/?steps=60&weight_scale=2.0")
    run, claim = painted(page), page.locator(".claim").inner_text()
    cable.cut()
    page.wait_for_selector(CUT_OFF)
    for field in ("weight_scale", "steps", "input_scale"):
        assert slider(page, field).is_disabled()
    assert page.locator(".st-key-re-roll button").first.is_disabled()
    page.keyboard.press("ArrowRight")
    assert painted(page) == run
    assert page.locator(".claim").inner_text() == claim
    cable.mend()
    page.wait_for_selector(CONNECTED)
    assert painted(page) == run
    next_move_works(page, run)


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["cut off", "forgotten"])
def test_a_tab_that_slept_ten_minutes_wakes_where_it_was(server, cable, new_context, is_forgotten):
    """Its connection is gone when it wakes; after two minutes its session is gone as well.

    A server that was started anew stands for one that has forgotten the session.
    """
    page = new_context().new_page()
    page.clock.install()
    page.goto(f"http://{cable.host}/?steps=60&weight_scale=2.0")
    run = painted(page)
    tab = page.context.new_cdp_session(page)
    tab.send("Page.setWebLifecycleState", {"state": "frozen"})
    cable.cut()
    if is_forgotten:
        server.kill()
        server.start()
    cable.mend()
    tab.send("Page.setWebLifecycleState", {"state": "active"})
    page.clock.fast_forward("10:00")
    page.wait_for_selector(CONNECTED)
    settled(page)
    assert painted(page) == run
    next_move_works(page, run)


@pytest.fixture(params=["cut off", "forgotten"])
def come_back(request, server, cable):
    """End what a test did to the cable; the server still knows the page, or is a new one."""

    def come_back(page):
        if request.param == "forgotten":
            server.kill()
            server.start()
        cable.mend()
        page.wait_for_selector(CONNECTED)

    return come_back


@pytest.mark.parametrize(
    ("move", "changed"),
    [
        (lambda page: slider(page, "weight_scale").press("PageUp"), {"weight_scale": 2.4}),
        (
            lambda page: page.locator(".st-key-loss_at").get_by_text("every step").click(),
            {"loss_at": "every"},
        ),
    ],
    ids=["weight_scale", "loss_at"],
)
def test_a_move_that_the_network_lost_counts_when_it_is_back(
    cable, come_back, new_context, move, changed
):
    """The page does not know yet that nobody hears it: its controls can still be moved."""
    page = new_context().new_page()
    page.goto(f"http://{cable.host}/?steps=60&weight_scale=2.0")
    run, entries = painted(page), page.evaluate("history.length")
    cable.lose()
    move(page)
    assert page.locator("[data-run]").get_attribute("data-run") == run
    cable.cut()
    page.wait_for_selector(CUT_OFF)
    assert page.locator("[data-run]").get_attribute("data-run") == run
    come_back(page)
    wanted = SETTINGS | changed
    assert moved(page, run) == name(wanted)
    assert page.evaluate("history.length") == entries + 1
    assert page.locator("html[data-lab-moving]").count() == 0
    next_move_works(page, name(wanted), **changed)


def test_what_a_finger_leaves_without_a_server_counts_when_it_is_back(
    cable, come_back, new_context
):
    page = new_context().new_page()
    page.goto(f"http://{cable.host}/?steps=60&weight_scale=2.0")
    run, entries = painted(page), page.evaluate("history.length")
    with held(page, "weight_scale") as to:
        to(0.6)
        page.wait_for_function(AT_THE_FINGER, arg="weight_scale")
        cable.cut()
        page.wait_for_selector(CUT_OFF)
        last = page.locator("[data-run]").get_attribute("data-run")
        to(0.8)
    assert page.locator("[data-run]").get_attribute("data-run") == last
    assert page.url.endswith("/?steps=60&weight_scale=2.0")
    scale = float(slider(page, "weight_scale").input_value())
    come_back(page)
    assert scale != SETTINGS["weight_scale"]
    wanted = SETTINGS | {"weight_scale": scale}
    page.wait_for_url(f"**/?{urlencode(wanted)}")
    assert painted(page) == name(wanted)
    assert float(slider(page, "weight_scale").input_value()) == scale
    assert page.evaluate("history.length") == entries + 1
    page.wait_for_selector("html:not([data-lab-moving])", state="attached")
    next_move_works(page, name(wanted), weight_scale=scale)
    assert run != name(wanted)


def test_steps_pinned_and_walked_without_a_server_are_in_the_address_when_it_is_back(
    cable, come_back, new_context
):
    """The pictures' own controls are not Streamlit's: it does not lock them."""
    page = new_context().new_page()
    page.goto(f"http://{cable.host}/clipping?steps=30&batch_size=2&hidden_size=8")
    page.wait_for_selector(".st-key-clipped-net [data-run]")
    settled(page)
    cable.cut()
    page.wait_for_selector(CUT_OFF)
    for _ in range(3):
        page.locator(".st-key-clipping .lab-walk input").press("ArrowRight")
    page.locator(".st-key-clipped-net .lab-step").press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lab-cursor[data-pinned][data-step='29']")
    come_back(page)
    page.wait_for_url("**/clipping?steps=30&batch_size=2&hidden_size=8&t=29&update=3")
    settled(page)
    assert page.locator(".lab-cursor[data-pinned][data-step='29']").count() == 1
    assert page.locator(".lab-walkers").first.get_attribute("data-update") == "3"
