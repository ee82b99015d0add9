"""The launcher: `python -m streamlit run app/main.py` serves `lab.py` and plotly.js.

Before the first reader comes, everything is imported, plotly.js compressed, one run recorded and
drawn; then the garbage collector is told to leave all that alone (`garbage`).
"""

import os
import sys
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # small matrices: more threads are slower

_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:  # Streamlit puts the folder of this file on the path, not the project
    sys.path.insert(0, _ROOT)

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st
from starlette.middleware import Middleware

from app import garbage, live, weight_scales
from app.components import plotly_js
from app.views import clipping, gating, gradient_flow, saturation, weight_scale

_ARENAS = -8
"""glibc's M_ARENA_MAX: a heap for each of a class's threads keeps 60 MB that two heaps share."""

CHARTS = {
    "picture": gradient_flow.picture,
    "saturation": saturation.picture,
    "weight-scale": weight_scale.picture,
    "gating": gating.picture,
    "clipping": clipping.picture,
    "clipped-net": clipping.net_picture,
}
"""What draws each live figure, by its key."""


@asynccontextmanager
async def warm_up(_app: st.App) -> AsyncIterator[None]:
    """Do once what no reader should wait for."""
    with suppress(AttributeError, OSError):  # not every system has glibc
        ctypes.CDLL(None).mallopt(_ARENAS, 2)
    plotly_js.compressed()
    gradient_flow.warm_up()
    weight_scales.warm_up()
    garbage.settle()
    keeping = asyncio.create_task(garbage.keep_away())
    yield
    keeping.cancel()


app = st.App(
    Path(__file__).with_name("lab.py"),
    routes=[plotly_js.ROUTE, live.route(CHARTS)],
    middleware=[Middleware(plotly_js.Announced)],
    lifespan=warm_up,
)
