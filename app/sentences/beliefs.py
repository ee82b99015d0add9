"""What is often read of gradients through time, and what this run shows of it."""

from app.sentences.belief import Belief
from app.sentences.claim import starts
from app.sentences.numerals import factor
from rnn_core import Recording
from rnn_core.analysis.reach import first_reached


def beliefs(rec: Recording) -> tuple[Belief, ...]:
    """Return the beliefs that this run can answer; none where no gradient goes back."""
    if not rec.layers or rec.overflow_left_nan or rec.last_loss_step == 0 or not starts(rec):
        return ()
    found = (_of_sum(rec), _of_cut(rec), _of_losses(rec))
    return tuple(one for one in found if one is not None)


def _of_sum(rec: Recording) -> Belief | None:
    whole, decades = rec.log10_gradient_norm.get("weight_hh_l0"), rec.verdict.decades
    is_plain = rec.loss_steps == 1 and rec.truncate is None and rec.verdict.regime == "vanishing"
    if rec.ledger is None or whole is None or not is_plain:
        return None
    at_first = "exactly 0" if decades == float("-inf") else factor(decades)
    return Belief(
        "“When the gradient vanishes, so does that of the shared W.”",
        f"∂L/∂h at step 1 is {at_first} of that at the loss, yet |∂L/∂W_hh| is {factor(whole)}: "
        "a sum over steps, in which the near ones are all there and the far ones are missing",
    )


def _of_cut(rec: Recording) -> Belief | None:
    border = first_reached(rec)
    if not border:
        return None
    return Belief(
        "“Truncated BPTT solves vanishing gradients.”",
        f"from step {border:,} back the gradient is exactly 0: those terms are gone, not saved",
    )


def _of_losses(rec: Recording) -> Belief | None:
    decades = rec.verdict.decades
    if rec.loss_steps == 1 or rec.verdict.regime != "vanishing" or decades == float("-inf"):
        return None
    return Belief(
        "“With a loss at every step nothing vanishes.”",
        f"the solid curve stays up, but what the last loss sends back is multiplied by "
        f"{factor(decades)} on its way to step 1",
    )
