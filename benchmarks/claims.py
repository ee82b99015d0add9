"""Read every claim of the design off the running app: `python -m benchmarks.claims`.

Opens each page in Chromium, presses one preset, makes at most three more moves, and prints the
page, the preset, the moves, the page's own sentence and the number in it. A sentence that is not
there, or a number outside of what theory and the tables allow, ends the script with an error.
"""

import re
import sys
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import FLAGS, chromium, served

PATIENCE = 60_000  # ms

POWER = r"(10\^[−-]?[\d.]+)"


@dataclass(frozen=True)
class Choose:
    """Press a word of a control in the sidebar."""

    field: str
    word: str

    def make(self, page: Page) -> None:
        """Make the move."""
        page.locator(f".st-key-{self.field}").get_by_text(self.word, exact=True).click()

    def __str__(self) -> str:
        return f"{self.field} := {self.word}"


@dataclass(frozen=True)
class Press:
    """Press a key on a slider."""

    field: str
    key: str

    def make(self, page: Page) -> None:
        """Make the move."""
        page.locator(f".st-key-{self.field} input[type=range]").press(self.key)

    def __str__(self) -> str:
        return f"{self.field}: key {self.key}"


@dataclass(frozen=True)
class Claim:
    """A truth, where it is shown, and the sentence that says it.

    Attributes
    ----------
    truth : its number in the design, and the truth in a few words.
    page : address of the page.
    preset : words on the button.
    moves : after the preset, at most three.
    says : what the sentence has to match; its groups are numbers.
    low, high : what the numbers (log10 where they are powers) may be, one pair a group.
    """

    truth: str
    page: str
    preset: str
    moves: tuple[Choose | Press, ...]
    says: str
    between: tuple[tuple[float, float], ...]


GROWS = rf"grows to {POWER} times its size"
SHRINKS = rf"shrinks to {POWER} of its size"
ALWAYS = ()

CLAIMS = (
    Claim("1 radius 1.5, unit input", "/", "Radius 1.5 vanishes", ALWAYS, SHRINKS, ((-16, -9),)),
    Claim("1 radius 1.5, weak input", "/", "Weak input explodes", ALWAYS, GROWS, ((2, 9),)),
    Claim("1 crosses at 1.9", "/", "Holds", ALWAYS, r"holds with (.+?) its size", ((-2, 2),)),
    Claim(
        "2 by its own weights",
        "/saturation",
        "its own weights",
        ALWAYS,
        rf"(\d+) % of the units are saturated, yet .*{GROWS}",
        ((80, 95), (14, 31)),
    ),
    Claim(
        "2 by its inputs",
        "/saturation",
        "its inputs",
        ALWAYS,
        rf"(\d+) % of the units are saturated, and .*{SHRINKS}",
        ((80, 95), (-40, -24)),
    ),
    Claim(
        "2 one unit",
        "/saturation",
        "1 unit",
        ALWAYS,
        rf"The one unit is saturated.*{SHRINKS}",
        ((-720, -660),),
    ),
    Claim(
        "3 dL/dW does not vanish",
        "/",
        "Vanishes",
        ALWAYS,
        r"The last (\d+) of 200 steps supply 90 % of ∂L/∂Whh: the sum does not vanish",
        ((1, 30),),
    ),
    Claim(
        "4 a loss at every step hides it",
        "/",
        "Vanishes",
        (Choose("loss_at", "every step"),),
        rf"the last step’s own gradient {SHRINKS}",
        ((-43, -35),),
    ),
    Claim(
        "4 ... and is told so",
        "/",
        "Vanishes",
        (Choose("loss_at", "every step"),),
        r"Every step’s own loss keeps the solid curve up; the verdict is of the dashed one\.",
        (),
    ),
    Claim(
        "5 paces at PyTorch's default",
        "/gating",
        "an LSTM",
        ALWAYS,
        r"per step back, of dL/dh, RNN × ([\d.]+), GRU × ([\d.]+), LSTM × ([\d.]+)",
        ((0.4, 0.65), (0.6, 0.7), (0.6, 0.7)),
    ),
    Claim(
        "5 product of forget gates",
        "/gating",
        "an LSTM",
        ALWAYS,
        rf"multiply dL/dc by {POWER} in the rms over units, the whole LSTM multiplies it by "
        rf"{POWER}: the conveyor "
        "belt is not the road",
        ((-33, -26), (-25, -17)),
    ),
    Claim(
        "5 most leaves by the candidate",
        "/gating",
        "an LSTM",
        ALWAYS,
        r"(\d+) % of ∂L/∂c at step 1 came by the candidate g",
        ((80, 120),),
    ),
    Claim(
        "5 forget bias 5 changes it",
        "/gating",
        "5",
        ALWAYS,
        r"multiply dL/dc by ([\d.]+) in the rms over units, the whole LSTM multiplies it by "
        r"([\d.]+)",
        ((0.1, 1), (0.5, 100)),
    ),
    Claim(
        "5 the bias, moved",
        "/gating",
        "an LSTM",
        (Press("forget_bias", "End"),),
        r"multiply dL/dc by ([\d.]+) in the rms over units, the whole LSTM multiplies it by "
        r"([\d.]+)",
        ((0.1, 1), (0.5, 1000)),
    ),
    Claim(
        "5 large weights explode",
        "/gating",
        "large weights",
        ALWAYS,
        rf"the LSTM’s dL/dh is multiplied by {POWER}",
        ((4, 40),),
    ),
    Claim(
        "6 clipping bounds the step",
        "/clipping",
        "Clipped survives",
        ALWAYS,
        r"Unclipped, .+? by a gradient of ([\d,.]+) to error ([\d.]+), .+?; clipped by norm at "
        r"1, it arrives below an error of ([\d.]+\d)",
        ((50, 1000), (0.08, 0.1), (0, 0.01)),
    ),
    Claim(
        "6 an explosion keeps its direction",
        "/clipping",
        "explodes",
        ALWAYS,
        r"Clipping by norm makes that ([\d.]+) and turns it by ([\d.]+)°; by value it leaves "
        r"([\d.]+) and turns it by ([\d.]+)°",
        ((0.99, 1.01), (0, 0.001), (1, 1000), (5, 90)),
    ),
    Claim(
        "6 what vanished stays vanished",
        "/clipping",
        "vanishes",
        ALWAYS,
        r"The last 10 steps hold (\d+) % of the clipped gradient, the first half "
        rf"−?{POWER}, as before",
        ((95, 100), (-40, -5)),
    ),
    Claim(
        "7 one draw is an anecdote",
        "/",
        "Vanishes",
        (Choose("nets", "20 nets"),),
        rf"Of 20 nets \(.+?\) all vanish: dL/dh × {POWER} in the middle one, {POWER} to {POWER}",
        ((-43, -35), (-43, -35), (-43, -35)),
    ),
    Claim(
        "1 unit input asks for 1.9",
        "/weight-scale",
        "1.9 is right",
        ALWAYS,
        r"The average step back .+? This input’s right weight scale is ([\d.]+\d)",
        ((1.7, 2.1),),
    ),
    Claim(
        "1 silence asks for 1",
        "/weight-scale",
        "1 is right",
        ALWAYS,
        r"The average step back .+? This input’s right weight scale is ([\d.]+\d)",
        ((0.99, 1.01),),
    ),
)


