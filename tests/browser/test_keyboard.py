"""A keyboard alone reaches every control, in the order of the page, and hears what each one is.

One load of every page: Tab from its top to its end, expanders opened on the way, and back again.
"""

import pytest

from tests.browser.driving import settled

SMALL = "steps=30&batch_size=2&hidden_size=8"
PAGES = {
    "/": "t=10",  # with a step opened
    "/saturation": "big=1",  # without a sidebar, but for the button that opens it
    "/weight-scale": "",
    "/gating": "cell=lstm",
    "/clipping": "",
    "/numbers": "",
}
MOST = 250  # stops of Tab; a page has 40 to 80
SIDEBAR = "[data-testid=stSidebarCollapseButton] button, [data-testid=stExpandSidebarButton]"
VALUED = ("slider", "spinbutton", "combobox")

WATCH = """() => {
    const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex]';
    const LOOKS = ['outline', 'boxShadow', 'borderColor', 'backgroundColor', 'opacity'];
    const above = (node) => node.parentElement ?? node.getRootNode().host ?? null;
    const upwards = (node) => (node ? [node, ...upwards(above(node))] : []);
    const within = (root) => [...root.querySelectorAll('*')].flatMap(
        (node) => [node, ...(node.shadowRoot ? within(node.shadowRoot) : [])]);
    const keyOf = (node) => node.getAttribute('class')?.match(/(?<!\\S)st-key-\\S+/)?.[0];
    const name = (node) => [node.localName, upwards(node).map(keyOf).find(Boolean) ?? '',
        (node.getAttribute('aria-label') ?? node.innerText ?? '').slice(0, 40)].join(' ');
    const isThere = (node) => node.checkVisibility({ visibilityProperty: true })
        && !node.disabled && !node.closest('[aria-hidden=true], [inert]');
    const isOnScreen = (node) => {
        const box = node.getBoundingClientRect();
        return box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight;
    };
    const look = (node) => {
        for (const one of document.getAnimations()) one.finish();
        const around = upwards(node).slice(0, 6).concat(node.matches('main') ? [] : within(node));
        return around.map((one) => LOOKS.map((what) => getComputedStyle(one)[what]).join()).join();
    };
    const stops = [], looks = [];
    const focused = () => {
        let node = document.activeElement;
        while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
        return node;
    };
    window.tab = {
        focused,
        name: () => name(focused()),
        isNew: () => focused() !== document.body && !stops.includes(focused()),
        isClosed: () => focused().matches('details:not([open]) > summary'),
        stop: () => {
            stops.push(focused());
            looks.push(isOnScreen(focused()) && look(focused()));
        },
        has: (selector) => stops.some((node) => node.matches(selector)),
        place: () => stops.indexOf(focused()),
        // Arrow keys move between the radio buttons of a group, and do what the buttons in the box
        // of a number or a list do: there one stop is enough.
        missed: () => within(document.body).filter((node) => {
            const group = node.closest('[role=radiogroup], .stNumberInput, .stSelectbox');
            return node.matches(CONTROLS) && isThere(node)
                && !stops.some((stop) => stop === node || (group && group.contains(stop)));
        }).map(name),
        unseen: () => stops.filter((node, k) => !looks[k] || look(node) === looks[k]).map(name),
        // Neighbours of which the second stands neither below the first nor to its right.
        backward: () => stops.slice(1).map((next, k) => [stops[k], next]).filter(([one, next]) => {
            const isOfOnePart = one.closest('main') === next.closest('main');
            if (!isOfOnePart || one.matches('main')) return false;
            const [a, b] = [one, next].map((node) => node.getBoundingClientRect());
            return b.top < a.bottom - 4 && b.left < a.left - 1;
        }).map((pair) => pair.map(name).join(' > ')),
    };
}"""


def heard(session, node):
    """Return role, name and value of a node, as a screen reader gets them."""
    found = session.send("Runtime.evaluate", {"expression": node})["result"]["objectId"]
    asked = {"objectId": found, "fetchRelatives": False}
    said = session.send("Accessibility.getPartialAXTree", asked)["nodes"][0]
    return tuple(said.get(what, {}).get("value", "") for what in ("role", "name", "value"))


def is_heard_in_full(page, session):
    """Tell whether what has focus has a name, and a value where it is one to set."""
    role, name, value = heard(session, "tab.focused()")
    if role == "main":  # it takes focus to be scrolled by keys
        return True
    if role == "radio":
        _, group, _ = heard(session, "tab.focused().closest('[role=radiogroup]')")
        return bool(name and group)
    if role == "slider":
        value = page.evaluate("tab.focused().getAttribute('aria-valuetext')")
    return bool(name) and (role not in VALUED or value not in ("", None))


@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_every_control_in_the_order_of_the_page(new_context, path):
    page = new_context().new_page()
    page.goto(f"{path}?{SMALL}&{PAGES[path]}")
    page.wait_for_selector("[data-run]" if path != "/numbers" else "table")
    settled(page)
    page.evaluate(WATCH)
    session, mute, count = page.context.new_cdp_session(page), [], 0
    page.keyboard.press("Tab")
    while page.evaluate("tab.isNew()") and count < MOST:
        if page.evaluate("tab.isClosed()"):
            page.keyboard.press("Enter")
            page.wait_for_function("!tab.isClosed()")
        if not is_heard_in_full(page, session):
            mute.append(page.evaluate("tab.name()"))
        page.evaluate("tab.stop()")
        count += 1
        page.keyboard.press("Tab")
    assert mute == []
    assert page.evaluate("tab.missed()") == []
    assert page.evaluate("tab.has", SIDEBAR)
    assert page.evaluate("tab.unseen()") == []
    assert page.evaluate("tab.backward()") == []
    back = []
    for _ in range(count):
        page.keyboard.press("Shift+Tab")
        back.append(page.evaluate("tab.place()"))
    assert back == list(reversed(range(count)))
