"""Lost precision: the step from which back the gradient of a narrow type is wrong.

"Range only": the float64 forward pass; the recurrent weights and the adjoint are stored in the
narrow type, each step's products are accumulated in float32 and rounded to it, to nearest even,
with gradual underflow: the gradients at the gates as well as those of the states. Rounding within
the step is what keeps noise alive.

"All in p": the forward pass is of the type too, as where a whole net is trained in it; slopes come
from the rounded states (`narrow_forward`). Where a net explodes that is another trajectory, and
its gradient soon has nothing to do with the true one: compare growth then, not values.

There is no loss scaling unless asked for. A gradient is *wrong* long before it is *zero*: rounding
keeps noise alive among the subnormals.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from rnn_core.analysis.narrow_forward import narrow_run
from rnn_core.analysis.narrow_types import TYPES, FloatType, round_float32
from rnn_core.arrays import Array, BoolArray, IntArray, read_only
from rnn_core.errors import ConfigError, quoted
from rnn_core.recording import Recording
from rnn_core.scaled import Scaled, shifted

if TYPE_CHECKING:
    from rnn_core.cells import State, StepMaps

__all__ = [
    "ALL_IN_P",
    "RANGE_ONLY",
    "TYPES",
    "FloatType",
    "PrecisionLoss",
    "lost_precision",
    "narrow_log10_norms",
]

RANGE_ONLY: Final = "range only"
ALL_IN_P: Final = "all in p"

_BLOCK: Final = 16
"""Lags that are looked at together."""


@dataclass(frozen=True)
class PrecisionLoss:
    """At which lag (steps back from the loss) a narrow type fails; None where it does not.

    Attributes
    ----------
    lost_lag : the median over sequences of |g_p - g| / |g| first exceeds 0.5.
    first_subnormal : some entry is below the smallest normal number, but not 0.
    first_zero : every entry of every sequence is 0.
    first_nonfinite : some entry is inf or nan.
    """

    lost_lag: int | None
    first_subnormal: int | None
    first_zero: int | None
    first_nonfinite: int | None


def lost_precision(
    rec: Recording,
    *,
    mode: str = RANGE_ONLY,
    loss_scale: int = 0,
    types: Iterable[str] = tuple(TYPES),
    is_brief: bool = False,
) -> Mapping[str, PrecisionLoss]:
    """Simulate the last loss step's gradient in float16, bfloat16 and float32.

    Parameters
    ----------
    mode : "range only" or "all in p".
    loss_scale : k multiplies the loss by 2^k, as mixed-precision training does.
    types : which of them; each costs a sweep of its own.
    is_brief : stop soon after a gradient is lost or overflows; what comes later may stay None.

    Returns
    -------
    For each of `types`, in their order, its lags; an empty mapping for a run without steps, of
    several layers or with a skip in time, or whose loss is another run's.

    Raises
    ------
    ConfigError : "mode: expected one of range only, all in p, got ..." or "types: ...".

    Examples
    --------
    One unit that saturates: in float32 the slope 1 - h h is exactly 0 after one step, although
    the gradient is 10^-7 of what it was, which float32 could hold.

    >>> import numpy as np
    >>> import rnn_core as rc
    >>> net = rc.Network.from_state_dict(
    ...     {"weight_ih_l0": [[0.0]], "weight_hh_l0": [[10.0]]}, cell="rnn"
    ... )
    >>> last = np.zeros((9, 1, 1)); last[-1] = 1.0
    >>> rec = rc.record(net, np.zeros((9, 1, 1)), lambda _: (0.0, last), h_init=np.ones((1, 1)))
    >>> [lost_precision(rec, mode=mode)["float32"].first_zero for mode in (RANGE_ONLY, ALL_IN_P)]
    [7, 1]
    """
    named = (types,) if isinstance(types, str) else tuple(types)
    for name in named:
        if not isinstance(name, str) or name not in TYPES:
            raise ConfigError(f"types: expected names from {', '.join(TYPES)}, got {quoted(name)}")
    if not _can_simulate(rec, mode):
        return MappingProxyType({})
    with np.errstate(all="ignore"):  # what leaves the range of a narrow type is the subject
        return MappingProxyType(
            {n: _lost(rec, TYPES[n], mode, loss_scale, is_brief=is_brief) for n in named}
        )


def narrow_log10_norms(
    rec: Recording, kind: str, *, mode: str = RANGE_ONLY, loss_scale: int = 0
) -> Array | None:
    """Return log10 |dL/dh_t| as a narrow type has it, the loss scale divided out again, (T, B).

    -inf where it is 0, +inf or nan where an entry is. Rows after the last loss are -inf. None where
    `lost_precision` has nothing to say.

    Parameters
    ----------
    kind : "float16", "bfloat16" or "float32".

    Raises
    ------
    ConfigError : "kind: expected one of float16, bfloat16, float32, got ..." or "mode: ...".
    """
    if kind not in TYPES:
        raise ConfigError(f"kind: expected one of {', '.join(TYPES)}, got {quoted(kind)}")
    if not _can_simulate(rec, mode):
        return None
    norms = np.full(rec.layers[0].h.shape[:2], -np.inf)
    with np.errstate(all="ignore"):
        for lag, d_h in enumerate(_gradients(rec, TYPES[kind], mode, loss_scale)):
            wide = d_h.astype(np.float64)
            found = Scaled.plain(wide).log10_norms() - loss_scale * np.log10(2.0)
            broken = np.where(np.isnan(wide).any(axis=-1), np.nan, np.inf)
            norms[rec.last_loss_step - lag] = np.where(
                np.isfinite(wide).all(axis=-1), found, broken
            )
    return read_only(norms)


def _can_simulate(rec: Recording, mode: str) -> bool:
    if mode not in (RANGE_ONLY, ALL_IN_P):
        raise ConfigError(f"mode: expected one of {RANGE_ONLY}, {ALL_IN_P}, got {quoted(mode)}")
    is_simple = len(rec.layers) == 1 and rec.network.skip is None
    return is_simple and not rec.overflow_left_nan and rec.has_own_loss


def _gradients(rec: Recording, kind: FloatType, mode: str, loss_scale: int) -> Iterator[Array]:
    """Yield dL/dh_t in the narrow type, held as float32, from the last loss step back."""
    layer = rec.layers[0]
    true = layer.from_last.scaled("d_h")
    last = rec.last_loss_step
    narrow: StepMaps
    if mode == ALL_IN_P:
        narrow = narrow_run(layer, rec.x, kind.round).maps
    else:
        narrow = layer.maps.mapped(round_float32)
        narrow = replace(narrow, weight=kind.round(narrow.weight))
    start = shifted(true.mantissa[last], true.exponent[last][..., None] + loss_scale)
    state: State = (
        kind.round(start),
        *(np.zeros_like(start, np.float32) for _ in layer.tape.states[1:]),
    )
    yield state[0]
    work, before = narrow.workspace(state[0]), tuple(np.empty_like(d) for d in state)
    for t in range(last - 1, -1, -1):
        is_border = rec.truncate is not None and (t + 1) % rec.truncate == 0
        narrow.vjp_step(t + 1, state, out=before, stored=kind.round, work=work)
        state = tuple(kind.round(0.0 * d if is_border else d) for d in before)
        yield state[0]


def _lost(
    rec: Recording, kind: FloatType, mode: str, loss_scale: int, *, is_brief: bool
) -> PrecisionLoss:
    """Look at many lags at once: a look at one costs as much as its step back."""
    true = rec.layers[0].from_last.scaled("d_h")
    gradients = _gradients(rec, kind, mode, loss_scale)
    found: dict[str, int] = {}
    first = 0
    while block := list(islice(gradients, _BLOCK)):
        narrow = np.stack(block)
        t = rec.last_loss_step - first - np.arange(len(block))
        for name, is_so in _states_of(narrow, kind).items():
            _note(found, name, first, is_so)
        if "lost_lag" not in found:
            error = _relative_error(narrow, true.mantissa[t], true.exponent[t] + loss_scale)
            _note(found, "lost_lag", first, error > 0.5)
        # what is lost stays lost, what is 0 stays 0
        if "first_zero" in found or (is_brief and {"lost_lag", "first_nonfinite"} & found.keys()):
            break
        first += len(block)
    end = found.get("first_zero", np.inf)
    names = ("lost_lag", "first_subnormal", "first_zero", "first_nonfinite")
    return PrecisionLoss(
        *(lag if (lag := found.get(n)) is None or lag <= end else None for n in names)
    )


def _states_of(narrow: Array, kind: FloatType) -> dict[str, BoolArray]:
    """Return at which lags a gradient (lags, B, H) leaves the normal numbers, and how."""
    size = np.abs(narrow)
    least = size.min(axis=(1, 2), initial=np.inf, where=size > 0)
    most = size.max(axis=(1, 2), initial=0.0)
    return {
        "first_nonfinite": ~np.isfinite(most),
        "first_subnormal": least < kind.smallest_normal,
        "first_zero": most == 0,
    }


def _note(found: dict[str, int], name: str, first: int, is_so: BoolArray) -> None:
    if name not in found and is_so.any():
        found[name] = first + int(np.argmax(is_so))


def _relative_error(narrow: Array, mantissa: Array, exponent: IntArray) -> Array:
    """Return the median of |g_p - g| / |g| at every lag, over the sequences where g is not 0.

    inf where g_p is not finite, nan where every g is 0.
    """
    # brought to the true gradient's own scale, where neither side can leave float64
    here = shifted(narrow.astype(np.float64), -exponent[..., None])
    difference = np.linalg.norm(here - mantissa, axis=-1)
    size = np.linalg.norm(mantissa, axis=-1)
    error = np.where(np.isfinite(narrow).all(axis=-1), difference / size, np.inf)
    if (size > 0).all():
        return np.median(error, axis=-1)
    known = [one[has_size] for one, has_size in zip(error, size > 0, strict=True)]
    return np.array([np.median(one) if one.size else np.nan for one in known])
