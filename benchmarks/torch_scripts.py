"""The PyTorch script of every preset, executed: `python -m benchmarks.torch_scripts`.

Needs PyTorch. Prints the growth per step (or, where the script has none, log10 |dL/dh| at step 1)
of the page and of PyTorch. An exploding run is chaotic, so there the two agree in growth only as
far as one long product does; a script that is further off than 0.01 ends with an error.
"""

import contextlib
import io
import math
import sys

import rnn_core as rc
from app.preset import Preset
from app.presets import GATING, PRESETS, SATURATION
from app.snippets import in_pytorch

FAR_OFF = 0.01


def both(preset: Preset) -> tuple[float, float]:
    """Return the number of the page and that of PyTorch."""
    rec = rc.run(preset.config())
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(in_pytorch(rec), names)  # noqa: S102 - our own text, as its reader would run it
    if "growth" in names:
        return rec.verdict.growth_per_step or 0.0, float(names["growth"])  # type: ignore[arg-type]
    first = float(names["sizes"][0].mean())  # type: ignore[index]
    return float(rec.layers[0].log10_norms("d_h")[0].mean()), first


def main() -> int:
    """Print a line per preset."""
    choices = (one for choice in (*SATURATION, *GATING) for one in choice.presets)
    worst = 0.0
    for preset in (*PRESETS, *choices):
        page, torch = both(preset)
        if math.isnan(torch):
            print(f"{preset.name:22} page {page:+9.5f}   PyTorch: 0, beyond float64")
            continue
        worst = max(worst, abs(page - torch))
        print(f"{preset.name:22} page {page:+9.5f}   PyTorch {torch:+9.5f}   {page - torch:+.1e}")
    return int(not worst < FAR_OFF)


if __name__ == "__main__":
    sys.exit(main())
