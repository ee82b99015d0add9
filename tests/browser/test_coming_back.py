"""What a server, a cable or a laptop's lid interrupts goes on where it was."""

import pytest

from tests.browser.cable import Cable
from tests.browser.driving import fingerprint, moved, painted, settled, slider
from tests.browser.test_live import AT_THE_FINGER, held

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


def next_move_works(page, run):
    """One key: picture, address and slider follow, from the settings that were on the page."""
    slider(page, "weight_scale").press("ArrowRight")
    wanted = SETTINGS | {"weight_scale": 2.01}
    assert moved(page, run) == f"steps=60&weight_scale=2.01#{fingerprint(**wanted)}"
    assert slider(page, "weight_scale").input_value() == "2.01"
    assert slider(page, "steps").input_value() == "60"


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
    page = new_context().new_page()
    page.goto(f"http://{cable.host}/?steps=60&weight_scale=2.0")
    run = painted(page)
    cable.cut()
    page.wait_for_selector(CUT_OFF)
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
