"""The same runs in PyTorch, with and without per-step gradients; one thread, float64."""

from collections.abc import Callable

import numpy as np


def candidates(
    cell: str, state: dict[str, np.ndarray], x: np.ndarray, readout: np.ndarray
) -> dict[str, Callable[[], object]]:
    """Return three ways to get gradients from PyTorch, each a call without arguments."""
    import torch  # noqa: PLC0415 - measured where it is installed, never a dependency

    torch.set_num_threads(1)
    steps, batch, features = x.shape
    hidden = len(readout)
    kinds = {
        "rnn": (torch.nn.RNNCell, torch.nn.RNN),
        "gru": (torch.nn.GRUCell, torch.nn.GRU),
        "lstm": (torch.nn.LSTMCell, torch.nn.LSTM),
    }
    one, whole = (kind(features, hidden).double() for kind in kinds[cell])
    whole.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    one.load_state_dict(
        {name.removesuffix("_l0"): torch.tensor(array) for name, array in state.items()}
    )
    inputs, v = torch.tensor(x), torch.tensor(readout)

    def unrolled() -> list[tuple[torch.Tensor, ...]]:
        h = torch.zeros(batch, hidden, dtype=torch.float64)
        now: tuple[torch.Tensor, ...] = (h, torch.zeros_like(h)) if cell == "lstm" else (h,)
        states = []
        for t in range(steps):
            after = one(inputs[t], now if cell == "lstm" else now[0])
            now = after if cell == "lstm" else (after,)
            states.append(now)
        return states

    def retained() -> object:
        states = unrolled()
        for now in states:
            for part in now:
                part.retain_grad()
        one.zero_grad()
        (states[-1][0] * v).sum().backward()
        return [part.grad for now in states for part in now]

    def autograd() -> object:
        states = unrolled()
        loss = (states[-1][0] * v).sum()
        asked = [part for now in states for part in now] + list(one.parameters())
        return torch.autograd.grad(loss, asked, allow_unused=True)

    def fused() -> object:
        whole.zero_grad()
        output, _ = whole(inputs)
        (output[-1] * v).sum().backward()
        return [parameter.grad for parameter in whole.parameters()]

    return {"retained": retained, "autograd": autograd, "fused": fused}
