"""Colours and type: of the palette, readable in both themes, from the last row."""

import json
import re

import pytest

from app.figures import theme
from tests.app.test_figures import gradient_flow, run


def test_every_colour_is_in_the_palette_or_of_the_page():
    """The live figure looks colours up by name; a name that nobody declared would paint nothing."""
    pictures = [
        gradient_flow(run(), pinned=run(seed=1)),
        gradient_flow(run(weight_scale=0.0, loss_at="every")),
        gradient_flow(run(source="text", text="it is")),
    ]
    for fig in pictures:
        names = set(re.findall(r"var\((--[\w-]+)\)", json.dumps(fig.to_plotly_json(), default=str)))
        own = {name for name in names if name.startswith("--lab-")}
        assert own <= set(theme.PALETTE)
        assert names - own <= {"--st-text-color", "--st-font", "--st-background-color"} | {
            "--st-secondary-background-color"
        }
        meta = fig.layout.template.layout.meta
        assert meta["palette"] == theme.PALETTE


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    "name", ["run", "a", "bound", "floor", "share", "zero", "exit-1", "exit-2", "exit-3", "exit-4"]
)
def test_lines_and_words_can_be_read_on_both_themes(name):
    on_light, on_dark = theme.PALETTE[f"--lab-{name}"]
    assert contrast(on_light, "#ffffff") >= 4.5
    assert contrast(on_dark, "#181818") >= 4.5


def test_type_is_large_enough_for_the_last_row():
    fig = gradient_flow(run(), pinned=run(seed=1))
    assert fig.layout.template.layout.font.size >= 14
    assert all(note.font.size is None or note.font.size >= 14 for note in fig.layout.annotations)
