"""One line of equation with the current numbers in it, as Markdown with formulas."""

from app.sentences.numerals import counted, factor, number
from rnn_core import Recording
from rnn_core.analysis.factors import GateFactors, VanillaFactors, gate_factors, vanilla_factors
from rnn_core.analysis.reach import first_reached, log10_factor

_VANILLA = (
    r"$\frac{\partial L}{\partial h_{t-1}} = W_{hh}^{\top}\,\mathrm{diag}(\phi'(a_t))\,"
    r"\frac{\partial L}{\partial h_t}$"
)
_LSTM = (
    r"$\frac{\partial L}{\partial c_{t-1}} = f_t \odot \frac{\partial L}{\partial c_t} + "
    r"(\text{paths through } i, f, g, o \text{ and } h_{t-1})$"
)
_GRU = (
    r"$\frac{\partial L}{\partial h_{t-1}} = z_t \odot \frac{\partial L}{\partial h_t} + "
    r"(\text{paths through } r, z, n)$"
)


def equation(rec: Recording) -> str:
    """Write the map of one step back and what its factors measure in this run."""
    formula = {"rnn": _VANILLA, "lstm": _LSTM, "gru": _GRU}[rec.network.cell]
    vanilla, gates = vanilla_factors(rec), gate_factors(rec)
    if vanilla is not None:
        return f"{formula}: {_vanilla(vanilla)}; {_measured(rec)}"
    if gates is not None:
        return f"{formula}: {_gates(gates, rec)}; {_measured(rec)}"
    return f"{formula}: {'the cut leaves' if rec.last_loss_step else 'this run has'} no step back."


def _vanilla(factors: VanillaFactors) -> str:
    weight, slope = number(factors.weight_stretch, 3), number(factors.slope_rms, 3)
    return (
        f"$W_{{hh}}$ stretches by **{weight}**, $\\phi'$ is **{slope}** (each in the rms), "
        f"rule of thumb {weight} × {slope} = **{number(factors.expected, 3)}**"
    )


def _gates(factors: GateFactors, rec: Recording) -> str:
    keep, names = ("f", ("i", "f", "o")) if rec.network.cell == "lstm" else ("z", ("r", "z"))
    means = ", ".join(number(factors.means[name], 3) for name in names)
    steps = counted(rec.last_loss_step - first_reached(rec), "step")
    line = factor(factors.line_decades, 3)
    alone = f"$\\prod {keep}$ = **{line}** (rms over units) in {steps}"
    return f"mean gates ${', '.join(names)}$ = **{means}**, {alone}"


def _measured(rec: Recording) -> str:
    growth, border, where = rec.verdict.growth_per_step, first_reached(rec), ""
    if border:
        steps = rec.last_loss_step - border
        growth = log10_factor(rec, rec.last_loss_step, border) / steps
        where = f" over the {counted(steps, 'step')} to the cut"
    if growth is None or growth == float("-inf"):
        return "measured: exactly 0."
    decades = round(growth, 3) + 0.0  # no "-0.000"
    written = f"{decades:+.3f}".replace("-", "−")
    return f"measured × **{factor(growth, 3)}** per step{where} ({written} decades)."
