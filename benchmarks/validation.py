"""Monte Carlo of the engine against the tables of random nets: `python -m benchmarks.validation`.

Every row of the mc_* tables of tests/data/reference.json is measured again with runs of our own
engine (other seeds; as many nets as the table, 200 where they are small) and compared:
|difference| <= 3 sqrt(se^2 + se_ours^2), the tables' tolerance. Beside it stands what mean field
says. About five minutes on one core, and 1 GB.

One run: a vanilla net without input from a random state; `burn` steps settle it; then a random unit
vector is carried back over T steps. The slope is log10 of its growth per step.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rnn_core as rc
from rnn_core.theory.mean_field import fixed_point

TABLES = Path(__file__).parents[1] / "tests" / "data" / "reference.json"
NAMES = (
    "mc_untied_tanh_H512",
    "mc_tied_tanh_H128",
    "mc_tied_tanh_H64",
    "mc_sigmoid_relu_H512_sb0.1",
)
FIRST_SEED = 1000
MANY = 200
"""Nets per row of at most 128 units: then the table's own noise is what is left."""


@dataclass(frozen=True)
class Compared:
    """One row of a table beside what our engine measured."""

    expected: float
    expected_se: float
    measured: float
    measured_se: float

    @property
    def tolerance(self) -> float:
        """3 standard errors of the difference."""
        return 3.0 * float(np.hypot(self.expected_se, self.measured_se))

    @property
    def agrees(self) -> bool:
        """Whether both means are the same but for their noise."""
        return abs(self.measured - self.expected) <= self.tolerance


def rows_of(name: str) -> list[dict[str, Any]]:
    """Return the rows of one table, each by column."""
    table = json.loads(TABLES.read_text(encoding="utf-8"))["tables"][name]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def slope(row: dict[str, Any], seed: int) -> float:
    """Measure one net: log10 growth per step of a random vector carried back over T steps."""
    rec = rc.run(
        rc.ExperimentConfig(
            activation=row["activation"],
            is_tied=row["mode"] == "tied",
            hidden_size=row["H"],
            weight_scale=row["sigma_w"],
            bias_scale=row["sigma_b"],
            steps=row["burn"] + row["T"],
            batch_size=1,
            input_size=1,
            source="silence",
            h_init="random",
            seed=seed,
        )
    )
    norms = rec.layers[0].log10_norms("d_h")[:, 0]
    return float(norms[-1 - row["T"]] - norms[-1]) / row["T"]


def compare(row: dict[str, Any], seeds: int | None = None) -> Compared:
    """Measure one row with as many nets as the table did (200 small ones), or with `seeds`."""
    usual = MANY if row["H"] <= 128 else row["seeds"]
    count = usual if seeds is None else seeds
    measured = [slope(row, FIRST_SEED + k) for k in range(count)]
    error = float(np.std(measured, ddof=1) / np.sqrt(count))
    return Compared(row["mc_slope"], row["se"], float(np.mean(measured)), error)


def main() -> int:
    """Print every row, table against measured against tolerance; 1 where some do not agree."""
    failures = 0
    for name in NAMES:
        print(f"\n{name}")
        print(
            f"{'':22}{'theory':>9}{'table':>9}{'measured':>10}{'difference':>12}{'tolerance':>11}"
        )
        for row in rows_of(name):
            done = compare(row)
            theory = fixed_point(row["activation"], row["sigma_w"], row["sigma_b"]).slope
            label = f"{row['activation']} {row['mode']} {row['sigma_w']:g} {row['sigma_b']:g}"
            print(
                f"{label:22}{theory:9.4f}{done.expected:9.4f}{done.measured:10.4f}"
                f"{done.measured - done.expected:12.4f}{done.tolerance:11.4f}"
                f"{'' if done.agrees else '   DIFFERS'}",
                flush=True,
            )
            failures += not done.agrees
    print(f"\n{failures} rows differ by more than their tolerance")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
