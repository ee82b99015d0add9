"""Which road the gradient of a gated cell takes: the conveyor belt against everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from rnn_core.analysis.paths import LINE, Paths, log10_gate_products, paths, rms_over_units
from rnn_core.arrays import Array, read_only
from rnn_core.recording import Recording


@dataclass(frozen=True)
class Roads:
    """The gradient on the line where a gated cell keeps its state, and the line alone.

    Of an LSTM the total derivative dL/dc_t, of a GRU dL/dh_t. Numbers are taken between the last
    loss and the state after the first step, means over sequences.

    Attributes
    ----------
    split : the paths by their first exit from the line.
    parts : the names of its parts, the line first.
    product : log10 of the rms over units of the product of the keeping gates (LSTM f, GRU z) from
        every step to the last loss, times the gradient there, (T,): what a gradient of random
        direction would be that takes the line alone.
    decades : log10 of what the whole gradient is multiplied by.
    line_decades : log10 of the rms over units of that product alone over all steps.
    shares : the part of the gradient after the first step that each road supplies: sums to 1.
    """

    split: Paths
    parts: tuple[str, ...]
    product: Array
    decades: float
    line_decades: float
    shares: Mapping[str, float]

    @property
    def missing(self) -> float:
        """How many decades the line alone is too small by; below 0 where it is too large."""
        return self.decades - self.line_decades


def roads(rec: Recording) -> Roads | None:
    """Compare the gradient of a gated cell with the product of its keeping gates.

    Returns
    -------
    None where an overflow left no gradient, or none arrives at the first step.

    Raises
    ------
    ConfigError : "rec: expected a gated cell, got cell=rnn".

    Examples
    --------
    At PyTorch's initial weights the product of forget gates is millions too small:

    >>> import rnn_core as rc
    >>> config = rc.ExperimentConfig(cell="lstm", init="pytorch", hidden_size=32, steps=100)
    >>> found = roads(rc.run(config))
    >>> found.missing > 4, max(found.shares, key=found.shares.get)
    (True, 'g')
    """
    split, products = paths(rec), log10_gate_products(rec)
    if split is None or products is None:
        return None
    last = rec.last_loss_step
    whole = split.log10_norms["whole"]
    arrives = np.isfinite(whole[0]) & np.isfinite(whole[last])
    if not arrives.any():
        return None
    along = rms_over_units(products)
    return Roads(
        split=split,
        parts=(LINE, *(name for name in split.shares if name != LINE)),
        product=read_only((along + whole[last])[:, arrives].mean(axis=1)),
        decades=float((whole[0, arrives] - whole[last, arrives]).mean()),
        line_decades=float(along[0, arrives].mean()),
        shares=MappingProxyType(
            {name: float(share[0, arrives].mean()) for name, share in split.shares.items()}
        ),
    )