def value(text: str) -> float:
    """Return the number that a sentence has: of a power of ten its exponent."""
    plain = text.replace("−", "-").replace(",", "")
    if "^" in plain:
        return float(plain.split("^")[1])
    return float(re.search(r"-?[\d.]+", plain)[0].rstrip("."))  # type: ignore[index]


def read(page: Page, url: str, claim: Claim) -> str:
    """Open the page, press the preset, make the moves; return all that the page then says."""
    page.goto(url + claim.page)
    page.wait_for_selector("[data-run]", timeout=PATIENCE)
    _rest(page)
    buttons = page.locator(".st-key-presets button:visible")
    buttons.get_by_text(claim.preset, exact=True).click()
    _rest(page)
    for move in claim.moves:
        move.make(page)
        _rest(page)
    return " ".join(page.locator("[data-testid=stMain]").inner_text().split())


def _rest(page: Page) -> None:
    """Wait until the server has answered and the picture is that of the address."""
    page.wait_for_timeout(300)
    page.wait_for_selector(
        "[data-testid=stApp][data-test-script-state=notRunning]", timeout=PATIENCE
    )
    page.wait_for_function(
        """() => decodeURIComponent(document.querySelector('[data-run]').dataset.run.split('#')[0])
            === decodeURIComponent(location.search.slice(1))""",
        timeout=PATIENCE,
    )


def sentence_of(said: str, claim: Claim) -> tuple[str, str]:
    """Return the sentence that makes the claim, and what is wrong with it ("" if nothing)."""
    found = re.search(claim.says, said)
    if found is None:
        return said[:400], "NOT SAID"
    numbers = [value(text) for text in found.groups()[: len(claim.between)]]
    faults = [
        f"{number:g} is not in {low:g} to {high:g}"
        for number, (low, high) in zip(numbers, claim.between, strict=True)
        if not low <= number <= high
    ]
    return found[0], "; ".join(faults)


def main() -> int:
    """Print a block per claim."""
    faults = 0
    with served("app/main.py") as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        for claim in CLAIMS:
            sentence, fault = sentence_of(read(page, lab.url, claim), claim)
            faults += bool(fault)
            moves = ", ".join(map(str, claim.moves)) or "no further move"
            print(f"[{claim.truth}] {claim.page}, “{claim.preset}”, {moves}")
            print(f"    {sentence}{f'   <-- {fault}' if fault else ''}")
        browser.close()
    print(f"{len(CLAIMS)} claims, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
