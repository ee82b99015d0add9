"""Time the engine, alone and against PyTorch and JAX where they are installed.

    python -m benchmarks.engine            # all cases, a few minutes
    python -m benchmarks.engine --rounds 3 --cells lstm

One thread, float64, D = 8, loss at the last step. Every round runs the candidates one after the
other, so that a slow spell of the machine meets all of them; a ratio is the median over rounds.

ours          rnn_core.record: states, dL/dh at every step, all weight gradients, verdict
retained      PyTorch cells, the gradient of every state kept with retain_grad
autograd      the same cells, torch.autograd.grad asked for every state and parameter
fused         nn.RNN, nn.GRU, nn.LSTM: weight gradients alone, nothing recorded per step
jax           jit of a lax.scan, gradients of a perturbation of every state; compilation apart
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read when NumPy is first imported

import argparse
import importlib.util
import math
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

import rnn_core as rc
from benchmarks import jax_scan, torch_cells
from rnn_core.ensemble import sweep
from rnn_core.experiment import draw, loss_of

CELLS = ("rnn", "gru", "lstm")
CASES = ((100, 16, 32), (200, 16, 64), (1000, 16, 64), (1000, 1, 64), (10_000, 1, 32))
PER_STEP = ("retained", "autograd")


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def config_of(cell: str, steps: int, batch: int, hidden: int) -> rc.ExperimentConfig:
    """Return a run at PyTorch's default initialisation."""
    return rc.ExperimentConfig(
        cell=cell, init="pytorch", steps=steps, batch_size=batch, hidden_size=hidden
    )


def candidates(config: rc.ExperimentConfig) -> dict[str, Callable[[], object]]:
    """Return everything that can run this config here, by name."""
    drawn = draw(config)
    loss = loss_of(config, config.steps)
    readout = loss(np.zeros((config.steps, 1, config.hidden_size)))[1][-1, 0]
    found: dict[str, Callable[[], object]] = {
        "ours": lambda: rc.record(drawn.network, drawn.x, loss)
    }
    if importlib.util.find_spec("torch"):
        found |= torch_cells.candidates(config.cell, drawn.network.state_dict(), drawn.x, readout)
    if importlib.util.find_spec("jax"):
        found |= jax_scan.candidates(config.cell, drawn.network.state_dict(), drawn.x, readout)
    return found


def compare(cells: tuple[str, ...], rounds: int) -> None:
    """Print milliseconds and ratios for every case."""
    columns = ("ours", *PER_STEP, "fused", "jax")
    print(f"\n{'case':28}" + "".join(f"{name:>11}" for name in columns))
    against: list[float] = []
    fused: list[float] = []
    for cell, (steps, batch, hidden) in product(cells, CASES):
        runs = candidates(config_of(cell, steps, batch, hidden))
        for run in runs.values():
            run()  # warm-up: caches, and JAX's compilation
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                times[name].append(timed(run))
        middle = {name: statistics.median(values) for name, values in times.items()}
        name = f"{cell} T={steps} B={batch} H={hidden}"
        shown = [middle.get(key) for key in columns]
        row = "".join(f"{1e3 * t:8.1f} ms" if t is not None else f"{'-':>11}" for t in shown)
        print(f"{name:28}{row}", end="")
        if "fused" in times:
            best = [min(times[k][i] for k in PER_STEP) for i in range(rounds)]
            ratios = [b / o for b, o in zip(best, times["ours"], strict=True)]
            over_fused = [f / o for f, o in zip(times["fused"], times["ours"], strict=True)]
            against.append(statistics.median(ratios))
            fused.append(statistics.median(over_fused))
            print(f"   {against[-1]:5.2f} x per-step, {fused[-1]:5.2f} x fused", end="")
        print()
    if against:
        mean = math.exp(statistics.fmean(math.log(ratio) for ratio in against))
        print(f"geometric mean over per-step gradients {mean:.2f}, smallest {min(against):.2f}; ")
        print(f"smallest over fused {min(fused):.2f}")


def growth(cells: tuple[str, ...], rounds: int) -> None:
    """Print the cost per step against T: it is linear where the numbers do not grow."""
    print("\ncost per step against T, B=1, H=32 (microseconds)")
    for cell in cells:
        row = []
        for steps in (100, 1000, 10_000):
            drawn = draw(config_of(cell, steps, 1, 32))
            loss = loss_of(config_of(cell, steps, 1, 32), steps)
            rc.record(drawn.network, drawn.x, loss)
            best = statistics.median(
                timed(lambda d=drawn, v=loss: rc.record(d.network, d.x, v)) for _ in range(rounds)
            )
            row.append(f"T={steps}: {1e6 * best / steps:6.1f}")
        print(f"{cell:6}" + "   ".join(row))


def memory(cells: tuple[str, ...]) -> None:
    """Print the peak of a run against the size of what it records."""
    print("\npeak memory against what is recorded, T=1000, B=16, H=64 (MiB)")
    for cell in cells:
        drawn = draw(config_of(cell, 1000, 16, 64))
        loss = loss_of(config_of(cell, 1000, 16, 64), 1000)
        tracemalloc.start()
        rec = rc.record(drawn.network, drawn.x, loss)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        layer = rec.layers[0]
        recorded = sum(
            array.nbytes for array in (layer.h, layer.a, layer.d_h, *layer.gates.values())
        )
        print(f"{cell:6}peak {peak / 2**20:6.1f}, kept {kept / 2**20:6.1f}", end=", ")
        print(f"h, a, gates and dL/dh alone {recorded / 2**20:6.1f}")


def ensembles(cells: tuple[str, ...], rounds: int) -> None:
    """Print a 41 x 20 sweep as one batch against the loop of single runs."""
    print("\nsweep of 41 weight scales x 20 seeds, T=100, B=4, H=32 (seconds)")
    names = [*cells, *(["untied"] if "rnn" in cells else [])]
    for name in names:
        cell = "rnn" if name == "untied" else name
        base = replace(config_of(cell, 100, 4, 32), init="gaussian", is_tied=name != "untied")
        axes = {"weight_scale": np.linspace(0.0, 4.0, 41).tolist(), "seed": range(20)}
        configs = [
            replace(base, weight_scale=scale, seed=seed)
            for scale in axes["weight_scale"]
            for seed in axes["seed"]
        ]
        ratios, batched, looped = [], [], []
        for _ in range(max(2, rounds // 2)):
            batched.append(timed(lambda b=base, a=axes: sweep(b, a)))
            looped.append(timed(lambda c=configs: [rc.run(config) for config in c]))
            ratios.append(looped[-1] / batched[-1])
        seconds = f"{statistics.median(batched):.2f} against {statistics.median(looped):.2f}"
        print(f"{name:7}{seconds}, {statistics.median(ratios):.1f} times faster")


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=("compare", "growth", "memory", "ensembles"),
        default=("compare", "growth", "memory", "ensembles"),
    )
    arguments = parser.parse_args()
    cells, rounds = tuple(arguments.cells), arguments.rounds
    print(f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    for name, part in (
        ("compare", lambda: compare(cells, rounds)),
        ("growth", lambda: growth(cells, rounds)),
        ("memory", lambda: memory(cells)),
        ("ensembles", lambda: ensembles(cells, rounds)),
    ):
        if name in arguments.parts:
            part()


if __name__ == "__main__":
    main()
