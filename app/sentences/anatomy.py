"""The pinned step opened: its equations with their numbers, as Markdown, in two notations.

"ours" is PyTorch's (h_t, W_hh, gates i, f, g, o or r, z, n); "course" is that of the Deep Learning
Specialization (a^<t>, W_aa, Gamma_u, Gamma_f, Gamma_o, c-tilde), where a GRU's Gamma_u is 1 - z.
"""

from collections.abc import Mapping
from typing import Final

from app.sentences.numerals import factor, number
from rnn_core import Recording
from rnn_core.analysis.anatomy import Anatomy, UnitOfStep

_PHI: Final = {
    "tanh": r"\tanh",
    "sigmoid": r"\sigma",
    "relu": r"\mathrm{ReLU}",
    "identity": r"\mathrm{id}",
}
_MOST_INPUTS: Final = 8


def anatomy_lines(rec: Recording, found: Anatomy, *, unit: int, notation: str) -> list[str]:
    """Write what a step did, forward and back, a line of Markdown each.

    Parameters
    ----------
    unit : the number of the unit that `found` opened, from 1.
    notation : "ours" or "course".
    """
    write = _Course() if notation == "course" else _Ours()
    t = found.step + 1
    head = f"**Step {t} forward, unit {unit}.** ${write.x}$ = {_inputs(found)}"
    return [head, *_forward(rec, found.unit, write), *_back(found, write)]


class _Ours:
    x = "x_t"
    h, before = "h_t", "h_{t-1}"
    a, w_h, w_x, b = "a_t", "W_{hh}", "W_{ih}", "b"
    c, c_before = "c_t", "c_{t-1}"
    gates: Mapping[str, str] = {name: f"{name}_t" for name in "ifgorzn"}

    def gru(self) -> str:
        return r"h_t = (1 - z_t)\,n_t + z_t\,h_{t-1}"

    def update(self, z: float) -> tuple[str, float]:
        return "z_t", z


class _Course(_Ours):
    x = "x^{<t>}"
    h, before = "a^{<t>}", "a^{<t-1>}"
    a, w_h, w_x, b = "z^{<t>}", "W_{aa}", "W_{ax}", "b_a"
    c, c_before = "c^{<t>}", "c^{<t-1>}"
    gates: Mapping[str, str] = {
        "i": r"\Gamma_u",
        "f": r"\Gamma_f",
        "g": r"\tilde c^{<t>}",
        "o": r"\Gamma_o",
        "r": r"\Gamma_r",
        "z": r"\Gamma_u",
        "n": r"\tilde c^{<t>}",
    }

    def gru(self) -> str:
        return r"c^{<t>} = \Gamma_u\,\tilde c^{<t>} + (1 - \Gamma_u)\,c^{<t-1>}"

    def update(self, z: float) -> tuple[str, float]:
        return r"\Gamma_u", 1.0 - z


def _forward(rec: Recording, unit: UnitOfStep, write: _Ours) -> list[str]:
    if rec.network.cell == "lstm":
        return _lstm(unit, write)
    if rec.network.cell == "gru":
        return _gru(unit, write)
    phi = _PHI[rec.network.activation]
    return [
        *_sum(unit, write),
        (
            f"${write.h} = {phi}({write.a})$ = **{_signed(unit.h)}**, and "
            f"$\\phi'({write.a})$ = **{_signed(unit.slopes['h'])}**"
        ),
    ]


def _sum(unit: UnitOfStep, write: _Ours) -> list[str]:
    if unit.from_state is None or unit.from_input is None or unit.bias is None:
        return []
    parts = (unit.from_state["h"], unit.from_input["h"], unit.bias["h"])
    return [
        (
            f"${write.a} = {write.w_h}\\,{write.before} + {write.w_x}\\,{write.x} + {write.b}$ = "
            f"{' + '.join(_bracketed(part) for part in parts)} = **{_signed(unit.a['h'])}**, "
            f"from ${write.before}$ = {_signed(unit.h_before)} of this unit and all others"
        )
    ]


