"""What a part of the gradient is: a projection, which may exceed the whole or pull back."""

import numpy as np
import pytest

from app.sentences import gating as says
from rnn_core.analysis.roads import roads
from tests.app.test_gating import three
from tests.reference.slow_terms import slow_paths

WHY = "A part is its projection on the whole: all add up to 100 %"


@pytest.mark.parametrize("settings", [{"cell": "lstm"}, {"cell": "lstm", "forget_bias": 5.0}])
def test_a_part_beyond_the_whole_is_explained(settings):
    rec = three(hidden_size=16, **settings)[settings["cell"]]
    own = np.zeros(rec.layers[0].h.shape)
    own[-1] = rec.layers[0].d_h[-1]
    zeros = np.zeros(own.shape[1:])
    parts = slow_paths(
        rec.network.state_dict(), np.array(rec.x), own, cell="lstm", h_init=zeros, c_init=zeros
    )
    split = {name: part[0] for name, part in parts.items() if name != "whole"}
    whole = sum(split.values())
    total = (whole * whole).sum(axis=1)
    shares = {
        name: float(np.mean((one * whole).sum(axis=1) / total)) for name, one in split.items()
    }
    assert sum(shares.values()) == pytest.approx(1.0)
    largest = max(shares.values())
    text = says.notice(rec, roads(rec))
    assert f"{100 * largest:.0f} %" in text
    assert (WHY in text) == (largest > 1.005)
