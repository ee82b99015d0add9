"""The one-unit cliff in plain Python, a descent beside it, and a clipped gradient, by hand."""

import math


def error_and_slopes(w, b, steps):
    """Return E, dE/dw, dE/db, as the chain rule writes them down."""
    x, d_w, d_b = 0.5, 0.0, 0.0
    for _ in range(steps):
        s = 1 / (1 + math.exp(-x))
        d_w, d_b = s + w * s * (1 - s) * d_w, 1 + w * s * (1 - s) * d_b
        x = w * s + b
    s = 1 / (1 + math.exp(-x))
    outer = 2 * (s - 0.7) * s * (1 - s)
    return (s - 0.7) ** 2, outer * d_w, outer * d_b


def slow_descent(w, b, *, threshold, mode="norm", steps=51, rate=0.1, updates=300):
    """Return rows of w, b, E and the norm of the gradient before clipping."""
    rows = []
    for _ in range(updates + 1):
        error, *g = error_and_slopes(w, b, steps)
        norm = math.sqrt(g[0] ** 2 + g[1] ** 2)
        rows.append((w, b, error, norm))
        if threshold is not None and mode == "norm" and norm > threshold:
            g = [one * threshold / norm for one in g]
        elif threshold is not None and mode == "value":
            g = [max(-threshold, min(threshold, one)) for one in g]
        w, b = w - rate * g[0], b - rate * g[1]
    return rows


def slow_clipped(gradients, threshold):
    """Return norms before, after by norm, after by value, the angle of the last, and its cuts."""
    flat = [float(v) for one in gradients.values() for v in one.ravel()]
    cut = [max(-threshold, min(threshold, v)) for v in flat]
    before, after = (math.sqrt(math.fsum(v * v for v in one)) for one in (flat, cut))
    along = math.fsum(u * v for u, v in zip(flat, cut, strict=True)) / (before * after)
    count = sum(u != v for u, v in zip(flat, cut, strict=True))
    angle = math.degrees(math.acos(min(1.0, along)))
    return before, min(before, threshold), after, angle, count
