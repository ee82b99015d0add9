"""Write training.npz: short training runs of a small tanh network as PyTorch computes them.

PyTorch is not a dependency of this project; `make_golden.py` says how to run this beside it.

One network and task for all cases: `start/<parameter>` (PyTorch's names, weight_hy, bias_y), inputs
`x` (T, B, D) and `targets` (B, K); L = mean over sequences of the squared error at the last step,
summed over outputs. For each case of CASES: `<case>/loss` and `<case>/norm` (updates + 1,), the
loss and the norm of the whole gradient before clipping and before each update, and
`<case>/<parameter>` after the last. float64; clipping by norm has no epsilon (Pascanu's rule), by
value it is torch.nn.utils.clip_grad_value_; optimisers are torch.optim.SGD and Adam.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

SEED, T, B, D, H, K, UPDATES = 20131211, 12, 5, 2, 6, 2, 12

CASES = {  # optimiser, threshold, mode
    "sgd": (("SGD", {"lr": 0.1}), None, "norm"),
    "sgd_by_norm": (("SGD", {"lr": 0.1}), 0.3, "norm"),
    "sgd_by_value": (("SGD", {"lr": 0.1}), 0.05, "value"),
    "momentum_by_norm": (("SGD", {"lr": 0.05, "momentum": 0.9}), 0.5, "norm"),
    "adam": (("Adam", {"lr": 0.02}), None, "norm"),
    "adam_by_norm": (("Adam", {"lr": 0.02}), 0.3, "norm"),
}


def main() -> None:
    """Run every case from the same start and store what it did."""
    rng = np.random.default_rng(SEED)
    start = {
        "weight_ih_l0": rng.normal(size=(H, D)),
        "weight_hh_l0": 1.3 * rng.normal(size=(H, H)) / H**0.5,
        "bias_ih_l0": 0.1 * rng.normal(size=H),
        "bias_hh_l0": 0.1 * rng.normal(size=H),
        "weight_hy": rng.normal(size=(K, H)),
        "bias_y": 0.1 * rng.normal(size=K),
    }
    x, targets = rng.normal(size=(T, B, D)), rng.normal(size=(B, K))
    stored = {f"start/{name}": array for name, array in start.items()}
    stored |= {"x": x, "targets": targets}
    for name, ((kind, options), threshold, mode) in CASES.items():
        p = {n: torch.tensor(array, requires_grad=True) for n, array in start.items()}
        optimizer = getattr(torch.optim, kind)(list(p.values()), **options)
        losses, norms = [], []
        for number in range(UPDATES + 1):
            h = torch.zeros(B, H, dtype=torch.float64)
            for row in torch.from_numpy(x):
                h = torch.tanh(
                    row @ p["weight_ih_l0"].T
                    + p["bias_ih_l0"]
                    + h @ p["weight_hh_l0"].T
                    + p["bias_hh_l0"]
                )
            error = h @ p["weight_hy"].T + p["bias_y"] - torch.from_numpy(targets)
            loss = error.square().sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            norm = torch.sqrt(sum(one.grad.square().sum() for one in p.values()))
            losses.append(loss.item())
            norms.append(norm.item())
            if number == UPDATES:
                break
            if threshold is not None and mode == "value":
                torch.nn.utils.clip_grad_value_(list(p.values()), threshold)
            elif threshold is not None and norm >= threshold:
                for one in p.values():
                    one.grad *= threshold / norm
            optimizer.step()
        stored |= {f"{name}/loss": np.array(losses), f"{name}/norm": np.array(norms)}
        stored |= {f"{name}/{n}": one.detach().numpy() for n, one in p.items()}
    np.savez_compressed(Path(__file__).with_name("training.npz"), **stored)
    print(f"training.npz: {len(CASES)} cases, torch {torch.__version__}")


if __name__ == "__main__":
    main()
