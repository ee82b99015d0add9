"""What is often read of gates, and what a run shows of it."""

from collections.abc import Mapping
from typing import Final

from app.sentences.belief import Belief
from app.sentences.gating import CLOSE, NAMES, by_share, is_plain, quantity
from app.sentences.numerals import FAR, factor, number, pace
from rnn_core import Recording
from rnn_core.analysis.roads import Roads
from rnn_core.config import longest_memory

_FATES: Final = {
    "vanishing": ("vanishes", "vanish"),
    "stable": ("holds", "hold"),
    "exploding": ("explodes", "explode"),
}
_LIBRARIES: Final = {"pytorch": "PyTorch", "keras": "Keras"}


def beliefs(
    recs: Mapping[str, Recording], rec: Recording, found: Roads | None
) -> tuple[Belief, ...]:
    """Return what is often read of gates, and what this run shows of it."""
    if found is None or not is_plain(rec):
        return ()
    cell = NAMES[rec.network.cell]
    keep = "forget" if rec.network.cell == "lstm" else "update"
    own = _of_lstm(rec) if rec.network.cell == "lstm" else _of_gru(rec)
    missing, size = factor(abs(found.missing)), "small" if found.missing >= 0.0 else "large"
    off = f"the product is {missing} times too {size}"
    if abs(found.missing) <= CLOSE:
        off = f"the sizes differ by a factor of {missing}, {by_share(found)}"
    return (
        Belief(
            f"“The gradient of the {cell} is the product of its {keep} gates.”",
            f"in the rms over units the product is {factor(found.line_decades)}, and "
            f"{quantity(rec)} is multiplied by {factor(found.decades)}: {off}",
        ),
        Belief(
            "“LSTM and GRU solve vanishing gradients.”",
            "per step back, of dL/dh, "
            f"{', '.join(_pace(NAMES[name], one) for name, one in recs.items())}; "
            f"here {_fates(recs)}",
        ),
        *_of_explosion(recs["lstm"]),
        *own,
    )


def _of_explosion(lstm: Recording) -> tuple[Belief, ...]:
    decades = lstm.verdict.decades
    if decades == float("-inf"):
        return ()
    shown = "; “large weights” above shows one that does" if decades <= FAR else ": this one does"
    return (
        Belief(
            "“An LSTM cannot explode.”",
            f"with these settings the LSTM’s dL/dh is multiplied by {factor(decades)}{shown}",
        ),
    )


def _of_lstm(rec: Recording) -> tuple[Belief, ...]:
    layer, growth = rec.layers[0], rec.verdict.growth_per_step or 0.0
    of_c, of_h = (float(layer.log10_norms(name)[0].mean()) for name in ("d_c", "d_h"))
    keeps = f"the mean forget gate is {number(float(layer.gates['f'].mean()))}"
    return (
        Belief(
            "“An LSTM remembers by default.”",
            f"{_default(rec)}{keeps}, and each step back multiplies dL/dh by {pace(growth)}",
        ),
        Belief(
            "“c and h are one memory, with one gradient.”",
            f"at step 1 |∂L/∂c| is {factor(of_c)} and |∂L/∂h| is {factor(of_h)}: "
            "only c has a line on which it may stay",
        ),
    )


def _default(lstm: Recording) -> str:
    """Say whether an LSTM is as a library draws it: only that answers what it does by default."""
    config = lstm.config
    if config is None:
        return ""
    if config.forget_bias is not None:
        return f"not by default: you set the forget bias to {_bias(config.forget_bias)}; "
    if config.init == "chrono":
        return f"not by default: you chose chrono biases, T_max = {longest_memory(config):,}; "
    if config.init not in _LIBRARIES or config.weight_scale != 1.0 or config.bias_scale:
        return "this is no library’s default; "
    return f"as {_LIBRARIES[config.init]} draws it, "


def _fates(recs: Mapping[str, Recording]) -> str:
    """Say which cells vanish, hold or explode."""
    told: dict[str, list[str]] = {}
    for cell, rec in recs.items():
        if rec.verdict.growth_per_step is not None:
            regime = rec.verdict.regime
            told.setdefault(regime, []).append(f"the {NAMES[cell]}{_with(rec, regime)}")
    if len(recs) in map(len, told.values()):
        return f"all three {_FATES[next(iter(told))][1]}"
    return ", ".join(
        f"{' and '.join(cells)} {_FATES[regime][len(cells) > 1]}" for regime, cells in told.items()
    )


def _with(rec: Recording, regime: str) -> str:
    """Name what was chosen for an LSTM that does not vanish: no cell did that by itself."""
    config = rec.config
    if config is None or regime == "vanishing":
        return ""
    if config.forget_bias is not None:
        return f" with a forget bias set to {_bias(config.forget_bias)}"
    return " with chrono biases" if config.init == "chrono" else ""


def _bias(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _of_gru(rec: Recording) -> tuple[Belief, ...]:
    keeps = float(rec.layers[0].gates["z"].mean())
    return (
        Belief(
            "“An update gate of 1 updates.”",
            "here, as in PyTorch, z = 1 keeps: h = (1 − z) n + z h of the step before, with z "
            f"{number(keeps)} on average; the course’s Γ_u is 1 − z, {number(1.0 - keeps)}",
        ),
    )


def _pace(name: str, rec: Recording) -> str:
    growth = rec.verdict.growth_per_step
    return f"{name} does not arrive" if growth is None else f"{name} × {pace(growth)}"