def _lstm(unit: UnitOfStep, write: _Ours) -> list[str]:
    i, f, g, o = (unit.values[name] for name in "ifgo")
    c_before, c = unit.c_before or 0.0, unit.c or 0.0
    names = [write.gates[name] for name in "ifgo"]
    return [
        _gate_line(unit, names, "ifgo"),
        (
            f"${write.c} = {names[1]}\\,{write.c_before} + {names[0]}\\,{names[2]}$ = "
            f"{_signed(f)} × {_bracketed(c_before)} + {_signed(i)} × {_bracketed(g)} = "
            f"**{_signed(c)}**, ${write.h} = {names[3]}\\tanh({write.c})$ = "
            f"{_signed(o)} × tanh({_signed(c)}) = **{_signed(unit.h)}**"
        ),
    ]


def _gru(unit: UnitOfStep, write: _Ours) -> list[str]:
    z, n = unit.values["z"], unit.values["n"]
    shown, value = write.update(z)
    old, new = f"{_signed(z)} × {_bracketed(unit.h_before)}", f"{_signed(1 - z)} × {_bracketed(n)}"
    gates = f"${shown}$ = {_signed(value)}, ${write.gates['r']}$ = {_signed(unit.values['r'])}"
    return [
        f"{gates}, ${write.gates['n']}$ = {_signed(n)}",
        f"${write.gru()}$ = {new} + {old} = **{_signed(unit.h)}**",
    ]


def _gate_line(unit: UnitOfStep, names: list[str], letters: str) -> str:
    return ", ".join(
        f"${name}$ = {_signed(unit.values[letter])} (slope {_signed(unit.slopes[letter])})"
        for name, letter in zip(names, letters, strict=True)
    )


def _back(found: Anatomy, write: _Ours) -> list[str]:
    arrives = f"$|\\partial L/\\partial {write.h}|$ = **{_size(found.log10_arriving)}** arrives"
    leaves = f"$|\\partial L/\\partial {write.before}|$ = **{_size(found.log10_leaving)}** leaves"
    if found.is_cut:
        return [f"**Back, all units.** {arrives}; backpropagation is cut here, nothing leaves."]
    if found.log10_arriving == float("-inf"):
        return [f"**Back, all units.** No gradient arrives here: it is exactly 0. {leaves}."]
    return [f"**Back, all units.** {arrives}; {_between(found, write)}; {leaves}."]


def _between(found: Anatomy, write: _Ours) -> str:
    if found.by_slope is not None and found.by_weight is not None:
        loss = (
            "" if found.by_loss is None else f", this step’s own loss × **{_times(found.by_loss)}**"
        )
        return (
            f"$\\phi'$ multiplies its size by **{_times(found.by_slope)}**, "
            f"${write.w_h}^\\top$ by **{_times(found.by_weight)}**{loss}"
        )
    shares = found.shares or {}
    named = {"line": "the line of the state", "loss": "this step’s own loss"}
    parts = [
        f"{named.get(name, f'the path through ${write.gates.get(name, name)}$')} "
        f"**{_per_cent(share)}**"
        for name, share in shares.items()
        if share
    ]
    goal = write.c_before if "f" in shares else write.before
    return f"to ${goal}$ supply {', '.join(parts)}" if parts else "nothing goes on"


def _inputs(found: Anatomy) -> str:
    shown = ", ".join(_signed(float(one)) for one in found.x[:_MOST_INPUTS])
    return f"({shown}{', …' if len(found.x) > _MOST_INPUTS else ''})"


def _signed(value: float) -> str:
    return f"{'−' * (value < 0.0)}{number(abs(value), 3)}"


def _bracketed(value: float) -> str:
    return f"({_signed(value)})" if value < 0.0 else _signed(value)


def _per_cent(share: float) -> str:
    """Return a share that is not 0; one that rounds to 0 has no sign."""
    if abs(share) < 0.0005:
        return "less than 0.1 %"
    return f"{'−' * (share < 0.0)}{100 * abs(share):.1f} %"


def _times(log10: float) -> str:
    if log10 == float("-inf"):
        return "0"
    return "∞" if log10 == float("inf") else factor(log10, 3)


def _size(log10: float) -> str:
    if log10 == float("-inf"):
        return "exactly 0"
    return factor(log10, 3) if abs(log10) <= 2.0 else f"10^{log10:.2f}"
