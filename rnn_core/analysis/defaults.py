"""What the usual initialisations do to a gradient: measured over many nets, not one."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rnn_core.config import ExperimentConfig
from rnn_core.ensemble import run_ensemble

SCHEMES: Final = (
    ("PyTorch", "pytorch", None),
    ("PyTorch, forget bias 1", "pytorch", 1.0),
    ("Keras (forget bias 1)", "keras", None),
)
"""Name, initialiser and forget bias; Keras sets an LSTM's to 1 itself. A scheme that differs from
another for some cells only comes right after that one, so that a table can say "as above"."""

CELLS: Final = ("rnn", "gru", "lstm")


@dataclass(frozen=True)
class Default:
    """The growth per step of many nets drawn by one scheme.

    Attributes
    ----------
    scheme, cell : what was drawn.
    mean, spread : of the growth per step over nets, log10; the spread is the standard deviation.
    nets : how many.
    """

    scheme: str
    cell: str
    mean: float
    spread: float
    nets: int


def measure_defaults(
    *, nets: int = 20, steps: int = 100, hidden_size: int = 32, batch_size: int = 4
) -> tuple[Default, ...]:
    """Measure every scheme with every cell that it differs for, on unit noise of 8 features.

    Examples
    --------
    >>> found = measure_defaults(nets=2, steps=30, hidden_size=8)
    >>> [(one.scheme, one.cell) for one in found if one.cell == "lstm"]
    [('PyTorch', 'lstm'), ('PyTorch, forget bias 1', 'lstm'), ('Keras (forget bias 1)', 'lstm')]
    """
    found = []
    for scheme, init, forget_bias in SCHEMES:
        for cell in CELLS:
            if forget_bias is not None and cell != "lstm":
                continue
            growth = run_ensemble(
                ExperimentConfig(
                    cell=cell,
                    init=init,
                    forget_bias=forget_bias,
                    steps=steps,
                    hidden_size=hidden_size,
                    batch_size=batch_size,
                    seed=seed,
                )
                for seed in range(nets)
            ).growth_per_step()
            found.append(
                Default(scheme, cell, float(np.mean(growth)), float(np.std(growth, ddof=1)), nets)
            )
    return tuple(found)
