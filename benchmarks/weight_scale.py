"""Nets against theory, weight scale by weight scale: `python -m benchmarks.weight_scale`.

Growth per step of wide nets, tied and untied, driven and silent, beside mean field of their own
input step by step with its finite-width term: what the page of weight scale draws, at widths and
numbers of nets that a page does not wait for. Untied nets must lie within .004 of it (H = 512);
tied ones in silence lie above it where powers of one W add up. About four minutes on one core.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np

import rnn_core as rc
from rnn_core.theory.scale_curve import mean_field_curve, measured_unit

SCALES = (0.5, 1.5, 3.0)
FIRST_SEED = 2000


@dataclass(frozen=True)
class Row:
    """What is measured: a config, how many nets, and how far from theory they may be."""

    name: str
    config: rc.ExperimentConfig
    nets: int
    tolerance: float


def config_of(size: int, **settings: object) -> rc.ExperimentConfig:
    """Return a run of 100 steps of one sequence."""
    return rc.ExperimentConfig(hidden_size=size, steps=100, batch_size=1, **settings)  # type: ignore[arg-type]


SILENT = {"input_scale": 0.0, "h_init": "random", "bias_scale": 0.1}
ROWS = (
    Row("untied, driven, H=512", config_of(512, is_tied=False), 6, 0.004),
    Row("untied, silent, H=512", config_of(512, is_tied=False, **SILENT), 6, 0.004),
    Row("untied, driven, H=64", config_of(64, is_tied=False), 60, 0.004),
    Row("tied, driven, H=256", config_of(256), 20, 0.006),
    Row("tied, driven, H=64", config_of(64), 100, 0.006),
    Row("tied, one feature, H=64", config_of(64, input_size=1), 100, 0.010),
    Row("tied, silent, H=128", config_of(128, input_scale=0.0, h_init="random"), 60, 0.030),
)


def main() -> int:
    """Print measured, theory and their difference; 1 where a tolerance is not kept."""
    failures = 0
    print(f"{'':26}{'scale':>6}{'nets':>9}{'se':>8}{'theory':>9}{'wide':>9}{'diff':>9}")
    for row in ROWS:
        seeds = range(FIRST_SEED, FIRST_SEED + row.nets)
        curve = mean_field_curve(row.config, measured_unit(row.config, seeds), SCALES)
        if curve is None:
            raise SystemExit(f"{row.name}: no mean field")
        for scale, theory, wide in zip(SCALES, curve.growth, curve.limit, strict=True):
            runs = [rc.run(replace(row.config, seed=s, weight_scale=scale)) for s in seeds]
            growth = np.array([run.verdict.growth_per_step for run in runs], dtype=float)
            error = growth.std(ddof=1) / np.sqrt(len(growth))
            difference = growth.mean() - theory
            is_off = abs(difference) > row.tolerance + 2.0 * error
            failures += bool(is_off)
            print(
                f"{row.name:26}{scale:6g}{growth.mean():9.4f}{error:8.4f}{theory:9.4f}{wide:9.4f}"
                f"{difference:9.4f}{'   DIFFERS' if is_off else ''}",
                flush=True,
            )
    print(f"\n{failures} rows differ by more than their tolerance")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
