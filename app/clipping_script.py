"""The clipped gradient and both descents as a few lines of Python, below the run itself."""

from typing import Final

from app.clipped import UPDATES, Run, Witnessed
from app.sentences.numerals import number

_UNIT: Final = """
# One unit beside the cliff: two descents from one start.
def descend(threshold):
    w, b = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in START)
    for _ in range(UPDATES + 1):
        x = torch.tensor(0.5, dtype=torch.float64)
        for _ in range(STEPS):
            x = w * torch.sigmoid(x) + b
        error = (torch.sigmoid(x) - 0.7) ** 2
        g = torch.stack(torch.autograd.grad(error, (w, b)))
        if threshold is not None and MODE == "value":
            g = g.clamp(-threshold, threshold)
        elif threshold is not None and g.norm() >= threshold:
            g = g * (threshold / g.norm())
        last = error.item()
        with torch.no_grad():
            w -= RATE * g[0]
            b -= RATE * g[1]
    return last


"""


def _end(found: Witnessed) -> str:
    """Return a comment with what holds on every machine: not the digits of a path at the wall."""
    errors = {number(float(one.loss[-1])) for one in found.all}
    if found.fate == "undecided":
        return "# rounding decides"
    if found.fate in ("thrown", "stuck") and len(errors) == 1:
        return f"# {found.fate}, at error {errors.pop()}"
    return f"# {found.fate}"


def written(run: Run, language: str) -> str:
    """Return the lines for "rnn_core" or "pytorch".

    PyTorch's rounding is another, and the wall multiplies it: compare what becomes of a path, and
    not its last digits.
    """
    found = run.descents
    ends = [_end(path) for path in (found.of_unclipped, found.of_clipped)]
    if language == "pytorch":
        return (
            f"\nSTART, STEPS, RATE = {found.start!r}, {found.steps}, {found.learning_rate!r}\n"
            f"MODE, UPDATES = {found.mode!r}, {UPDATES}\n"
            f"# settings of the page: threshold={found.threshold}\n{_UNIT}"
            f"print(descend(None))  {ends[0]}\n"
            f"print(descend({found.threshold!r}))  {ends[1]}\n"
        )
    start = (
        f"start={found.start!r}, learning_rate={found.learning_rate!r}, steps={found.steps}, "
        f"updates={UPDATES}"
    )
    lines = [
        "",
        "# What clipping makes of this gradient.",
        "from rnn_core.analysis.clipping import clip_by_norm, clip_by_value, steps_after",
        "from rnn_core.theory.descent import descend",
        "",
        f"threshold = {found.threshold!r}  # settings of the page: threshold={found.threshold}",
        'by_norm = clip_by_norm(rec.weight_gradients, threshold, rule="pascanu")',
        "by_value = clip_by_value(rec.weight_gradients, threshold)",
        "print(by_norm.log10_norm_before, by_norm.log10_norm_after, by_value.angle)",
        "left = steps_after(rec, by_norm)",
        "if left is not None:",
        "    print(left.shares[-10:].sum())  # what the last 10 steps supply",
        "",
        "# One unit beside the cliff: two descents from one start.",
        f"unclipped = descend({start}, threshold=None)",
        f"clipped = descend({start}, threshold=threshold, mode={found.mode!r})",
        f"print(unclipped.fate, unclipped.loss[-1])  {ends[0]}",
        f"print(clipped.fate, clipped.loss[-1])  {ends[1]}",
    ]
    return "\n".join(lines) + "\n"
