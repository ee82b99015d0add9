"""A run as a few lines of Python: in `rnn_core`, and in PyTorch as an independent judge."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from rnn_core import ExperimentConfig, Recording

_ALWAYS: Final = ("cell", "steps", "hidden_size", "seed")
_PHI: Final = {
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "relu": "torch.relu({})",
    "identity": "{}",
}
_FARTHEST: Final = 307.0
"""Decades from 1 up to which float64 still holds a number with all its digits."""

_FAR: Final = "# beyond float64: PyTorch reads 0, inf or nan where the page still has a number"

_SUM: Final = "x[t] @ W_ih.T + h @ {}.T + b"


def in_rnn_core(rec: Recording) -> str:
    """Return a script that records the run again and prints its verdict and fingerprint.

    Raises
    ------
    ValueError : if the recording has no config.
    """
    growth = rec.verdict.growth_per_step
    said = "None" if growth is None else f"{growth:+.4f}"
    return _script(
        "import rnn_core as rc",
        "",
        *_config(rec),
        "rec = rc.run(config)",
        f"print(rec.verdict.regime, rec.verdict.growth_per_step)  # {rec.verdict.regime} {said}",
        f"print(rec.fingerprint)  # {rec.fingerprint}, on the machine that made this file",
        "print(rec.to_frame())  # every step",
    )


def in_pytorch(rec: Recording) -> str:
    """Return a script in which PyTorch computes the run; `rnn_core` draws weights and input.

    Its `sizes` are log10 |dL/dh_t|, (T, B), and `growth` is the growth per step where the loss is
    at the last step alone. An exploding run is chaotic: PyTorch's rounding is another, so compare
    the growth and not the values. Nothing is rescaled: beyond float64 PyTorch has 0 or inf.

    Raises
    ------
    ValueError : if the recording has no config, or no step to record.
    """
    if not rec.layers:
        raise ValueError("rec: expected a recording with steps, got one that overflows at once")
    size = rec.layers[0].log10_norms("d_h")[0]
    growth = rec.verdict.growth_per_step
    return _script(
        "# PyTorch computes this run; rnn_core draws its weights, its input and its loss.",
        "import torch",
        "",
        "import rnn_core as rc",
        "from rnn_core.experiment import draw, loss_of",
        "",
        *_config(rec),
        "drawn = draw(config)",
        *_steps(rec),
        "x = torch.from_numpy(drawn.x[:T].copy())",
        *_cell(rec),
        "",
        "states = []",
        "for t in range(T):",
        *_step(rec),
        "    h.retain_grad()",
        "    states.append(h)",
        "",
        *_loss(rec),
        "",
        "grads = torch.stack([torch.zeros_like(h) if h.grad is None else h.grad for h in states])",
        "largest = grads.abs().amax(dim=2, keepdim=True)  # the square of 1e-200 would be 0",
        "unit = grads / largest.where(largest > 0, 1.0)  # 0 / 0 would be nan",
        "sizes = unit.norm(dim=2).log10() + largest[..., 0].log10()",
        "# sizes: log10 |dL/dh_t|, steps by sequences; -inf where a gradient is exactly 0",
        f"print(sizes[0].mean())  # {size.mean():.4f} at step 1, mean over sequences",
        *_growth(rec, growth),
        *([_FAR] * _is_far(rec)),
    )


def _is_far(rec: Recording) -> bool:
    norms = rec.layers[0].log10_norms("d_h")
    return bool((abs(norms[norms > float("-inf")]) > _FARTHEST).any())


def _config(rec: Recording) -> Iterator[str]:
    config = rec.config
    if config is None:
        raise ValueError("rec: expected the recording of a config, got one without")
    yield "config = rc.ExperimentConfig("
    for one in fields(ExperimentConfig):
        value = getattr(config, one.name)
        if value != one.default or one.name in _ALWAYS:
            yield f"    {one.name}={value!r},"
    yield ")"


def _steps(rec: Recording) -> Iterator[str]:
    if rec.overflow is None:
        yield "T = len(drawn.x)"
    else:
        yield f"T = {rec.steps}  # the state overflows at step {rec.overflow.step + 1}"


def _cell(rec: Recording) -> Iterator[str]:
    yield "weights = drawn.network.state_dict().items()"
    yield "state = {name[:-3]: torch.from_numpy(one.copy()) for name, one in weights}  # no _l0"
    yield "h = torch.from_numpy(drawn.h_init[0][0].copy())"
    if rec.network.cell == "rnn":
        yield 'W_ih, W_hh = state["weight_ih"], state["weight_hh"].requires_grad_()'
        yield 'b = state["bias_ih"] + state["bias_hh"]'
        return
    if rec.network.cell == "lstm":
        yield "c = torch.from_numpy(drawn.h_init[0][1].copy())"
    name = {"lstm": "LSTMCell", "gru": "GRUCell"}[rec.network.cell]
    yield f"cell = torch.nn.{name}(x.shape[2], config.hidden_size, dtype=torch.float64)"
    yield "cell.load_state_dict(state)"


def _step(rec: Recording) -> Iterator[str]:
    if rec.truncate is not None:
        yield f"    if t % {rec.truncate} == 0:"
        cut = "h, c = h.detach(), c.detach()" if rec.network.cell == "lstm" else "h = h.detach()"
        yield f"        {cut}"
    if rec.network.cell == "lstm":
        yield "    h, c = cell(x[t], (h, c))"
    elif rec.network.cell == "gru":
        yield "    h = cell(x[t], h)"
    else:
        recurrent = "W_hh" if rec.network.params.is_tied else "W_hh[t]"
        inside = _SUM.format(recurrent)
        yield f"    h = {_PHI[rec.network.activation].format(inside)}"


def _loss(rec: Recording) -> Iterator[str]:
    if rec.config is not None and rec.config.source == "text":
        yield "h_top = torch.stack(states)"
        yield "loss = loss_of(config, T)(h_top.detach().numpy())  # of the next character"
        yield "h_top.backward(torch.from_numpy(loss.d_h))"
        return
    yield "v = torch.from_numpy(loss_of(config, T).readout.copy())"
    if rec.loss_steps > 1:
        yield "loss = sum((h * v[t]).sum() for t, h in enumerate(states))  # at every step"
    else:
        yield "loss = (states[-1] * v[-1]).sum()"
    yield "loss.backward()"


def _growth(rec: Recording, growth: float | None) -> Iterator[str]:
    if growth is None or rec.loss_steps > 1 or rec.last_loss_step < rec.steps - 1:
        return
    if rec.verdict.zero_sequences:
        return
    yield "first = min(10, (T - 1) // 5)  # lags in which the direction still settles"
    yield "growth = (sizes[0] - sizes[T - 1 - first]).mean() / (T - 1 - first)"
    yield f"print(growth)  # {growth:+.4f} decades per step back"


def _script(*lines: str) -> str:
    return "\n".join(lines) + "\n"
