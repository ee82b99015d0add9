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
        "With G_t the step’s own term and G their sum over steps: ⟨G_t, G⟩ / |G|². Shares sum to "
        "1; where terms cancel one may exceed 1 or be negative. Shares of norms would not add up. "
        "The term of a step is the gradient at it times the state before it: at step 1 that is "
        "h_0, which is 0 unless a random one is chosen, and so is its share.",
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
        "regime",
        "What becomes of the gradient by its decades: vanishing, holds or exploding. It has no "
        "name below 10 steps, where backpropagation is cut, or where the loss has no gradient.",
        "the convention of “decades”",
    ),
    Definition(
        "decades",
        "L at step 1 minus L at the loss, with L = log10 |dL/dh| of the last loss alone, mean over "
        "sequences. Below −2 the gradient vanishes, above 2 it explodes, in between it holds.",
        "a convention: does at least 1 % of the gradient arrive?",
    ),
    Definition(
        "growth per step",
        "In decades per step: the slope of that L per step back in time, with the first "
        "min(10, (T−1)/5) steps left out while the direction settles.",
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
        "sequences at exactly 0",
        "How many sequences of the batch have a gradient at step 1 whose every entry is 0, not "
        "merely small: no path back carries anything. Means of logarithms leave them out.",
        "counted in the recording",
    ),
    Definition(
        "loss",
        "The number whose gradient is followed: v · h of the last step with a fixed random v of "
        "length 1, or one such term for every step, summed over sequences. Only its gradient "
        "matters; it may be negative. Of typed text it is −ln of the probability that the net "
        "gives the next character or, between two forms of a verb, how far the score of the "
        "right next character is above that of the wrong one.",
        "a length of 1 lets the curve of a single loss start at log10 = 0",
    ),
    Definition(
        "log10 |dL/dW_hh|",
        "The size of the gradient of the recurrent weights: log10 of the norm over all their "
        "entries of the sum over steps and sequences.",
        "backpropagation through time, Werbos (1990)",
    ),
    Definition(
        "lost",
        "Where the median error over sequences of the same gradient, with weights and gradient "
        "stored in the narrow type, first exceeds half its size; the forward pass stays in float64 "
        "(range only), and there is no loss scaling. It is wrong long before it is 0.",
        "simulated beside the exact gradient; types of IEEE 754 and bfloat16",
    ),
    Definition(
        "subnormal, all 0, inf or nan",
        "Where, on the way back, some entry of the narrow gradient is first smaller than the "
        "type’s smallest number of full precision, but not 0; where every entry of every sequence "
        "is 0; and where some entry is larger than the type’s largest number.",
        "simulated beside the exact gradient; types of IEEE 754 and bfloat16",
    ),
    Definition(
        "T_max of chrono biases",
        "The longest time that a unit is drawn for: T, the number of steps, unless it is set. A "
        "unit’s forget bias is ln u, u uniform from 1 to T_max − 1, its input bias "
        "minus that; a gate with that bias forgets over about u steps.",
        "Tallec & Ollivier (2018)",
    ),
    Definition(
        "Pascanu’s bound",
        "No gradient is larger than (γ σ)^lag times the one at the loss, with σ the largest "
        "singular value of W_hh and γ the largest slope of the activation.",
        "Pascanu, Mikolov & Bengio (2013)",
    ),
)
"""Every number on a page; the definition is the same wherever it appears."""
