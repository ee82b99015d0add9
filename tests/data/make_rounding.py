"""Write rounding.npz: how PyTorch rounds to float16 and bfloat16.

PyTorch is not a dependency of this project; `make_golden.py` says how to run this beside it.

rounding.npz holds `value` (float32 numbers: ties, subnormal numbers, the ends of each range, and
numbers of every size) and what PyTorch makes of them in `float16` and in `bfloat16`, as float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

SEED = 20131211


def rounding_table() -> dict[str, np.ndarray]:
    """Choose float32 numbers that are hard to round and ask PyTorch for their roundings."""
    rng = np.random.default_rng(SEED)
    chosen = [np.array([0.0, 1.0, 65504.0, 65519.0, 65519.996, 65520.0, 65536.0, 3.4028235e38])]
    chosen += [np.array([3.3895314e38, 3.3961775e38, 3.396e38, 1.401298464324817e-45])]
    for bits, lowest in ((11, -14), (8, -126)):
        for exponent in (lowest - bits, lowest - bits + 1, lowest - 1, lowest, -3, 0, 5):
            ulp = 2.0 ** (max(exponent, lowest) - bits + 1)
            for count in (0, 1, 2, 3, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2**bits - 1):
                chosen.append(ulp * (count + np.array([0.25, 0.5, 0.5 + 2**-10, 0.75, 1.0])))
    chosen.append(rng.normal(size=200) * 10.0 ** rng.uniform(-9, 5, size=200))
    chosen.append(rng.normal(size=200) * 10.0 ** rng.uniform(-44, 38, size=200))
    with np.errstate(over="ignore", under="ignore"):
        value = np.unique(np.concatenate(chosen).astype(np.float32))
    value = np.concatenate([value, -value])
    value = value[np.isfinite(value)]
    as_torch = torch.tensor(value)
    return {
        "value": value.astype(np.float64),
        "float16": as_torch.to(torch.float16).double().numpy(),
        "bfloat16": as_torch.to(torch.bfloat16).double().numpy(),
    }


if __name__ == "__main__":
    np.savez(Path(__file__).parent / "rounding.npz", **rounding_table())
