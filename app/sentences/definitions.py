"""What each number means, in a sentence, and where it comes from."""

from typing import Final, NamedTuple


class Definition(NamedTuple):
    """A number, its meaning and its source."""

    name: str
    meaning: str
    source: str


DEFINITIONS: Final = (
    Definition(
        "log10 |dL/dh|",
        "The size of the gradient of the loss with respect to the hidden state after a step: "
        "log10 of its norm over units, per sequence, then the mean over sequences that are not "
        "exactly 0. The quantiles are over the sequences of this one net.",
        "backpropagation through time, Werbos (1990); logs as in Engelken, Wolf & Abbott (2023)",
    ),
    Definition(
        "log10 |dL/dc|",
        "The same for an LSTM’s cell state; the total derivative, with the way through its own h.",
        "Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000)",
    ),
    Definition(
        "share in dL/dW_hh",
        "With G_t the step’s own term and G their sum over steps: <G_t, G> / |G|². Shares sum to "
        "1 and may be negative; shares of norms would not add up.",
        "projection of one term of the sum on the whole",
    ),
    Definition(
        "mean |h|",
        "The mean size of a hidden state over sequences and units.",
        "recorded in the forward pass",
    ),
    Definition(
        "saturated",
        "The part of units with |tanh| > 0.9; of sigmoids below 0.05 or above 0.95; of ReLUs at 0. "
        "In a gated cell it counts the sigmoid gates.",
        "thresholds where the slope is below a fifth of its largest",
    ),
    Definition(
        "decades",
        "L at step 1 minus L at the loss, with L = log10 |dL/dh| of the last loss alone, mean over "
        "sequences. Below −2 the gradient vanishes, above 2 it explodes, in between it holds.",
        "a convention: does at least 1 % of the gradient arrive?",
    ),
    Definition(
        "growth per step",
        "The slope of L per step back in time, with the first min(10, (T−1)/5) steps left out "
        "while the direction settles.",
        "finite-time Lyapunov exponent in log10, Engelken, Wolf & Abbott (2023)",
    ),
    Definition(
        "gates alone, ∏ f or ∏ z",
        "The product of an LSTM’s forget gates f or a GRU’s update gates z over all steps between "
        "the last loss and step 1: log10 of its rms over units, then the mean over sequences. It "
        "is what a gradient of random direction keeps on the line of the state. The few units "
        "whose gates stay nearest to 1 decide it: a typical unit keeps less.",
        "the line of Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000)",
    ),
    Definition(
        "half-life",
        "The steps in which the gradient halves, or doubles: log10 2 / |growth per step|, where "
        "both halves of the run have about the same rate.",
        "follows from growth per step",
    ),
    Definition(
        "lost",
        "Where the median error over sequences of the same gradient, with weights and gradient "
        "stored in the narrow type, first exceeds half its size; the forward pass stays in float64 "
        "(range only), and there is no loss scaling. It is wrong long before it is 0.",
        "simulated beside the exact gradient; types of IEEE 754 and bfloat16",
    ),
    Definition(
        "Pascanu’s bound",
        "No gradient is larger than (γ σ)^lag times the one at the loss, with σ the largest "
        "singular value of W_hh and γ the largest slope of the activation.",
        "Pascanu, Mikolov & Bengio (2013)",
    ),
)
"""Every number on a page; the definition is the same wherever it appears."""
