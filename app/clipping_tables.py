"""The page of clipping as tables: chosen updates for a person, every update for a program."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from app.clipped import UPDATES, ClippedNet, Run
from app.sentences.numerals import factor, number
from app.sentences.typeset import for_markdown
from app.tables import file_of
from app.trained import Pair

_CHOSEN: Final = (0, 1, 10, 20, 40, 50, 100, 200, UPDATES)


def descents_frame(run: Run) -> pd.DataFrame:
    """Return both descents, a row per entry; a path that left the numbers ends in gaps."""
    found = run.descents
    index = pd.RangeIndex(UPDATES + 1, name="updates")
    columns = {}
    for name, path in (("unclipped", found.unclipped), ("clipped", found.clipped)):
        for what in ("w", "b", "loss", "gradient_norm"):
            values = getattr(path, what)
            column = np.full(UPDATES + 1, np.nan)
            column[: len(values)] = values
            columns[f"{name}_{what}"] = column
    return pd.DataFrame(columns, index=index)


def descents_table(run: Run) -> pd.DataFrame:
    """Return chosen updates as Markdown; around the throw two more rows."""
    found, frame = run.descents, descents_frame(run)
    k = found.unclipped.last_below
    extra = (k, k + 1) if found.unclipped.is_thrown else ()
    rows = sorted({*_CHOSEN, *(one for one in extra if one <= UPDATES)})
    names = {"loss": "E", "gradient_norm": "norm"}
    table = {
        f"{name}: {word}": [_written(frame[f"{name}_{what}"][row]) for row in rows]
        for name in ("unclipped", "clipped")
        for what, word in names.items()
    }
    return pd.DataFrame(table, index=pd.Index(rows, name="updates"))


def net_table(found: ClippedNet) -> pd.DataFrame:
    """Return the norm of every parameter's gradient before and after clipping, as Markdown."""
    table = {kind: [_power(one) for one in norms.values()] for kind, norms in found.norms.items()}
    names = pd.Index(found.norms["before"], name="norm of")
    return pd.DataFrame(table, index=names)


def training_frame(pair: Pair) -> pd.DataFrame:
    """Return both training runs, a row per update."""
    columns = {}
    for name, run in (("unclipped", pair.unclipped), ("clipped", pair.clipped)):
        if run is not None:
            for what in ("loss", "log10_norm", "log10_clipped", "saturated_share"):
                columns[f"{name}_{what}"] = pd.Series(getattr(run, what))
    return pd.DataFrame(columns).rename_axis("updates")


def training_file(pair: Pair, settings: Mapping[str, Any], name: str) -> bytes:
    """Return the training runs as comma-separated values, below their settings."""
    return file_of(training_frame(pair), settings, name)


def _written(value: float) -> str:
    return for_markdown(number(value)) if np.isfinite(value) else "none"


def _power(log10: float) -> str:
    if log10 == -np.inf:
        return "exactly 0"
    return for_markdown(factor(log10, 3)) if np.isfinite(log10) else "none"
