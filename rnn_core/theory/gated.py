"""GRU and LSTM at initialisation: how fast their gradient falls while the states are small.

At h ~ 0 and zero bias one step back is J = a I + b W, with W gaussian of std 1/sqrt(H):
LSTM a = f = sigmoid(b_f), b = i o g = g/4; GRU a = z = 1/2, b = (1-z) r g = g/4, where g W is the
candidate's recurrent matrix. Along the identity the powers of one W add up coherently:

    tied     E |J^k v|^2 = sum_j C(k,j)^2 a^(2(k-j)) b^(2j)
                        -> (a+b)^(2k) (a+b) / sqrt(4 pi k a b)
    untied   E |J_k ... J_1 v|^2 = (a^2 + b^2)^k

so the rate of a tied net is log10(a+b) = log10(f + g/4) or log10(1/2 + g/4), not the untied mean
field 0.5 log10(a^2 + b^2) of Chen et al. (2018) and Gilboa et al. (2019), and its norm has a factor
k^(-1/4).

Range: H -> infinity, states near 0: an input variance D var(x) / (3H) below about .02 and forget
biases up to 1 (beyond, c grows until it saturates). Tolerance: .005 per step at H = 128.
Source: derived; checked at H = 512 to 0.1 in log10 at k = 50, and against PyTorch's cells.
"""

from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from rnn_core.errors import ConfigError, quoted
from rnn_core.theory.arguments import real, whole

GAINS: Final = MappingProxyType(
    {
        ("gru", "pytorch"): 3.0**-0.5,  # uniform in +-1/sqrt(H)
        ("lstm", "pytorch"): 3.0**-0.5,
        ("gru", "keras"): 3.0**-0.5,  # rms singular value of a block of 3 or 4
        ("lstm", "keras"): 0.5,
        ("gru", "gaussian"): 1.0,
        ("lstm", "gaussian"): 1.0,
    }
)
"""g: std times sqrt(H) of the candidate's recurrent matrix, by cell and initialiser."""


class Linear(NamedTuple):
    """J = a I + b W, one step back of a gated cell at rest.

    Attributes
    ----------
    a : the gate that keeps: f of an LSTM, z of a GRU.
    b : the gain of the way through the candidate.
    """

    a: float
    b: float

    @property
    def tied_slope(self) -> float:
        """log10(a + b), log10 units per step back, at many steps."""
        return float(np.log10(self.a + self.b))

    @property
    def untied_slope(self) -> float:
        """0.5 log10(a^2 + b^2), with a new W at every step."""
        return float(np.log10(np.hypot(self.a, self.b)))


def at_rest(cell: str, gain: float, forget_bias: float = 0.0) -> Linear:
    """Return the linear map of a gated cell at h = 0.

    Parameters
    ----------
    cell : "gru" or "lstm".
    gain : g, std times sqrt(H) of the candidate's recurrent matrix; see `GAINS`.
    forget_bias : of an LSTM; 0 for a GRU.

    Raises
    ------
    ConfigError : "<name>: expected <what>, got <value>".

    Examples
    --------
    >>> round(at_rest("gru", GAINS["gru", "pytorch"]).tied_slope, 6)
    -0.190887
    >>> round(at_rest("lstm", GAINS["lstm", "pytorch"], forget_bias=1.0).tied_slope, 6)
    -0.057795
    """
    if cell not in {"gru", "lstm"}:
        raise ConfigError(f"cell: expected one of gru, lstm, got {quoted(cell)}")
    bias = real("forget_bias", forget_bias, -100.0, 100.0)
    if cell == "gru" and bias:
        raise ConfigError(f"forget_bias: expected 0 with cell=gru, got {quoted(forget_bias)}")
    return Linear(float(1.0 / (1.0 + np.exp(-bias))), 0.25 * real("gain", gain, 0.0))


def tied_log10(linear: Linear, k: int) -> float:
    """Return 0.5 log10 of E |J^k v|^2 for one W at all steps, summed in logarithms.

    Examples
    --------
    >>> round(tied_log10(at_rest("gru", GAINS["gru", "pytorch"]), 50), 6)
    -10.053961
    """
    a, b = real("a", linear.a, 0.0), real("b", linear.b, 0.0)
    steps = whole("k", k, 0)
    if not a or not b:
        with np.errstate(divide="ignore"):
            return float(steps * np.log10(a + b)) if steps else 0.0
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, steps + 1)))])
    j = np.arange(steps + 1)
    choose = log_factorial[-1] - log_factorial - log_factorial[::-1]
    terms = 2.0 * (choose + (steps - j) * np.log(a) + j * np.log(b))
    largest = terms.max()
    return float(0.5 * (largest + np.log(np.exp(terms - largest).sum())) / np.log(10.0))


def untied_log10(linear: Linear, k: int) -> float:
    """Return 0.5 log10 of E |J_k ... J_1 v|^2 with a new W at every step.

    Examples
    --------
    >>> round(untied_log10(at_rest("gru", GAINS["gru", "pytorch"]), 50), 6)
    -14.182447
    """
    return whole("k", k, 0) * linear.untied_slope


def tied_slope_over(linear: Linear, near: int, far: int) -> float:
    """Return the least-squares slope of `tied_log10` over lags: log10(a+b) with its k^(-1/4).

    Raises
    ------
    ConfigError : if not 0 <= near < far.

    Examples
    --------
    >>> round(tied_slope_over(at_rest("gru", GAINS["gru", "pytorch"]), 20, 80), 4)
    -0.1933
    """
    first = whole("near", near, 0)
    last = whole("far", far, first + 1)
    lags = np.arange(first, last + 1)
    values = np.array([tied_log10(linear, int(k)) for k in lags])
    centred = lags - lags.mean()
    return float(centred @ values / (centred @ centred))
