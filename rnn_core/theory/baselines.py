"""What a net scores that has learned nothing but the answers' frequencies: where lessons start.

adding: the sum of two independent uniform numbers, squared error; "always 1" scores
Var(U + U) = 1/6 (Le, Jaitly & Hinton 2015 print about 0.1767; 1/6 is exact). With the mean of the
two as the target, 1/24. copy: 10 symbols of 8, T blanks, length T + 20, cross-entropy in nats
averaged over the whole length: only the 10 symbols cost anything, 10 ln 8 / (T + 20) (Arjovsky,
Shah & Bengio 2016). temporal order: one of four, ln 4. sequential digits: one of ten, ln 10.
All exact.
"""

from typing import Final

import numpy as np

from rnn_core.theory.arguments import whole

ADDING: Final = 1.0 / 6.0
ADDING_OF_THE_MEAN: Final = 1.0 / 24.0
TEMPORAL_ORDER: Final = float(np.log(4.0))
SEQUENTIAL_DIGITS: Final = float(np.log(10.0))


def copy(blanks: int) -> float:
    """Return the loss of a copy task with `blanks` steps between reading and writing, in nats.

    Raises
    ------
    ConfigError : "blanks: expected 0 to 1000000, got <value>".

    Examples
    --------
    >>> round(copy(100), 6)
    0.173287
    """
    return float(10.0 * np.log(8.0) / (whole("blanks", blanks, 0) + 20))
